"""`fleet spec`: data on stdout, findings with their place, one status per result."""

# ruff: noqa: E501  (descriptions are read as they are written)

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.cli import main
from fleet.openapi import load_yaml

GOOD = """\
openapi: 3.2.0
info: {title: T, version: '1'}
tags: [{name: a, summary: A}, {name: b, parent: a}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: k}}}
paths:
  /p/{id}:
    get:
      operationId: getOne
      summary: One
      tags: [b]
      security: [{key: []}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
    put:
      deprecated: true
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {}}}
      responses: {'204': {description: done}}
x-dates: {on: 2020-01-01, version: '1.0', n: 12_24, t: 'on', z: '017', s: "a\\nb", e: ''}
"""
BAD = """\
openapi: 3.1.0
info: {title: T, version: '1'}
paths:
  /p/{id}:
    get: {responses: {'200': {description: ok}}}
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "api.yaml"
    path.write_text(GOOD)
    return str(path)


def test_validate_prints_place_and_pointer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    assert main(["spec", "validate", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == (
        f"{path}:5:5: error: the path parameter 'id' of GET /p/{{id}} is not declared"
        " [undeclared-path-parameter] (at #/paths/~1p~1{id}/get)\n"
    )
    assert err == "1 error, 0 warnings\n"


def test_a_description_may_come_from_a_pipe(
    good: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.yaml").write_text("{type: array}")
    changed = GOOD.replace("{type: object}", "{$ref: names.yaml}")
    with piped(BAD) as bad:
        assert main(["spec", "validate", bad]) == 1
    assert capsys.readouterr().out.startswith(f"<{Path(bad).name}>:5:5: error: the path parameter")
    with piped(GOOD) as old, piped(changed) as new:
        assert main(["spec", "diff", old, new]) == 1
    assert "GET /p/{id}" in capsys.readouterr().out


@contextmanager
def piped(text: str) -> Iterator[str]:
    """The path of a pipe that holds `text`, as a shell gives for `<(command)`."""
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "w") as stream:
            stream.write(text)  # fits into the pipe's buffer
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [1\nb: 2\n", "bad.yaml:2:2: not valid YAML"), ("openapi: 3.3.0\n", "'3.3.0' is not supported")],
)
def test_what_cannot_be_read_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    assert main(["spec", "validate", str(path)]) == 1
    assert says in capsys.readouterr().out
    assert main(["spec", "validate", str(tmp_path / "none.yaml")]) == 2


def test_validate_lists_and_disables_tags(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "validate", "-C", "-l", "-v", good]) == 0
    out, err = capsys.readouterr()
    assert "tag:yaml.org,2002:timestamp\ttext\t1 values\t0 keys\t19:15\t2020-01-01" in out
    assert "T 1: 2 operations" in err
    assert main(["spec", "validate", "-D,2002:timestamp", good]) == 0
    assert main(["spec", "validate", "-D", "timestmp", good]) == 2
    assert "did you mean 'timestamp'" in capsys.readouterr().err


def test_operations_and_tags_are_tables(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "operations", good]) == 0
    assert capsys.readouterr().out == "GET\t/p/{id}\tgetOne\tb\tOne\nPUT\t/p/{id}\t-\t-\t(deprecated) \n"
    assert main(["spec", "tags", good]) == 0
    assert capsys.readouterr().out == "a\t0\tA\na / b\t1\t\n"


def test_show_ends_in_a_call(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "show", good, "getOne"]) == 0
    assert (
        capsys.readouterr().out
        == f"""\
GET /p/{{id}}  getOne  [b]
  One

parameters:
  id  path  required  string

answers:
  200  ok
       application/json  object

security:
  key (apiKey)

call:
  fleet call HOST getOne --spec {good} -p id=ID
  await api._.getOne({{'id': 'ID'}})
"""
    )
    assert main(["spec", "show", good, "getOnes"]) == 2
    assert "did you mean 'getOne'" in capsys.readouterr().err


PEOPLE = """\
openapi: 3.1.0
info: {title: T, version: '1'}
paths:
  /people/{id}:
    put:
      operationId: putPerson
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, format: int64}}
        - {name: f, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {enum: [a, b]}}}
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}}
      responses:
        '200': {description: ok, headers: {ETag: {schema: {type: string}}}, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Person'}}}}}
        default: {description: wrong, content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}}
components:
  schemas:
    Person:
      type: object
      required: [name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, minLength: 1, description: "What\\u001b[31m people say. More.", examples: [Ada]}
        born: {type: [string, 'null'], format: date}
        friends: {type: array, items: {$ref: '#/components/schemas/Person'}}
        home: {type: object, properties: {street: {type: string}}}
"""


def test_show_opens_schemas_and_makes_a_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(PEOPLE)
    assert main(["spec", "show", str(path), "putPerson"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    head, _, rest = shown.partition("answers:")
    assert (
        head
        == """\
PUT /people/{id}  putPerson

parameters:
  id  path   required  integer (int64)
  f   query  optional  array of a|b     written pipeDelimited

body (required):
  application/json  Person
    id        integer                          read-only
    name      string                 required  What\\x1b[31m people say; minLength 1
    born      string (date) or null
    friends   array of Person
    home      object
      street  string

"""
    )
    assert rest.startswith(
        "\n  200  ok\n       ETag:  string\n       application/json  array of Person\n         id "
    )
    assert "  default  wrong\n       application/json  Person\n\nsecurity:" in rest
    assert rest.endswith("call:\n  await api._.putPerson({'id': 0}, {'name': 'Ada'})\n")


def test_convert_there_and_back(good: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "convert", good]) == 0
    converted = capsys.readouterr().out
    assert json.loads(converted) == load_yaml(GOOD)
    path = tmp_path / "api.json"
    path.write_text(converted)
    assert main(["spec", "convert", str(path)]) == 0
    assert load_yaml(capsys.readouterr().out) == load_yaml(GOOD)


def test_a_built_in_name_is_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "operations", "redfish"]) == 0
    assert "GET\t/redfish/v1/Systems\t" in capsys.readouterr().out


def test_references_elsewhere_are_mapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, parts = tmp_path / "api.json", tmp_path / "parts"
    parts.mkdir()
    ref = {"$ref": "http://h/s/b.json#/B"}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": ref}}}}
    api = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/p": {"get": {"responses": answer}}},
    }
    path.write_text(json.dumps(api))
    (parts / "b.json").write_text('{"B": {"type": "string"}}')
    assert main(["spec", "validate", str(path)]) == 1
    assert "no loader offers this document" in capsys.readouterr().out
    assert main(["spec", "validate", str(path), "--refs", f"http://h/s/={parts}"]) == 0
    assert main(["spec", "reduce", str(path), "-k", "/p", "--refs", f"http://h/s/={parts}"]) == 0
    assert json.loads(capsys.readouterr().out)["components"] == {"schemas": {"B": {"type": "string"}}}
    assert main(["spec", "validate", str(path), "--refs", "http://h/s/"]) == 2
    assert "--refs takes PREFIX=DIR" in capsys.readouterr().err


def test_a_description_is_read_without_what_reads_spec_files(tmp_path: Path) -> None:
    """Whoever names a description by its path does not wait for pydantic and the model of spec files."""
    path = tmp_path / "api.json"
    path.write_text('{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}')
    program = (
        "import sys\n"
        "from fleet.cli import main\n"
        f"assert main(['spec', 'operations', {str(path)!r}]) == 0\n"
        "print(sorted({'pydantic', 'fleet.config.load', 'fleet.config.model'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
