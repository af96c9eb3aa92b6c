"""The page that a corpus run writes: what was read, how fast, and why the rest was not."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from touch import MAX_CHECKED, MAX_REVIEWED

import fleet

MANY = 60  # documents of a package that all have a row; of larger ones those that have something to tell
LARGE = 2_000_000  # bytes
_FIGURES = "documents | loaded | operations | median ms | slowest ms | largest MB read | most MB used"
_HEAD = """\
# Published descriptions that fleet reads

Made by `{command}` on {date} with fleet {version}, Python {python}: {documents:,} descriptions of {packages}
packages of the npm registry and PyPI. Each was read in a process of its own, with a limit of time and memory.
Nothing of them is part of this repository: `tests/corpus/packages.toml` lists the archives and their digests.

With each description everything is done that can be done with one. It is loaded; each operation is compiled,
its request built from values that its own parameters and schemas suggest, the path led back to its operation,
its security worked out, its own examples judged by its own schemas, its callbacks and links followed. It is
reviewed, reduced, converted to 3.1 (calls stay the same bytes), compared with that, typed, pickled, cached
and stored, and each `fleet spec` command reads it. An error that names the description's own fault is its
result; any other error is a defect of fleet, and ends the run with 1.

In parts only: at most {many} descriptions of a package are read, evenly spread (`--all` reads every one); of
packages with more than ten each fifth is given to the commands; of a description with more than {checked:,}
operations so many are judged by their schemas, and it is not reviewed when it has more than {reviewed:,}.

"""


def written(results: list[dict[str, Any]], *, everything: bool) -> str:
    """The page as Markdown."""
    text = _HEAD.format(
        command="python tests/corpus/run.py --all" if everything else "make corpus",
        date=datetime.now(UTC).date(),
        version=fleet.__version__,
        python=sys.version.split()[0],
        documents=len(results),
        packages=len({result["package"] for result in results}),
        many=MANY,
        checked=MAX_CHECKED,
        reviewed=MAX_REVIEWED,
    )
    results = sorted(results, key=lambda result: (result["package"], result["path"]))
    return text + "\n".join(
        (
            *_totals(results),
            *_by_package(results),
            *_reasons(results),
            *_rows(results),
            *_summary(results),
        )
    )


def _totals(results: list[dict[str, Any]]) -> Iterable[str]:
    yield f"| version | {_FIGURES} |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for version, group in sorted(_grouped(results, "version").items()):
        yield f"| {version} | {_figures(group)} |"
    yield f"| all | {_figures(results)} |"
    yield ""


def _by_package(results: list[dict[str, Any]]) -> Iterable[str]:
    yield "## By package"
    yield ""
    yield f"| package | {_FIGURES} |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for package, group in _grouped(results, "package").items():
        yield f"| {package} | {_figures(group)} |"
    yield ""


def _figures(group: list[dict[str, Any]]) -> str:
    loaded = [result for result in group if "operations" in result]
    spent = [result["load_ms"] for result in loaded] or [0.0]
    return " | ".join((
        f"{len(group):,}",
        f"{len(loaded):,}",
        f"{sum(result['operations'] for result in loaded):,}",
        f"{median(spent):.1f}",
        f"{max(spent):.0f}",
        f"{max(result['bytes'] for result in group) / 1e6:.1f}",
        f"{max((result['peak_mb'] for result in loaded), default=0)}",
    ))  # fmt: skip


def _reasons(results: list[dict[str, Any]]) -> Iterable[str]:
    """Errors that are the descriptions' own, by what they say."""
    for title, wanted in (("Why descriptions did not load", True), ("What is wrong inside of others", False)):
        found: defaultdict[str, list[str]] = defaultdict(list)
        for result in results:
            if ("operations" in result) is wanted or "died" in result:
                continue
            for reason in {_reason(error) for error in result["errors"]["spec"]}:
                found[reason].append(result["path"])
        yield f"## {title}"
        yield ""
        yield "| documents | the error says | for example |"
        yield "|--:|---|---|"
        for reason, paths in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
            yield f"| {len(paths)} | {_cell(reason)} | `{_cell(paths[0])}` |"
        yield ""


def _reason(error: str) -> str:
    """An error without what is of one document alone."""
    text = error.partition(": ")[2].partition("\n")[0]
    text = re.sub(r"^\S+?(:\d+)*: ", "", text)
    text = re.sub(
        r"^a referenced document cannot be used: .*: ", "a referenced document cannot be used: ", text
    )
    text = re.sub(r" \(at #.*|^(?:\S+ and )*\S+ (?=need the same header)", "", text)
    text = re.sub(r"(?<=not a file under ).*", "…", text)
    text = re.sub(r"'[^']*'", "'…'", text)
    text = re.sub(r"#/\S*|(?<=of )[A-Z]+ /\S*|https?:\S*|\b\d+\b", "…", text)
    return re.sub(r"this call needs .*: ", "this call needs …: ", text)[:140]


def _rows(results: list[dict[str, Any]]) -> Iterable[str]:
    yield "## Document by document"
    yield ""
    yield f"Of packages with more than {MANY}: the ones that did not load, and those of more than 2 MB."
    for package, group in _grouped(results, "package").items():
        shown = [result for result in group if len(group) <= MANY or _telling(result)]
        if not shown:
            continue
        yield ""
        yield f"### {package}"
        yield ""
        yield "| document | version | operations | load ms | MB used | result |"
        yield "|---|---|--:|--:|--:|---|"
        for result in shown:
            figures = " | ".join(str(result.get(key, "")) for key in ("operations", "load_ms", "peak_mb"))
            name = _cell(result["path"])
            yield f"| `{name}` | {result.get('version', '')} | {figures} | {_cell(_verdict(result))} |"
    yield ""


def _telling(result: dict[str, Any]) -> bool:
    return "operations" not in result or result["bytes"] > LARGE


def _verdict(result: dict[str, Any]) -> str:
    if "died" in result:
        return f"died: {result['died']}"
    if result["errors"]["defect"] or result.get("internal"):
        return "DEFECT: " + (result["errors"]["defect"] + result.get("internal", []))[0][:200]
    if "operations" not in result:
        return result["errors"]["spec"][0].partition(": ")[2].partition("\n")[0][:200]
    own = result["counts"].get("spec", 0)
    return f"loaded; {own} errors of its own" if own else "ok"


def _summary(results: list[dict[str, Any]]) -> Iterable[str]:
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.get("counts", {}))
    loaded = [result for result in results if "operations" in result]
    bad = [result for result in results if _verdict(result).startswith(("DEFECT", "died"))]
    yield "## In short"
    yield ""
    yield f"- {len(results):,} descriptions, {len(loaded):,} loaded, {len(bad)} with a defect of fleet."
    ran = [status for result in results for status in result.get("commands", {}).values()]
    yield (
        f"- {len(ran):,} runs of `fleet spec` commands: {ran.count(0):,} ended with 0, "
        f"{ran.count(1):,} with 1 (errors found), {ran.count(2):,} with 2 (cannot be read)."
    )
    yield (
        f"- {sum(result['operations'] for result in loaded):,} operations: {counts['built']:,} requests "
        f"built; {counts['refused']:,} refused by name, as the values that the description suggests cannot "
        "be written so."
    )
    yield (
        f"- {counts['routed']:,} request paths led back to their operation, {counts['routed elsewhere']:,} "
        f"to another one of the same shape, {counts['routed nowhere']:,} nowhere."
    )
    yield (
        f"- {counts['examples']:,} published examples of answers judged; {counts['broken examples']:,} break "
        "the schema that they illustrate."
    )
    yield (
        f"- {counts['types']:,} named schemas typed; {counts['breaking in conversion']:,} differences that "
        "would break callers found between descriptions and their conversion to 3.1."
    )
    yield (
        f"- {counts['callbacks']:,} callbacks, {counts['links']:,} links, {counts['webhooks']:,} webhooks "
        f"read; {counts['findings']:,} errors and {counts['warnings']:,} warnings found."
    )
    yield ""


def _grouped(results: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[str(result.get(key, "(not loaded)"))].append(result)
    return groups


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("`", "'")
