"""Fixups: what each action does where, what is reported, and how a spec file says them."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet import OpenAPI
from fleet.cli import main
from fleet.client import Fixups, load_document
from fleet.config import loads_spec
from fleet.errors import ConfigError, SpecError
from fleet.openapi import Fixup, load_yaml, repair

X = {"type": "string"}
REF = {"$ref": "#/X"}
NULL = {"enum": [None]}


@pytest.mark.parametrize(
    ("fixup", "tree", "expected", "places"),
    [
        (Fixup(drop=("title",)), {"title": "T", "a": 1}, {"a": 1}, 1),
        (Fixup(drop=("title",)), {"a": 1}, {"a": 1}, 0),
        (Fixup(add={"openapi": "3.0.1", "a": 2}), {"a": 1}, {"a": 1, "openapi": "3.0.1"}, 1),
        (Fixup(set={"a": 2}), {"a": 1}, {"a": 2}, 1),
        (Fixup(at="/x/*", drop=("t",)), {"x": {"a": {"t": 1}, "b": {"t": 1, "u": 1}, "c": 1}, "t": 1}, {"x": {"a": {}, "b": {"u": 1}, "c": 1}, "t": 1}, 2),
        (Fixup(at="/x/a*", drop=("t",)), {"x": {"ab": {"t": 1}, "b": {"t": 1}}}, {"x": {"ab": {}, "b": {"t": 1}}}, 1),
        (Fixup(at="/x~1y/~0", drop=("t",)), {"x/y": {"~": {"t": 1}}}, {"x/y": {"~": {}}}, 1),
        (Fixup(at="/x/1", drop=("t",)), {"x": [{"t": 1}, {"t": 1}]}, {"x": [{"t": 1}, {}]}, 1),
        (Fixup(at="/**/p", set={"n": 1}), {"p": {"p": {}}, "a": [{"p": {}}]}, {"p": {"p": {"n": 1}, "n": 1}, "a": [{"p": {"n": 1}}]}, 3),
        (Fixup(at="/**", rename={"x-patternProperties": "patternProperties"}), {"a": {"x-patternProperties": {"^x": X}}}, {"a": {"patternProperties": {"^x": X}}}, 1),
        (Fixup(rename={"a": "b"}), {"a": 1, "b": 2}, {"a": 1, "b": 2}, 0),
        (Fixup(at="/properties", rename={"Nmae": "Name"}), {"properties": {"A": X, "Nmae": X}}, {"properties": {"A": X, "Name": X}}, 1),
        (Fixup(at="/s", nullable=True), {"openapi": "3.0.3", "s": {**X, "enum": ["a"]}}, {"openapi": "3.0.3", "s": {**X, "enum": ["a", None], "nullable": True}}, 1),
        (Fixup(at="/s", nullable=True), {"openapi": "3.1.0", "s": X}, {"openapi": "3.1.0", "s": {"type": ["string", "null"]}}, 1),
        (Fixup(at="/s", nullable=True), {"swagger": "2.0", "s": X}, {"swagger": "2.0", "s": {**X, "x-nullable": True}}, 1),
        (Fixup(at="/s", nullable=True), {"s": X}, {"s": {"anyOf": [X, NULL]}}, 1),
        (Fixup(at="/s", nullable=True), {"openapi": "3.0.3", "s": {**REF, "readOnly": True, "description": "d"}}, {"openapi": "3.0.3", "s": {"readOnly": True, "description": "d", "anyOf": [REF, NULL]}}, 1),
        (Fixup(at="/s", nullable=True), {"openapi": "3.1.0", "s": {"type": ["string", "null"]}}, {"openapi": "3.1.0", "s": {"type": ["string", "null"]}}, 0),
        (Fixup(at="/s", nullable=True), {"s": {"anyOf": [REF, NULL]}}, {"s": {"anyOf": [REF, NULL]}}, 0),
        (Fixup(at="/r/201", headers={"Location": "string", "ETag": {"schema": {}}}), {"openapi": "3.1.0", "r": {"201": {"headers": {"etag": {}}}}}, {"openapi": "3.1.0", "r": {"201": {"headers": {"etag": {}, "Location": {"schema": X}}}}}, 1),
        (Fixup(at="/r/201", headers={"Location": "string"}), {"swagger": "2.0", "r": {"201": {}}}, {"swagger": "2.0", "r": {"201": {"headers": {"Location": X}}}}, 1),
        (Fixup(at="/post", answers={"202": {"description": "later"}, "200": {}}), {"post": {"responses": {"200": {"description": ""}}}}, {"post": {"responses": {"200": {"description": ""}, "202": {"description": "later"}}}}, 1),
    ],
)  # fmt: skip
def test_each_action_repairs_once_and_keeps_the_order(
    fixup: Fixup, tree: Any, expected: Any, places: int
) -> None:
    made, changed = repair(fixup, tree)
    assert made == expected
    assert list(made) == list(expected)
    assert changed == places
    assert repair(fixup, made) == (expected, 0)  # once is enough


def test_what_aliases_share_is_repaired_where_it_was_asked_for() -> None:
    tree = load_yaml("a: &x {s: {type: string}}\nb: *x\nc: {d: *x}\n")
    made, places = repair(Fixup(at="/b/s", set={"n": 1}), tree)
    assert places == 1
    assert made == {"a": {"s": X}, "b": {"s": {**X, "n": 1}}, "c": {"d": {"s": X}}}


def test_what_is_no_fixup_is_refused() -> None:
    with pytest.raises(ConfigError, match="begins with '/'"):
        Fixup(at="components", drop=("a",))
    with pytest.raises(ConfigError, match="nothing to do"):
        Fixup(at="/a")


# In a library

DMTF = {  # the shape of DMTF's files: an index, and parts that have neither a version nor paths
    "openapi.json": {
        "openapi": "3.0.1", "info": {"title": "R", "version": "1"},
        "paths": {"/": {"get": {"security": [], "responses": {"200": {"description": ""}}}}, "/Sessions": {"post": {"responses": {"201": {"description": "", "content": {"application/json": {"schema": {"$ref": "Session.json#/components/schemas/S"}}}}}}}},
    },
    "Session.json": {
        "title": "Session",
        "components": {"schemas": {"S": {"type": "object", "properties": {"Owner": {"$ref": "#/components/schemas/O"}, "Name": X}}, "O": {"type": "object"}}},
    },
}  # fmt: skip
FIXUPS = """\
  - {at: "/components/schemas/*/properties/*", documents: "Session*.json", nullable: true}
  - {at: /paths/*/post/responses/201, headers: {X-Auth-Token: string, Location: string}}
  - {at: /paths/*/post, answers: {'202': {description: Accepted}}}
  - {documents: openapi.json, add: {security: [{basic: []}], servers: [{url: /redfish/v1}]}}
  - {at: /components/schemas/Gone, drop: [title], reason: it was there in an older release}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, tree in DMTF.items():
        (tmp_path / name).write_bytes(orjson.dumps(tree))
    return tmp_path


def spec_text(fixups: str = FIXUPS) -> str:
    return (
        "fleet: '1'\ninfo: {title: T}\napi: openapi.json\nsteps: {s: {operation: GET /}}\nfixups:\n" + fixups
    )


def test_a_description_is_repaired_while_it_is_loaded(files: Path) -> None:
    spec = loads_spec(spec_text(), path=files / "spec.yaml")
    fixups = Fixups(entry.fixup for entry in spec.fixups)
    api = OpenAPI.load_file(files / "openapi.json", plugins=[fixups])
    operation = api.document.operation("POST /Sessions")
    assert operation.violations(201, "application/json", {"Owner": None, "Name": None}) == ()
    assert operation.violations(201, "application/json", {"Name": 1}) == (("/Name", "anyOf"),)
    assert [header.name for header in operation.answers[0].headers] == ["X-Auth-Token", "Location"]
    assert [answer.status for answer in operation.answers] == ["201", "202"]
    assert (operation.server_path, operation.requirements) == ("/redfish/v1", (("basic",),))
    assert [(done.places, done.documents, done.read) for done in fixups.report()] == [
        (2, 1, 1), (1, 1, 2), (1, 1, 2), (1, 1, 1), (0, 0, 2),
    ]  # fmt: skip
    again = pickle.loads(pickle.dumps(api))
    assert again.document.operation("POST /Sessions").violations(201, None, {"Owner": None}) == ()
    plain = OpenAPI.load_file(files / "openapi.json").document.operation("POST /Sessions")
    assert plain.violations(201, "application/json", {"Owner": None}) == (("/Owner", "type"),)


def test_the_cache_of_trees_holds_what_was_published(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\nx-filler: " + "x" * 5000)
    for url in ("/a", "/b"):  # another fixup is another description, whatever is cached
        plugin = Fixups([Fixup(add={"servers": [{"url": url}]})])
        assert OpenAPI.load_file(path, cache=tmp_path / "trees", plugins=[plugin]).document.server_path == url
    assert OpenAPI.load_file(path, cache=tmp_path / "trees").document.server_path == ""


def test_one_instance_serves_two_descriptions(files: Path) -> None:
    fixups = Fixups([Fixup(add={"servers": [{"url": "/x"}]})])
    for _ in range(2):
        assert OpenAPI.load_file(files / "openapi.json", plugins=[fixups]).document.server_path == "/x"


# In a spec file


@pytest.mark.parametrize(
    ("entry", "place", "says", "hint"),
    [
        ("{at: paths, drop: [a]}", "6:6", "fixups.0.at: a JSON pointer begins with '/'", ""),
        ("{at: /paths}", "6:5", "nothing is done: one of drop, rename", ""),
        ("{drpo: [a]}", "6:6", "unknown key 'drpo'", "did you mean 'drop'?"),
        ("{answers: {'2000': {}}}", "6:6", "not a valid name", ""),
        ("{rename: [a]}", "6:6", "must be a mapping", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, entry: str, place: str, says: str, hint: str
) -> None:
    path = tmp_path / "spec.yaml"
    with pytest.raises(SpecError) as caught:
        loads_spec(spec_text(f"  - {entry}\n"), path=path)
    assert says in str(caught.value)
    assert f"{caught.value.line}" == place.partition(":")[0]
    assert hint in str(caught.value.hint or "")


def test_check_warns_of_fixups_that_repair_nothing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "spec.yaml"
    path.write_text(spec_text())
    assert main(["check", str(path)]) == 0
    err = capsys.readouterr().err
    assert f"{path}:10:5: warning: fixup 5 (/components/schemas/Gone) repaired nothing: in 2 documents" in err
    assert err.count("repaired nothing") == 1
    assert "5 places of the description repaired by 4 fixups\n" in err


def test_the_commands_of_descriptions_take_a_spec_file(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files / "spec.yaml"
    path.write_text(spec_text())
    assert main(["spec", "show", str(path), "POST /Sessions"]) == 0
    assert "202" in capsys.readouterr().out


def test_the_page_of_descriptions_shows_fixups_that_work(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/howto/descriptions.md").read_text()
    (block,) = re.findall(r"```yaml\n(fixups:\n.*?)```", page, re.DOTALL)
    spec = loads_spec(spec_text("").replace("fixups:\n", "") + block, path=tmp_path / "spec.yaml")
    part = {
        "title": "Task",
        "components": {"schemas": {"T": {"properties": {"Owner": REF, "O": {"x-patternProperties": {}}}}}},
    }
    for entry in spec.fixups:
        if entry.fixup.concerns("http://h/Task.v1_5_1.yaml"):
            part, _ = repair(entry.fixup, part)
    assert part == {
        "components": {
            "schemas": {
                "T": {"properties": {"Owner": {"anyOf": [REF, NULL]}, "O": {"patternProperties": {}}}}
            }
        },
        "openapi": "3.0.1",
        "info": {"title": "part", "version": "1"},
        "paths": {},
    }


def test_published_files_are_repaired_in_time(shared: Path) -> None:
    where = shared / "data/redfish-2021.4/openapi"
    fixups = Fixups(
        [
            Fixup(at="/**", rename={"x-patternProperties": "patternProperties"}),
            Fixup(at="/components/schemas/*/properties/*", nullable=True),
        ]
    )
    document = load_document(
        where / "openapi.yaml", refs={"http://redfish.dmtf.org/schemas/v1/": where}, plugins=[fixups]
    )
    started = time.process_time()
    operation = document.operation("GET /redfish/v1/Systems/{ComputerSystemId}")
    broken = {pointer for pointer, _ in operation.violations(200, None, {"Name": None, "Id": 1})}
    assert ("/Id" in broken, "/Name" in broken) == (True, False)
    assert time.process_time() - started < 10  # seconds: 1 where nobody else is at work
    assert all(done.places > 5 for done in fixups.report())


def test_documents_read_after_a_handle_was_restored_are_repaired_too(tmp_path: Path) -> None:
    """What was not read before `cache_store` is read by the handle that `cache_load` gives, and repaired by
    the plugins that this one is given."""
    (tmp_path / "Part.yaml").write_text("q: {name: q, inn: query}")
    operation = {"parameters": [{"$ref": "Part.yaml#/q"}], "responses": {}}
    tree = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": operation}}}
    (tmp_path / "api.json").write_bytes(orjson.dumps(tree))
    fixups = Fixups([Fixup("/*", rename={"inn": "in"}, documents="Part.yaml")])
    api = OpenAPI.load_file(tmp_path / "api.json", plugins=[fixups])
    api.cache_store(tmp_path / "kept")
    assert fixups.report()[0].read == 0
    again = OpenAPI.cache_load(tmp_path / "kept", plugins=[fixups])
    (parameter,) = again.document.operation("GET /a").parameters
    assert (parameter.name, parameter.location) == ("q", "query")
    assert fixups.report()[0].places == 1
