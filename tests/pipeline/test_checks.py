"""Checks as policy: what a baseline, a waiver and an empty cell make of a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pipeline_serving import DOCUMENT, TARGET, Served, spec_of, unexpected

from fleet.config import SpecOutside, loads_spec
from fleet.config.table import read_table
from fleet.errors import SpecError
from fleet.outcome import CheckResult, Outcome
from fleet.pipeline import PipelineProbe, Table, compile_plan
from fleet.policy import Policy
from fleet.target import Target

BASELINE = b"""\xef\xbb\xbf# what we install
vendor, model ,bios,note
Dell,R760,2.19.0,"one,
of two lines"

Dell,R660,,
Lenovo,SR650,1.10,=cmd()
"""


class Around:
    """An outside in memory: the baseline, and hosts selected by their id."""

    today = date(2026, 12, 1)

    def table(self, file: str, on: Sequence[str]) -> Table:
        return read_table(BASELINE, file, file, on)

    def matching(self, match: Any) -> Callable[[Target], bool]:
        return lambda target: target.id == match


def plan_of(check: Mapping[str, Any]) -> Any:
    spec = spec_of(
        {
            "steps": {
                "root": {"operation": "root", "outputs": {"vendor": "vendor"}},
                "system": {"from": "root", "items": "systems", "outputs": {"model": "model", "bios": "bios"}},
            },
            "checks": {"current": {"from": "system", **check}},
        }
    )
    return compile_plan(spec, DOCUMENT, outside=Around())


async def results(check: Mapping[str, Any], *systems: Mapping[str, Any]) -> tuple[CheckResult, ...]:
    plan = plan_of(check)
    client = Served({"/": {"vendor": "Dell", "systems": list(systems)}})
    policy = plan.tuned(Policy())
    probe = PipelineProbe(plan, lambda _: client, run="r", policy=policy, listener=unexpected)
    outcome: Outcome = await probe(TARGET)
    assert outcome.status == "ok", outcome.failure
    return tuple(outcome.checks)


LOOKUP = {
    "assert": "version_ge(bios, $lookup.bios)",
    "lookup": {"file": "b.csv", "on": {"vendor": "$up.root.vendor", "model": "model"}},
}


@pytest.mark.anyio
async def test_a_row_is_held_against_its_line() -> None:
    found = await results(
        LOOKUP,
        {"model": "R760", "bios": "2.19.0"},
        {"model": "R760", "bios": "2.9.9"},
        {"model": "R760"},
        {"model": "R660", "bios": "1"},
        {"model": "R940", "bios": "1"},
        {"bios": "1"},
    )
    assert [(one.result, one.message, one.lookup) for one in found] == [
        ("pass", "", None),
        ("fail", "", {"bios": "2.19.0"}),
        ("unknown", "", {"bios": "2.19.0"}),
        ("unknown", "b.csv has no bios for it", {"bios": None}),
        ("unknown", "b.csv has no line for vendor=Dell, model=R940", None),
        ("unknown", "no model to find a line of b.csv by", None),
    ]


@pytest.mark.anyio
async def test_where_may_ask_whether_there_is_a_line() -> None:
    found = await results(
        {**LOOKUP, "where": "$lookup.bios"}, {"model": "R940", "bios": "1"}, {"model": "R760"}
    )
    assert [(one.result, one.row) for one in found] == [("unknown", 1)]


@pytest.mark.anyio
async def test_two_checks_of_one_text_have_baselines_of_their_own() -> None:
    spec = spec_of(
        {
            "steps": {"root": {"operation": "root", "outputs": {"vendor": "vendor", "bios": "bios"}}},
            "checks": {
                name: {
                    "from": "root",
                    "assert": "bios == $lookup.bios",
                    "lookup": {"file": f, "on": ["vendor"]},
                }
                for name, f in (("one", "1.csv"), ("two", "2.csv"))
            },
        }
    )

    class Two(Around):
        def table(self, file: str, on: Sequence[str]) -> Table:
            return read_table(b"vendor,bios\nDell," + file[:1].encode(), file, file, on)

    plan = compile_plan(spec, DOCUMENT, outside=Two())
    client = Served({"/": {"vendor": "Dell", "bios": "2"}})
    policy = plan.tuned(Policy())
    outcome = await PipelineProbe(plan, lambda _: client, run="r", policy=policy, listener=unexpected)(TARGET)
    assert [(one.check, one.result) for one in outcome.checks] == [("one", "fail"), ("two", "pass")]


def waiver(**more: str) -> dict[str, str]:
    return {"reason": "case 4711", "until": "2026-12-31", **more}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("waivers", "wanted"),
    [
        ([waiver(match=TARGET.id)], ("waived", "2026-12-31", False)),
        ([waiver(match="another")], ("fail", None, None)),
        ([waiver(where="bios == '1'")], ("waived", "2026-12-31", False)),
        ([waiver(where="bios == '2'")], ("fail", None, None)),
        ([waiver(match=TARGET.id, where="bios == '2'")], ("fail", None, None)),
        ([waiver(match=TARGET.id, until="2026-12-01")], ("waived", "2026-12-01", False)),
        ([waiver(match=TARGET.id, until="2026-11-30")], ("fail", "2026-11-30", True)),
        ([waiver(match="no"), waiver(match=TARGET.id, until="2027-01-01")], ("waived", "2027-01-01", False)),
    ],
)
async def test_a_failure_is_borne_with_until_a_day(
    waivers: list[dict[str, str]], wanted: tuple[str, str | None, bool | None]
) -> None:
    (one,) = await results({"assert": "bios == '9'", "waivers": waivers}, {"bios": "1"})
    held = one.waiver
    assert (one.result, held and held.until, held and held.expired) == wanted
    (well,) = await results({"assert": "bios == '9'", "waivers": waivers}, {"bios": "9"})
    assert (well.result, well.waiver) == ("pass", None)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"vendor,bios\nDell,1\n\nDell,2\n", "b.csv:4: a second line for vendor=Dell\n  the first is line 2"),
        (b"vendor,bios\n,1\n", "b.csv:2: no vendor\n  every line needs one"),
        (b"vendor,bios\nDell,1,2\n", "b.csv:2: 3 cells, the header has 2 columns"),
        (b"vendor,vendor\n", "b.csv:1: two columns 'vendor'"),
        (b"# nothing\n", "b.csv:1: the file has no header"),
        (b"vendro,bios\n", "b.csv:1: there is no column 'vendor'\n  did you mean 'vendro'?"),
        (b"vendor,bios\nDell,\xff\n", "b.csv:2: not UTF-8"),
        (b'vendor,bios\n"Dell,1\n', "b.csv:2: not CSV: unexpected end of data"),
        (b"vendor,bios\nDell," + b"1" * 1001, "b.csv:2: a cell has more than 1,000 characters"),
    ],
)
def test_what_is_wrong_with_a_baseline_is_said_at_its_line(data: bytes, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_table(data, "b.csv", "b.csv", ["vendor"])
    assert str(caught.value) == said


def test_a_cell_of_two_lines_counts_as_one_record_and_lines_are_those_of_the_file() -> None:
    table = read_table(BASELINE, "b.csv", "b.csv", ["vendor", "model"])
    assert table.columns == ("vendor", "model", "bios", "note")
    assert table.lines["Dell", "R660"]["bios"] is None
    with pytest.raises(SpecError) as caught:
        read_table(BASELINE + b"Dell,R760,1,\n", "b.csv", "b.csv", ["vendor", "model"])
    assert caught.value.line == 8


def test_what_a_file_outside_may_be(tmp_path: Path) -> None:
    text = 'fleet: "1"\ninfo: {title: T}\napi: a.yaml\nsteps: {root: {operation: root}}\n'
    outside = SpecOutside(loads_spec(text, path=tmp_path / "spec.yaml"))
    (tmp_path / "big.csv").write_bytes(b"a\n" * (9 << 20))
    (tmp_path / "base.csv").write_bytes(b"a,b\n1,2\n")
    for name, said in [
        ("big.csv", "larger than 16 MiB"),
        (".", "not a file"),
        ("bas.csv", "mean 'base.csv'"),
    ]:
        with pytest.raises(ValueError, match=said):
            outside.table(name, ["a"])
    assert outside.table("base.csv", ["a"]).lines == {("1",): {"a": "1", "b": "2"}}
    assert list(outside.read) == [str(tmp_path / "base.csv")]
    assert outside.matching("bmc[1-3]")(Target(id="x", url="https://bmc2"))
    assert not outside.matching(["site=a", "bmc9"])(Target(id="x", url="https://bmc2", labels={"site": "b"}))
