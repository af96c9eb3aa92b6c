"""What an exact, typed answer costs: read, judged and typed, beside pydantic's own models of the same data.

    python -m benchmarks.typed

One answer of 5.5 KB: twenty users of seven properties, each with an address of seven, a date-time and a list.
Microseconds of CPU, the best of many short rounds: other work on the machine only ever adds. Pydantic's
models coerce and judge less (no closed objects, no exclusive unions); its row is what typing alone costs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter, create_model

from fleet.openapi import load, read_json

ROUNDS, CALLS = 300, 20
TEXT = {"type": "string"}
ADDRESS = ("street", "city", "zip", "country", "kind", "note", "state")
SCHEMAS = {
    "Address": {"type": "object", "required": ["street"], "properties": dict.fromkeys(ADDRESS, TEXT)},
    "User": {
        "type": "object",
        "required": ["id", "login"],
        "properties": {
            "id": {"type": "integer"},
            "login": TEXT,
            "email": TEXT,
            "created": {"type": "string", "format": "date-time"},
            "active": {"type": "boolean"},
            "home": {"$ref": "#/components/schemas/Address"},
            "tags": {"type": "array", "items": TEXT},
        },
    },
    "Users": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
}
ANSWER = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Users"}}}}}
TREE = {
    "openapi": "3.1.0",
    "info": {"title": "Users", "version": "1"},
    "paths": {"/users": {"get": {"operationId": "users", "responses": ANSWER}}},
    "components": {"schemas": SCHEMAS},
}
HOME = dict(
    zip(ADDRESS, ("1 Elm Street", "Springfield", "12345", "US", "home", "ring twice", "IL"), strict=True)
)
USER = {
    "id": 123456, "login": "alice.wonder", "email": "alice@example.com", "created": "2024-05-06T07:08:09Z",
    "active": True, "home": HOME, "tags": ["admin", "ops", "oncall"],
}  # fmt: skip


class Address(BaseModel):
    street: str
    city: str | None = None
    zip: str | None = None
    country: str | None = None
    kind: str | None = None
    note: str | None = None
    state: str | None = None


class User(BaseModel):
    id: int
    login: str
    email: str | None = None
    created: datetime | None = None
    active: bool | None = None
    home: Address | None = None
    tags: list[str] | None = None


def best(work: Callable[[], object], calls: int = CALLS) -> float:
    """Microseconds of one call in the best round."""
    work()
    found = []
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        for _ in range(calls):
            work()
        found.append((time.process_time_ns() - began) / calls / 1000)
    return min(found)


def made() -> float:
    """Microseconds that the type of seven properties takes, in a description that has made none."""
    types = load(orjson.dumps(TREE)).types
    began = time.process_time_ns()
    _ = types["User"].model_fields
    return (time.process_time_ns() - began) / 1000


def main() -> int:
    document = load(orjson.dumps(TREE))
    schema = document.operation("users").answer_schema(200)
    if schema is None:
        return 1
    types, body = document.types, orjson.dumps([USER] * 20)
    value = orjson.loads(body)
    theirs = TypeAdapter(list[User])

    def whole() -> object:
        read = read_json(body)[0]
        return types.typed(schema, read), types.violations(schema, read)

    optional: dict[str, Any] = {n: (info.annotation, info.default) for n, info in User.model_fields.items()}
    rows = {
        f"read JSON ({len(body)} bytes)": best(lambda: read_json(body)),
        "judge exactly": best(lambda: types.violations(schema, value)),
        "type": best(lambda: types.typed(schema, value)),
        "all three": best(whole),
        "pydantic: validate_python": best(lambda: theirs.validate_python(value)),
        "pydantic: validate_json": best(lambda: theirs.validate_json(body)),
        "make a type of 7 properties": min(made() for _ in range(50)),
        "pydantic: create_model": best(lambda: create_model("Made", **optional), 1),
    }
    for name, spent in rows.items():
        print(f"{name:32} {spent:8.1f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
