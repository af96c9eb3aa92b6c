"""One simulated host: its resources, accounts and faults, and what it saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import orjson

from fleet.outcome import FailureKind
from fleet.sim.certificates import Recipe
from fleet.sim.faults.behaviour import Behaviour
from fleet.sim.reply import Asked, Message, Reply, Script, error, json_reply, not_found
from fleet.sim.sessions import OLD_SESSIONS, SESSIONS, Accounts, Session, SessionRules
from fleet.sim.template import Values
from fleet.sim.tree import PUBLIC, ROOT, Tree
from fleet.sim.variation import expected, varied

_LOGIN = frozenset({SESSIONS, f"{SESSIONS}/Members", OLD_SESSIONS})
_CREDENTIALS = ("authorization", "x-auth-token", "cookie")
_BAD_LOGIN = Message(
    "Base.1.18.MalformedJSON", "The request body is not an object with UserName and Password."
)


class HostFault:
    """One fault of one host, with what limits it."""

    __slots__ = ("answers", "behaviour", "left", "path")

    def __init__(self, behaviour: Behaviour, path: str | None = None, times: int | None = None) -> None:
        self.behaviour: Behaviour = behaviour
        self.answers: bool = type(behaviour).answer is not Behaviour.answer
        self.path: str | None = path
        self.left = times

    def cause(self, *, secure: bool) -> FailureKind | None:
        """The failure that a scanner should record: none when it ends before a retry does."""
        kind = self.behaviour.cause(secure=secure)
        return None if kind is not None and kind.retryable and self.left is not None else kind

    def strikes(self, path: str) -> bool:
        """Whether it changes the answer to a request for `path`; counts down where it is limited."""
        if self.path is not None and not fnmatchcase(path, self.path):
            return False
        if self.left is None:
            return True
        if self.left <= 0:
            return False
        self.left -= 1
        return True


class Host:
    """One address of the fleet. Everything but its counts and sessions follows from the options."""

    def __init__(
        self,
        address: str,
        tree: Tree,
        auth: tuple[str, str] | None,
        rules: SessionRules,
        faults: tuple[HostFault, ...] = (),
        *,
        secure: bool = False,
        base_url: str = "",
    ) -> None:
        self.address = address
        self.tree = tree
        self.faults = faults
        self.base_url = base_url
        recipe, limit = Recipe(), None
        for each in faults:
            rules = each.behaviour.rules(rules)
            recipe = each.behaviour.recipe(recipe)
            limit = each.behaviour.connections() or limit
        self.recipe = recipe
        self.secure: bool = secure and not any(each.behaviour.plain for each in faults)
        self.connection_limit = limit
        self.accounts: Accounts = Accounts(auth, rules)
        self._shown: Mapping[str, Any] | None = None
        self._values: Values | None = None
        self.connections: int = 0
        self.peak: int = 0
        self.accepted: int = 0
        self.handshakes_failed: int = 0
        self.requests: int = 0
        self.failed_logins: int = 0
        self.methods: Counter[str] = Counter()
        self.paths: Counter[str] = Counter()
        self.credentials: Counter[str] = Counter()

    @property
    def values(self) -> Values:
        """What varies on this host, encoded."""
        if self._values is None:
            self._values = Values(self.expected)
        return self._values

    @property
    def expected(self) -> Mapping[str, Any]:
        """What varies on this host: what follows from its address, unless it was told otherwise."""
        return self._shown if self._shown is not None else expected(self.address)

    def vary(self, given: Mapping[str, str]) -> None:
        """Have it show other values from now on; with none given, its own. Raises ValueError."""
        self._shown = varied(self.address, given) if given else None
        self._values = None

    def connected(self) -> bool:
        """Counts one connection in. False when the host takes no more: the connection is to be reset."""
        self.accepted += 1
        self.connections += 1
        self.peak = max(self.peak, self.connections)
        return self.connection_limit is None or self.connections <= self.connection_limit

    def disconnected(self) -> None:
        """Counts one connection out; an idle host keeps no encoded values."""
        self.connections -= 1
        if not self.connections:
            self._values = None

    def greet(self) -> Script | None:
        """What happens right after accept instead of TLS and HTTP; None: nothing special."""
        for each in self.faults:
            if each.path is None and (each.left is None or each.left > 0):
                script = each.behaviour.greet()
                if script is not None:
                    if each.left is not None:
                        each.left -= 1
                    return script
        return None

    def respond(self, asked: Asked) -> Reply | Script:
        """The answer to one request. Of the faults that change answers, the first that strikes does."""
        self.requests += 1
        self.methods[asked.method] += 1
        self.paths[asked.target] += 1
        for name in _CREDENTIALS:
            if name in asked.headers:
                self.credentials[name] += 1
        answer = self._answer(asked)
        if isinstance(answer, Reply) and answer.status == 401:
            login = asked.method == "POST" and asked.key in _LOGIN
            self.failed_logins += login or "authorization" in asked.headers
        return answer

    def _answer(self, asked: Asked) -> Reply | Script:
        for each in self.faults:
            if each.answers and each.strikes(asked.key):
                return each.behaviour.answer(asked, lambda: self._normal(asked))
        return self._normal(asked)

    def _normal(self, asked: Asked) -> Reply:
        key, method = asked.key, asked.method
        if method == "POST" and key in _LOGIN:
            rules = self.accounts.rules
            offered = rules.offered and f"{ROOT}/SessionService" in self.tree
            taken = offered and key.removesuffix("/Members") == rules.collection
            return self._login(asked) if taken else self.accounts.elsewhere()
        if key not in PUBLIC:
            refusal = self.accounts.refuse(asked.headers)
            if refusal is not None:
                return refusal
        if key.startswith(SESSIONS):
            reply = self._sessions(asked)
            if reply is not None:
                return reply
        if method not in ("GET", "HEAD"):
            denied = Message(
                "Base.1.18.OperationNotAllowed", "The HTTP method is not allowed on this resource."
            )
            return error(405, denied, headers=(("Allow", "GET, HEAD"),))
        return self.tree.reply(key, asked.query, self.values) or not_found(asked.path)

    def _login(self, asked: Asked) -> Reply:
        try:
            body = orjson.loads(asked.body)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            return error(400, _BAD_LOGIN)
        session = self.accounts.open(body.get("UserName"), body.get("Password"))
        if isinstance(session, Reply):
            return session
        headers = [("X-Auth-Token", session.token)]
        path = f"{SESSIONS}/{session.id}"
        match self.accounts.rules.location:
            case "relative":
                headers.append(("Location", path))
            case "absolute":
                headers.append(("Location", f"{self.base_url}{path}"))
        return json_reply(201, _session_document(session), *headers)

    def _sessions(self, asked: Asked) -> Reply | None:
        """The session collection and its members; None for a tree that has its own idea of a member."""
        live = self.accounts.live
        if asked.key == SESSIONS:
            if asked.method in ("GET", "HEAD") and SESSIONS in self.tree and self.tree.queries:
                return json_reply(200, _sessions_document(live))
            return None
        session_id = asked.key.removeprefix(f"{SESSIONS}/")
        found = next((session for session in live if session.id == session_id), None)
        if asked.method == "DELETE":
            status = self.accounts.rules.logout
            if 200 <= status < 300:
                return Reply(status) if self.accounts.close(session_id) else not_found(asked.path)
            return error(status, Message("Base.1.18.OperationNotAllowed", "The session is not deleted."))
        if found is not None and asked.method in ("GET", "HEAD"):
            return json_reply(200, _session_document(found))
        return None

    def counts(self) -> dict[str, Any]:
        """What this host saw, as plain values."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "peak_connections": self.peak,
            "accepted": self.accepted,
            "handshakes_failed": self.handshakes_failed,
            "sessions": len(self.accounts.live),
            "logins": self.accounts.logins,
            "failed_logins": self.failed_logins,
            "methods": dict(self.methods),
            "paths": dict(self.paths),
            "credentials": dict(self.credentials),
        }

    def reset(self) -> None:
        """Forgets what it saw; connections and sessions that are open stay counted."""
        self.peak = self.connections
        self.accepted = self.handshakes_failed = self.requests = self.failed_logins = 0
        for counter in (self.methods, self.paths, self.credentials):
            counter.clear()
        self.accounts.reset()


def _session_document(session: Session) -> dict[str, Any]:
    return {
        "@odata.id": f"{SESSIONS}/{session.id}",
        "@odata.type": "#Session.v1_8_0.Session",
        "Id": session.id,
        "Name": "User Session",
        "UserName": session.user,
    }


def _sessions_document(live: list[Session]) -> dict[str, Any]:
    return {
        "@odata.id": SESSIONS,
        "@odata.type": "#SessionCollection.SessionCollection",
        "Name": "Session Collection",
        "Members": [{"@odata.id": f"{SESSIONS}/{session.id}"} for session in live],
        "Members@odata.count": len(live),
    }
