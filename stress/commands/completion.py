"""`stress completion`, and what a shell is told may come next on a command line.

The functions here are click's ``shell_complete`` of arguments: they return names that begin as
what has been typed, and nothing where there is nothing to offer (a file's name is the shell's).
"""

from collections.abc import Iterable
from typing import Final

import click
from click.shell_completion import get_completion_class

from stress import registry
from stress.explore.target import scenarios_of
from stress.litmus import library

SHELLS: Final = ("bash", "zsh", "fish")
BASH: Final = """
# A colon is part of the name of a fault (registrar:no-recheck), not the end of a word.
COMP_WORDBREAKS=${COMP_WORDBREAKS//:/}
"""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> None:
    """Print what makes SHELL complete commands, options, models, faults and scenarios.

    \b
    bash   echo 'eval "$(stress completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(stress completion zsh)"' >> ~/.zshrc
    fish   stress completion fish > ~/.config/fish/completions/stress.fish
    """  # noqa: D301  (click reads the backslash)
    kind = get_completion_class(shell)
    assert kind is not None
    whole = kind(click.get_current_context().find_root().command, {}, "stress", "_STRESS_COMPLETE")
    click.echo(whole.source() + BASH * (shell == "bash"))


def _beginning(names: Iterable[str], typed: str) -> list[str]:
    return sorted(name for name in names if name.startswith(typed))


def models(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Return models; and faults, once the model and a colon are there."""
    model, colon, _fault = typed.partition(":")
    if not colon:
        return _beginning(registry.names(), typed)
    if model not in registry.names():
        return []
    return _beginning((f"{model}:{fault}" for fault in registry.offered(model).faults), typed)


def scenarios(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Return models, and scenarios once the model and a slash are there."""
    model, slash, _ = typed.partition("/")
    if not slash:
        return models(context, parameter, typed)
    if model.partition(":")[0] not in registry.names():
        return []
    return _beginning((f"{model}/{name}" for name in scenarios_of(model)), typed)


def litmus_tests(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Return the litmus tests of the library."""
    return _beginning(library.names(), typed)
