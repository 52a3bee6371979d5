"""``python -m benchmarks.peers [PYTHON ...]``: measure the peers alone, and print rows as JSON."""

import json
import sys

from benchmarks.peers.driver import measure

if __name__ == "__main__":
    print(json.dumps(measure(pythons=sys.argv[1:]), indent=1))
