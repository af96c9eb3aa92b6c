"""The `login:` section made into the plan that a target's client follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleet.client import LoginPlan, Reply
from fleet.errors import SpecError
from fleet.pipeline.expression import Expression
from fleet.pipeline.places import Complaints, Path, guess
from fleet.pipeline.words import Words

if TYPE_CHECKING:
    from fleet.client import Credential
    from fleet.openapi import Document
    from fleet.pipeline.graph import Graph
    from fleet.pipeline.model import LoginSpec, PipelineSpec

Part = Callable[["Credential"], Any]


@dataclass(frozen=True, slots=True)
class ReplyScope:
    """What an expression on the login's answer sees by name."""

    status: int
    headers: tuple[tuple[str, str], ...]


def compile_login(
    spec: PipelineSpec, document: Document, words: Words, graph: Graph, complain: Complaints
) -> LoginPlan | None:
    """The login plan of a spec, if it has one. Raises SpecError for names that lead nowhere."""
    said = spec.login
    if said is None:
        return None
    try:
        operation = document.operation(said.operation)
    except SpecError as wrong:
        complain.fail(("login", "operation"), wrong.message, wrong.hint)
    for key, scheme in (("scheme", said.scheme), ("fallback", said.fallback)):
        if scheme is not None and scheme not in document.schemes:
            complain.fail(
                ("login", key),
                f"the description has no security scheme {scheme!r}",
                guess(scheme, document.schemes),
            )
    body = _part(("login", "body"), said.body, words)
    session = None if said.session is None else _reader(("login", "session"), said.session, words)
    source, link = _source(spec, said, document, words, graph, complain)
    return LoginPlan(
        operation=operation,
        body=body,
        token=_reader(("login", "token"), said.token, words),
        scheme=said.scheme,
        session=session,
        source=source,
        collection_from=link,
        alternatives=said.alternatives,
        logout=said.logout or "DELETE",
        unavailable=frozenset(said.unavailable),
        fallback=said.fallback,
    )


def _source(
    spec: PipelineSpec,
    said: LoginSpec,
    document: Document,
    words: Words,
    graph: Graph,
    complain: Complaints,
) -> tuple[str | None, Callable[[Any], object] | None]:
    """The operation whose answer names the session collection, and how it is read there."""
    if said.from_ is None and said.link is None:
        return None, None
    if said.from_ is None or said.link is None:
        complain.fail(("login",), "from and link belong together: the step, and the link in its resource")
    step = spec.steps[graph.known(("login", "from"), said.from_)]
    if step.operation is None or step.from_ is not None:
        complain.fail(("login", "from"), f"step {said.from_!r} is not a first step with an operation")
    link = words.expression(("login", "link"), said.link)
    url = words.expression(("dialect", "link"), spec.dialect.link)

    def read(resource: Any) -> object:
        found = link.value(resource)
        return url.value(found) if isinstance(found, dict) else found

    return document.operation(step.operation).name, read


def _reader(path: Path, text: str, words: Words) -> Callable[[Reply, Any], object]:
    expression = words.expression(path, text, response=True)

    def read(reply: Reply, data: Any) -> object:
        return expression.value(data, ReplyScope(reply.status, reply.headers))

    return read


def _part(path: Path, said: Any, words: Words) -> Part:
    """How one part of the login's body is made from a credential."""
    if isinstance(said, dict) and set(said) == {"expr"}:
        expression = words.expression((*path, "expr"), str(said["expr"]), credential=True)
        return _evaluated(expression)
    if isinstance(said, dict):
        members = {key: _part((*path, key), value, words) for key, value in said.items()}
        return lambda credential: _members(members, credential)
    if isinstance(said, list):
        elements = [_part((*path, at), value, words) for at, value in enumerate(said)]
        return lambda credential: [element(credential) for element in elements]
    return lambda _: said


def _evaluated(expression: Expression) -> Part:
    return lambda credential: expression.value({}, credential)


def _members(members: Mapping[str, Part], credential: Credential) -> dict[str, Any]:
    return {key: part(credential) for key, part in members.items()}
