"""Expressions, conversions, versions and durations: their values, and what has none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jmespath
import jmespath.exceptions
import jmespath.parser
import pytest

from fleet.pipeline import compile_expression
from fleet.pipeline.language.convert import MAX_TEXT, converted
from fleet.pipeline.language.names import lift
from fleet.pipeline.language.scope import Row, Scope, getter_for
from fleet.pipeline.language.versions import compare_versions
from fleet.quantities import seconds
from fleet.target import Target

TARGET = Target(id="t", url="http://t", labels={"site": "a", "rack-unit": "7"})


def evaluate(text: str, data: Any, **scope: Any) -> Any:
    expression = compile_expression(text).bind(getter_for)
    return expression.value(data, Scope(TARGET, scope.pop("inputs", {}), **scope))


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("Status.Health", {"Status": {"Health": "OK"}}, "OK"),
        ('"@odata.id"', {"@odata.id": "/x"}, "/x"),
        ("Status.Health", {"Status": None}, None),
        ("Status.Health", {"Status": ["x"]}, None),
        ("a.b", "text", None),
        ("Drives[].id", {"Drives": [{"id": 1}, {}, {"id": 2}]}, [1, 2]),
        ("a || b", {"b": 2}, 2),
        ("version_ge(v, '2.9')", {"v": "2.19"}, True),
        ("""last_segment("@uri")""", {"@uri": "/a/b/c/?x=1"}, "c"),
        ("""last_segment("@uri")""", {"@uri": "/a/T#/Fans/3"}, "3"),
    ],
)
def test_expressions_have_their_values(text: str, data: Any, value: Any) -> None:
    assert evaluate(text, data) == value


def test_names_are_bound_and_not_pasted() -> None:
    above = Row("system", "/s/1", None, (0,))
    above.outputs = {"id": "x' || secret || '"}
    row = Row("storage", "/st", above, (0, 0))
    assert evaluate("$up.system.id", {"secret": 1}, above=row) == "x' || secret || '"
    assert evaluate("$up.system.id == id", {"id": "x' || secret || '"}, above=row) is True
    assert evaluate("""$up.system."@uri\"""", {}, above=row) == "/s/1"
    assert evaluate("$up.volume.id", {}, above=row) is None


def test_names_see_inside_projections_and_keep_their_tail() -> None:
    data = {"xs": [{"v": 1}, {"v": 2}]}
    assert evaluate("xs[?v > $inputs.n].v", data, inputs={"n": 1}) == [2]
    assert evaluate("$inputs.o.deep", {}, inputs={"o": {"deep": 3}}) == 3
    assert evaluate("$target.labels.rack-unit", {}) == "7"
    assert evaluate("$response.header.X-Total", {}, headers=(("x-total", "9"),)) == "9"
    assert evaluate("[$target.id, $target.url]", {}) == ["t", "http://t"]


@pytest.mark.parametrize("text", ["'$up.a.b'", '`"$up.a.b"`', '"$up.a.b"', r"'it\'s $up.a.b'"])
def test_names_inside_quotes_are_text(text: str) -> None:
    assert lift(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a.b",
        "a || b",
        "a && b",
        "!a",
        "!z",
        "a == b",
        "a != `0`",
        "z == `0`",
        "t == `1`",
        "a < b",
        "n >= z",
        "s < 'z'",
        "o.x | x",
        "o.x.length(@)",
        "length(s)",
        "keys(o)[0]",
        "xs[].v",
        "xs[?v > `1`] | [0].v",
        "sort_by(xs, &v)[*].v",
        "[a, o.x, s]",
        "{p: a, q: xs[*].v}",
        "xs[-1].v || o",
        "not_null(a, s)",
        "@.s",
        "n < s",
        "length(n)",
    ],
)
def test_closures_give_what_jmespath_gives(text: str) -> None:
    data = {"n": 3, "z": 0, "t": True, "s": "text", "o": {"x": {"y": 1}}, "xs": [{"v": 2}, {"v": 1}, {}][:2]}
    try:
        wanted = jmespath.search(text, data)
    except (jmespath.exceptions.JMESPathError, TypeError):
        wanted = None
    assert compile_expression(text).value(data) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.$up.b.c", "cannot follow a dot"),
        ("$upp.b.c", "unknown name $upp"),
        ("$up.system", "too short"),
        ("$", "a name is missing"),
        ("a ==", "is not a JMESPath expression"),
        ("versoin_ge(a, 'b')", "did you mean version_ge()?"),
        ("version_ge(a)", "takes 2 arguments, not 1"),
        ("a" * 5000, "5000 characters"),
        ("[" * 400 + "a" + "]" * 400, "deep"),
        ("||".join("a" * 600), "parts, more than"),
    ],
)
def test_what_does_not_compile_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        compile_expression(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["length(a)", "sum(xs)", "sort_by(xs, &v)", "version_ge(a, '1')", "abs(b)"])
def test_what_cannot_be_evaluated_has_no_value_and_is_counted(text: str) -> None:
    notes: Counter[str] = Counter()
    assert compile_expression(text).value({"a": 3, "xs": [1, "x", {}], "b": "t"}, None, notes) is None
    assert notes == {"expression_errors": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("health == 'OK'", None),
        ("other == 'OK'", True),
        ("health != `null`", False),
        ("number > other", None),
        ("health == 'OK' || other == 'OK'", None),
        ("other == 'OK' || health == 'OK'", True),
    ],
)
def test_a_comparison_with_nothing_is_unknown(text: str, value: Any) -> None:
    data = {"health": None, "other": "OK", "number": 3}
    assert compile_expression(text, three_valued=True).value(data) is value


def test_numbers_are_true_and_empty_things_are_not() -> None:
    held = [
        compile_expression(text).holds({}) for text in ("`0`", "`1`", "`false`", "''", "`[]`", "`{}`", "a")
    ]
    assert held == [True, True, False, False, False, False, False]


def test_fields_name_what_is_read_from_the_data() -> None:
    found = compile_expression("a.b && c[?d].e || f(&g) == `1`".replace("f(&g)", "max_by(h, &g)")).fields()
    assert found == {"a", "c", "h"}


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("16", "int", 16),
        (16.0, "int", 16),
        ("12345678901234567", "int", 12345678901234567),
        ("16.5", "int", None),
        (True, "int", None),
        ("1e999", "float", None),
        ("3.5", "float", 3.5),
        (7, "str", "7"),
        ({"a": 1}, "str", None),
        ("Enabled", "bool", True),
        ("perhaps", "bool", None),
        ("x", "list", ["x"]),
        (None, "list", None),
        (float("nan"), None, None),
        (2**70, None, None),
        ("\ud800", None, "?"),
        ([1, [2]], None, [1, [2]]),
    ],
)
def test_outputs_are_converted_or_null_and_counted(value: Any, kind: str | None, result: Any) -> None:
    notes: Counter[str] = Counter()
    assert converted(value, kind, notes) == result
    assert (notes["not_converted"] == 1) == (result is None and value is not None)


def test_stored_values_are_bounded() -> None:
    notes: Counter[str] = Counter()
    assert len(converted("x" * 100_000, None, notes)) == MAX_TEXT
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    converted(deep, None, notes)
    assert len(converted(list(range(100_000)), None, notes)) == 2000
    assert notes["value_cut"] == 3


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("2.9", "2.19", -1),
        ("1.0", "1.0.0", 0),
        ("v1.2", "1.2", 0),
        ("1.0.rc1", "1.0", -1),
        ("U30 v2.68 (07/14/2022)", "U30 v2.70 (01/01/2021)", -1),
        ("1" * 5000, "2", 1),
    ],
)
def test_versions_compare_as_versions(left: str, right: str, order: int) -> None:
    assert compare_versions(left, right) == order
    assert compare_versions(right, left) == -order


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("20s", 20), ("5m", 300), ("1h", 3600), ("1h30m", 5400)]
)
def test_durations_are_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["20", "20 s", "s", "-1s", "0s", "1y", 20, None, ""])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize("text", ["a", "a.b", "_a1.B_2.c", "a.b.c.d", "true.null"])
def test_a_chain_of_field_names_is_what_the_parser_makes_of_it(text: str) -> None:
    assert compile_expression(text).tree == jmespath.parser.Parser().parse(text).parsed
    assert compile_expression(text).path == tuple(text.split("."))


@pytest.mark.parametrize("text", [" a", "a.b ", '"a".b'])
def test_other_ways_to_write_a_chain_are_the_same_chain(text: str) -> None:
    chain = text.replace('"', "").strip()
    assert compile_expression(text).tree == compile_expression(chain).tree
    assert compile_expression(text).path == compile_expression(chain).path


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a\n.", "1a", "a.1", "a-b"])
def test_what_only_looks_like_a_chain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a JMESPath expression"):
        compile_expression(text)
