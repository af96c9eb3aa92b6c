"""The control address: what the hosts saw, over HTTP on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from fleet.errors import ConfigError
from fleet.sim.certificates import Recipe
from fleet.sim.reply import Asked, Reply, Script, json_reply


class Control:
    """Answers `GET /counts`, `/totals`, `/hosts`, `/expected?host=ADDRESS`, `POST /reset`,
    `POST /switch?host=ADDRESS[&fault=NAME[&path=GLOB]]` and `POST /vary?host=ADDRESS[&NAME=VALUE]`."""

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
        switch: Callable[[str, str | None, str | None], None],
        vary: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self._counts = counts
        self._totals = totals
        self._hosts = hosts
        self._expected = expected
        self._reset = reset
        self._switch = switch
        self._vary = vary
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
            case "POST", "/vary":
                return self._varied(parse_qs(asked.query, keep_blank_values=True))
        return json_reply(
            404,
            {
                "error": "ask /counts, /totals, /hosts, /expected?host=ADDRESS, POST /reset, "
                "POST /switch?host=ADDRESS&fault=NAME or POST /vary?host=ADDRESS&NAME=VALUE"
            },
        )

    def _switched(self, query: Mapping[str, list[str]]) -> Reply:
        """Hosts, in the order named, have a fault from now on; with no fault named they are well again."""
        fault, path = query.get("fault", [None])[0], query.get("path", [None])[0]
        return _each(query, lambda address: self._switch(address, fault, path))

    def _varied(self, query: Mapping[str, list[str]]) -> Reply:
        """Hosts, in the order named, show other values from now on; with none named they show their own."""
        values = {name: given[0] for name, given in query.items() if name != "host"}
        return _each(query, lambda address: self._vary(address, values))


def _each(query: Mapping[str, list[str]], change: Callable[[str], None]) -> Reply:
    try:
        for address in query.get("host", [""]):
            change(address)
    except KeyError as problem:
        return json_reply(404, {"error": f"no simulated host at {problem.args[0]!r}"})
    except ConfigError as problem:
        return json_reply(400, {"error": str(problem)})
    return Reply(204)
