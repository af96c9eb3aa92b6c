"""Charts of what was measured last: `python -m benchmarks.figures.plot [workload|concurrency...]`.

Reads `benchmarks/results/NAME.jsonl` and writes `docs/explanation/NAME.png`; `draw.py` does the drawing,
in an environment of its own. Without names, every chart that has figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures.results import Line, kept, medians
from benchmarks.rig import environments
from benchmarks.workload import SCANS, SIDES

DOCS = Path(__file__).parents[2] / "docs" / "explanation"
DRAW = Path(__file__).with_name("draw.py")
LABELS = {
    "fleet": "fleet scan, everything on", "rustls": "the same, TLS by rustls",
    "client": "our client", "wire": "our connection",
    "ssl": "TLS handshake, Python", "openssl": "TLS handshake, openssl", "curl": "curl --parallel",
    "aiohttp": "aiohttp", "httpx": "httpx", "aiopenapi3-kept": "aiopenapi3, kept alive",
    "aiopenapi3": "aiopenapi3",
}  # fmt: skip
Chart = dict[str, Any]


def workload(lines: list[Line]) -> Chart:
    """CPU of every side, https beside http."""
    known = medians("workload")
    sides = [side for side in SIDES if any(line["side"] == side for line in lines)]
    panels = [
        {"title": scheme, "bars": [bar(side, known.get((scheme, "cpu", side))) for side in sides]}
        for scheme in ("https", "http")
        if (scheme, "cpu", "fleet") in known
    ]
    line, hosts = lines[-1], max(line["hosts"] for line in lines if line["side"] == "fleet")
    made = f"{line['server']}, Python {line['python']}, {line['openssl']}"
    note = f"{line['date']}. {hosts:,} hosts, five GETs each, start-up taken off. {made}"
    title = "CPU seconds of the client for 1,000 hosts"
    return {"kind": "bars", "title": title, "panels": panels, "note": note}


def bar(side: str, cpu: float | None) -> Chart:
    tone = "ours" if side in SCANS else "part" if side in ("client", "wire") else "other"
    value = (cpu or 0) * 1e3
    return {"label": LABELS[side], "value": value, "text": f"{value:.2f}" if cpu else "-", "tone": tone}


def smooth(counts: Sequence[float]) -> list[tuple[float, float]]:
    """Means of three neighbours, for what happens in bursts."""
    return [(at, sum(counts[at - 1 : at + 2]) / 3) for at in range(1, len(counts) - 1)]


def concurrency(lines: list[Line]) -> Chart:
    """Of each simulated fleet: `ok` targets per second of every setting, and the limits that `auto` chose."""
    above, below = [], []
    for row in dict.fromkeys(line["row"] for line in lines):
        these = [line for line in lines if line["row"] == row]
        above.append({"title": row, "lines": [
            {"label": line["side"], "points": smooth(line["ok"]), "ours": line["side"] == "auto"}
            for line in these]})  # fmt: skip
        moves = next((line["limits"] for line in these if line["side"] == "auto"), [])
        end = max(len(line["ok"]) for line in these)
        scopes: dict[str, list[tuple[float, float]]] = {}
        for at, scope, limit, *_ in moves:
            scopes.setdefault(scope, []).append((at, limit))
        below.append({"title": f"{row}: limit of auto", "log": True, "lines": [
            {"label": scope, "points": [*points, (end, points[-1][1])], "ours": scope == "targets",
             "steps": True}
            for scope, points in scopes.items()]})  # fmt: skip
    above[0]["y"], below[0]["y"] = "ok targets / s", "at once"
    title = "Concurrency that finds itself, beside fixed ones"
    return {"kind": "curves", "title": title, "panels": above + below, "columns": len(above), "x": "seconds"}


CHARTS: dict[str, Callable[[list[Line]], Chart]] = {
    "workload": workload,
    "concurrency": concurrency,
}


def draw(name: str, chart: Chart) -> bool:
    """Writes the picture; False where nothing can draw."""
    python = environments.python("plot")
    if python is None:
        return False
    file = DOCS / f"{name}.png"
    subprocess.run([str(python), str(DRAW), str(file)], input=json.dumps(chart), text=True, check=True)
    print(f"{file.relative_to(DOCS.parents[2])}: {file.stat().st_size / 1e3:.0f} KB")
    return True


def main(names: list[str]) -> int:
    if unknown := set(names) - {*CHARTS}:
        print(
            f"no chart is called {', '.join(sorted(unknown))}; there are {', '.join(CHARTS)}", file=sys.stderr
        )
        return 2
    drawn = True
    for name in names or CHARTS:
        lines = kept(name)
        if not lines:
            print(f"{name}: nothing was measured yet", file=sys.stderr)
            continue
        drawn = draw(name, CHARTS[name](lines)) and drawn
    return 0 if drawn else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
