"""What every command that shows a run asks: which run, and in what form the answer is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.sections import Decorated, Option, SectionOption, option

TEXT = "text"  # the form for people
SHORT = ("json", "md")  # the forms that have a flag of their own name too

if TYPE_CHECKING:
    TextChoice = click.Choice[str]
else:
    TextChoice = click.Choice  # in older versions of click it takes no type parameter


class Form(TextChoice):
    """One of some forms, in letters of any case; `table` is another word for `text`. Where there is only
    `jsonl`, `json` says so: a program that reads the one cannot read the other."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        form = value.lower() if isinstance(value, str) else value
        if form == "json" and "json" not in self.choices and "jsonl" in self.choices:
            self.fail(
                "'json' is not a form of this: did you mean 'jsonl', a JSON object per line?", param, ctx
            )
        return super().convert(TEXT if form == "table" else form, param, ctx)


class FormatOption(SectionOption):
    """`--format`, which `--json` and `--md` stand for where there are such forms."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        known = getattr(self.type, "choices", ())
        for form in (form for form in SHORT if form in known):
            parser.add_option(self, [f"--{form}"], dest=self.name, action="store_const", const=form)


def format_option(*forms: str, help: str, also: tuple[str, ...] = ()) -> Option:
    """`--format`, `text` if not told otherwise, of that and `forms`. A command gets it as `form`; `also` are
    further names."""
    short = ", ".join(f"--{form}" for form in SHORT if form in forms)
    return option(
        *also,
        "--format",
        "form",
        cls=FormatOption,
        type=Form([TEXT, *forms]),
        default=TEXT,
        show_default=True,
        help=f"{help} Or {short}." if short else help,
    )


page_option: Option = option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the page to FILE, whole or not at all.",
)


def run_argument(function: Decorated) -> Decorated:
    """RUN, the latest if not told otherwise."""
    return click.argument("run", default="latest", shell_complete=completing.runs)(function)
