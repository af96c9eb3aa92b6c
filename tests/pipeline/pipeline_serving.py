"""A target's client over resources in memory: the shape of `fleet.client.TargetClient`, without sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import orjson

from fleet.client import Endpoint, Reply, Trail
from fleet.errors import RequestFailed
from fleet.openapi import Call, load
from fleet.outcome import Outcome
from fleet.pace import TargetClock
from fleet.pipeline import PipelineProbe, PipelineSpec, check, compile_plan
from fleet.policy import Policy
from fleet.target import Target

TARGET = Target(id="bmc1", url="http://bmc1.test", labels={"site": "a"})
JSON = (("content-type", "application/json"),)
Body = Any  # JSON to answer 200 with, a Reply, an exception to raise


class Exchanged:
    """What a client exchanged so far."""

    def __init__(self, url: str) -> None:
        self.endpoint = Endpoint.parse(url)
        self.requests = 0
        self.bytes = 0
        self.retries = 0
        self.certificate: Mapping[str, Any] | None = None
        self.proxy: str | None = None
        self.clock = TargetClock()
        self.trail = Trail()


class Served:
    """Answers paths from a mapping or a function; counts what it was asked, and how much at once."""

    def __init__(
        self,
        tree: Mapping[str, Body] | Callable[[str], Body],
        *,
        url: str = TARGET.url,
        prefix: str = "",
    ) -> None:
        self._tree = tree
        self._prefix = prefix
        self.exchange = Exchanged(url)
        self.asked: Counter[str] = Counter()
        self.bare: set[str] = set()  # paths that were asked for without credentials
        self.timeouts: dict[str, float | None] = {}
        self.active = 0
        self.peak = 0
        self.closed = 0

    async def ask(
        self, operation: Any, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply:
        path = self.exchange.endpoint.path + self._prefix + call.path
        if anonymous:
            self.bare.add(path)
        return await self._get(f"{path}?{call.query}" if call.query else path, timeout)

    async def get(self, path: str, *, timeout: float | None = None) -> Reply:
        return await self._get(path, timeout)

    async def _get(self, path: str, timeout: float | None) -> Reply:
        self.asked[path] += 1
        self.timeouts[path] = timeout
        self.exchange.requests += 1
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            return await self._answer(path)
        finally:
            self.active -= 1

    async def _answer(self, path: str) -> Reply:
        found = self._tree(path) if callable(self._tree) else self._tree.get(path)
        if found is HANG:
            await anyio.sleep_forever()
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, Reply):
            return found
        if found is None:
            return Reply(404, JSON, b'{"error":{}}', path)
        return Reply(200, JSON, orjson.dumps(found), path)

    def hide(self, text: str) -> str:
        return text

    async def __aenter__(self) -> Served:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed += 1


HANG = object()


def status(code: int, body: bytes = b"{}") -> Reply:
    return Reply(code, JSON, body)


def mockup(directory: Path) -> Callable[[str], Body]:
    """The resources of a mockup directory in short form. Its own queries are not honoured."""

    def find(path: str) -> Body:
        inside = path.partition("?")[0].strip("/").removeprefix("redfish/v1").strip("/")
        try:
            return Reply(200, JSON, TREES[directory][inside])
        except KeyError:
            return None

    if directory not in TREES:
        TREES[directory] = {
            str(file.parent.relative_to(directory)).removeprefix("."): file.read_bytes()
            for file in directory.rglob("index.json")
        }
    return find


TREES: dict[Path, dict[str, bytes]] = {}

DESCRIPTION = b"""
openapi: 3.1.0
info: {title: T, version: '1'}
paths:
  /:
    get: {operationId: root, responses: {'200': {description: ok, content: {application/json: {schema:
      {type: object, properties: {ok: {type: boolean}}}}}}}}
  /head:
    head: {operationId: peek, responses: {'200': {description: ok}}}
  /parts/{id}:
    get:
      operationId: part
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: depth, in: query, schema: {type: integer}}
      responses: {'200': {description: ok}}
    delete:
      operationId: dropPart
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: gone}}
  /sessions:
    post: {operationId: logIn, responses: {'201': {description: ok}}}
components:
  securitySchemes:
    basic: {type: http, scheme: basic}
    token: {type: apiKey, in: header, name: X-Token}
"""
DOCUMENT = load(DESCRIPTION, source="memory:t.yaml")


def spec_of(tree: Mapping[str, Any]) -> PipelineSpec:
    """A spec whose dialect is `href`, `items` and `next`, with these sections."""
    return check(PipelineSpec, {"dialect": {"link": "href", "items": "items", "next": "next"}, **tree})


async def probe(
    spec: PipelineSpec | Mapping[str, Any],
    client: Served,
    *,
    pipeline: str | None = None,
    policy: Policy | None = None,
    deadline: float | None = None,
    document: Any = DOCUMENT,
    target: Target = TARGET,
    listener: Callable[[Any], None] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Outcome:
    """The outcome of one target behind `client`, of whom all that may be asked at once is asked at once."""
    checked = spec if isinstance(spec, PipelineSpec) else spec_of(spec)
    plan = compile_plan(checked, document, pipeline, inputs=inputs)
    policy = policy or Policy()
    policy = replace(policy, rate=replace(policy.rate, patience=0.0))
    run = PipelineProbe(
        plan,
        lambda _: client,
        run="r1",
        policy=plan.tuned(policy),
        listener=listener or unexpected,
        deadline=deadline,
    )
    return await run(target)


def rows_per_step(outcome: Outcome) -> dict[str, int]:
    """How many rows each stored step yielded."""
    return {name: len(step.rows) for name, step in outcome.steps.items()}


def unexpected(event: Any) -> None:
    raise AssertionError(event)


def failed(kind: Any, message: str = "no", **more: Any) -> RequestFailed:
    return RequestFailed(kind, message, **more)
