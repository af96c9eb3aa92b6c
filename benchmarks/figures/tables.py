"""The tables of `docs/explanation/performance.md`, made of what was measured last.

    python -m benchmarks.figures.tables [NAME...]      prints them, as Markdown
    python -m benchmarks.figures.tables --write        puts them into the page, each between its two marks

A table stands between `<!-- figures: NAME -->` and `<!-- end -->`. What was not measured here stays as it
was.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from benchmarks.figures.check import Verdict, measured, shown, verdicts
from benchmarks.figures.results import Line, kept, medians
from benchmarks.profile import table as profiled
from benchmarks.rig.environments import LOCKS
from benchmarks.workload import SIDES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "performance.md"
MARKED = re.compile(r"(<!-- figures: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
ROOMS, FUNCTIONS = 16, 20  # rows of a profile
ELSEWHERE = ("openapi",)  # budgets with a page of their own


def made(lines: Sequence[Line]) -> str:
    """When, with what and beside what else it was measured."""
    loads = [line["load"] for line in lines if "load" in line]
    last = lines[-1]
    parts = [
        last.get("date", ""),
        f"Python {last['python']}" if "python" in last else "",
        last.get("openssl", ""),
    ]
    parts += [last.get("server", ""), f"{last['cores']} cores" if "cores" in last else ""]
    parts += [f"load {min(loads):.1f} to {max(loads):.1f}"] if loads else []
    rounds = len({line["round"] for line in lines if "round" in line})
    parts += [f"{rounds} rounds"] if rounds > 1 else []
    hosts = max((line["hosts"] for line in lines if "hosts" in line and line["side"] == "fleet"), default=0)
    parts += [f"{hosts:,} hosts"] if hosts else []
    return ", ".join(part for part in parts if part and isinstance(part, str))  # `server` may be a measure


def versions(*names: str) -> str:
    text = LOCKS["peer"].read_text()
    found = (re.search(rf"^{name}==(\S+)", text, re.MULTILINE) for name in names)
    return ", ".join(f"{name} {one[1]}" for name, one in zip(names, found, strict=True) if one is not None)


def workload() -> Iterator[str]:
    lines, known = kept("workload"), medians("workload")
    yield f"{made(lines)}; {versions('aiohttp', 'httpx', 'httpx2', 'aiopenapi3')}."
    yield ""
    columns = (
        "CPU seconds for 1,000 hosts",
        "https",
        "of fleet",
        "http",
        "of fleet",
        "connections",
        "start-up",
    )
    yield f"| {' | '.join(columns)} |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for side, facts in SIDES.items():
        cells = []
        for scheme in ("https", "http"):
            cpu, ours = known.get((scheme, "cpu", side)), known.get((scheme, "cpu", "fleet"))
            cells += [f"{cpu * 1e3:.2f}" if cpu else "", f"{cpu / ours:.2f}" if cpu and ours else ""]
        connections, start = (known.get(("https", measure, side)) for measure in ("connections", "start"))
        cells += [f"{connections:.3g}" if connections else "", f"{start:.2f}" if start and facts.asks else ""]
        if any(cells):
            yield f"| {facts.what} | {' | '.join(cells)} |"


def walk() -> Iterator[str]:
    lines, known = kept("walk"), medians("walk")
    yield f"{made(lines)}."
    yield ""
    yield "| | requests of a host | us of CPU for each | connections of a host | start-up, s |"
    yield "|---|---:|---:|---:|---:|"
    for row in dict.fromkeys(line["row"] for line in lines):
        gets, cpu, connections, start = (
            known[row, measure, "fleet"] for measure in ("gets", "cpu", "connections", "start")
        )
        what = f"{'inventory walk' if row.startswith('walk') else 'workload W'}, {row.partition('-')[2]}"
        yield f"| {what} | {gets:.0f} | {cpu * 1e6:.0f} | {connections:.3g} | {start:.2f} |"


def memory() -> Iterator[str]:
    lines, known = kept("memory"), medians("memory")
    yield f"{made([line for line in lines if line['row'] != 'moment'])}."
    yield ""
    yield "| | MB |"
    yield "|---|---:|"
    first = {line["row"]: line for line in reversed(lines)}
    for row, what in (("open", "two connections allowed"), ("open-single", "one connection allowed")):
        if row in first:
            hosts, open_, each, peak = (first[row][key] for key in ("hosts", "open", "bytes", "peak"))
            size = f"{open_ * hosts:,.0f} connections, {each / 1e3:.0f} KB a target"
            yield f"| {hosts:,} targets open at once over TLS, {what} ({size}) | {peak:.0f} |"
    for row in ("early", "late"):
        if row in first:
            hosts, done, rss = (first[row][key] for key in ("hosts", "done", "rss"))
            yield f"| {hosts:,} targets over TLS, 256 at once: when {done:,.0f} are done | {rss:.0f} |"
    if ("late", "peak", "fleet") in known:
        yield f"| the same, at most | {known['late', 'peak', 'fleet']:.0f} |"


def start() -> Iterator[str]:
    lines, known = kept("start"), medians("start")
    whats = {
        "yard": "`python -c 'import asyncio, ssl, click'`", "help": "`fleet --help`",
        "scan": "`fleet scan` of one host, http", "scan-tls": "the same over TLS",
        "scan-auths": "with a file of credentials",
        "scan-dmtf": "with the DMTF's description, cached", "cold-dmtf": "with the DMTF's description, cold",
    }  # fmt: skip
    yield f"{made(lines)}."
    yield ""
    yield "| CPU seconds | median | least |"
    yield "|---|---:|---:|"
    for row, what in whats.items():
        if (row, "cpu", "fleet") in known:
            least = min(line["cpu"] for line in lines if line["row"] == row)
            yield f"| {what} | {known[row, 'cpu', 'fleet']:.2f} | {least:.2f} |"


def budgets() -> Iterator[str]:
    """Every budget that was measured, kept or not."""
    yield "| | | budget | measured | |"
    yield "|---|---|---|---:|---|"
    for name, verdict in _all():
        if verdict.value is not None:
            word = "kept" if verdict.good else "**short**" if verdict.broken else "missed"
            bound = f"{verdict.bound}{' (aim)' if verdict.aim else ''}"
            yield f"| {name} | {verdict.what} | {bound} | {shown(verdict.value)} | {word} |"


def short() -> Iterator[str]:
    """What is not as it is to be."""
    found = [(name, verdict) for name, verdict in _all() if verdict.good is False]
    if not found:
        yield "Nothing that was measured here."
    for name, verdict in found:
        sort = "aim" if verdict.aim else "budget"
        yield f"- `{name}`, {verdict.what}: {shown(verdict.value or 0)}; the {sort} is {verdict.bound}."


def _all() -> Iterator[tuple[str, Verdict]]:
    for name in measured():
        if "quick" not in name and name not in ELSEWHERE:
            yield from ((name, verdict) for verdict in verdicts(name, medians(name)))


def profile(name: str) -> Callable[[], Iterator[str]]:
    def found() -> Iterator[str]:
        lines = kept(f"profile-{name}")
        yield f"{made(lines)}."
        for rooms, rows in ((True, ROOMS), (False, FUNCTIONS)):
            yield ""
            yield from profiled(lines, kept(f"profile-{name}-before"), rooms=rooms, rows=rows)

    return found


def rows(name: str, *measures: str, thousand: bool = False) -> Callable[[], Iterator[str]]:
    """Medians of every row and side of a comparison that needs no more; `thousand`: CPU is that of a host."""
    factor = {"cpu": 1e3} if thousand else {}
    titles = {"cpu": "CPU s for 1,000 hosts"} if thousand else {}

    def found() -> Iterator[str]:
        lines, known = kept(name), medians(name)
        sides = list(dict.fromkeys((line["row"], line["side"]) for line in lines))
        there = [m for m in measures if any((row, m, side) in known for row, side in sides)]
        yield f"{made(lines)}."
        yield ""
        yield f"| | | {' | '.join(titles.get(measure, measure) for measure in there)} |"
        yield f"|---|---|{'---:|' * len(there)}"
        for row, side in sides:
            values = ((known.get((row, measure, side)), factor.get(measure, 1)) for measure in there)
            cells = ("" if value is None else shown(value * by) for value, by in values)
            yield f"| {row} | {side} | {' | '.join(cells)} |"

    return found


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "budgets": budgets,
    "short": short,
    "workload": workload,
    "walk": walk,
    "memory": memory,
    "start": start,
    "profile-w-https": profile("w-https"),
    "profile-w-http": profile("w-http"),
    "profile-walk-https": profile("walk-https"),
    "rounds": rows("rounds", "cpu", "reused", thousand=True),
    "tls": rows("tls", "cpu", "resumed", thousand=True),
    "workers": rows("workers", "wall", "cpu", thousand=True),
    "concurrency": rows("concurrency", "rate", "cpu"),
    "loop": rows("loop", "rate", "peak", "cpu", thousand=True),
}
WHOLE = ("budgets", "short")  # made of all results


def block(name: str) -> str | None:
    """A table; None where nothing was measured."""
    if not (measured() if name in WHOLE else kept(name)):
        return None
    return "\n".join(chain(TABLES[name](), [""]))


def written(page: str) -> str:
    """The page with every table that there are figures for."""

    def filled(mark: re.Match[str]) -> str:
        if mark[2] not in TABLES:
            raise SystemExit(f"the page wants figures of {mark[2]}; there are {', '.join(TABLES)}")
        text = block(mark[2])
        return mark[0] if text is None else f"{mark[1]}\n{text}\n{mark[4]}"

    return MARKED.sub(filled, page)


def main(names: list[str]) -> int:
    if names == ["--write"]:
        PAGE.write_text(written(PAGE.read_text()))
        return 0
    if unknown := set(names) - {*TABLES}:
        print(
            f"no table is called {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}", file=sys.stderr
        )
        return 2
    for name in names or TABLES:
        text = block(name)
        print(f"## {name}\n\n{text or 'not measured'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
