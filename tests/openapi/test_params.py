"""Parameters: the style table with exact bytes, encoding that cannot change a path, names, defaults."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import Parameter, ParameterError
from fleet.openapi.calls.params import ParameterPlan
from fleet.openapi.types.texts import text_reader
from fleet.secret import Secret

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("simple", False, "blue", "blue"), ("simple", False, ARRAY, "blue,black,brown"),
        ("simple", True, ARRAY, "blue,black,brown"), ("simple", False, OBJECT, "R,100,G,200,B,150"),
        ("simple", True, OBJECT, "R=100,G=200,B=150"), ("simple", False, [1, 2, 3], "1,2,3"), ("simple", False, True, "true"),
        ("simple", False, 1.5, "1.5"), ("simple", False, Secret("s/1"), "s%2F1"),
        ("label", False, "blue", ".blue"), ("label", False, ARRAY, ".blue,black,brown"),
        ("label", True, ARRAY, ".blue.black.brown"), ("label", False, OBJECT, ".R,100,G,200,B,150"),
        ("label", True, OBJECT, ".R=100.G=200.B=150"),
        ("matrix", False, "", ";color"), ("matrix", False, "blue", ";color=blue"),
        ("matrix", False, ARRAY, ";color=blue,black,brown"), ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
        ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"), ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
        ("matrix", False, [1, 2], ";color=1,2"),
    ],
)  # fmt: skip
def test_path_styles(
    operation: Callable[..., Any], style: str, explode: bool, value: Any, expected: str
) -> None:
    parameter = {"name": "color", "in": "path", "required": True, "style": style, "explode": explode}
    assert operation(parameter, template="/p/{color}/x").build({"color": value}).path == f"/p/{expected}/x"


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("form", True, "", "color="), ("form", True, "blue", "color=blue"), ("form", False, ARRAY, "color=blue,black,brown"),
        ("form", True, ARRAY, "color=blue&color=black&color=brown"), ("form", False, OBJECT, "color=R,100,G,200,B,150"),
        ("form", True, OBJECT, "R=100&G=200&B=150"), ("form", True, [1, 2], "color=1&color=2"), ("form", True, False, "color=false"),
        ("form", True, [], ""), ("form", True, None, ""), ("form", True, "a&b=c#d e+f", "color=a%26b%3Dc%23d%20e%2Bf"),
        ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"), ("spaceDelimited", False, [1, 2], "color=1%202"),
        ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
        ("spaceDelimited", True, ARRAY, "color=blue&color=black&color=brown"),
        ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"), ("pipeDelimited", False, [1, 2], "color=1%7C2"),
        ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("deepObject", True, {"a": {"b": [1, 2]}, "c": "x"}, "color%5Ba%5D%5Bb%5D=1&color%5Ba%5D%5Bb%5D=2&color%5Bc%5D=x"),
    ],
)  # fmt: skip
def test_query_styles(
    operation: Callable[..., Any], style: str, explode: bool, value: Any, expected: str
) -> None:
    parameter = {"name": "color", "in": "query", "style": style, "explode": explode}
    assert operation(parameter).build({"color": value}).query == expected


@pytest.mark.parametrize(
    ("explode", "value", "expected"),
    [
        (False, ARRAY, "blue,black,brown"),
        (True, OBJECT, "R=100,G=200,B=150"),
        (False, OBJECT, "R,100,G,200,B,150"),
        (False, "a b", "a b"),
    ],
)
def test_header_styles(operation: Callable[..., Any], explode: bool, value: Any, expected: str) -> None:
    parameter = {"name": "X-Color", "in": "header", "explode": explode}
    assert ("X-Color", expected) in operation(parameter).build({"X-Color": value}).headers


def test_cookies(operation: Callable[..., Any]) -> None:
    one = operation({"name": "c", "in": "cookie", "explode": False})
    assert one.build({"c": "a;b"}).cookies == (("c", "a%3Bb"),)
    assert one.build({"c": [1, 2]}).cookies == (("c", "1,2"),)
    assert one.build().cookies == ()


def test_headers_do_not_end_early(operation: Callable[..., Any]) -> None:
    with pytest.raises(ParameterError, match="X-A: a header value holds"):
        operation({"name": "X-A", "in": "header"}).build({"X-A": "a\r\nX-B: c"})
    with pytest.raises(ParameterError, match="Latin-1"):
        operation({"name": "X-A", "in": "header"}).build({"X-A": "\u20ac"})


@pytest.mark.parametrize("value", [" a", "a ", "\ta", " ", ["a", "b "]])
def test_headers_keep_no_space_around_them(operation: Callable[..., Any], value: Any) -> None:
    with pytest.raises(ParameterError, match="X-A: a header value neither begins nor ends with a space"):
        operation({"name": "X-A", "in": "header"}).build({"X-A": value})
    assert ("X-A", "a, b") in operation({"name": "X-A", "in": "header"}).build({"X-A": ["a", " b"]}).headers


@pytest.mark.parametrize("name", ["Content-Length", "host", "Connection", "Transfer-Encoding"])
def test_headers_that_the_client_writes_are_no_parameters(operation: Callable[..., Any], name: str) -> None:
    one = operation({"name": name, "in": "header", "required": True})
    assert name not in dict(one.build().headers)
    with pytest.raises(ParameterError, match=f"no parameter {name}"):
        one.build({name: "5"})


def test_content_parameters_are_json(operation: Callable[..., Any]) -> None:
    parameter = {"name": "f", "in": "query", "content": {"application/json": {"schema": {}}}}
    assert operation(parameter).build({"f": {"a": [1]}}).query == "f=%7B%22a%22%3A%5B1%5D%7D"
    parameter = {"name": "X-F", "in": "header", "content": {"application/json": {"schema": {}}}}
    headers = dict(operation(parameter).build({"X-F": {"é": "\u4e2d\U0001f600"}}).headers)
    assert headers["X-F"] == r'{"\u00e9":"\u4e2d\ud83d\ude00"}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(hours=1, seconds=3), "PT1H3S"), (time(1, 2, 3), "01%3A02%3A03"), (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00%3A00%3A00Z"), (IPv4Address("192.0.2.1"), "192.0.2.1"),
        (IPv6Address("2001:db8::1"), "2001%3Adb8%3A%3A1"), (IPv4Network("192.0.2.0/24"), "192.0.2.0%2F24"),
    ],
)  # fmt: skip
def test_values_of_pythons_own_types(operation: Callable[..., Any], value: Any, expected: str) -> None:
    assert operation({"name": "v", "in": "query"}).build({"v": value}).query == f"v={expected}"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("date-time", "2026-01-02T03:04:05.100+00:00"), ("time", "03:04:05.5Z"), ("duration", "PT90M"),
        ("uuid", "0B1F2C3D-0000-4000-8000-00000000000A"), ("byte", "aGk="),
    ],
)  # fmt: skip
def test_a_value_of_an_answer_is_sent_as_it_came(operation: Callable[..., Any], form: str, text: str) -> None:
    read = text_reader({"type": "string", "format": form})
    assert read is not None
    value = read(text)
    assert type(value) is not str
    one = operation({"name": "id", "in": "path", "required": True}, template="/p/{id}")
    assert unquote(one.build({"id": value}).path) == f"/p/{text}"


def test_allow_reserved_keeps_reserved_characters_but_never_a_fragment(operation: Callable[..., Any]) -> None:
    parameter = {"name": "$expand", "in": "query", "allowReserved": True}
    call = operation(parameter).build({"$expand": ".($levels=1)#x[0] %20 100%"})
    assert call.query == "$expand=.($levels=1)%23x%5B0%5D%20%20%20100%25"


@pytest.mark.parametrize(
    "value", ["a/b", "../../admin", "a?b", "a#b", "a%2Fb", "a b", "ü", "a;b", "..;", "a\\b", "\x00"]
)
def test_a_path_value_stays_one_segment(operation: Callable[..., Any], value: str) -> None:
    path = operation(template="/p/{id}/x").build({"id": value}).path
    head, segment, tail = path[1:].split("/")
    assert (head, unquote(segment), tail) == ("p", value, "x")
    assert not set(segment) & set("/?#; \\")


@pytest.mark.parametrize("value", ["", ".", "..", []])
def test_a_path_value_that_means_another_path_is_refused(operation: Callable[..., Any], value: Any) -> None:
    with pytest.raises(ParameterError, match="would change the path"):
        operation(template="/p/{id}/x").build({"id": value})


def test_a_segment_with_two_variables_is_judged_whole(operation: Callable[..., Any]) -> None:
    two = operation(template="/p/{a}{b}.json")
    assert two.build({"a": ".", "b": "."}).path == "/p/...json"
    with pytest.raises(ParameterError):
        operation(template="/p/{a}{b}").build({"a": ".", "b": "."})


def test_missing_and_unknown_names_are_listed(operation: Callable[..., Any]) -> None:
    one = operation(
        {"name": "q", "in": "query", "required": True}, {"name": "r", "in": "query"}, template="/p/{id}"
    )
    with pytest.raises(ParameterError, match="needs the parameter id, q") as caught:
        one.build({"r": 1})
    assert isinstance(caught.value, SpecError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ParameterError, match=r"no parameter x, y\n  it takes: id, q, r"):
        one.build({"id": 1, "q": 1, "y": 1, "x": 1})
    with pytest.raises(ParameterError, match="q: a value of type object cannot be written"):
        one.build({"id": 1, "q": object()})


def test_defaults_fill_in_required_parameters_only(operation: Callable[..., Any]) -> None:
    one = operation(
        {"name": "v", "in": "path", "required": True, "schema": {"default": "v1"}},
        {"name": "n", "in": "query", "required": True, "schema": {"default": 10}},
        {"name": "o", "in": "query", "schema": {"default": 3}},
        template="/{v}/p",
    )
    assert (one.build().path, one.build().query) == ("/v1/p", "n=10")
    assert one.build({"v": "v2", "n": 1, "o": 2}).query == "n=1&o=2"


def test_one_name_in_two_places(operation: Callable[..., Any]) -> None:
    one = operation({"name": "a", "in": "query"}, {"name": "a", "in": "header"})
    call = one.build({("query", "a"): 1, ("header", "a"): 2})
    assert (call.query, dict(call.headers)["a"]) == ("a=1", "2")
    assert one.build({"a": 3}).query == "a=3"


def test_a_default_stays_in_its_place(operation: Callable[..., Any]) -> None:
    one = operation(
        {"name": "a", "in": "query", "required": True, "schema": {"default": 7}},
        {"name": "a", "in": "header"},
        {"name": "a", "in": "cookie"},
    )
    call = one.build()
    assert (call.query, call.cookies) == ("a=7", ())
    assert "a" not in dict(call.headers)
    assert one.build({("header", "a"): 2}).query == "a=7"
    assert one.build({("query", "a"): 2}).query == "a=2"
    assert one.build({"a": 3}).query == "a=3"


def test_operation_parameters_beat_those_of_the_path(make: Callable[..., Any]) -> None:
    item = {
        "parameters": [{"name": "q", "in": "query", "style": "pipeDelimited"}, {"name": "s", "in": "query"}],
        "get": {"parameters": [{"name": "q", "in": "query", "explode": False}], "responses": {}},
    }
    assert make({"/p": item}).operation("GET /p").build({"q": [1, 2], "s": 1}).query == "q=1,2&s=1"


SCALARS = st.one_of(st.text(max_size=20), st.integers(), st.booleans())
STRANGE = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(STRANGE)
def test_a_query_value_comes_back(value: str) -> None:
    plan = ParameterPlan("t", "/p", [Parameter("v", "query", style="form", explode=True)])
    assert parse_qsl(plan.expand({"v": value}).query, keep_blank_values=True) == [("v", value)]


@given(
    st.lists(STRANGE, min_size=1, max_size=5), st.sampled_from(["form", "spaceDelimited", "pipeDelimited"])
)
def test_an_exploded_list_comes_back(value: list[str], style: str) -> None:
    plan = ParameterPlan("t", "/p", [Parameter("v", "query", style=style, explode=True)])
    assert [item for _, item in parse_qsl(plan.expand({"v": value}).query, keep_blank_values=True)] == value


@given(st.dictionaries(STRANGE, STRANGE, min_size=1, max_size=4))
def test_a_deep_object_comes_back(value: dict[str, str]) -> None:
    plan = ParameterPlan("t", "/p", [Parameter("v", "query", style="deepObject", explode=True)])
    pairs = parse_qsl(plan.expand({"v": value}).query, keep_blank_values=True)
    assert {name[2:-1]: item for name, item in pairs} == value


@given(STRANGE)
def test_a_path_value_comes_back_or_is_refused(value: str) -> None:
    plan = ParameterPlan("t", "/a/{v}/b", [])
    if value in {"", ".", ".."}:
        with pytest.raises(ParameterError):
            plan.expand({"v": value})
    else:
        path = plan.expand({"v": value}).path
        assert path.isascii()
        assert [unquote(segment) for segment in path.split("/")] == ["", "a", value, "b"]
