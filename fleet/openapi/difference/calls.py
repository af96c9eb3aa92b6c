"""What changed in one operation: parameters, body, answers, security, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.difference.change import Change, Severity, at
from fleet.openapi.difference.schemas import Direction, Key, SchemaPairs
from fleet.openapi.document import Document
from fleet.openapi.lower.parts import mapping
from fleet.openapi.model import Answer, Body, Media, Parameter, SecurityScheme
from fleet.openapi.operation import Operation
from fleet.openapi.refs import Place

_VARIABLE = re.compile(r"\{([^{}/]*)\}")
_Alternative = frozenset[tuple[SecurityScheme, frozenset[str]]]


@dataclass(slots=True)
class Side:
    """An operation of one of the two descriptions, read once. What cannot be read is left out."""

    document: Document
    operation: Operation
    parameters: dict[tuple[str, str], Parameter] = field(default_factory=dict)
    body: Body | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = _VARIABLE.findall(self.operation.template)
        try:
            for parameter in self.operation.parameters:
                name = parameter.name.lower() if parameter.location == "header" else parameter.name
                if parameter.location == "path" and name in names:
                    name = f"{{{names.index(name)}}}"  # its place in the path is what it is known by
                self.parameters[parameter.location, name] = parameter
            self.body = self.operation.body
        except SpecError:
            pass
        self.answers = {answer.status: answer for answer in self.operation.answers}

    @property
    def node(self) -> dict[str, Any]:
        return dict(self.operation._site.node.value)

    def alternatives(self) -> list[_Alternative]:
        """What satisfies its security: sets of schemes, by definition and not by name, with their scopes."""
        own = self.node.get("security")
        if own is None:
            own = mapping(self.document._library.tree(self.document.source)).get("security", [])
        if self.operation.security is None and self.document._replaced is not None:
            own = [{name: [] for name in names} for names in self.document.security]
        return [
            frozenset(
                (self._scheme(name), frozenset(map(str, scopes if isinstance(scopes, list) else ())))
                for name, scopes in mapping(entry).items()
            )
            for entry in (own if isinstance(own, list) else [])
        ] or [frozenset()]

    def _scheme(self, name: str) -> SecurityScheme:
        known = self.document.schemes.get(name)
        if known is None:
            return SecurityScheme(name, "undefined")
        return SecurityScheme("", known.kind, known.location, known.parameter, ())


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
        yield from self._parameters()
        yield from self._body()
        yield from self._answers()
        yield from self._security()

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
        old, new = self.old.parameters, self.new.parameters
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
            if _written(parameter) != _written(after):
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
            self._schema(media.schema, after[kind].schema, direction, *steps, "content", kind, "schema")
            self._schema(
                media.item_schema, after[kind].item_schema, direction, *steps, "content", kind, "itemSchema"
            )
        for kind in after:
            if kind not in before:
                yield self._made(
                    "compatible", "media-added", f"{what} may be {kind} now", *steps, "content", kind
                )

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
            links = [{link.name for link in side.links} for side in (answer, after)]
            for name in sorted(links[0] - links[1]):
                yield self._made(
                    "breaking",
                    "link-removed",
                    f"the link {name!r} is gone",
                    "responses",
                    status,
                    "links",
                    name,
                )
            for name in sorted(links[1] - links[0]):
                yield self._made(
                    "compatible",
                    "link-added",
                    f"the link {name!r} is new",
                    "responses",
                    status,
                    "links",
                    name,
                )
        for status in new:
            if status not in old:
                yield self._made(
                    "compatible", "answer-added", f"the answer {status} is new", "responses", status
                )

    def _headers(self, status: str, old: Answer, new: Answer) -> Iterator[Change]:
        before, after = ({header.name.lower(): header for header in side.headers} for side in (old, new))
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
        old, new = self.old.alternatives(), self.new.alternatives()
        if any(not any(_within(needed, had) for needed in new) for had in old):
            yield self._made("breaking", "security", "credentials that were enough are no longer", "security")
        elif any(not any(_within(needed, had) for needed in old) for had in new):
            yield self._made(
                "compatible", "security", "other credentials, or fewer, are enough now", "security"
            )


def compare_calls(
    old: Side, new: Side, name: str, where: str, pairs: SchemaPairs, roots: list[Key], *, flipped: bool
) -> Iterator[Change]:
    """The changes of one operation outside its schemas; the pairs of schemas go to `roots`."""
    return _Calls(old, new, name, where, pairs, roots, flipped=flipped).run()


def _written(parameter: Parameter) -> tuple[Any, ...]:
    return parameter.style, parameter.explode, parameter.allow_reserved, parameter.media


def _within(needed: _Alternative, had: _Alternative) -> bool:
    """Whether who has what `had` says has what is needed."""
    return all(any(scheme == own and scopes <= given for own, given in had) for scheme, scopes in needed)
