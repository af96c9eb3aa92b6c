"""The control address: what the hosts saw, over HTTP on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from fleet.errors import ConfigError
from fleet.sim.certificates import Recipe
from fleet.sim.reply import Asked, Reply, Script, json_reply


class Control:
    """Answers `GET /counts`, `/totals`, `/hosts`, `/expected?host=ADDRESS`, `POST /reset` and
    `POST /switch?host=ADDRESS[&fault=NAME]`."""

    secure = False
    connections = 0
    recipe: Recipe = Recipe()
    address = "127.0.0.1"

    def __init__(
        self,
        *,
        counts: Callable[[], Mapping[str, Any]],
        totals: Callable[[], Mapping[str, Any]],
        hosts: Callable[[], list[dict[str, Any]]],
        expected: Callable[[str], Mapping[str, Any] | None],
        reset: Callable[[], None],
        switch: Callable[[str, str | None], None],
    ) -> None:
        self._counts = counts
        self._totals = totals
        self._hosts = hosts
        self._expected = expected
        self._reset = reset
        self._switch = switch
        self.handshakes_failed = 0

    def connected(self) -> bool:
        return True

    def disconnected(self) -> None:
        pass

    def greet(self) -> Script | None:
        return None

    def respond(self, asked: Asked) -> Reply | Script:
        """The answer to one request."""
        match asked.method, asked.path:
            case "GET", "/counts":
                return json_reply(200, self._counts())
            case "GET", "/totals":
                return json_reply(200, self._totals())
            case "GET", "/hosts":
                return json_reply(200, self._hosts())
            case "GET", "/expected":
                address = parse_qs(asked.query).get("host", [""])[0]
                values = self._expected(address)
                if values is not None:
                    return json_reply(200, dict(values))
                return json_reply(404, {"error": f"no simulated host at {address!r}"})
            case "POST", "/reset":
                self._reset()
                return Reply(204)
            case "POST", "/switch":
                return self._switched(parse_qs(asked.query))
        return json_reply(
            404,
            {
                "error": "ask /counts, /totals, /hosts, /expected?host=ADDRESS, POST /reset or "
                "POST /switch?host=ADDRESS&fault=NAME"
            },
        )

    def _switched(self, query: Mapping[str, list[str]]) -> Reply:
        """Hosts, in the order named, have a fault from now on; with no fault named they are well again."""
        try:
            for address in query.get("host", [""]):
                self._switch(address, query.get("fault", [None])[0])
        except KeyError as problem:
            return json_reply(404, {"error": f"no simulated host at {problem.args[0]!r}"})
        except ConfigError as problem:
            return json_reply(400, {"error": str(problem)})
        return Reply(204)
