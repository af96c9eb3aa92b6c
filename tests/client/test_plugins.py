"""Plugins: at the joints of documents, handles and calls, in order, with the right target."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from reference_server import Service, serving

from fleet import OpenAPI
from fleet.client import DocumentEvent, DocumentPlugin, InitPlugin, Message, MessagePlugin, Plugin
from fleet.errors import ConfigError

JSON = "application/json"
PATHS = {
    "/things/{id}": {
        "put": {
            "operationId": "put",
            "parameters": [{"name": "id", "in": "path", "required": True}],
            "requestBody": {"content": {JSON: {}}},
            "responses": {},
        }
    },
    "/status/{code}": {"get": {"operationId": "status", "responses": {}}},
}
DESCRIPTION: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "P", "version": "1"}, "paths": PATHS}


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


class Repair(DocumentPlugin):
    """A document that is no description becomes one."""

    def loaded(self, event: DocumentEvent) -> None:
        event.data = event.data.replace(b"__TITLE__", b"repaired")

    def parsed(self, event: DocumentEvent) -> None:
        if event.uri.endswith("api.json"):
            event.tree = {"openapi": "3.1.0", **event.tree}
        else:
            event.tree["item"]["get"]["operationId"] = "renamed"


def test_documents_are_repaired_as_they_load(tmp_path: Path) -> None:
    content = {"info": {"title": "__TITLE__"}, "paths": {"/x": {"$ref": "other.json#/item"}}}
    (tmp_path / "api.json").write_bytes(orjson.dumps(content))
    (tmp_path / "other.json").write_bytes(orjson.dumps({"item": {"get": {"responses": {}}}}))
    api = OpenAPI.load_file("https://h", tmp_path / "api.json", plugins=[Repair()], cache=tmp_path / "cache")
    assert (api.document.title, list(api._)) == ("repaired", ["renamed"])
    assert list(pickle.loads(pickle.dumps(api.clone()))._) == ["renamed"]


def test_handles_are_announced_once() -> None:
    announced: list[str] = []

    class Announced(InitPlugin):
        def initialized(self, api: OpenAPI) -> None:
            announced.append(api.base_url)

    api = OpenAPI.loads("https://one", orjson.dumps(DESCRIPTION), plugins=[Announced(), Plugin()])
    api.clone("https://two")
    assert announced == ["https://one"]


class Recorder(MessagePlugin):
    """Writes down each stage, and changes something in all of them."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def marshalled(self, message: Message) -> None:
        self.log.append(f"{self.name} marshalled {message.target} {message.operation.name} {message.context}")
        message.data = {**message.data, self.name: 1}

    def sending(self, message: Message) -> None:
        self.log.append(f"{self.name} sending")
        assert message.request is not None
        headers = (*message.request.headers, (f"X-{self.name}", "sent"))
        message.request = replace(message.request, headers=headers)

    def received(self, message: Message) -> None:
        self.log.append(f"{self.name} received")
        assert message.reply is not None
        message.reply = replace(message.reply, body=message.reply.body.replace(b"PUT", b"put"))

    def parsed(self, message: Message) -> None:
        self.log.append(f"{self.name} parsed {message.value['method']}")

    def unmarshalled(self, message: Message) -> None:
        self.log.append(f"{self.name} unmarshalled")
        message.value = {**message.value, "by": self.name}


class Awaited(Recorder):
    """The same as coroutine functions."""

    async def marshalled(self, message: Message) -> None:  # type: ignore[override]
        super().marshalled(message)

    async def sending(self, message: Message) -> None:  # type: ignore[override]
        super().sending(message)

    async def received(self, message: Message) -> None:  # type: ignore[override]
        super().received(message)


STAGES = ["sending", "received", "parsed put", "unmarshalled"]


@pytest.mark.parametrize("kind", [Recorder, Awaited], ids=["sync", "async"])
async def test_messages_pass_the_plugins_in_order(service: Service, kind: type[Recorder]) -> None:
    log: list[str] = []
    text = orjson.dumps(DESCRIPTION)
    api = OpenAPI.loads(service.url, text, plugins=[kind("a", log), Recorder("b", log)])
    value = await api._.put({"id": 1}, {"n": 0}, context="mine")
    assert (value["method"], value["by"], value["body"]) == ("put", "b", '{"n":0,"a":1,"b":1}')
    assert (service.last["headers"]["x-a"], service.last["headers"]["x-b"]) == ("sent", "sent")
    first = [f"{name} marshalled {service.url} put mine" for name in "ab"]
    assert log == first + [f"{name} {stage}" for stage in STAGES for name in "ab"]
    await api.aclose()


async def test_clones_have_the_plugins_and_their_own_target(service: Service) -> None:
    log: list[str] = []
    api = OpenAPI.loads("https://elsewhere", orjson.dumps(DESCRIPTION), plugins=[Recorder("a", log)])
    clone = api.clone(f"{service.url}/one")
    await clone._.put({"id": 1}, {})
    assert log[0] == f"a marshalled {service.url}/one put None"
    plain = clone.clone(plugins=[])
    await plain._.put({"id": 1}, {})
    assert len(log) == 5
    for handle in (clone, plain):
        await handle.aclose()


def test_messages_of_a_sync_session(service: Service) -> None:
    log: list[str] = []
    text = orjson.dumps(DESCRIPTION)
    api = OpenAPI.loads(service.url, text, plugins=[Recorder("a", log)], session_factory=httpx.Client)
    assert api._.put({"id": 1}, {}, context=2)["by"] == "a"
    assert log == [f"a marshalled {service.url} put 2", *(f"a {stage}" for stage in STAGES)]
    wrong = api.clone(plugins=[Awaited("a", log)])
    with pytest.raises(ConfigError, match="the marshalled hook is async"):
        wrong._.put({"id": 1}, {})
    for handle in (api, wrong):
        handle.close()


async def test_one_instance_serves_two_descriptions(service: Service) -> None:
    log: list[str] = []
    shared = Recorder("a", log)
    other = {**DESCRIPTION, "paths": {"/other/{id}": {**PATHS["/things/{id}"]}}}
    one = OpenAPI.loads(f"{service.url}/one", orjson.dumps(DESCRIPTION), plugins=[shared])
    two = OpenAPI.loads(f"{service.url}/two", orjson.dumps(other), plugins=[shared, Recorder("b", log)])
    calls = (one._.put({"id": 1}, {}, context=1), two._.put({"id": 2}, {}, context=2))
    three = one.clone(f"{service.url}/three")
    found = await asyncio.gather(*calls, three._.put({"id": 3}, {}, context=3))
    assert [(value["path"], value["by"]) for value in found] == [
        ("/one/things/1", "a"), ("/two/other/2", "b"), ("/three/things/3", "a"),
    ]  # fmt: skip
    for name, context in (("one", 1), ("two", 2), ("three", 3)):
        assert log.count(f"a marshalled {service.url}/{name} put {context}") == 1
    assert log.count(f"b marshalled {service.url}/two put 2") == 1
    assert sum(line.startswith("b marshalled") for line in log) == 1
    for handle in (one, two, three):
        await handle.aclose()


async def test_what_a_plugin_raises_is_raised(service: Service) -> None:
    class Refusing(MessagePlugin):
        def sending(self, message: Message) -> None:
            raise PermissionError("not today")

    api = OpenAPI.loads(service.url, orjson.dumps(DESCRIPTION), plugins=[Refusing()])
    with pytest.raises(PermissionError, match="not today"):
        await api._.status({"code": 200})
    assert service.seen == []
