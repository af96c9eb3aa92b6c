"""Whatever stands in a description, everything that works on one ends with a result or a `SpecError`."""

# ruff: noqa: E501  (descriptions are read as they are written)

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.cli.render.operation import lines
from fleet.errors import FleetError
from fleet.openapi import Document, compare, convert, load, load_yaml, reduce, review

TREES = [
    load_yaml(text)
    for text in (
        """
swagger: '2.0'
info: {title: T, version: '1'}
host: h
schemes: [http]
consumes: [a/b]
security: [{k: []}]
securityDefinitions: {k: {type: basic}, o: {type: oauth2, flow: application, tokenUrl: 'https://t', scopes: {r: r}}}
parameters: {B: {name: b, in: body, schema: {$ref: '#/definitions/A'}}, Q: {name: q, in: query, type: array, items: {type: string}, collectionFormat: pipes}}
responses: {R: {description: r, schema: {$ref: '#/definitions/A'}, headers: {H: {type: string}}, examples: {a/b: 1}}}
definitions: {A: {type: object, discriminator: k, required: [k], properties: {k: {type: string, x-nullable: true}}}, C: {allOf: [{$ref: '#/definitions/A'}]}}
paths:
  /p/{id}:
    parameters: [{name: id, in: path, required: true, type: integer}, {$ref: '#/parameters/B'}]
    get: {parameters: [{$ref: '#/parameters/Q'}], produces: [c/d], responses: {'200': {$ref: '#/responses/R'}}}
    post: {consumes: [multipart/form-data], parameters: [{name: f, in: formData, type: file}, {name: g, in: formData, type: array, items: {type: string}}], responses: {default: {description: d}}}
""",
        """
openapi: 3.2.0
info: {title: T, version: '1'}
servers: [{url: 'https://{h}/', variables: {h: {default: a, enum: [a, b]}}}]
tags: [{name: a}, {name: b, parent: a}]
security: [{k: []}]
paths:
  /p/{id}:
    parameters: [{$ref: '#/components/parameters/Id'}]
    get:
      operationId: g
      tags: [b]
      responses: {'200': {description: ok, headers: {H: {schema: {type: string}}}, content: {application/json: {schema: {$ref: '#/components/schemas/A'}, itemSchema: {type: string}}}, links: {l: {operationId: g}}}}
    additionalOperations: {COPY: {callbacks: {c: {'{$url}': {post: {responses: {}}}}}, responses: {}}}
    put: {requestBody: {content: {application/json: {schema: {oneOf: [{$ref: '#/components/schemas/A'}, {type: 'null'}]}, encoding: {x: {headers: {Y: {}}}}}}}, responses: {}}
webhooks: {w: {post: {operationId: w, responses: {'2XX': {description: d}}}}}
components:
  parameters: {Id: {name: id, in: path, required: true, schema: {type: integer, default: 1}}}
  securitySchemes: {k: {type: apiKey, in: header, name: K}}
  schemas:
    A: {$id: 'https://x/a', type: object, properties: {n: {$ref: '#'}, t: {prefixItems: [{type: string}]}}, patternProperties: {^x: {type: 'null'}}, discriminator: {propertyName: k, mapping: {a: A}}}
    B: {allOf: [{$ref: '#/components/schemas/A'}], $dynamicAnchor: d, not: {$dynamicRef: '#d'}, enum: [1, null], minimum: 1}
""",
    )
]
VALUES: list[Any] = [
    None, 1, -1.5, True, "x", "#/x", "re:(", [], [1], [{}], [[]], ["a", None], {}, {"a": 1}, {"$ref": 1}, {"$ref": "#/nope"},
    {"$ref": "#"}, {"$ref": "b.json#/x"}, {"$ref": "#/components/schemas/A"}, {"allOf": 3}, {"type": {"a": []}}, {"in": [], "name": {}},
]  # fmt: skip


def broken(tree: Any, seed: int) -> Any:
    """The tree with one to three of its values replaced, or removed."""
    chance = random.Random(seed)
    made = deepcopy(tree)
    for _ in range(chance.randint(1, 3)):
        places: list[tuple[Any, Any]] = []
        todo = [made]
        while todo:
            node = todo.pop()
            items = (
                node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            )
            for key, value in items:
                places.append((node, key))
                todo.append(value)
        owner, key = chance.choice(places)
        if chance.random() < 0.3 and isinstance(owner, dict):
            del owner[key]
        else:
            owner[key] = deepcopy(chance.choice(VALUES))
    return made


def document(tree: Any) -> Document:
    return load(orjson.dumps(tree), source="/d/api.json")


@pytest.mark.parametrize("tree", TREES, ids=["2.0", "3.2"])
@given(seed=st.integers(0, 2**32))
def test_nothing_ends_in_anything_else(tree: Any, seed: int) -> None:
    hurt = broken(tree, seed)
    ended = 0
    for work in (
        lambda: review(document(hurt)),
        lambda: compare(document(tree), document(hurt)),
        lambda: compare(document(hurt), document(tree)),
        lambda: reduce(document(hurt), ["* **"]),
        lambda: convert(document({**hurt, "openapi": "3.0.3"} if "openapi" in hurt else hurt)),
        lambda: [list(lines(document(hurt), name, "s")) for name in document(hurt).operations],
    ):
        try:
            work()
        except FleetError as error:
            assert str(error)
        ended += 1
    assert ended == 6
