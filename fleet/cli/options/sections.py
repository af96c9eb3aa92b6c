"""Help that can be read: options in named sections, examples last."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any, Protocol, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Option = tuple[tuple[str, ...], dict[str, Any]]  # its names, and click's arguments
OTHER = "Other options"
_WHOLE = "\u2011"  # stands for the hyphen while lines are broken: an option in two parts cannot be copied
LEAST, MOST = 8, 28  # columns for the names of options
TEXT = 34  # columns for what they do


class Section(Protocol):
    """A decorator that declares the options of one section on a command."""

    def __call__(self, function: Decorated, /) -> Decorated: ...


class SectionOption(click.Option):
    """An option that knows its section of the help text."""

    def __init__(self, *args: Any, section: str = OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help groups options by section, in the order they were declared.

    `examples` are shown verbatim at the end.
    """

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def get_help(self, ctx: click.Context) -> str:
        return super().get_help(ctx).replace(_WHOLE, "-")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(cleandoc(self.help or "").replace("-", _WHOLE))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record is not None:
                name, text = record
                record = (name, text.replace("-", _WHOLE))
                sections.setdefault(getattr(param, "section", OTHER), []).append(record)
        if OTHER in sections:
            sections[OTHER] = sections.pop(OTHER)
        for title, records in sections.items():
            with formatter.section(title if len(sections) > 1 else "Options"):
                # On a narrow terminal a text below its option, rather than words that break beside it.
                formatter.write_dl(records, col_max=max(LEAST, min(MOST, formatter.width - TEXT)))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip("\n").splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n" if line else "\n")
        super().format_epilog(ctx, formatter)


class InOrder(click.Group):
    """Commands in the order in which they are used, not that of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def section(title: str, *options: Option) -> Section:
    """A decorator that declares `options` under `title`."""

    def declare(function: Decorated) -> Decorated:
        for names, arguments in reversed(options):
            function = click.option(*names, **{"cls": SectionOption, "section": title, **arguments})(function)
        return function

    return declare


def option(*names: str, **arguments: Any) -> Option:
    """One option of a `section`."""
    return names, arguments
