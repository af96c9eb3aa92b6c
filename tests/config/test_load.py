"""Spec files: found, read, refused in words; the published schema."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fleet.config import (
    SpecFile,
    builtin_of,
    installed_here,
    list_builtin_specs,
    load_spec,
    loads_spec,
    spec_schema,
)
from fleet.errors import SpecError
from fleet.openapi import load
from fleet.pipeline import Plan, compile_plan

ROOT = Path(__file__).parents[2]

API = """
openapi: 3.0.3
info: {title: Things, version: '2'}
paths:
  /things:
    get: {operationId: listThings, responses: {'200': {description: ok}}}
    post: {operationId: addThing, responses: {'201': {description: ok}}}
  /things/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok}}
  /search:
    get:
      parameters: [{$ref: '#/components/parameters/q'}]
      responses: {'200': {description: ok}}
  /2d/map:
    get: {responses: {'200': {description: ok}}}
  /page:
    get:
      operationId: page
      responses:
        '200': {description: ok, content: {text/html: {}}}
        default: {description: no, content: {application/json: {}}}
  /feed:
    get:
      operationId: feed
      responses: {'200': {description: ok, content: {text/csv: {}, application/hal+json: {}}}}
components: {parameters: {q: {name: q, in: query, required: true, schema: {type: string}}}}
"""


def planned(spec: SpecFile, pipeline: str | None = None) -> Plan:
    document = load(Path(spec.api_source).read_bytes(), source=spec.api_source)
    return compile_plan(spec, document, pipeline, locate=spec.place)


def test_built_in_specs_are_found_by_name_in_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"redfish", "gateways"} <= set(list_builtin_specs())
    spec = load_spec("redfish")
    assert spec.notes == ()
    assert Path(spec.api_source).is_file()
    (note,) = load_spec("redfish.yaml").notes
    assert "built-in" in note


def test_a_file_here_wins_over_the_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = 'fleet: "1"\ninfo: {title: Mine}\napi: sub/api.yaml\nsteps: {s: {operation: listThings}}\n'
    (tmp_path / "redfish.yaml").write_text(text + "refs: {'http://x/': ./schemas/}\nx-note: anything\n")
    for folder in ("sub", "schemas"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sub" / "api.yaml").touch()
    spec = load_spec("redfish.yaml")
    assert spec.info.title == "Mine"
    assert spec.notes == ()
    assert spec.api_source == str(tmp_path / "sub" / "api.yaml")
    assert spec.ref_sources == {"http://x/": f"{tmp_path}/schemas/"}
    assert spec.place(("steps", "s", "operation")) == (str(tmp_path / "redfish.yaml"), 4, 13)


@pytest.mark.parametrize("name", ["redfihs", "missing/redfish.yaml", "."])
def test_what_is_no_spec_says_so(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=r"no spec file|directory"):
        load_spec(name)


def test_a_misspelt_name_gets_a_guess() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec("redfihs")
    assert caught.value.hint == "did you mean 'redfish'?"


SOURCES = """\
fleet: "1"
info: {title: Mine}
api: API
refs:
  http://x/: REFS
steps: {s: {operation: listThings}}
"""


@pytest.mark.parametrize(
    ("api", "refs", "said"),
    [
        ("things.yaml", "schemas", None),
        ("https://127.0.0.1:1/api.yaml", "https://127.0.0.1:1/", None),
        ("thing.yaml", "schemas", "3:1: api: there is no file 'thing.yaml'\n  did you mean 'things.yaml'?"),
        ("./opnapi/a.yaml", "schemas", "3:1: api: there is no file './opnapi/a.yaml'\n"
         "  did you mean './openapi/a.yaml'?"),
        ("openapi", "schemas", "3:1: api: 'openapi' is a directory, not an API description"),
        ("zzz.yaml", "schemas", "3:1: api: there is no file 'zzz.yaml'\n"
         "  a relative path starts from the directory of this file: it led to FOLDER/zzz.yaml"),
        ("things.yaml", "./schema/", "5:3: refs: http://x/: there is no directory './schema/'\n"
         "  did you mean './schemas/'?"),
        ("things.yaml", "things.yaml", "5:3: refs: http://x/: 'things.yaml' is a file, not a directory"),
    ],
)  # fmt: skip
def test_what_a_spec_leads_to_is_there(tmp_path: Path, api: str, refs: str, said: str | None) -> None:
    for folder in ("openapi", "schemas"):
        (tmp_path / folder).mkdir()
    (tmp_path / "things.yaml").touch()
    (tmp_path / "openapi" / "a.yaml").touch()
    path = tmp_path / "mine.yaml"
    path.write_text(SOURCES.replace("API", api).replace("REFS", refs))
    if said is None:
        assert load_spec(path).api == api
        return
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == f"{path}:{said.replace('FOLDER', str(tmp_path))}"


def test_a_mistyped_key_is_named_rather_than_missed() -> None:
    with pytest.raises(SpecError) as caught:
        loads_spec("fleet: '1'\ninfo: {title: T}\napi: a.yaml\nstep:\n  s: {operation: x}\n")
    assert caught.value.message == "step: unknown key 'step'"
    assert (caught.value.line, caught.value.hint) == (
        4,
        "did you mean 'steps'?; and 1 more fault in this file",
    )


def test_a_description_becomes_a_spec_of_its_plain_gets(tmp_path: Path) -> None:
    path = tmp_path / "things.yaml"
    path.write_text(API)
    spec = load_spec(path)
    assert {name: step.operation for name, step in spec.steps.items()} == {
        "listThings": "listThings",
        "step_2d_map": "GET /2d/map",
        "feed": "feed",
    }
    assert "API description: 3 operations are steps" in spec.notes[0]
    assert spec.notes[1] == "left out: 1 operation, documented to give no JSON"
    assert planned(spec).minimum_requests == 3
    assert list(load_spec(path, operations=["page"]).steps) == ["page"]
    chosen = load_spec(path, operations=["listThings"])
    assert list(chosen.steps) == ["listThings"]
    with pytest.raises(SpecError) as caught:
        load_spec(path, operations=["listThing"])
    assert caught.value.hint == "did you mean 'listThings'?"


def test_a_url_is_no_spec_and_what_to_do_is_said() -> None:
    with pytest.raises(SpecError, match="a spec is a file, and this is a URL") as caught:
        load_spec("https://bmc/openapi.json")
    assert "fleet spec convert https://bmc/openapi.json -o api.json" in (caught.value.hint or "")


def test_a_pipe_is_no_spec_and_why_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", "-"):
        with pytest.raises(SpecError, match="a spec is a file, and this is a pipe") as caught:
            load_spec(name)
        assert caught.value.hint == "write it to a file first: who resumes the scan reads it again"


@pytest.mark.parametrize("openapi", ["3.1.0", "3.2.0"])
def test_a_description_is_read_as_its_version_says(tmp_path: Path, openapi: str) -> None:
    path = tmp_path / "things.yaml"
    path.write_text(f"""
openapi: {openapi}
info: {{title: Things, version: '2'}}
paths:
  /shared: {{$ref: '#/components/pathItems/shared'}}
  /asked: {{$ref: '#/components/pathItems/asked'}}
components:
  parameters: {{q: {{name: q, in: query, required: true, schema: {{type: string}}}}, one: {{$ref: '#/components/parameters/q'}}}}
  pathItems:
    shared: {{get: {{operationId: readShared, responses: {{}}}}}}
    asked:
      parameters: [{{$ref: '#/components/parameters/one'}}]
      get: {{operationId: readAsked, responses: {{}}}}
""")  # noqa: E501
    assert list(load_spec(path).steps) == ["readShared"]


def test_operations_do_not_belong_to_a_spec_file() -> None:
    with pytest.raises(SpecError, match="only for an API description"):
        load_spec("redfish", operations=["x"])


def test_a_json_text_is_a_spec_too(tmp_path: Path) -> None:
    text = json.dumps(
        {"fleet": "1", "info": {"title": "J"}, "api": "a.yaml", "steps": {"s": {"operation": "x"}}}
    )
    spec = loads_spec(text, path=tmp_path / "s.json")
    assert spec.steps["s"].operation == "x"
    assert spec.api_source == str(tmp_path / "a.yaml")


@pytest.mark.parametrize("name", sorted(list_builtin_specs()))
def test_built_in_specs_compile_whole(name: str) -> None:
    spec = load_spec(name)
    for pipeline in spec.pipelines:
        plan = planned(spec, pipeline)
        assert plan.minimum_requests >= 1
        assert all(plan.columns[step] for step in plan.stored)


def test_the_redfish_spec_has_its_pipelines() -> None:
    spec = load_spec("redfish")
    assert set(spec.pipelines) == {"probe", "inventory", "health", "firmware", "thermal_power"}
    plan = planned(spec)
    assert plan.pipeline == "inventory"
    assert plan.lazy == {"simple_storage"}
    assert "processor" in plan.fan_out
    assert "root" not in plan.fan_out
    assert plan.login is not None
    assert planned(spec, "probe").minimum_requests == 3
    with pytest.raises(SpecError) as caught:
        planned(spec, "inventroy")
    assert caught.value.hint == "did you mean 'inventory'?"


def test_the_schema_accepts_the_built_in_specs_and_refuses_unknown_keys() -> None:
    import jsonschema_rs

    from fleet.openapi import load_yaml

    validator = jsonschema_rs.validator_for(spec_schema())
    for path in list_builtin_specs().values():
        tree = load_yaml(path.read_bytes())
        assert [str(error) for error in validator.iter_errors(tree)] == []
        assert not validator.is_valid({**tree, "stpes": {}})
        assert validator.is_valid({**tree, "x-anything": 1})


def test_every_key_is_described() -> None:
    steps = spec_schema()["$defs"]["StepSpec"]["properties"]
    assert {"from", "firstOf", "successCriteria", "collection"} <= set(steps)
    undescribed = [name for name, value in steps.items() if "description" not in str(value)]
    assert set(undescribed) <= {"description", "per"}


def test_a_built_in_of_an_installation_that_is_gone_is_that_of_this_one(tmp_path: Path) -> None:
    """Runs hold the path of their spec, and are resumed after fleet has been installed anew."""
    gone = tmp_path / "venv" / "site-packages" / "fleet" / "configs" / "redfish.yaml"
    assert builtin_of(gone) == "redfish"
    assert installed_here(gone.parent / "openapi" / "redfish.yaml").is_file()
    spec = load_spec(gone)
    assert spec.path == list_builtin_specs()["redfish"]
    assert spec.notes == (f"{gone} is gone: the built-in spec 'redfish' is used",)
    for other in (gone.with_name("other.yaml"), tmp_path / "redfish.yaml"):
        assert builtin_of(other) is None
        with pytest.raises(SpecError, match="there is no spec file"):
            load_spec(other)
    gone.parent.mkdir(parents=True)
    gone.write_text("fleet: '1'", encoding="utf-8")
    assert builtin_of(gone) is None
