"""Texts that hosts, inventories and descriptions may say, each of which does harm somewhere if it is let."""

from __future__ import annotations

import re

CANARY = "canary-fired"  # what a page's title becomes where a script of others runs
ESCAPES = "\x1b]52;c;eA==\x07\x1b[31mred"
TEXTS = (
    f"<script>document.title='{CANARY}'</script>",
    f"<img src=x onerror=\"document.title='{CANARY}'\">",
    f"</script><script>document.title='{CANARY}'</script>",
    f"'\" autofocus onfocus=document.title='{CANARY}' x='",
    "</title></style><!-- ]]> &amp; &#0; ]]",
    f"{ESCAPES}\x00\x08\ufffe\uffff",
    "\u202egnp.exe\u2066\u200b\u2028\x85\rback",
    '=HYPERLINK("http://evil","x")',
    "+1+cmd|' /C calc'!A0",
    "[link](javascript:alert(1)) @everyone `code` | cell",
    "[link=http://evil]x[/link] [bold]",
    "${env:HOME} {{7*7}} {0.__class__}",
    "   ",
    "A" * 1_000_000,
)
_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def brief(text: str) -> str:
    """A text as most fields have it that hold one: a megabyte in every field shows no more than in some."""
    return text[:20_000]


def acting(text: str) -> list[str]:
    """The characters of an output that act on who reads it: that move, ring, colour, turn or hide. Lines may
    end in CR LF, as those of CSV and of a terminal do."""
    return sorted(set(_ACTING.findall(text.replace("\r\n", "\n"))))


def formulas(cells: list[str]) -> list[str]:
    """The beginnings of those cells that a spreadsheet would work out."""
    return [cell[:20] for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))]


def markup(markdown: str) -> list[str]:
    """What is markup of others in Markdown of ours: elements, links, mentions, outside of code."""
    text = re.sub(r"`[^`\n]*`", "", markdown)
    return re.findall(r"<|(?<!\\)\]\(|@everyone", text)
