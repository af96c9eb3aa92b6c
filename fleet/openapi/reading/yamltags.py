"""Tags of YAML: which ones unquoted scalars may mean, and which ones a document uses.

`YAML12Loader` is how documents are read by default; `YAMLCompatibilityLoader` leaves only the tags that
JSON has too. Either can be given to a loader as `yload=`, and so can `YAML12Loader.without("timestamp")`,
any callable of bytes and a URI, or a loader class of PyYAML.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, TypeAlias

import yaml
from yaml._yaml import CParser

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.guess import closest
from fleet.openapi.reading.halves import joined
from fleet.openapi.reading.load import parse
from fleet.openapi.reading.refs import Parse
from fleet.openapi.reading.yaml12 import CORE_TAGS, load_yaml, plain_value, tag_of

PREFIX = "tag:yaml.org,2002:"
SAFE_TAGS = frozenset({"null", "bool", "int", "float"})
_KNOWN = CORE_TAGS | {"timestamp", "value", "yaml", "binary", "omap", "pairs", "set", "str", "seq", "map"}

YamlLoading: TypeAlias = "YamlReader | Parse | type[Any]"


def tag_name(tag: str) -> str:
    """A tag without its prefix: `tag:yaml.org,2002:timestamp`, `,2002:timestamp`, `!!timestamp` and
    `timestamp` are one. Raises `SpecError` for what YAML has no tag for."""
    name = tag.rpartition(":")[2].removeprefix("!!")
    if name not in _KNOWN:
        near = closest(name, _KNOWN)
        hint = f"did you mean {near!r}?" if near else f"these may be disabled: {', '.join(sorted(_KNOWN))}"
        raise SpecError(f"YAML has no tag {tag!r}", hint=hint)
    return name


@frozen
class YamlReader:
    """Reads YAML (and JSON) with some implicit tags resolved; the scalars of all others stay text.

    Dates are text in any case: no JSON holds them.
    """

    tags: frozenset[str] = CORE_TAGS

    def __call__(self, data: bytes | str, source: str = "") -> Any:
        """The tree of a document. Raises `SpecError` with line and column."""
        return parse(data, source, tags=self.tags)

    def without(self, *tags: str) -> YamlReader:
        """The same, with these tags disabled. Raises `SpecError` for an unknown one."""
        return replace(self, tags=self.tags - {tag_name(tag) for tag in tags})


YAML12Loader: YamlReader = YamlReader()
YAMLCompatibilityLoader: YamlReader = YamlReader(SAFE_TAGS)


def reading_with(yload: YamlLoading) -> Parse:
    """What reads documents as `yload` says. A loader class of PyYAML reads only what is not JSON, keys
    become text and dates stand as ISO 8601."""
    if isinstance(yload, type):
        return _Foreign(yload)
    return yload


@frozen
class _Foreign:
    loader: type[Any]

    def __call__(self, data: bytes, source: str = "") -> Any:
        if data[:64].lstrip()[:1] in {b"{", b"["}:
            return parse(data, source)
        load_yaml(data, source=source)  # its limits and its errors: the classes of PyYAML have none
        try:
            return _plain(yaml.load(data, Loader=self.loader))  # noqa: S506  (the caller's own choice)
        except (yaml.YAMLError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise SpecError(f"not valid YAML for {self.loader.__name__}: {first}", file=source) from None


def _plain(value: Any) -> Any:  # recursion is bounded: the depth was checked
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _key(key: Any) -> str:
    if isinstance(key, bool) or key is None:
        return {True: "true", False: "false", None: "null"}[key]
    return key.isoformat() if isinstance(key, date | datetime) else str(key)


@frozen
class TagUse:
    """How often a document uses a tag: in values, and in keys (which are text here whatever they look like).

    `resolved` is false where the scalar stays text here, but a reader of YAML 1.1 would make something else
    of it. `line` and `column` (from 1) are those of the first use, `example` is its text.
    """

    tag: str
    resolved: bool
    values: int
    keys: int
    line: int
    column: int
    example: str


def tags_used(text: bytes | str, *, source: str = "", tags: frozenset[str] = CORE_TAGS) -> tuple[TagUse, ...]:
    """The tags of a document, explicit or implied, when it is read with `tags`; the most frequent first.
    Raises `SpecError` as `load_yaml` does."""
    load_yaml(text, source=source, tags=tags)
    counted: dict[tuple[str, bool], list[Any]] = {}
    stack: list[list[bool]] = []  # per open collection: is it a mapping, and is a key next
    parser = CParser(joined(text)[0])
    while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        key = False
        if stack and stack[-1][0]:
            key, stack[-1][1] = stack[-1][1], not stack[-1][1]
        if isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            stack.append([mapping, True])
            found, example = (event.tag or PREFIX + ("map" if mapping else "seq"), True), ""
        elif isinstance(event, yaml.ScalarEvent):
            found, example = _scalar(event, key=key, tags=tags), event.value
        else:
            continue
        mark: Any = event.start_mark
        use = counted.setdefault(found, [0, 0, mark.line + 1, mark.column + 1, example])
        use[key] += 1
    uses = [TagUse(*found, *counts) for found, counts in counted.items()]
    return tuple(sorted(uses, key=lambda use: (-use.values - use.keys, use.tag)))


def _scalar(event: Any, *, key: bool, tags: frozenset[str]) -> tuple[str, bool]:
    """The tag of a scalar, and whether it is read as that."""
    text = event.value
    if event.tag is not None:
        name = event.tag.removeprefix(PREFIX)
        return event.tag, not key and name in SAFE_TAGS | {"str"}
    if not event.implicit[0]:
        return PREFIX + "str", True
    if text == "<<" and key:
        return PREFIX + "merge", "merge" in tags
    name = tag_of(plain_value(text))
    if name != "str":
        return PREFIX + name, not key and name in tags
    older = _yaml11(text)
    return older, older == PREFIX + "str"


def _yaml11(text: str) -> str:
    """What YAML 1.1 makes of an unquoted scalar."""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in [*resolvers.get(text[:1], []), *resolvers.get(None, [])]:
        if pattern.match(text):
            return str(tag)
    return PREFIX + "str"
