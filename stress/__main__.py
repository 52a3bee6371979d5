"""``python -m stress``: the command line without an installed script."""

from stress.cli import main

if __name__ == "__main__":
    main()
