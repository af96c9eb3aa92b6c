"""Reduce: the chosen operations and exactly their closure, and the same bytes on the wire as before."""

# ruff: noqa: E501  (descriptions are read as they are written)

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from judged import body_violations

from fleet import OpenAPI
from fleet.cli import main
from fleet.client import load_document
from fleet.errors import SpecError
from fleet.openapi import Document, dump_yaml, load, load_yaml, reduce, reduced

OK = {"description": "ok"}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key != "example":
                yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def pointed(tree: Any, ref: str) -> Any:
    """Independent of the code under test: RFC 6901, in a fragment."""
    for token in unquote(ref.partition("#")[2]).split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree


def unreachable(tree: dict[str, Any]) -> set[tuple[str, str]]:
    """Components that no operation reaches; fails on a reference that leads nowhere."""
    held = {
        k: tree[k] for k in ("definitions", "parameters", "responses", "securityDefinitions") if k in tree
    }
    components = held if "swagger" in tree else tree.get("components", {})
    where = "#/" if "swagger" in tree else "#/components/"
    security = "securityDefinitions" if "swagger" in tree else "securitySchemes"
    seen: set[tuple[str, str]] = set()
    todo: list[Any] = [tree.get("paths", {}), tree.get("webhooks", {})]
    for requirement in tree.get("security", []):
        seen |= {(security, name) for name in requirement}
    while todo:
        for node in walk(todo.pop()):
            for requirement in node.get("security", []) if isinstance(node.get("security"), list) else []:
                seen |= {(security, name) for name in requirement}
            refs = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            discriminator = node.get("discriminator")
            if isinstance(discriminator, dict):
                refs += [
                    v if "#" in v else f"#/components/schemas/{v}"
                    for v in discriminator.get("mapping", {}).values()
                ]
            if discriminator:  # heirs are meant by their names
                section = "definitions" if "swagger" in tree else "schemas"
                for name, schema in components.get(section, {}).items():
                    if any(pointed(tree, e["$ref"]) is node for e in schema.get("allOf", []) if "$ref" in e):
                        refs.append(f"{where}{section}/{name}")
            for ref in refs:
                target = pointed(tree, ref)
                if ref.startswith(where):
                    kind, name = unquote(ref.removeprefix(where)).split("/")[:2]
                    name = name.replace("~1", "/").replace("~0", "~")
                    if (kind, name) not in seen:
                        seen.add((kind, name))
                        todo.append(target)
    return {(kind, name) for kind, entries in components.items() for name in entries} - seen


def check(tree: dict[str, Any]) -> Document:
    assert unreachable(tree) == set()
    return load(orjson.dumps(tree), source="/reduced.json")


API = load_yaml("""
openapi: 3.1.0
info: {title: T, version: '1'}
servers: [{url: /v1}]
security: [{key: []}]
tags: [{name: pets}, {name: admin}, {name: unused}]
paths:
  /pets/{id}:
    parameters: [{$ref: '#/components/parameters/Id'}]
    get:
      operationId: getPet
      tags: [pets]
      parameters: [{name: q, in: query, schema: {$ref: '#/components/schemas/Sort'}}]
      responses:
        '200':
          description: ok
          headers: {X-Rate: {$ref: '#/components/headers/Rate'}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}, examples: {a: {$ref: '#/components/examples/Rex'}}}}
          links:
            owner: {$ref: '#/components/links/Owner'}
            again: {operationId: getPet}
        default: {$ref: '#/components/responses/Error'}
    put:
      operationId: putPet
      security: [{basic: []}, {}]
      requestBody: {$ref: '#/components/requestBodies/Pet'}
      callbacks: {done: {$ref: '#/components/callbacks/Done'}}
      responses: {'204': {description: none}}
  /pets:
    get: {operationId: listPets, tags: [pets], responses: {'200': {description: ok, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}}}}}}
    post: {operationId: addPet, security: [], responses: {'201': {description: ok}}}
  /admin/users: {get: {tags: [admin], responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/User'}}}}}}}
  /shared: {$ref: '#/components/pathItems/Shared'}
webhooks: {changed: {post: {operationId: onChange, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/User'}}}}, responses: {'200': {description: ok}}}}}
components:
  schemas:
    User: {type: object, properties: {name: {type: string}}}
    Cat: {allOf: [{$ref: '#/components/schemas/Pet'}, {type: object, properties: {lives: {$ref: '#/components/schemas/Lives'}}}]}
    Dog: {allOf: [{$ref: '#/components/schemas/Pet'}]}
    Lives: {type: integer, maximum: 9}
    Pet: {type: object, required: [kind], properties: {kind: {type: string}, friend: {$ref: '#/components/schemas/Pet'}}, discriminator: {propertyName: kind, mapping: {odd: '#/components/schemas/Odd'}}}
    Odd: {type: object, example: {$ref: '#/not/a/reference'}}
    Sort: {enum: [a, b]}
    Error: {type: object}
    'Slashed/Name': {type: string}
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string}}, Unused: {name: u, in: query}}
  headers: {Rate: {schema: {type: integer}}}
  examples: {Rex: {value: {kind: odd}}, None: {value: 1}}
  links: {Owner: {operationRef: '#/paths/~1admin~1users/get'}}
  responses: {Error: {description: e, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}}
  requestBodies: {Pet: {content: {application/json: {schema: {type: array, items: {$ref: '#/paths/~1pets/get/responses/200/content/application~1json/schema'}}}}}}
  callbacks: {Done: {'{$request.body#/u}': {post: {security: [{hook: []}], requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Slashed~1Name'}}}}, responses: {'200': {description: ok}}}}}}
  securitySchemes: {basic: {type: http, scheme: basic}, key: {type: apiKey, in: header, name: k}, hook: {type: http, scheme: bearer}, none: {type: http, scheme: digest}}
  pathItems: {Shared: {get: {operationId: shared, responses: {'200': {description: ok}}}, post: {responses: {'200': {description: ok}}}}}
x-owner: me
""")


def held(tree: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: list(entries) for kind, entries in tree.get("components", {}).items()}


def reduction(*keep: Any, tree: Any = API) -> Any:
    return reduce(load(orjson.dumps(tree), source="/d/api.json"), keep)


@pytest.mark.parametrize(
    ("keep", "operations"),
    [
        ("getPet", ["GET /pets/{id}"]),
        ("GET /pets/{id}", ["GET /pets/{id}"]),
        ("get /pets/{id}", ["GET /pets/{id}"]),
        (("/pets/{id}", "get"), ["GET /pets/{id}"]),
        ("/pets/{id}", ["GET /pets/{id}", "PUT /pets/{id}"]),
        ("* /pets", ["GET /pets", "POST /pets"]),
        ("GET /pets*", ["GET /pets"]),
        ("GET /pets**", ["GET /pets/{id}", "GET /pets"]),
        ("*Pet", ["GET /pets/{id}", "PUT /pets/{id}", "POST /pets"]),
        ("re:^(get|put)Pet$", ["GET /pets/{id}", "PUT /pets/{id}"]),
        (re.compile("admin"), ["GET /admin/users"]),
        ("shared", ["GET /shared"]),
        ("onChange", ["POST changed"]),
    ],
)  # fmt: skip
def test_operations_are_chosen_by_name_glob_and_expression(keep: Any, operations: list[str]) -> None:
    made = reduction(keep)
    assert list(made.operations) == operations
    check(made.tree)


def test_the_closure_of_an_answer_is_exact() -> None:
    made = reduction("getPet")
    assert held(made.tree) == {
        "schemas": ["Cat", "Dog", "Lives", "Pet", "Odd", "Sort", "Error"],
        "parameters": ["Id"],
        "headers": ["Rate"],
        "examples": ["Rex"],
        "responses": ["Error"],
        "securitySchemes": ["key"],
    }
    assert list(made.tree) == [
        "openapi",
        "info",
        "servers",
        "security",
        "tags",
        "paths",
        "components",
        "x-owner",
    ]
    assert made.tree["tags"] == [{"name": "pets"}]
    assert made.tree["components"]["schemas"]["Pet"] == API["components"]["schemas"]["Pet"]
    assert made.tree["paths"]["/pets/{id}"]["get"]["responses"]["200"]["links"] == {
        "again": {"operationId": "getPet"}
    }
    assert made.links == ("owner",)


def test_callbacks_own_security_and_targets_that_have_no_name() -> None:
    made = reduction("putPet")
    assert held(made.tree) == {
        "schemas": ["Cat", "Dog", "Lives", "Pet", "Odd", "Slashed/Name", "schema"],
        "parameters": ["Id"],
        "requestBodies": ["Pet"],
        "callbacks": ["Done"],
        "securitySchemes": ["basic", "hook"],
    }
    assert "security" not in made.tree
    items = made.tree["components"]["requestBodies"]["Pet"]["content"]["application/json"]["schema"]["items"]
    assert items == {"$ref": "#/components/schemas/schema"}
    check(made.tree)


def test_a_link_stays_where_its_operation_does() -> None:
    made = reduction("getPet", "GET /admin/users")
    assert held(made.tree)["links"] == ["Owner"]
    assert made.links == ()


def test_a_choice_that_means_nothing_is_an_error() -> None:
    with pytest.raises(SpecError, match="no operation is meant by 'getPets'") as caught:
        reduction("getPets")
    assert "getPet" in str(caught.value.hint)
    with pytest.raises(SpecError, match="not a regular expression"):
        reduction("re:(")


def test_the_given_tree_is_not_changed() -> None:
    document = load(orjson.dumps(API), source="/d/api.json")
    reduce(document, ["getPet", "putPet"])
    assert document.trees["/d/api.json"] == API


FILES = {
    "/d/api.json": {
        "openapi": "3.0.3", "info": {"title": "T", "version": "1"},
        "paths": {"/a": {"$ref": "paths.json#/a"}, "/b": {"get": {"responses": {}}}},
        "components": {"schemas": {"Name": {"type": "string"}, "Gone": {"type": "string"}}},
    },
    "/d/paths.json": {
        "a": {
            "parameters": [{"$ref": "parts/p.json#/q"}],
            "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "parts/s.json"}}}}}},
            "post": {"responses": {}},
        }
    },
    "/d/parts/p.json": {"q": {"name": "q", "in": "query", "schema": {"$ref": "s.json#/x/Name"}}},
    "/d/parts/s.json": {
        "type": "object",
        "properties": {"own": {"$ref": "../api.json#/components/schemas/Name"}, "again": {"$ref": "#"}, "x": {"$ref": "#/x/Name"}, "no": {"$ref": "none.json#/a"}},
        "x": {"Name": {"type": "integer"}},
    },
}  # fmt: skip


def of_files() -> Document:
    def read(uri: str) -> bytes:
        if uri not in FILES:
            raise SpecError("no such file", file=uri)
        return orjson.dumps(FILES[uri])

    return load(source="/d/api.json", reader=read)


def test_other_files_are_taken_in_under_names_of_their_own() -> None:
    made = reduce(of_files(), ["GET /a"])
    components = made.tree["components"]
    assert held(made.tree) == {"schemas": ["Name", "s.json", "Name_2"], "parameters": ["q"]}
    assert components["schemas"]["Name"] == {"type": "string"}
    assert components["schemas"]["Name_2"] == {"type": "integer"}
    assert components["parameters"]["q"]["schema"] == {"$ref": "#/components/schemas/Name_2"}
    assert components["schemas"]["s.json"]["properties"] == {
        "own": {"$ref": "#/components/schemas/Name"},
        "again": {"$ref": "#/components/schemas/s.json"},
        "x": {"$ref": "#/components/schemas/Name_2"},
        "no": {"$ref": "none.json#/a"},
    }
    assert list(made.tree["paths"]["/a"]) == ["parameters", "get"]
    assert list(made.missing) == ["none.json#/a"]


def test_other_files_stay_outside_when_asked() -> None:
    made = reduce(of_files(), ["GET /a"], external=True)
    assert held(made.tree) == {"schemas": ["Name"]}
    document = reduced(of_files(), ["GET /a"])
    assert list(document.operations) == ["GET /a"]
    call = document.operation("GET /a").build({"q": 1})
    assert (call.path, call.query) == ("/a", "q=1")
    assert document.operation("GET /a").violations(200, "application/json", {"own": 1}) == (("/own", "type"),)


def test_swagger_keeps_definitions() -> None:
    tree = load_yaml("""
swagger: '2.0'
info: {title: T, version: '1'}
securityDefinitions: {k: {type: basic}, l: {type: basic}}
parameters: {Body: {name: b, in: body, schema: {$ref: '#/definitions/A'}}, Not: {name: n, in: query, type: string}}
responses: {R: {description: r, schema: {$ref: '#/definitions/B'}}}
definitions:
  A: {type: object, discriminator: kind, properties: {kind: {type: string}}}
  B: {type: object}
  C: {allOf: [{$ref: '#/definitions/A'}]}
  D: {type: object}
paths:
  /a: {post: {security: [{k: []}], parameters: [{$ref: '#/parameters/Body'}], responses: {'200': {$ref: '#/responses/R'}}}}
  /d: {get: {responses: {'200': {description: d, schema: {$ref: '#/definitions/D'}}}}}
""")
    made = reduction("POST /a", tree=tree)
    assert list(made.tree) == [
        "swagger",
        "info",
        "securityDefinitions",
        "parameters",
        "responses",
        "definitions",
        "paths",
    ]
    assert list(made.tree["definitions"]) == ["A", "B", "C"]
    assert list(made.tree["parameters"]) == ["Body"]
    assert list(made.tree["securityDefinitions"]) == ["k"]
    check(made.tree)


def test_tags_above_the_used_ones_and_methods_of_any_name_stay() -> None:
    tree = {
        "openapi": "3.2.0", "info": {"title": "T", "version": "1"},
        "tags": [{"name": "a"}, {"name": "b", "parent": "a"}, {"name": "c", "parent": "b"}, {"name": "d"}],
        "paths": {"/p": {"additionalOperations": {"COPY": {"tags": ["c"], "responses": {}}, "MOVE": {"responses": {}}}, "query": {"responses": {}}}},
    }  # fmt: skip
    made = reduction("COPY /p", tree=tree)
    assert [tag["name"] for tag in made.tree["tags"]] == ["a", "b", "c"]
    assert made.tree["paths"] == {"/p": {"additionalOperations": {"COPY": {"tags": ["c"], "responses": {}}}}}


def test_schemas_that_name_themselves() -> None:
    """Without dynamic anchors an `$id` is given up and what refers by it is rewritten; with them it stays."""

    def answer(ref: str) -> Any:
        return {
            "responses": {
                "200": {"description": "", "content": {"application/json": {"schema": {"$ref": ref}}}}
            }
        }

    tree = {
        "openapi": "3.1.0", "info": {"title": "T", "version": "1"},
        "paths": {"/a": {"get": answer("#/components/schemas/A")}, "/d": {"get": answer("https://x/list")}},
        "components": {"schemas": {
            "A": {"$id": "https://x/a", "type": "object", "properties": {"b": {"$ref": "#/$defs/b"}, "c": {"$ref": "b#here"}}, "$defs": {"b": {"type": "integer"}, "not": {"type": "null"}}},
            "B": {"$id": "https://x/b", "$defs": {"h": {"$anchor": "here", "type": "string"}}},
            "List": {"$id": "https://x/list", "$dynamicAnchor": "node", "type": "object", "properties": {"next": {"$dynamicRef": "#node"}, "more": {"$ref": "tree"}}},
            "Tree": {"$id": "https://x/tree", "$dynamicAnchor": "node", "required": ["x"]},
        }},
    }  # fmt: skip
    made = reduction("GET /a", tree=tree)
    operation = check(made.tree).operation("GET /a")
    assert operation.violations(200, None, {"b": "x", "c": 1}) == (("/b", "type"), ("/c", "type"))
    made = reduction("GET /d", tree=tree)
    assert made.tree["components"]["schemas"] == {
        k: tree["components"]["schemas"][k] for k in ("List", "Tree")
    }
    before = load(orjson.dumps(tree), source="/d/api.json").operation("GET /d")
    after = load(orjson.dumps(made.tree), source="/reduced.json").operation("GET /d")
    for value in ({"next": {}}, {"more": {}}, {"more": {"x": 1}}, {"next": {"more": {}}}):
        assert after.violations(200, None, value) == before.violations(200, None, value)


def test_a_chain_of_ten_thousand_schemas_is_kept() -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {"properties": {"next": {"$ref": f"#/components/schemas/S{n + 1}"}}} for n in range(10_000)
    }
    schemas |= {"S10000": {"type": "string"}, "T": {"type": "null"}}
    answer = {
        "description": "",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}},
    }
    tree = {
        "openapi": "3.1.0",
        "info": {},
        "paths": {"/p": {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": schemas},
    }
    assert len(reduction("/p", tree=tree).tree["components"]["schemas"]) == 10_001


# The published description

WALK = [
    "/redfish/v1", "/redfish/v1/Systems", "/redfish/v1/Systems/{ComputerSystemId}", "/redfish/v1/Chassis",
    "/redfish/v1/Chassis/{ChassisId}", "/redfish/v1/Managers", "/redfish/v1/Managers/{ManagerId}",
]  # fmt: skip


def test_a_walk_of_redfish(shared: Path) -> None:
    where = shared / "data/redfish-2021.4/openapi"
    refs = {"http://redfish.dmtf.org/schemas/v1/": where}
    whole = load_document(where / "openapi.yaml", refs=refs)
    made = reduce(whole, [*(f"GET {path}" for path in WALK), "PATCH /redfish/v1/Systems/{ComputerSystemId}"])
    assert made.missing == {}
    small = check(made.tree)
    assert len(small.operations) == 8
    assert not any(
        ref
        for node in walk(made.tree)
        if isinstance(ref := node.get("$ref"), str) and not ref.startswith("#/")
    )
    system = {
        "Id": "1",
        "Name": "n",
        "@odata.id": "/redfish/v1/Systems/1",
        "@odata.type": "#ComputerSystem.v1_17_0.ComputerSystem",
    }
    values = [
        {}, {"Id": 1}, system, {**system, "PowerState": "Sideways"}, {**system, "Boot": {"BootOrder": [1]}},
        {**system, "Status": {"Health": "Fine"}}, {"Members": [{"@odata.id": 1}], "Members@odata.count": "x"}, {"error": {"code": 1}},
    ]  # fmt: skip
    found = 0
    for operation in small.operations.values():
        before = whole.operation(operation.name)
        given = {parameter.name: "1" for parameter in operation.parameters}
        body = {"AssetTag": "x"} if operation.method == "PATCH" else None
        assert operation.build(given, body) == before.build(given, body)
        assert operation.requirements == before.requirements
        for value in values:
            for status in (200, 400):
                violations = operation.violations(status, "application/json", value)
                assert violations == before.violations(status, "application/json", value)
                found += len(violations)
            assert body_violations(small, operation, value) == body_violations(whole, before, value)
    assert found > 100


def test_a_handle_may_have_only_some_operations(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_bytes(orjson.dumps(API))
    for api in (
        OpenAPI.load_file("http://h", path, only=["getPet"]),
        OpenAPI.loads("http://h", orjson.dumps(API), only=["getPet"]),
        pickle.loads(pickle.dumps(OpenAPI.load_file("http://h", path, only=["getPet"]))),
    ):
        assert list(api._) == ["getPet"]
        assert api._.getPet is not None
        with pytest.raises(AttributeError, match="putPet"):
            api._.putPet  # noqa: B018


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "api.json", tmp_path / "small.yaml"
    path.write_bytes(orjson.dumps(API))
    assert main(["spec", "reduce", str(path), "-k", "getPet", "-k", "POST /pets", "-o", str(out)]) == 0
    made = reduction("getPet", "POST /pets")
    assert load_yaml(out.read_bytes()) == made.tree
    assert capsys.readouterr().err == (
        "2 of 7 operations kept\nleft out, as they lead to other operations: the links owner\n"
    )
    assert main(["spec", "reduce", str(path), "-k", "getPet"]) == 0
    assert orjson.loads(capsys.readouterr().out) == reduction("getPet").tree
    assert main(["spec", "reduce", str(path), "-k", "gtPet"]) == 2
    assert "did you mean 'getPet'?" in capsys.readouterr().err
    assert main(["spec", "reduce", str(path)]) == 2


def test_what_is_reduced_goes_through_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = dump_yaml(reduction("/pets").tree)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["spec", "operations", "-"]) == 0
    assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()] == ["listPets", "addPet"]
