"""What only wrong usage can raise, as an error of usage: status 2, and what to do instead."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from stress import registry
from stress.verdict import NoVerdictError


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn what only wrong usage, or a wrong model, can raise into a usage error."""
    try:
        yield
    except (registry.UnknownModelError, NoVerdictError, ValueError, OSError, TypeError) as error:
        raise click.UsageError(str(error)) from error
