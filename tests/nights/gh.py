"""A `gh` that keeps artifacts and issues in a folder: as much of it as the workflows use.

FAKE_GITHUB/
  runs            the scheduled runs that are over, the newest first
  artifacts/RUN/NAME/...
  issues/NUMBER   the title in the first line, and the body
"""

import os
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

import click

GITHUB = Path(os.environ.get("FAKE_GITHUB", "nowhere"))


@click.group()
def gh() -> None:
    """Stand in for the real one."""
    if not os.environ.get("GH_TOKEN"):
        sys.exit("gh: set GH_TOKEN")


@gh.group()
def run() -> None:
    """Look at runs."""


@run.command("list")
@click.option("--workflow", type=click.Choice(["nightly.yml"]), required=True)
@click.option("--event", type=click.Choice(["schedule"]), required=True)
@click.option("--status", type=click.Choice(["completed"]), required=True)
@click.option("--limit", type=int, required=True)
@click.option("--json", "fields", type=click.Choice(["databaseId"]), required=True)
@click.option("--jq", type=click.Choice([".[].databaseId"]), required=True)
def list_runs(limit: int, **_: str) -> None:
    """Print the numbers of runs."""
    runs = (GITHUB / "runs").read_text(encoding="utf-8").split()
    click.echo("\n".join(runs[:limit]))


@run.command()
@click.argument("number")
@click.option("--name")
@click.option("--pattern")
@click.option("--dir", "folder", type=click.Path(path_type=Path), required=True)
def download(number: str, name: str | None, pattern: str | None, folder: Path) -> None:
    """Copy one artifact, or each that fits into a folder of its own."""
    artifacts = GITHUB / "artifacts" / number
    found = sorted(artifacts.iterdir()) if artifacts.exists() else []
    fitting = [each for each in found if each.name == name or fnmatch(each.name, pattern or "")]
    if not fitting:
        sys.exit("gh: no artifact matches any of the names or patterns provided")
    for each in fitting:
        shutil.copytree(each, folder if name else folder / each.name, dirs_exist_ok=True)


@gh.group()
def issue() -> None:
    """Look at issues, and open them."""


def issues() -> dict[int, str]:
    """Return the issues by their numbers."""
    paths = (GITHUB / "issues").iterdir()
    return {int(path.name): path.read_text(encoding="utf-8") for path in paths}


@issue.command("list")
@click.option("--state", type=click.Choice(["all"]), required=True)
@click.option("--search", required=True)
@click.option("--json", "fields", type=click.Choice(["number"]), required=True)
@click.option("--jq", type=click.Choice([".[].number"]), required=True)
def list_issues(search: str, **_: str) -> None:
    """Print the numbers of issues with a word in their titles."""
    word = search.removesuffix(" in:title")
    for number, text in issues().items():
        if word in text.partition("\n")[0]:
            click.echo(number)


@issue.command()
@click.option("--title", required=True)
@click.option("--body-file", type=click.Path(path_type=Path), required=True)
def create(title: str, body_file: Path) -> None:
    """Open an issue."""
    body = body_file.read_text(encoding="utf-8")
    number = max(issues(), default=0) + 1
    (GITHUB / "issues" / str(number)).write_text(f"{title}\n{body}", encoding="utf-8")
    click.echo(f"issue {number}")


if __name__ == "__main__":
    gh()
