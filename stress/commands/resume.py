"""`stress resume`: an exploration, or a campaign, that was interrupted or killed goes on."""

from collections.abc import Callable
from pathlib import Path

import click
from click.core import ParameterSource

from stress.commands import campaigns
from stress.duration import Duration
from stress.explore import command as explorations


@click.command()
@click.argument("path", metavar="DIR|FILE", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--for", "seconds", type=Duration(), help="Go on for so long: 30, 90s, 10m, 8h.")
@campaigns.jobs_option
@campaigns.scheduler_option
@click.option("--case", metavar="ID", help="Run this case of a campaign alone, and nothing else.")
@explorations.out_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def resume(  # noqa: PLR0913  (one parameter an option)
    *,
    path: Path,
    models: tuple[str, ...],
    seconds: float | None,
    jobs: int | None,
    scheduler: str | None,
    case: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Go on with what was interrupted or killed, where it stopped.

    DIR is the folder of a campaign (`stress run --out DIR`).  All cases that were committed count,
    and those that were under way are run again.  A MODEL in a file has to be named, as the folder
    may come from anywhere.

    FILE is an exploration that `stress explore` left unfinished.  It goes on to the end, unless
    --for says otherwise; what is left then is saved again.

    \b
    stress resume night             until the time is up that the campaign was given
    stress resume night --for 1h    for an hour more
    """  # noqa: D301  (click knows \b, and not its spelling)
    given = click.get_current_context().get_parameter_source
    if not path.is_dir():
        _check_unset(given, ("scheduler", "case"), f"{path} is no folder of a campaign")
        if models:
            raise click.UsageError(f"{path} is one exploration.\n  Leave out {' '.join(models)}.")
        explorations.go_on(path, seconds, jobs or 1, out, as_json=as_json)
        return
    _check_unset(given, ("out",), f"{path} holds all of its campaign")
    if case is not None:
        campaigns.one_case(path, models, case)
    campaigns.resume(path, models, seconds=seconds, jobs=jobs, scheduler=scheduler, as_json=as_json)


def _check_unset(
    given: Callable[[str], ParameterSource | None], names: tuple[str, ...], why: str
) -> None:
    for name in names:
        if given(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{why}, so --{name} has no meaning here.\n  Leave it out.")
