"""Which operations are meant: by operationId, by `METHOD /path`, by a glob or an expression on either."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.guess import guess

Choice: TypeAlias = str | tuple[str, str] | re.Pattern[str]
"""`getUser`, `GET /users/{id}`, `/users/{id}` (every method), with `*` for anything but a slash and `**` for
anything; (path, method); `re:` and a regular expression, or a compiled one, searched in the operationId and
in `METHOD /path`."""

_GLOB = re.compile(r"\*\*|\*|\?")
_GLOBBED = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


@frozen
class Named:
    """An operation by the names that it can be chosen by."""

    method: str  # upper case
    path: str
    operation_id: str = ""


def choose(
    choices: Sequence[Choice], operations: Iterable[Named], *, source: str | None = None
) -> set[Named]:
    """The operations that any of the choices means. Raises `SpecError` for a choice that means none."""
    known = list(operations)
    kept: set[Named] = set()
    for choice in choices:
        test = _test(choice, source)
        found = {named for named in known if test(named)}
        if not found:
            shown = choice if isinstance(choice, str) else getattr(choice, "pattern", None) or repr(choice)
            names = [named.operation_id for named in known if named.operation_id]
            names += [f"{named.method} {named.path}" for named in known]
            hint = guess(shown, names) if len(names) < 20_000 else None
            raise SpecError(f"no operation is meant by {shown!r}", file=source, hint=hint)
        kept |= found
    return kept


def _test(choice: Choice, source: str | None) -> Callable[[Named], bool]:
    """One choice, compiled: whether an operation is meant."""
    if isinstance(choice, str) and choice.startswith("re:"):
        text = choice.removeprefix("re:")
        try:
            choice = re.compile(text)
        except re.error as error:
            raise SpecError(f"not a regular expression: {text!r}: {error}", file=source) from None
    if isinstance(choice, re.Pattern):
        found = choice.search
        return lambda named: bool(found(named.operation_id) or found(f"{named.method} {named.path}"))
    if isinstance(choice, tuple):
        path, method = choice
        return lambda named: (named.path, named.method) == (path, method.upper())
    word, blank, rest = choice.strip().partition(" ")
    if blank or word.startswith("/") or word == "**":
        method, at = (word.upper(), rest.strip()) if blank else ("*", word)
        whole = _glob(at).fullmatch
        return lambda named: method in {"*", named.method} and bool(whole(named.path))
    matched = _glob(word).fullmatch
    return lambda named: bool(named.operation_id and matched(named.operation_id))


def _glob(text: str) -> re.Pattern[str]:
    """A glob as a regular expression: `{id}` and brackets stand for themselves."""
    made, at = [], 0
    for found in _GLOB.finditer(text):
        made += [re.escape(text[at : found.start()]), _GLOBBED[found[0]]]
        at = found.end()
    return re.compile("".join([*made, re.escape(text[at:])]), re.DOTALL)
