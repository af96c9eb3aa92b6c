"""Types made of schemas: shape, names, round trips. Whether a value is accepted: `test_types_judged.py`."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import subprocess
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from fleet.errors import SpecError
from fleet.openapi import Document, Place, load
from fleet.openapi.types import SchemaModel, SchemaRoot, Types


def document(schemas: dict[str, Any], version: str = "3.1.0", reader: Any = None) -> Document:
    tree: dict[str, Any] = {"info": {"title": "T", "version": "1"}, "paths": {}}
    if version == "2.0":
        tree |= {"swagger": "2.0", "definitions": schemas}
    else:
        tree |= {"openapi": version, "components": {"schemas": schemas}}
    return load(orjson.dumps(tree), source="/d/api.json", reader=reader)


def types(schemas: dict[str, Any], version: str = "3.1.0") -> Types:
    return document(schemas, version).types


def local(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT = {"type": "string"}
OWNED: dict[str, Any] = {
    "New": {"type": "object", "required": ["name"], "properties": {"name": TEXT, "tag": TEXT}},
    "Pet": {
        "allOf": [
            local("New"),
            {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer"},
                    "created": {"type": "string", "format": "date-time"},
                },
            },
        ]
    },
}


def test_all_of_makes_one_model() -> None:
    pet = types(OWNED)["Pet"]
    assert issubclass(pet, BaseModel)
    assert sorted(pet.model_fields) == ["created", "id", "name", "tag"]
    assert sorted(name for name, info in pet.model_fields.items() if info.is_required()) == ["id", "name"]
    made: Any = pet.model_validate({"id": 1, "name": "Rex", "created": "2020-02-29T12:00:00Z"})
    assert (made.id, made.name, made.tag) == (1, "Rex", None)
    assert made.created == dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("version", ["2.0", "3.0.3", "3.1.0", "3.2.0"])
def test_every_version_has_types(version: str) -> None:
    where = "#/definitions/" if version == "2.0" else "#/components/schemas/"
    schemas = {
        "User": {"type": "object", "properties": {"home": {"$ref": f"{where}Home"}}},
        "Home": {"type": "object", "properties": {"street": TEXT}},
    }
    made: Any = types(schemas, version)["User"].model_validate({"home": {"street": "Elm"}})
    assert made.home.street == "Elm"
    assert type(made.home).__name__ == "Home"


def test_attributes_have_names_that_python_takes() -> None:
    names = [
        "@odata.id",
        "#Reset",
        "_x",
        "x",
        "class",
        "copy",
        "model_config",
        "json",
        "",
        "2fa",
        "a-b",
        "a_b",
    ]
    user = types({"User": {"type": "object", "properties": dict.fromkeys(names, TEXT)}})["User"]
    assert {info.alias: name for name, info in user.model_fields.items()} == {
        "@odata.id": "odata_id", "#Reset": "Reset", "_x": "x_", "x": "x", "class": "class_", "copy": "copy_",
        "model_config": "model_config_", "json": "json_", "": "field_", "2fa": "field_2fa", "a-b": "a_b_",
        "a_b": "a_b",
    }  # fmt: skip
    value = {name: f"of {name}" for name in names}
    made: Any = user.model_validate(value)
    assert made.odata_id == made["@odata.id"] == "of @odata.id"
    assert [made[name] for name in names] == list(value.values())
    assert made.model_dump(by_alias=True, exclude_unset=True) == value


def test_items_go_by_json_name() -> None:
    made: Any = types(OWNED)["Pet"].model_validate({"id": 1, "name": "Rex", "x-colour": "red", "hue": 2})
    assert made["name"] == "Rex" and made["x-colour"] == "red" and made.hue == 2
    assert "name" in made and "x-colour" in made and "tag" not in made and "nothing" not in made
    for absent in ("tag", "nothing"):
        with pytest.raises(KeyError):
            made[absent]
    assert made == {"id": 1, "name": "Rex", "x-colour": "red", "hue": 2}
    assert made != {"id": 1, "name": "Rex"}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"format": "date-time"}, "2020-02-29T12:00:00.1234567+02:00", None),
        ({"format": "date-time"}, "2020-02-29T12:00:00Z", dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)),
        ({"format": "date-time"}, "2020-02-29T12:00:00", dt.datetime(2020, 2, 29, 12)),
        ({"format": "date"}, "2020-02-29", dt.date(2020, 2, 29)),
        ({"format": "time"}, "12:00:00Z", dt.time(12, tzinfo=dt.UTC)),
        ({"format": "duration"}, "P1DT2H0.5S", dt.timedelta(days=1, hours=2, seconds=0.5)),
        ({"format": "duration"}, "P2W", dt.timedelta(weeks=2)),
        ({"format": "uuid"}, "0E984725-C51C-4BF4-9960-E1C80E27ABA0",
         uuid.UUID("0e984725-c51c-4bf4-9960-e1c80e27aba0")),
        ({"format": "byte"}, "aGk=", b"hi"),
        ({"contentEncoding": "base64url"}, "-_8", b"\xfb\xff"),
    ],
)  # fmt: skip
def test_texts_of_a_format_are_what_they_mean_and_dump_as_they_came(
    schema: dict[str, str], text: str, value: Any
) -> None:
    made: Any = types({"A": {"type": "object", "properties": {"a": {"type": "string", **schema}}}})["A"]
    made = made.model_validate({"a": text})
    assert not isinstance(made.a, str)
    assert value is None or made.a == value
    for mode in ("python", "json"):
        assert made.model_dump(mode=mode) == {"a": text}
    assert orjson.loads(made.model_dump_json()) == {"a": text}
    assert pickle.loads(pickle.dumps(made.a)) == copy.deepcopy(made.a) == made.a


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date-time", "2020-02-29"), ("date-time", "yesterday"), ("date-time", "2020-01-01T23:59:60Z"),
        ("date", "2021-02-29"), ("date", "20210228"), ("time", "noon"), ("duration", "P1Y"),
        ("duration", "P"), ("duration", "PT"), ("uuid", "7"), ("byte", "a-b"), ("byte", "abc"),
        ("ipv4", "127.0.0.1"), ("binary", "aGk="),
    ],
)  # fmt: skip
def test_texts_that_do_not_fit_their_format_stay_texts(kind: str, text: str) -> None:
    made: Any = types({"A": {"type": "string", "format": kind}})["A"].model_validate(text)
    assert made.root == text and type(made.root) is str


def test_arithmetic_with_a_timestamp_still_dumps() -> None:
    pet: Any = types(OWNED)["Pet"]
    made = pet.model_validate({"id": 1, "name": "Rex", "created": "2020-02-28T12:00:00Z"})
    made.created += dt.timedelta(days=1)
    assert made.model_dump(exclude_unset=True)["created"] == "2020-02-29T12:00:00Z"


def test_absent_properties_have_their_default() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"default": 1},
            "b": {"type": "array", "default": [1]},
            "c": {"format": "date", "type": "string", "default": "2020-01-01"},
            "d": TEXT,
        },
    }
    kind: Any = types({"A": schema})["A"]
    one, two = kind.model_validate({}), kind.model_validate({})
    assert (one.a, one.b, one.c, one.d) == (1, [1], dt.date(2020, 1, 1), None)
    one.b.append(2)
    assert two.b == [1]
    assert two.model_dump(exclude_unset=True) == {}


def test_maps_lists_and_tuples_are_typed_inside() -> None:
    schemas = {
        "Home": {"type": "object", "properties": {"street": TEXT}},
        "Homes": {"type": "array", "items": local("Home")},
        "ByName": {"type": "object", "additionalProperties": local("Home")},
        "Patterned": {
            "type": "object",
            "properties": {"x-other": TEXT},
            "patternProperties": {"^x-": local("Home")},
            "additionalProperties": local("Homes"),
        },
        "Pair": {"type": "array", "prefixItems": [{"type": "string", "format": "date"}, local("Home")],
                 "items": local("ByName")},
    }  # fmt: skip
    made: Any = types(schemas)
    home = {"street": "Elm"}
    assert made["Homes"].model_validate([home]).root[0].street == "Elm"
    assert made["ByName"].model_validate({"me": home}).root["me"].street == "Elm"
    patterned = made["Patterned"].model_validate({"x-my": home, "rest": [home]})
    assert patterned["x-my"].street == patterned.rest[0].street == "Elm"
    pair = made["Pair"].model_validate(["2020-01-01", home, {"a": home}])
    assert pair[0] == dt.date(2020, 1, 1) and pair[1].street == pair[2]["a"].street == "Elm"
    assert pair.model_dump() == ["2020-01-01", home, {"a": home}]


def test_a_list_whose_items_turn_out_to_stay_what_they_are() -> None:
    made: Any = types({"L": {"type": "array", "items": local("T")}, "T": TEXT})["L"]
    for _ in range(2):
        assert made.model_validate(["a", "b"]).root == ["a", "b"]


def test_schemas_may_refer_to_themselves() -> None:
    schemas = {
        "A": {
            "type": "object",
            "properties": {"b": local("B"), "all": {"type": "array", "items": local("A")}},
        },
        "B": {"type": "object", "properties": {"a": local("A")}},
        "Self": local("Self"),
        "Tree": {"type": "array", "items": local("Tree")},
        "Ring": {"allOf": [local("Ring"), {"properties": {"x": TEXT}}]},
        "Either": {"anyOf": [local("Either"), local("B")]},
    }
    made: Any = types(schemas)
    value: dict[str, Any] = {"b": {"a": {"all": [{"b": {}}]}}}
    a = made["A"].model_validate(value)
    assert a.b.a.all[0].b == {}
    assert type(a.b.a) is type(a) is made["A"]
    assert a.model_dump(exclude_unset=True) == value
    assert made["Self"].model_validate([5]).root == [5]
    assert made["Tree"].model_validate([[[]], []]).root == [[[]], []]
    assert made["Ring"].model_validate({"x": "y"}).x == "y"
    assert made["Either"].model_validate({"a": {}}).a == {}


@pytest.mark.parametrize("how", ["reference", "property", "allOf"])
def test_a_chain_of_ten_thousand(how: str) -> None:
    wrap: dict[str, Callable[[dict[str, str]], Any]] = {
        "reference": lambda ref: ref,
        "property": lambda ref: {"type": "object", "properties": {"next": ref}},
        "allOf": lambda ref: {"allOf": [ref, {"properties": {"x": TEXT}}]},
    }
    schemas = {f"S{n}": wrap[how](local(f"S{n + 1}")) for n in range(10_000)}
    schemas["S10000"] = {"type": "object", "properties": {"end": TEXT}}
    made: Any = types(schemas)["S0"]
    if how == "property":
        assert made.model_validate({"next": {"next": {}}}).next.next == {}
    else:
        assert made.model_fields["end"].annotation is str


def test_schemas_that_are_made_for_one_question_are_not_mixed_up() -> None:
    """What is freed may give its identity to the next: 2.0's bodies are such schemas."""
    made = types({"A": {"properties": {"x": TEXT}}, "B": {"properties": {"y": TEXT}}})
    for _ in range(50):
        for name in ("A", "B"):
            typed: Any = made.typed(Place("/d/api.json", local(name)), {})
            assert type(typed).__name__ == name
            assert not made.violations(Place("/d/api.json", {"type": "integer"}), 1)
            assert made.violations(Place("/d/api.json", {"type": "string"}), 1)


def test_boolean_schemas() -> None:
    made: Any = types(
        {"Any": True, "None": False, "Empty": {}, "Has": {"properties": {"a": True, "b": False}}}
    )
    for value in (1, None, {"a": [1]}, "x"):
        assert made["Any"].model_validate(value).root == value
        assert made["Empty"].model_validate(value).root == value
    assert made["Has"].model_validate({"a": {"b": 1}}).a == {"b": 1}


def test_types_are_made_once_and_late() -> None:
    schemas = dict(OWNED)
    schemas["Owner"] = {
        "type": "object",
        "properties": {"pet": local("Pet"), "other": {"allOf": [local("Pet")]}},
    }
    made = types(schemas)
    rex = {"id": 1, "name": "Rex"}
    owner: Any = made["Owner"].model_validate({"pet": rex, "other": rex})
    assert made["Owner"] is made["Owner"] is made["#/components/schemas/Owner"]
    assert type(owner.pet) is type(owner.other) is made["Pet"]
    assert sorted(made) == ["New", "Owner", "Pet"] and len(made) == 3 and "Pet" in made and "Pot" not in made
    with pytest.raises(KeyError, match="Owner"):
        made["Ownr"]
    with pytest.raises(SpecError):
        made["#/components/schemas/Nothing"]


def test_a_name_that_a_generator_has_added_to_is_told() -> None:
    made = types(dict.fromkeys(["Node-Input", "Node-Output", "app__Edge", "Nodes"], OWNED["Pet"]))
    for name, told in {
        "Node": "no schema 'Node', but 'Node-Input', 'Node-Output'",
        "Edge": "no schema 'Edge', but 'app__Edge'",
        "Nodos": "no schema 'Nodos'; did you mean 'Nodes'?",
        "Car": "no schema 'Car'",
    }.items():
        with pytest.raises(KeyError) as unknown:
            made[name]
        assert unknown.value.args == (told,)


def test_pydantic_is_imported_with_the_first_type() -> None:
    script = (
        'import sys, fleet.openapi as o; d = o.load(b\'{"openapi": "3.1.0", "paths": {}}\');'
        "assert 'pydantic' not in sys.modules; d.types; assert 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_types_stand_in_other_models() -> None:
    pet: Any = types(OWNED)["Pet"]
    value = {"id": 1, "name": "Rex", "created": "2020-02-29T12:00:00Z"}

    class Shop(BaseModel):
        pets: list[pet]

    shop = Shop.model_validate({"pets": [value]})
    assert shop.pets[0].name == "Rex"
    assert shop.model_dump(exclude_unset=True) == {"pets": [value]}
    assert TypeAdapter(pet).validate_python(value) == shop.pets[0]
    assert shop.pets[0].model_copy() == shop.pets[0] == copy.deepcopy(shop.pets[0])


def test_missing_files_are_any_value_and_a_warning() -> None:
    def nowhere(uri: str) -> bytes:
        raise SpecError(f"{uri} is not there")

    schema = {"type": "object", "properties": {"a": {"$ref": "other.json#/X"}, "b": local("Nothing")}}
    made = document({"A": schema, "B": {"$ref": "gone.json"}}, reader=nowhere)
    value = {"a": {"x": 1}, "b": [1]}
    a: Any = made.types["A"].model_validate(value)
    assert (a.a, a.b) == ({"x": 1}, [1])
    assert made.types["B"].model_validate(7) == made.types["B"].model_validate(7)
    assert sorted(made.missing) == ["/d/gone.json", "/d/other.json"]
    assert any("Nothing" in warning for warning in made.warnings)


def test_documents_pickle_with_types_made() -> None:
    made = document(OWNED)
    assert issubclass(made.types["Pet"], SchemaModel)
    again: Document = pickle.loads(pickle.dumps(made))
    pet: Any = again.types["Pet"].model_validate({"id": 1, "name": "Rex"})
    assert pet.name == "Rex"


NAMES = st.sampled_from(["a", "b", "@c", "copy", "items", "", "_d", "x-1", "class"]) | st.text()
TEXTS = st.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01", "P1D", "aGk=", "10:00:00Z"]) | st.text()
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)

ANYTHING = types({
    "Node": {
        "properties": {
            "a": local("Node"),
            "b": {"items": local("Node"), "format": "date-time"},
            "@c": {"format": "date"},
            "copy": {"anyOf": [local("Node"), {"format": "duration"}, {"items": local("Node")}]},
            "items": {"additionalProperties": local("Node")},
            "": {"format": "byte"},
            "_d": {"default": [1]},
            "class": {"if": {"required": ["a"]}, "then": {"properties": {"a": local("Node")}}},
        },
        "patternProperties": {"^x-": local("Node")},
        "items": {"prefixItems": [local("Node")]},
        "format": "time",
    },
})  # fmt: skip


@given(JSON)
def test_any_json_value_comes_back(value: Any) -> None:
    made: Any = ANYTHING["Node"].model_validate(value)
    if isinstance(made, BaseModel):
        dumped = made.model_dump(by_alias=True, exclude_unset=True)
        assert orjson.loads(made.model_dump_json(by_alias=True, exclude_unset=True)) == value
    else:
        dumped = TypeAdapter(Any).dump_python(made, by_alias=True, exclude_unset=True)
    assert dumped == value
    if isinstance(value, dict):
        assert isinstance(made, SchemaModel) and made == value


def test_roots_behave_as_what_they_hold() -> None:
    made: Any = types(
        {"L": {"type": "array"}, "U": {"oneOf": [{"required": ["a"], "properties": {"a": TEXT}}]}}
    )
    items = made["L"].model_validate([1, 2])
    assert isinstance(items, SchemaRoot)
    assert (len(items), list(items), items[0], bool(items)) == (2, [1, 2], 1, True)
    assert made["U"].model_validate({"a": "x"}).a == "x"
    assert items == [1, 2] and copy.copy(items) == copy.deepcopy(items) == items != [1]
    assert made["L"]([1]) == [1] and made["U"](a="x") == {"a": "x"}


def test_json_schemas_of_types_stay_short() -> None:
    pet: Any = types(OWNED)["Pet"]

    class Shop(BaseModel):
        pet: pet

    shown = Shop.model_json_schema()
    assert shown["properties"]["pet"] == pet.model_json_schema() == {"title": "Pet", "type": "object"}


def test_an_object_shows_its_properties_in_the_order_of_the_description() -> None:
    """Whatever the seed of hashes, and whatever order they were given in."""
    names = [f"p{number}" for number in range(40)]
    made = types({"Pet": {"type": "object", "properties": {name: {} for name in names}}})["Pet"]
    shown = repr(made(**dict.fromkeys(reversed(names), 1), more=2))
    assert shown == f"Pet({', '.join(f'{name}=1' for name in names)}, more=2)"


ORDER = {
    "type": "object",
    "properties": {
        "price": {"type": "number", "multipleOf": 0.01}, "at": {"type": "string", "format": "date-time"},
        "host": {"type": "string"}, "lines": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip
AT = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)


def test_decimals_and_addresses_stand_beside_dates() -> None:
    made = types({"Order": ORDER})["Order"](price=Decimal("1.10"), at=AT, host=IPv4Address("192.0.2.1"))
    assert (made.price, made.at, made.host) == (Decimal("1.10"), AT, "192.0.2.1")
    assert str(made.price) == "1.10"
    with pytest.raises(ValidationError, match="multipleOf"):
        types({"Order": ORDER})["Order"](price=Decimal("1.101"), at=AT)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"host": object()}, ("host",)), ({"lines": [{1: 2}]}, ("lines", 0)),
        ({"lines": [{}, {"n~/": [object()]}]}, ("lines", 1, "n~/", 0)),
    ],
)  # fmt: skip
def test_what_is_no_json_is_named_by_its_place(value: dict[str, Any], place: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        types({"Order": ORDER})["Order"](**value, at=AT)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert error["msg"] == "Value is no JSON, nor anything that stands for it"
