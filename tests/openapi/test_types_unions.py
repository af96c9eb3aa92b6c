"""Unions: which branch a value goes by, and whether it is accepted at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ValidationError

from fleet.errors import SpecError
from fleet.openapi import Document, load


def document(schemas: dict[str, Any], version: str = "3.1.0") -> Document:
    tree = {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": {}}
    return load(orjson.dumps({**tree, "components": {"schemas": schemas}}))


def types(schemas: dict[str, Any], version: str = "3.1.0") -> Any:
    return document(schemas, version).types


def local(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def accepted(kind: Any, value: Any) -> bool:
    try:
        kind.model_validate(value)
    except ValidationError:
        return False
    return True


TEXT, NUMBER, DAY = {"type": "string"}, {"type": "integer"}, {"type": "string", "format": "date"}


def test_the_branch_is_the_one_that_accepts() -> None:
    """Both branches fit until their limits are looked at; nothing is coerced."""
    low = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 4}, "low": TEXT}}
    high = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}, "high": TEXT}}
    made = types({"Low": low, "High": high, "Any": {"oneOf": [local("Low"), local("High")]}})
    assert type(made["Any"].model_validate({"n": 3}).root) is made["Low"]
    assert type(made["Any"].model_validate({"n": 7}).root) is made["High"]
    assert not accepted(made["Any"], {"n": "7"}) and not accepted(made["Any"], {"n": True})
    assert not accepted(made["Any"], {})  # both accept it: oneOf is exclusive


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (NUMBER, [1, 10, 2.0], [True, "10", 1.5, None]),
        ({"type": "number"}, [1, 1.5], [True, "1"]),
        ({"type": "boolean"}, [True], [1, "true", "yes"]),
        (TEXT, ["x"], [1, None, ["x"]]),
        ({"type": ["string", "null"]}, ["x", None], [1]),
        ({"oneOf": [NUMBER, {"type": "number"}]}, [1.5], [1]),
        ({"anyOf": [NUMBER, {"type": "number"}]}, [1.5, 1], ["1"]),
        ({"oneOf": [TEXT, {"type": "null"}]}, ["x", None], [1]),
        ({"oneOf": [local("Has"), {"enum": [None]}]}, [{"a": 1}, None], [{"a": "1"}, 0]),
        ({"anyOf": [{"type": "array", "items": NUMBER}, {"type": "array", "items": TEXT}]},
         [[1, 2], ["a"], []], [[1, "a"], [True]]),
        ({"not": {"required": ["a"]}}, [{}, {"b": 1}], [{"a": 1}]),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, [{}, {"a": 1, "b": 1}], [{"a": 1}]),
        ({"contains": NUMBER}, [["a", 1]], [["a"], []]),
        ({"properties": {"a": True}, "unevaluatedProperties": False}, [{"a": 1}], [{"b": 1}]),
        ({"dependentRequired": {"a": ["b"]}}, [{"b": 1}, {"a": 1, "b": 2}], [{"a": 1}]),
        ({"properties": {"a": NUMBER}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
        ({"const": 1}, [1, 1.0], [True, "1"]),
        ({"enum": [0, "", False, None]}, [0, "", False, None], [1, "0", []]),
    ],
)  # fmt: skip
def test_the_schema_is_the_judge(schema: Any, good: list[Any], bad: list[Any]) -> None:
    has = {"type": "object", "required": ["a"], "properties": {"a": NUMBER}}
    made = types({"X": schema, "In": {"properties": {"x": local("X")}}, "Has": has})
    for value in good:
        assert accepted(made["X"], value) and accepted(made["In"], {"x": value}), value
    for value in bad:
        assert not accepted(made["X"], value) and not accepted(made["In"], {"x": value}), value


def test_errors_say_where_and_which_rule() -> None:
    made = types({
        "A": {"required": ["b"], "properties": {"b": {"type": "array", "items": local("A")}, "n~/": NUMBER}}
    })  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        made["A"].model_validate({"b": [{"b": [], "n~/": "1"}, {}]})
    found = {(error["loc"], error["ctx"]["rule"]) for error in caught.value.errors()}
    assert found == {(("b", 0, "n~/"), "type"), (("b", 1), "required")}
    assert "Value breaks 'required' of its schema, which wants b" in str(caught.value) and "for A" in str(
        caught.value
    )


def test_what_is_no_json_is_judged_as_the_json_it_stands_for() -> None:
    made = types({"A": {"properties": {"day": DAY, "sub": local("A")}, "additionalProperties": False}})
    inner = made["A"](day=dt.date(2020, 2, 29))
    assert inner.model_dump(exclude_unset=True) == {"day": "2020-02-29"}
    assert made["A"](sub=inner) == {"sub": {"day": "2020-02-29"}} == made["A"].model_validate({"sub": inner})
    refused: list[Any] = [{"sub": object()}, {1: 2}, {"other": 1}]
    assert not any(accepted(made["A"], value) for value in refused)


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_all_of_and_one_of_combined(version: str) -> None:
    """Scenario 16: what stands beside `oneOf` holds for every branch, and every branch has its fields."""
    schemas = {
        "Parent": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": NUMBER, "made": {"type": "string", "format": "date-time"}},
            "oneOf": [local("Text"), local("Count")],
        },
        "Text": {"type": "object", "required": ["text"], "properties": {"text": TEXT}},
        "Count": {"type": "object", "required": ["count"], "properties": {"count": NUMBER}},
        "Child": {"allOf": [local("Parent"), {"type": "object", "properties": {"day": DAY}}]},
    }
    made = types(schemas, version)
    table = [
        ({"id": 1, "text": "x"}, True),
        ({"id": 1, "count": 2}, True),
        ({"id": 1}, False),
        ({"text": "x"}, False),
        ({"id": 1, "text": "x", "count": 2}, False),
        ({"id": 1, "count": "2"}, False),
        ({"id": "1", "text": "x"}, False),
    ]
    for name in ("Parent", "Child"):
        for value, good in table:
            assert accepted(made[name], value) is good, (name, value)
    child = made["Child"].model_validate({"id": 1, "count": 2, "day": "2020-01-01"})
    assert (child.id, child.count, child.day.year, child.made) == (1, 2, 2020, None)
    with pytest.raises(AttributeError):
        _ = child.text


def test_any_of_gives_the_fields_of_all_that_accept() -> None:
    made = types({
        "A": {"properties": {"a": DAY}}, "B": {"properties": {"b": DAY}},
        "C": {"required": ["c"], "properties": {"c": DAY}},
        "Any": {"anyOf": [local("A"), local("B"), local("C")]},
        "Cond": {"if": {"properties": {"k": {"const": 1}}}, "then": local("A"), "else": local("B")},
        "Dep": {"properties": {"x": TEXT}, "dependentSchemas": {"a": local("A")}},
    })  # fmt: skip
    both = made["Any"].model_validate({"a": "2020-01-01", "b": "2021-01-01"})
    assert (both.a.year, both.b.year) == (2020, 2021)
    assert made["Cond"].model_validate({"k": 1, "a": "2020-01-01"}).a.year == 2020
    assert made["Cond"].model_validate({"k": 2, "b": "2021-01-01"}).b.year == 2021
    assert made["Dep"].model_validate({"a": "2020-01-01"}).a.year == 2020


CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}, "meow": TEXT}}
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "dog"}, "bark": TEXT}}


def pets(discriminator: Any, **more: Any) -> dict[str, Any]:
    union = {"oneOf": [local("Cat"), local("Dog")], "discriminator": discriminator}
    return {"Cat": CAT, "Dog": DOG, "Pet": union, **more}


@pytest.mark.parametrize(
    "mapping",
    [
        None,
        {"cat": "Cat", "dog": "Dog"},
        {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
    ],
)
def test_discriminators_choose_by_name_by_pointer_and_by_constant(mapping: Any) -> None:
    discriminator = {"propertyName": "kind", **({"mapping": mapping} if mapping else {})}
    made = document(pets(discriminator))
    kinds: Any = made.types
    cat = kinds["Pet"].model_validate({"kind": "cat", "meow": "m"})
    dog = kinds["Pet"].model_validate({"kind": "dog", "bark": "w"})
    assert (type(cat.root), type(dog.root)) == (kinds["Cat"], kinds["Dog"])
    assert (cat.meow, dog.bark) == ("m", "w")
    refused: list[Any] = [{"kind": "fish"}, {"meow": "m"}, {"kind": "cat", "meow": 1}, [], "cat"]
    assert not any(accepted(kinds["Pet"], value) for value in refused)
    assert made.warnings == ()


def test_branches_go_by_the_names_of_their_schemas() -> None:
    """Without constants nothing but the tag tells them apart."""
    one = {"type": "object", "properties": {"kind": TEXT, "a": TEXT}}
    two = {"type": "object", "properties": {"kind": TEXT, "b": TEXT}}
    union = {"anyOf": [local("One"), local("Two")], "discriminator": {"propertyName": "kind"}}
    made = types({"One": one, "Two": two, "Any": union})
    for name in ("One", "Two"):
        assert type(made["Any"].model_validate({"kind": name}).root) is made[name]


@pytest.mark.parametrize("outer", [None, {"cat": "Pet", "dog": "Pet", "car": "Car"}])
def test_discriminators_within_discriminators(outer: Any) -> None:
    car = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "car"}, "wheels": NUMBER}}
    thing = {
        "oneOf": [local("Pet"), local("Car")],
        "discriminator": {"propertyName": "kind", **({"mapping": outer} if outer else {})},
    }
    owned = {"properties": {"what": local("Thing")}}
    made = types(pets({"propertyName": "kind"}, Car=car, Thing=thing, Owned=owned))
    for name, value in {"Cat": {"kind": "cat"}, "Dog": {"kind": "dog"}, "Car": {"kind": "car"}}.items():
        assert type(made["Thing"].model_validate(value).root) is made[name]
        assert type(made["Owned"].model_validate({"what": value}).what) is made[name]


def test_a_parent_with_a_discriminator_stands_for_what_extends_it() -> None:
    """3.0's other idiom, and 2.0's: no `oneOf`; the tag names a schema that has this one in `allOf`."""
    schemas = {
        "Pet": {"type": "object", "required": ["kind"], "discriminator": {"propertyName": "kind"},
                "properties": {"kind": TEXT}},
        "Cat": {"allOf": [local("Pet"), {"type": "object", "properties": {"born": DAY}}]},
        "Lynx": {"allOf": [local("Cat"), {"type": "object", "properties": {"seen": DAY}}]},
        "Rock": {"type": "object", "properties": {"born": DAY}},
        "Home": {"type": "object", "properties": {"pets": {"type": "array", "items": local("Pet")}}},
    }  # fmt: skip
    kinds = ["Cat", "Lynx", "Rock", "Pet", "Nothing"]
    made = types(schemas, "3.0.3")
    value = {"pets": [{"kind": kind, "born": "2020-01-01"} for kind in kinds]}
    home = made["Home"].model_validate(value)
    assert [type(pet) for pet in home.pets] == [made[name] for name in ("Cat", "Lynx", "Pet", "Pet", "Pet")]
    assert home.pets[0].born.year == 2020 and home.pets[2].born == "2020-01-01"
    assert home.model_dump(exclude_unset=True) == value
    assert type(made["Pet"].model_validate({"kind": "Lynx"})) is made["Lynx"]


def test_the_discriminator_of_2_0() -> None:
    ref = {"$ref": "#/definitions/Pet"}
    definitions = {
        "Pet": {
            "type": "object",
            "discriminator": "kind",
            "properties": {"kind": TEXT},
            "required": ["kind"],
        },
        "Cat": {"allOf": [ref, {"properties": {"born": DAY}}]},
        "Home": {"properties": {"pet": ref}},
    }
    tree = {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {}, "definitions": definitions}
    made: Any = load(orjson.dumps(tree)).types
    home = made["Home"].model_validate({"pet": {"kind": "Cat", "born": "2020-01-01"}})
    assert [type(home.pet)] == [made["Cat"]] and home.pet.born.year == 2020


def test_parents_and_children_that_name_each_other() -> None:
    schemas = {
        "Pet": {"type": "object", "properties": {"kind": TEXT}, "oneOf": [local("Cat"), local("Dog")],
                "discriminator": {"propertyName": "kind"}},
        "Cat": {"allOf": [local("Pet"), {"type": "object", "properties": {"born": DAY}}]},
        "Dog": {"allOf": [local("Pet"), {"type": "object", "properties": {"seen": DAY}}]},
    }  # fmt: skip
    made = types(schemas, "3.0.3")
    cat = made["Pet"].model_validate({"kind": "Cat", "born": "2020-01-01"})
    assert type(cat.root) is made["Cat"] and cat.born.year == 2020
    assert made["Dog"].model_validate({"kind": "Dog", "seen": "2020-01-01"}).seen.year == 2020


def test_a_tag_decides_where_branches_accept_one_another() -> None:
    one = {"type": "object", "properties": {"kind": TEXT, "a": NUMBER}}
    two = {"type": "object", "properties": {"kind": TEXT, "b": NUMBER}}
    union = {
        "oneOf": [local("One"), local("Two")],
        "discriminator": {"propertyName": "kind", "mapping": {"1": "One", "2": "#/components/schemas/Two"}},
    }
    made = types({"One": one, "Two": two, "Any": union})  # fmt: skip
    table: list[tuple[Any, bool]] = [
        ({"kind": "1", "a": 1}, True), ({"kind": "2", "b": 1}, True), ({"kind": "One"}, True),
        ({"kind": "1", "a": "x"}, False), ({"kind": "2", "b": "x"}, False),
        ({"kind": "3"}, False), ({}, False),  # exactly one: both are
    ]  # fmt: skip
    for value, good in table:
        assert accepted(made["Any"], value) is good, value


def test_the_default_mapping_takes_what_has_no_known_tag() -> None:
    other = {"type": "object", "properties": {"kind": {"not": {"enum": ["cat"]}}, "seen": DAY}}
    union = {
        "oneOf": [local("Cat"), local("Other")],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat"}, "defaultMapping": "Other"},
    }
    made = types({"Cat": CAT, "Other": other, "Pet": union}, "3.2.0")
    assert made["Pet"].model_validate({"kind": "newt", "seen": "2020-01-01"}).seen.year == 2020
    assert made["Pet"].model_validate({"seen": "2020-01-01"}).seen.year == 2020
    assert type(made["Pet"].model_validate({"kind": "cat"}).root) is made["Cat"]


@pytest.mark.parametrize("default", ["Other", "#/components/schemas/Other"])
def test_the_default_mapping_decides_where_every_branch_would_accept(default: str) -> None:
    cat = {"type": "object", "properties": {"kind": TEXT, "lives": NUMBER}}
    other = {"type": "object", "properties": {"kind": TEXT, "seen": DAY}}
    union = {
        "oneOf": [local("Cat"), local("Other")],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat"}, "defaultMapping": default},
    }
    made = types({"Cat": cat, "Other": other, "Pet": union}, "3.2.0")
    chosen = [
        type(made["Pet"].model_validate(value).root) for value in ({"kind": "cat"}, {"kind": "newt"}, {})
    ]
    assert chosen == [made["Cat"], made["Other"], made["Other"]]
    assert not accepted(made["Pet"], {"kind": "cat", "lives": "nine"})
    assert not accepted(made["Pet"], {"kind": "newt", "seen": 5})


def test_what_is_wrong_is_told_inside_the_branch_that_was_meant() -> None:
    """By its tag, by a constant, or because all others are null; where nothing tells, the union is wrong."""
    cat = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT, "lives": NUMBER}}
    dog = {"type": "object", "required": ["bark"], "properties": {"kind": {"const": "dog"}, "bark": NUMBER}}
    tagged = {"oneOf": [local("Cat"), local("Dog")], "discriminator": {"propertyName": "kind"}}
    plain = {"anyOf": [local("Dog"), {"properties": {"kind": {"const": "cat"}, "lives": NUMBER}}]}
    holder = {"type": "object", "properties": {"pet": {"anyOf": [local("Tagged"), {"type": "null"}]}}}
    made = types({"Cat": cat, "Dog": dog, "Tagged": tagged, "Plain": plain, "Holder": holder})

    def wrong(name: str, value: Any) -> list[tuple[Any, str]]:
        with pytest.raises(ValidationError) as caught:
            made[name].model_validate(value)
        return [(error["loc"], error["ctx"]["rule"]) for error in caught.value.errors()]

    assert wrong("Tagged", {"kind": "Cat", "lives": "nine"}) == [(("lives",), "type")]
    assert wrong("Plain", {"kind": "dog", "bark": "loud"}) == [(("bark",), "type")]
    assert wrong("Plain", {"kind": "cat", "lives": "nine"}) == [(("lives",), "type")]
    assert wrong("Holder", {"pet": {"kind": "Cat", "lives": "nine"}}) == [(("pet", "lives"), "type")]
    assert wrong("Holder", {"pet": 5}) == [(("pet",), "oneOf")]
    with pytest.raises(ValidationError, match="which wants only one of its alternatives"):
        types({"Any": {"oneOf": [True, {"type": "object"}]}})["Any"].model_validate({})


def test_mismatches_are_warnings() -> None:
    mapping = {"cat": "Cat", "hound": "Dog", "fish": "Fish", "rock": "Rock"}
    schemas = pets({"propertyName": "kind", "mapping": mapping}, Rock={"type": "object"})
    made = document(schemas)
    assert issubclass(made.types["Pet"], BaseModel)
    told = "\n".join(made.warnings)
    assert "maps hound to a schema whose 'kind' is dog" in told
    assert "'Rock', which is no branch of it" in told
    assert "leads nowhere" in told and "Fish" in told


def test_an_array_in_a_discriminated_union_is_an_error() -> None:
    schemas = pets({"propertyName": "kind"}, Cats={"type": "array", "items": local("Cat")})
    schemas["Pet"]["oneOf"].append(local("Cats"))
    schemas["Owner"] = {"type": "object", "properties": {"pet": local("Pet")}}
    made = document(schemas)
    with pytest.raises(SpecError, match="discriminated union is an array"):
        made.types["Pet"]
    owner: Any = made.types["Owner"].model_validate({"pet": {"kind": "cat", "meow": "m"}})
    assert owner.pet.meow == "m"  # a value has its shape all the same
    assert any("is an array" in warning for warning in made.warnings)
