"""The peer's side of the comparison of engines, in the peer's own environment: nothing of fleet is there.

`python -m benchmarks.sides.engine_peer CASE FOLDER`, one process a case, as `engine_fleet`.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.rig.descriptions import PET, system
from benchmarks.rig.measure import many, often, peak, stages, tell

began = time.process_time()
import httpx2  # noqa: E402
import yarl  # noqa: E402
from aiopenapi3 import OpenAPI  # noqa: E402
from aiopenapi3.loader import FileSystemLoader, Loader, RedirectLoader  # noqa: E402
from aiopenapi3.plugin import Document  # noqa: E402

IMPORTED = time.process_time() - began

BASE = "http://bench.example"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
PET_CALL, SYSTEM_CALL = ("/pets/{petId}", "get"), ("/systems/{systemId}", "get")


class Repair(Document):
    """DMTF's schema files are no whole descriptions: the peer wants them to look like it."""

    def parsed(self, ctx: Any) -> Any:
        if "openapi" not in ctx.document:
            ctx.document.update(openapi="3.0.1", info={"title": "", "version": "1"})
            ctx.document.pop("title", None)
        return ctx


class Stubbed(RedirectLoader):  # type: ignore[misc]
    """One missing file fails the peer's whole load: files that the description names and does not bring
    are objects of any kind here."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        names = defaultdict(set)
        for file in base.glob("*.yaml"):
            for missing, name in re.findall(
                r"swordfish/v1/([^ #]+)#/components/schemas/(\S+)", file.read_text()
            ):
                names[missing].add(name)
        self.stubs = {
            file: json.dumps({"components": {"schemas": {name: {"type": "object"} for name in found}}})
            for file, found in names.items()
        }

    def load(self, plugins: Any, url: Any, codec: str | None = None) -> Any:
        if url.name in self.stubs and not (self.base / url.name).exists():
            return self.stubs[url.name]
        return super().load(plugins, url, codec)


def opened(path: Path, loader: Loader | None = None) -> OpenAPI:
    loader = loader or FileSystemLoader(path.parent)
    return OpenAPI.load_file(BASE, path.name, loader=loader, plugins=[Repair()])


def load(folder: Path, name: str, path: Path) -> None:
    loader = Stubbed(path.parent) if name == "dmtf" else None
    made: list[OpenAPI] = []
    stages(
        {
            f"load-{name}": lambda: made.append(opened(path, loader)),
            f"use-{name}": lambda: use(made[0]),
            f"types-{name}": lambda: None,  # they are there since it was loaded
        }
    )
    api = made[0]
    api.cache_store(folder / f"{name}.peer")
    tell(row=f"count-{name}", count=len(operations(api)))


def operations(api: OpenAPI) -> list[tuple[str, str]]:
    items = api.paths.paths.items()
    return [(path, method) for path, item in items for method in item.model_fields_set & METHODS]


def use(api: OpenAPI) -> None:
    """Every operation, as a call would ask for it: all else was made when the description was loaded."""
    for path, method in operations(api):
        api.createRequest((path, method))


def warm(folder: Path, name: str, path: Path) -> None:
    stages({f"warm-{name}": lambda: OpenAPI.cache_load(folder / f"{name}.peer")})


def clone(api: OpenAPI) -> None:
    def url(number: int) -> yarl.URL:
        return yarl.URL(f"http://10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    many("clone", api.clone, [url(number) for number in range(10_000)], url)


def calls(api: OpenAPI) -> None:
    def answer(body: bytes) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "application/json"}, content=body)

    pet, large = answer(json.dumps(PET).encode()), answer(system())
    parameters = {"petId": 7, "tag": "a b"}

    def build(call: tuple[str, str] = PET_CALL, values: dict[str, Any] = parameters) -> Any:
        request = api.createRequest(call)
        request._prepare(None, values)
        return request

    request, other = build(), build(SYSTEM_CALL, {"systemId": "1"})
    often("build", build, 5_000)
    often("parse", lambda: request._process_request(pet), 5_000)
    assert other._process_request(large)[1].Sensors[27].Reading == 67.5
    for suffix in ("", "-typed"):  # what it gives is typed always
        often(f"call{suffix}", lambda: build()._process_request(pet), 5_000)
        often(f"reply{suffix}", lambda: other._process_request(large), 2_000)


def main(case: str, folder: Path) -> None:
    if case == "import":
        tell(row="import", cpu=IMPORTED, peak=peak())
    elif case in {"clone", "calls"}:
        {"clone": clone, "calls": calls}[case](opened(folder / "small.yaml"))
    else:
        word, _, name = case.partition("-")
        where = Path(sys.argv[3]) if len(sys.argv) > 3 else folder / name.replace("-json", ".json")
        path = where if where.suffix else where.with_suffix(".yaml")
        {"load": load, "warm": warm}[word](folder, name, path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
