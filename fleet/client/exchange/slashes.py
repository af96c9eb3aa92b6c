"""Hosts that want every path to end in a slash, or none: said once, not with a redirect for each request."""

from __future__ import annotations

from dataclasses import replace

from fleet.client.message import Reply, Request

_PERMANENT = {301, 308}
_DOUBTFUL = {301, 302, 303, 307, 308, 400, 404, 405}  # what a path in the wrong style may be answered with
_IN_A_ROW = 2  # a service root alone is often redirected where nothing else is


class SlashHabit:
    """How one target wants its paths to end, learned from permanent redirects of GETs to the same path with
    a slash more or less. A habit that turns out to be wrong is given up for good. `seen`: a redirect of that
    kind; until then there is nothing to apply, and answers that redirect nowhere teach nothing."""

    __slots__ = ("_given_up", "_row", "_slash", "seen")

    def __init__(self) -> None:
        self._slash: bool = False
        self._row: int = 0  # redirects of that style since a path was right as it was
        self._given_up: bool = False
        self.seen: bool = False

    def applied(self, request: Request) -> Request:
        """The request as the target wants it: itself where nothing is known."""
        if self._given_up or self._row < _IN_A_ROW or request.method != "GET":
            return request
        path = request.path.partition("?")[0]
        if path.endswith("/") is self._slash or path == "/":
            return request
        return replace(request, path=_other_style(request.path))

    def doubts(self, reply: Reply) -> bool:
        """Whether an answer to an applied request may be the fault of the habit."""
        return reply.status in _DOUBTFUL

    def learn(self, request: Request, reply: Reply, following: Request | None) -> None:
        """What a reply to a request that nothing was applied to, and the redirect it asks for, tell."""
        if request.method != "GET" or self._given_up:
            return
        slash = request.path.partition("?")[0].endswith("/")
        if following is None:
            if slash is not self._slash and reply.status < 300:
                self._row = 0
        elif reply.status in _PERMANENT and following.path == _other_style(request.path):
            self._row = self._row + 1 if slash is not self._slash else 1
            self._slash = not slash
            self.seen = True

    def give_up(self) -> None:
        """The target answers paths of either style, each in its own way."""
        self._given_up = True


def _other_style(path: str) -> str:
    bare, mark, query = path.partition("?")
    return (bare[:-1] if bare.endswith("/") else bare + "/") + mark + query
