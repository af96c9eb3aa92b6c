"""HTML and SVG made of values: every text is escaped, and only what this module made is markup.

One page does not need a template language. Here nothing has to be remembered, neither a filter nor a setting:
a `str` is text wherever it stands, and the type checker sees which is which.
"""

from __future__ import annotations

from html import escape

from fleet.frozen import frozen
from fleet.observe import safe

MAX_TEXT = 600  # characters of one remote text in a page
_VOID = frozenset({"meta", "input", "br", "rect", "line"})


@frozen
class Html:
    """Markup."""

    text: str


Child = Html | str | int | None


def element(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """One element. Attributes that are None or False are left out, `_` in their names is `-`, and a trailing
    `_` is dropped (`class_`). Names are ours; values and children are made inert and escaped."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>" if name not in ("rect", "line") else f"<{name}{written}/>")
    return Html(f"<{name}{written}>{join(*children).text}</{name}>")


def join(*children: Child) -> Html:
    """Several pieces in a row."""
    return Html(
        "".join(
            child.text if isinstance(child, Html) else _escaped(child)
            for child in children
            if child is not None
        )
    )


def _escaped(value: object) -> str:
    """Text that is neither markup nor moves what stands around it: bidirectional marks and control
    characters are written as their escapes."""
    return escape(safe(value, MAX_TEXT), quote=True)
