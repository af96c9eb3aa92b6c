"""What changed in one operation: parameters, body, answers, security, words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.openapi.difference.change import Change, Severity, at
from fleet.openapi.difference.pairs import Key, SchemaPairs
from fleet.openapi.difference.schemas import Direction
from fleet.openapi.difference.side import Side, satisfies
from fleet.openapi.model import Answer, Encoding, Media, Parameter
from fleet.openapi.reading.refs import Place

_DELIMITED = frozenset({"spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"})


class _Calls:
    def __init__(
        self,
        old: Side,
        new: Side,
        name: str,
        where: str,
        pairs: SchemaPairs,
        roots: list[Key],
        *,
        flipped: bool,
    ) -> None:
        self.old, self.new, self.name, self.where = old, new, name, where
        self.pairs, self.roots = pairs, roots
        self.asked: Direction = "given" if flipped else "asked"
        self.given: Direction = "asked" if flipped else "given"

    def run(self) -> Iterator[Change]:
        yield from self._words()
        for part, compared in (
            ("parameters", self._parameters),
            ("requestBody", self._body),
            ("security", self._security),
        ):
            if part in self.old.unreadable or part in self.new.unreadable:
                yield from self._unread(part)
            else:
                yield from compared()
        yield from self._answers()
        if "callbacks" in self.old.unreadable or "callbacks" in self.new.unreadable:
            yield from self._unread("callbacks")

    def _unread(self, part: str) -> Iterator[Change]:
        """A part that is not compared, as one of the descriptions is wrong there; or both."""
        before, after = self.old.unreadable.get(part), self.new.unreadable.get(part)
        if before != after or self.old.node.get(part) != self.new.node.get(part):
            severity: Severity = "compatible" if after is None else "breaking"
            which, why = ("old", before) if after is None else ("new", after)
            if before is not None and after is not None:
                severity, which = "documentation", "old and the new"
            words = f"{part} of the {which} description cannot be read, and is not compared: {why}"
            yield self._made(severity, "unreadable", words, part)

    def _made(self, severity: Severity, rule: str, message: str, *steps: str | int) -> Change:
        return Change(severity, rule, self.name, at(self.where, *steps), message)

    def _schema(self, old: Place | None, new: Place | None, direction: Direction, *steps: str | int) -> None:
        if old is None and new is None:
            return
        before = old or Place(self.old.document.source, True)
        after = new or Place(self.new.document.source, True)
        self.roots.append(self.pairs.compare(before, after, direction, at(self.where, *steps)))

    def _words(self) -> Iterator[Change]:
        old, new = self.old.node, self.new.node
        before, after = old.get("operationId"), new.get("operationId")
        if before != after:
            severity: Severity = "compatible" if before is None else "breaking"
            yield self._made(
                severity, "operation-id", f"the operationId {before!r} became {after!r}", "operationId"
            )
        if self.old.operation.deprecated != self.new.operation.deprecated:
            words = "deprecated" if self.new.operation.deprecated else "no longer deprecated"
            yield self._made("compatible", "deprecated", f"it is {words}", "deprecated")
        for key in ("summary", "description", "tags", "externalDocs"):
            if old.get(key) != new.get(key):
                yield self._made("documentation", key, f"{key} changed", key)

    def _parameters(self) -> Iterator[Change]:
        old, new = self.old.beside(self.new), self.new.beside(self.old)
        for key, parameter in old.items():
            shown, steps = (
                f"the {parameter.location} parameter {parameter.name!r}",
                ("parameters", parameter.name),
            )
            if key not in new:
                yield self._made("breaking", "parameter-removed", f"{shown} is gone", *steps)
                continue
            after = new[key]
            if parameter.required != after.required:
                severity: Severity = "breaking" if after.required else "compatible"
                words = "is required now" if after.required else "is no longer required"
                yield self._made(severity, "parameter-required", f"{shown} {words}", *steps)
            types = self.pairs.in_common(parameter.schema, after.schema)
            if self._written(parameter, types) != self._written(after, types):
                yield self._made("breaking", "parameter-style", f"{shown} is written in another way", *steps)
            if parameter.default != after.default:
                yield self._made("compatible", "default", f"the default of {shown[4:]} changed", *steps)
            if parameter.deprecated != after.deprecated:
                yield self._made(
                    "compatible",
                    "deprecated",
                    f"{shown} is {'' if after.deprecated else 'no longer '}deprecated",
                    *steps,
                )
            if parameter.description != after.description:
                yield self._made(
                    "documentation", "description", f"the description of {shown[4:]} changed", *steps
                )
            self._schema(parameter.schema, after.schema, self.asked, *steps, "schema")
        for key, parameter in new.items():
            if key not in old:
                severity = "breaking" if parameter.required else "compatible"
                words = "is new and required" if parameter.required else "is new"
                shown = f"the {parameter.location} parameter {parameter.name!r}"
                yield self._made(
                    severity, "parameter-added", f"{shown} {words}", "parameters", parameter.name
                )

    def _written(self, parameter: Parameter, types: frozenset[str]) -> tuple[Any, ...]:
        """How values of these types are written: styles differ in lists and objects, explode says nothing
        of a list where lists are simple."""
        style, explode = parameter.style, parameter.explode
        if not types & {"array", "object"}:
            explode = False
            if style in _DELIMITED:
                style = "simple" if parameter.location in {"path", "header"} else "form"
        elif style == "simple" and "object" not in types:
            explode = False
        return style, explode, parameter.allow_reserved, parameter.media

    def _body(self) -> Iterator[Change]:
        old, new = self.old.body, self.new.body
        if old is None and new is None:
            return
        if old is None or new is None:
            if old is None and new is not None:
                severity: Severity = "breaking" if new.required else "compatible"
                yield self._made(
                    severity,
                    "body-added",
                    f"a body is {'required' if new.required else 'taken'} now",
                    "requestBody",
                )
            else:
                yield self._made("breaking", "body-removed", "no body is taken any more", "requestBody")
            return
        if old.required != new.required:
            severity = "breaking" if new.required else "compatible"
            words = "required now" if new.required else "no longer required"
            yield self._made(severity, "body-required", f"the body is {words}", "requestBody", "required")
        if old.description != new.description:
            yield self._made(
                "documentation", "description", "the description of the body changed", "requestBody"
            )
        yield from self._media(old.media, new.media, self.asked, "the body", "requestBody")

    def _media(
        self, old: tuple[Media, ...], new: tuple[Media, ...], direction: Direction, what: str, *steps: str
    ) -> Iterator[Change]:
        before, after = ({media.type: media for media in side} for side in (old, new))
        for kind, media in before.items():
            if kind not in after:
                yield self._made(
                    "breaking", "media-removed", f"{what} is no longer {kind}", *steps, "content", kind
                )
                continue
            schemas = self.pairs.without_bytes(media.schema, after[kind].schema)
            self._schema(*schemas, direction, *steps, "content", kind, "schema")
            self._schema(
                media.item_schema, after[kind].item_schema, direction, *steps, "content", kind, "itemSchema"
            )
            yield from self._encoding(media, after[kind], *steps, "content", kind, "encoding")
        for kind in after:
            if kind not in before:
                yield self._made(
                    "compatible", "media-added", f"{what} may be {kind} now", *steps, "content", kind
                )

    def _encoding(self, old: Media, new: Media, *steps: str) -> Iterator[Change]:
        """How the properties of a form are written."""
        for name in sorted(old.encoding.keys() | new.encoding.keys()):
            types = self.pairs.in_common_below(name, old.schema, new.schema)
            before, after = (_encoded(side.encoding.get(name, Encoding()), types) for side in (old, new))
            if before != after:
                words = f"the property {name!r} of the form is written in another way"
                yield self._made("breaking", "encoding", words, *steps, name)

    def _answers(self) -> Iterator[Change]:
        old, new = self.old.answers, self.new.answers
        for status, answer in old.items():
            if status not in new:
                yield self._made(
                    "breaking", "answer-removed", f"the answer {status} is gone", "responses", status
                )
                continue
            after = new[status]
            if answer.description != after.description:
                yield self._made(
                    "documentation",
                    "description",
                    f"the description of the answer {status} changed",
                    "responses",
                    status,
                )
            yield from self._media(
                answer.media, after.media, self.given, f"the answer {status}", "responses", status
            )
            yield from self._headers(status, answer, after)
            yield from self._links(status, answer, after)
        for status in new:
            if status not in old:
                yield self._made(
                    "compatible", "answer-added", f"the answer {status} is new", "responses", status
                )

    def _links(self, status: str, old: Answer, new: Answer) -> Iterator[Change]:
        before, after = ({link.name for link in answer.links} for answer in (old, new))
        for name in sorted(before - after):
            words = f"the link {name!r} is gone"
            yield self._made("breaking", "link-removed", words, "responses", status, "links", name)
        for name in sorted(after - before):
            words = f"the link {name!r} is new"
            yield self._made("compatible", "link-added", words, "responses", status, "links", name)

    def _headers(self, status: str, old: Answer, new: Answer) -> Iterator[Change]:
        before, after = ({header.name.lower(): header for header in side.headers} for side in (old, new))
        if self.old.old != self.new.old:  # from 3.0 on the media types say it
            before.pop("content-type", None)
            after.pop("content-type", None)
        for name, header in before.items():
            steps = ("responses", status, "headers", header.name)
            if name not in after:
                yield self._made("breaking", "header-removed", f"the header {header.name!r} is gone", *steps)
                continue
            if header.required != after[name].required:
                severity: Severity = "compatible" if after[name].required else "breaking"
                words = "always there now" if after[name].required else "no longer always there"
                yield self._made(
                    severity, "header-required", f"the header {header.name!r} is {words}", *steps
                )
            self._schema(header.schema, after[name].schema, self.given, *steps, "schema")
        for name, header in after.items():
            if name not in before:
                steps = ("responses", status, "headers", header.name)
                yield self._made("compatible", "header-added", f"the header {header.name!r} is new", *steps)

    def _security(self) -> Iterator[Change]:
        old, new = self.old.alternatives, self.new.alternatives
        if any(not any(satisfies(needed, had) for needed in new) for had in old):
            yield self._made("breaking", "security", "credentials that were enough are no longer", "security")
        elif any(not any(satisfies(needed, had) for needed in old) for had in new):
            yield self._made(
                "compatible", "security", "other credentials, or fewer, are enough now", "security"
            )


def compare_calls(
    old: Side, new: Side, name: str, where: str, pairs: SchemaPairs, roots: list[Key], *, flipped: bool
) -> Iterator[Change]:
    """The changes of one operation outside its schemas; the pairs of schemas go to `roots`."""
    return _Calls(old, new, name, where, pairs, roots, flipped=flipped).run()


def _encoded(encoding: Encoding, types: frozenset[str]) -> tuple[Any, ...]:
    """How a property of a form whose values are of these types is written: styles differ in lists and
    objects, and whether there is one at all in objects."""
    many = bool(types & {"array", "object"})
    return (
        encoding.content_type,
        (encoding.style, encoding.explode) if many else (),
        encoding.allow_reserved,
        encoding.styled if "object" in types else True,
    )
