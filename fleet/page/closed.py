"""A page of one file: self-contained, and closed. Its policy allows its own style and its own script and
nothing else, so what a host says could neither run nor load anything even if it were markup."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.resources import files

from fleet.page.markup import Html, element

Section = tuple[str, str, Html]  # its anchor, its title, its content


def closed_page(
    title: str,
    header: Html,
    sections: Sequence[Section],
    *,
    source: str,
    data: Iterable[Sequence[str | int | float]] = (),
) -> Html:
    """The whole page: a header of the caller's, its sections, and where they come from.

    `data` are the rows of the list that the page's script fills (a table named `list`), none for a page
    without one; their texts have been made safe. Tables of class `sortable` sort by their heads.
    """
    style, script = _resource("page.css"), _resource("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Html(style)),
    )
    first = sections[0] if sections else None
    body = element(
        "body",
        element("a", f"Skip to {first[1][0].lower()}{first[1][1:]}", href=f"#{first[0]}", class_="skip")
        if first
        else None,
        header,
        element("main", *(content for _, _, content in sections)),
        element("footer", f"Made by fleet from {source}. Nothing in this page is loaded from elsewhere."),
        _data(data),
        element("script", Html(script)),
    )
    return Html(f"<!doctype html>\n{element('html', head, body, lang='en').text}\n")


def links(sections: Sequence[Section]) -> Html:
    """The way to each section."""
    ways = [element("a", title, href=f"#{anchor}") for anchor, title, _ in sections]
    return element("nav", *ways, aria_label="Sections")


def section(anchor: str, title: str, content: Html | None) -> Section | None:
    """One section; None where it has no content."""
    if content is None:
        return None
    heading = element("h2", title, id=f"{anchor}-title")
    return anchor, title, element("section", heading, content, id=anchor, aria_labelledby=f"{anchor}-title")


def _data(rows: Iterable[Sequence[str | int | float]]) -> Html | None:
    """Rows as JSON in which no `<` begins anything; the script writes each text as text."""
    held = list(rows)
    if not held:
        return None
    text = json.dumps(held, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return element("script", Html(text), type="application/json", id="data")


def _resource(name: str) -> str:
    return files("fleet.page").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")
