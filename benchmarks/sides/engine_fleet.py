"""Our side of the comparison of engines, one process a case.

`python -m benchmarks.sides.engine_fleet CASE FOLDER`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.rig.descriptions import PET, system
from benchmarks.rig.measure import many, often, peak, stages, tell

began = time.process_time()
from fleet import OpenAPI  # noqa: E402
from fleet.client import Reply  # noqa: E402
from fleet.openapi import read_json  # noqa: E402

IMPORTED = time.process_time() - began

BASE = "http://bench.example"
PET_CALL, SYSTEM_CALL = ("/pets/{petId}", "get"), ("/systems/{systemId}", "get")
HEADERS = (("content-type", "application/json"),)


def opened(path: Path, cache: bool | str = False) -> OpenAPI:
    refs = {f"http://redfish.dmtf.org/schemas/{name}": path.parent for name in ("v1/", "swordfish/v1/")}
    return OpenAPI.load_file(BASE, path, refs=refs, cache=cache)


def load(folder: Path, name: str, path: Path) -> None:
    made: list[OpenAPI] = []
    stages(
        {
            f"load-{name}": lambda: made.append(opened(path)),
            f"use-{name}": lambda: use(made[0]),
            f"types-{name}": lambda: types(made[0]),
        }
    )
    api = made[0]
    api.cache_store(folder / f"{name}.fleet")
    tell(row=f"count-{name}", count=len(api.document.operations))


def use(api: OpenAPI) -> None:
    """Every operation, compiled as its first call would: parameters, body, checks of its answers."""
    for operation in api.document.operations.values():
        operation.compile(validate=True)


def types(api: OpenAPI) -> None:
    """The pydantic type of every documented answer."""
    for operation in api.document.operations.values():
        for answer in operation.answers:
            status = int(answer.status) if answer.status.isdigit() else 500
            if (schema := operation.answer_schema(status, "application/json")) is not None:
                api.document.types.type_of(schema)


def warm(folder: Path, name: str, path: Path) -> None:
    stages({f"warm-{name}": lambda: OpenAPI.cache_load(folder / f"{name}.fleet")})


def again(folder: Path, name: str, path: Path) -> None:
    """The same `load_file` a second time: what a scan does."""
    opened(path, str(folder / "trees"))
    stages({f"again-{name}": lambda: opened(path, str(folder / "trees"))})


def clone(api: OpenAPI) -> None:
    def text(number: int) -> str:
        return f"http://10.{number >> 16}.{number >> 8 & 255}.{number & 255}"

    many("clone", api.clone, [text(number) for number in range(10_000)], text)


def calls(api: OpenAPI) -> None:
    import orjson

    pet, large = Reply(200, HEADERS, orjson.dumps(PET)), Reply(200, HEADERS, system())
    parameters = {"petId": 7, "tag": "a b"}

    def build() -> Any:
        return api.prepare(PET_CALL, parameters)

    def parse(reply: Reply = pet, call: tuple[str, str] = PET_CALL) -> Any:
        value, _ = read_json(reply.body)
        found = api.document.operation(call).violations(reply.status, reply.header("content-type"), value)
        if found:
            raise SystemExit(f"the answer breaks its schema: {found}")
        return value

    def typed(reply: Reply = pet, call: tuple[str, str] = PET_CALL) -> Any:
        value, _ = read_json(reply.body)
        operation = api.document.operation(call)
        schema = operation.answer_schema(reply.status, reply.header("content-type"))
        assert schema is not None
        assert not api.document.types.violations(schema, value)
        return api.document.types.typed(schema, value)

    assert typed(large, SYSTEM_CALL).Sensors[27].Reading == 67.5
    often("build", build, 5_000)
    often("parse", parse, 5_000)
    often("call", lambda: (build(), parse()), 5_000)
    often("reply", lambda: parse(large, SYSTEM_CALL), 2_000)
    often("call-typed", lambda: (build(), typed()), 5_000)
    often("reply-typed", lambda: typed(large, SYSTEM_CALL), 2_000)


def main(case: str, folder: Path) -> None:
    if case == "import":
        tell(row="import", cpu=IMPORTED, peak=peak())
    elif case in {"clone", "calls"}:
        {"clone": clone, "calls": calls}[case](opened(folder / "small.yaml"))
    else:
        word, _, name = case.partition("-")
        where = Path(sys.argv[3]) if len(sys.argv) > 3 else folder / name.replace("-json", ".json")
        path = where if where.suffix else where.with_suffix(".yaml")
        {"load": load, "warm": warm, "again": again}[word](folder, name, path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
