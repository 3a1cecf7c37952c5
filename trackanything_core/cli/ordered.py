"""Commands for which the order between different options matters.

typer hands each repeatable option over as a list of its own, and so forgets what stood before
what. The parser underneath knows; this command asks it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import typer
from typer.core import TyperCommand

_ORDER = "trackanything option order"


class OrderedCommand(TyperCommand):
    """Remembers which option came when; give it to typer as `cls`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as usual, and keep the order of the options."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def ordered_values(ctx: typer.Context, options: Collection[str]) -> list[tuple[str, str]]:
    """The values of repeatable options as (option, value), in the order of the command line.

    Args:
        ctx: of a command made with `OrderedCommand`.
        options: names of the function's parameters; other options are left out.
    """
    values = {option: iter(ctx.params[option] or ()) for option in options}
    return [(name, next(values[name])) for name in ctx.meta[_ORDER] if name in values]
