"""Files as bodies and in forms."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from reference_server import Service, serving

from fleet import OpenAPI
from fleet.errors import ConfigError

OCTETS = "application/octet-stream"
CONTENT = bytes(range(97, 123)) * 10_000  # several chunks


def taking(name: str, kind: str, security: Any = None) -> dict[str, Any]:
    made = {"operationId": name, "requestBody": {"content": {kind: {}}}, "responses": {}}
    return {"put": {**made, "security": security or []}}


PATHS = {
    "/image": taking("image", OCTETS),
    "/form": taking("form", "multipart/form-data"),
    "/digest": taking("guarded", OCTETS, [{"digest": []}]),
}
SCHEMES = {"digest": {"type": "http", "scheme": "digest"}}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "U", "version": "1"}, "paths": PATHS,
    "components": {"securitySchemes": SCHEMES},
})  # fmt: skip
BOTH = pytest.mark.parametrize("factory", [None, httpx.AsyncClient], ids=["wire", "httpx"])


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "image.bin"
    found.write_bytes(b"skipped" + CONTENT)
    return found


@BOTH
async def test_a_file_is_a_body_from_where_it_stands(service: Service, path: Path, factory: Any) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION, session_factory=factory)
    with path.open("rb") as file:
        file.seek(len("skipped"))
        for _ in range(2):  # each call begins where the file stands
            found = await api._.image(data=file)
            assert found["body"] == CONTENT.decode()
            file.seek(len("skipped"))
    assert service.last["headers"]["content-type"] == OCTETS
    assert service.last["headers"]["content-length"] == str(len(CONTENT))
    await api.aclose()


@BOTH
async def test_a_file_is_sent_again_where_the_server_asks(service: Service, path: Path, factory: Any) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION, session_factory=factory)
    api.authenticate(digest=("user", "password"))
    with path.open("rb") as file:
        assert await api._.guarded(data=file) == {"user": "user"}
    assert [len(entry["body"]) for entry in service.seen] == [len(CONTENT) + 7] * 2
    await api.aclose()


def test_a_file_without_await(service: Service, path: Path) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION, session_factory=httpx.Client)
    with path.open("rb") as file:
        assert api._.image(data=file)["body"] == "skipped" + CONTENT.decode()
    api.close()


@pytest.mark.parametrize("factory", [httpx.AsyncClient], ids=["httpx"])
async def test_a_pipe_is_sent_once(service: Service, factory: Any) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION, session_factory=factory)
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe")
    os.close(writing)
    with open(reading, "rb") as file:
        assert (await api._.image(data=file))["body"] == "from a pipe"
    assert service.last["headers"]["transfer-encoding"] == "chunked"
    await api.aclose()


async def test_text_files_are_refused(service: Service) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION)
    with pytest.raises(ConfigError, match="binary mode"):
        await api._.image(data=io.StringIO("text"))
    assert service.seen == []
    await api.aclose()


async def test_files_in_forms(service: Service, path: Path) -> None:
    api = OpenAPI.loads(service.url, DESCRIPTION)
    with path.open("rb") as file:
        found = await api._.form(data={"name": "n", "image": file, "note": ("a.txt", b"hello", "text/plain")})
    body = found["body"]
    assert 'name="image"; filename="image.bin"' in body
    assert CONTENT.decode() in body
    assert 'name="note"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello' in body
    assert service.last["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    await api.aclose()
