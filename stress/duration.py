"""A length of time on the command line."""

import re
from typing import Any, Final

import click


class Duration(click.ParamType[float]):
    """Seconds, as ``30``, ``90s``, ``1.5m``, ``8h`` or ``2d``."""

    name = "duration"
    _units: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds; a usage error for anything else, or for no time at all."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value))
        seconds = float(match[1]) * self._units[match[2]] if match else 0.0
        if seconds <= 0:
            self.fail(
                f"{value!r} is no time to run for: give a number above 0, in seconds or with a "
                f"unit, such as 30, 90s, 10m or 8h.",
                param,
                ctx,
            )
        return seconds
