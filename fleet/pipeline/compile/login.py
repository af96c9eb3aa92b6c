"""The `login:` section made into the plan that a target's client follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fleet.client import LoginPlan, Reply
from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.guess import guess
from fleet.pipeline.compile.binder import Binder
from fleet.pipeline.language.places import Complaints, Path

if TYPE_CHECKING:
    from fleet.client import Credential
    from fleet.openapi import Document
    from fleet.pipeline.compile.graph import Graph
    from fleet.pipeline.language.access import LoginSpec
    from fleet.pipeline.language.model import PipelineSpec

Part = Callable[["Credential"], Any]


@frozen
class ReplyScope:
    """What an expression on the login's answer sees by name."""

    status: int
    headers: tuple[tuple[str, str], ...]


class LoginCompiler:
    """Compiles the login of one spec."""

    def __init__(
        self, spec: PipelineSpec, document: Document, graph: Graph, binder: Binder, complain: Complaints
    ) -> None:
        self._spec = spec
        self._document = document
        self._graph = graph
        self._binder = binder
        self._complain = complain

    def login(self) -> LoginPlan | None:
        """The login plan of the spec, if it has one. Raises SpecError for names that lead nowhere."""
        said = self._spec.login
        if said is None:
            return None
        try:
            operation = self._document.operation(said.operation)
        except SpecError as wrong:
            self._complain.fail(("login", "operation"), wrong.message, wrong.hint)
        for key, scheme in (("scheme", said.scheme), ("fallback", said.fallback)):
            if scheme is not None and scheme not in self._document.schemes:
                self._complain.fail(
                    ("login", key),
                    f"the description has no security scheme {scheme!r}",
                    guess(scheme, self._document.schemes),
                )
        body = self._part(("login", "body"), said.body)
        session = None if said.session is None else self._reader(("login", "session"), said.session)
        source, link = self._source(said)
        return LoginPlan(
            operation=operation,
            body=body,
            token=self._reader(("login", "token"), said.token),
            scheme=said.scheme,
            session=session,
            source=source,
            collection_from=link,
            alternatives=said.alternatives,
            logout=said.logout or "DELETE",
            unavailable=frozenset(said.unavailable),
            fallback=said.fallback,
        )

    def _source(self, said: LoginSpec) -> tuple[str | None, Callable[[Any], object] | None]:
        """The operation whose answer names the session collection, and how it is read there."""
        if said.from_ is None and said.link is None:
            return None, None
        if said.from_ is None or said.link is None:
            message = "from and link belong together: the step, and the link in its resource"
            self._complain.fail(("login",), message)
        step = self._spec.steps[self._graph.known(("login", "from"), said.from_)]
        if step.operation is None or step.from_ is not None:
            message = f"step {said.from_!r} is not a first step with an operation"
            self._complain.fail(("login", "from"), message)
        link = self._binder.expression(("login", "link"), said.link)
        url = self._binder.expression(("dialect", "link"), self._spec.dialect.link)

        def read(resource: Any) -> object:
            found = link.value(resource)
            return url.value(found) if isinstance(found, dict) else found

        return self._document.operation(step.operation).name, read

    def _reader(self, path: Path, text: str) -> Callable[[Reply, Any], object]:
        expression = self._binder.expression(path, text, response=True)

        def read(reply: Reply, data: Any) -> object:
            return expression.value(data, ReplyScope(reply.status, reply.headers))

        return read

    def _part(self, path: Path, said: Any) -> Part:
        """How one part of the login's body is made from a credential."""
        if isinstance(said, dict) and set(said) == {"expr"}:
            expression = self._binder.expression((*path, "expr"), str(said["expr"]), credential=True)
            return lambda credential: expression.value({}, credential)
        if isinstance(said, dict):
            members = {key: self._part((*path, key), value) for key, value in said.items()}
            return lambda credential: {key: part(credential) for key, part in members.items()}
        if isinstance(said, list):
            elements = [self._part((*path, at), value) for at, value in enumerate(said)]
            return lambda credential: [element(credential) for element in elements]
        return lambda _: said
