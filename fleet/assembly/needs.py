"""Whether the credentials that targets get can satisfy what a scan asks: known before a socket opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fleet.assembly.bindings import Bindings
from fleet.errors import ConfigError, PlacedError
from fleet.frozen import frozen
from fleet.guess import guess
from fleet.inventory import COMMAND_LINE
from fleet.openapi import alternatives, locate

if TYPE_CHECKING:
    from fleet.client import Credential
    from fleet.openapi import Document, Operation
    from fleet.pipeline import Plan

MAX_NAMED = 12  # alternatives and credentials spelled out in one message


@frozen
class Needs:
    """The alternatives that the requests of a scan take, each once; `open` says that there may be more:
    links are followed, and only the hosts know which operations they lead to."""

    document: Document
    alternatives: tuple[tuple[str, ...], ...]
    open: bool = False

    @classmethod
    def of_plan(cls, plan: Plan) -> Needs:
        """What the steps of a plan take. A followed link has the security of the operation that it leads to,
        and the document's where that says nothing."""
        ways = [way for step in plan.steps.values() for way in step.ways]
        asked = [way.operation for way in ways if way.operation is not None and not way.anonymous]
        follows = any(way.follow is not None or way.collection for way in ways)
        return cls._of(plan.document, asked, follows)

    @classmethod
    def of_operation(cls, document: Document, operation: Operation) -> Needs:
        """What one call takes."""
        return cls._of(document, [operation], follows=False)

    @classmethod
    def _of(cls, document: Document, asked: Iterable[Operation], follows: bool) -> Needs:
        required = [operation.requirements for operation in asked]
        # A host that protects what the description calls public is offered what the document asks for.
        if follows or not all(required):
            required.append(document.security)
        listed = dict.fromkeys(names for needed in required for names in needed if names)
        return cls(document, tuple(listed), open=follows and not document.security)

    def met_by(self, credential: Credential) -> bool:
        """Whether the credential satisfies one of them."""
        offered = credential.values(self.document)
        return any(all(name in offered for name in names) for names in self.alternatives) or (
            self.open and bool(offered)
        )


def check_usable(plan: Plan, needs: Needs, bindings: Bindings, names: Iterable[str]) -> list[str]:
    """Refuse credentials that no request of the scan could use; gives what to say where none takes any.

    `names` are the credentials that targets get. Raises ConfigError at the place of the first one, with all
    others named.
    """
    held = {name: bindings.named(name) for name in names if not bindings.credentials.own(name)}
    if plan.login is not None:  # whoever has a user and a password logs in
        held = {name: credential for name, credential in held.items() if credential.pair is None}
    if not needs.alternatives and not needs.open:
        unused = ", ".join(sorted(held)[:MAX_NAMED])
        return [f"no operation of this plan takes a credential: {unused} will not be used"] if held else []
    useless = [credential for credential in held.values() if not needs.met_by(credential)]
    if useless:
        raise _refusal(useless, needs, bindings, login=plan.login is not None)
    return []


def _refusal(useless: list[Credential], needs: Needs, bindings: Bindings, *, login: bool) -> ConfigError:
    found = [_complaint(credential, needs, bindings, login=login) for credential in useless[:MAX_NAMED]]
    first, *others = found
    more = [
        str(PlacedError(other.message, file=other.file, line=other.line, column=other.column))
        for other in others
    ]
    if len(useless) > len(found):
        more.append(f"and {len(useless) - len(found)} more credentials")
    first.hint = "\n  ".join([first.hint or "", *more])
    return first


def _complaint(credential: Credential, needs: Needs, bindings: Bindings, *, login: bool) -> ConfigError:
    name = credential.name
    listed = needs.alternatives or tuple((name,) for name in needs.document.schemes)
    taken = alternatives(listed[:MAX_NAMED], needs.document.schemes) or "no credential that a spec can give"
    if login:
        taken = f"a user and password to log in with, or {taken}"
    message = f"{_held(credential)} satisfies no operation of this plan: they take {taken}"
    hint = "; ".join(_advice(credential, listed, needs.document, login=login))
    path = bindings.origins.get(name)
    if name == COMMAND_LINE or path is None:
        return ConfigError(f"--user {credential.username}: {message}", hint=hint)
    line, column = locate(path.read_bytes(), ("auths", name))
    return ConfigError(f"auths.{name}: {message}", file=str(path), line=line, column=column, hint=hint)


def _held(credential: Credential) -> str:
    """What a credential consists of, in words; never a value."""
    parts = [
        *(["a user and password"] if credential.pair is not None else []),
        *(["a token"] if credential.token is not None else []),
        *(f"a value for {scheme!r}" for scheme in sorted(credential.schemes)),
    ]
    return " with ".join([parts[0], " and ".join(parts[1:])]) if parts[1:] else parts[0]


def _advice(
    credential: Credential, listed: Iterable[tuple[str, ...]], document: Document, *, login: bool
) -> Iterator[str]:
    for scheme in sorted(credential.schemes.keys() - document.schemes.keys()):
        yield f"no security scheme is named {scheme!r}: {guess(scheme, document.schemes)}"
    kinds = {document.schemes[name].kind for names in listed for name in names if name in document.schemes}
    if kinds & {"basic"} or login:
        yield "a user answers with `username:` and `password:`"
    if kinds & {"bearer", "apiKey"}:
        yield "a key or bearer with `token:`"
    if kinds - {"basic", "bearer", "apiKey"}:
        yield "any other scheme by its name, under `schemes:`"
