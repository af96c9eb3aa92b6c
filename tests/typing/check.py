"""Holds what users of the library see of its types: run by `make check`.

Every public symbol has a type that all checkers agree on, and `user.py` passes the strictest settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def report(*arguments: str) -> dict[str, Any]:
    """What basedpyright says. Ends the program where it cannot say anything."""
    program = BIN / "basedpyright"
    if not program.exists():
        sys.exit(
            "types: basedpyright is not installed here; it is one of the dev dependencies, see `make check`"
        )
    # It asks the first python on PATH where packages are: that of this environment, with this copy of fleet.
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [program, "--outputjson", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        sys.exit(
            f"types: basedpyright cannot run here (exit status {ran.returncode}):\n{ran.stderr or ran.stdout}"
        )
    return found


def said(diagnostic: dict[str, Any], what: str = "") -> str:
    """One diagnostic as one line, with a place that editors know."""
    line = diagnostic.get("range", {}).get("start", {}).get("line", 0) + 1
    place = f"{diagnostic['file']}:{line}: " if diagnostic.get("file") else ""
    return f"{place}{what and what + ': '}{diagnostic['message']}"


def main() -> None:
    """Exits with 1, and a line for each fault."""
    public = report("--verifytypes", "fleet", "--ignoreexternal")
    types = public.get("typeCompleteness", {})
    faults = [
        said(each, symbol["name"])
        for symbol in types.get("symbols", ())
        for each in symbol["diagnostics"]
        if each["severity"] == "error"
    ]
    faults += [said(each) for each in public["generalDiagnostics"] if each["severity"] == "error"]
    faults += [said(each) for each in report()["generalDiagnostics"] if each["severity"] == "error"]
    roots = [fault for fault in faults if "partially unknown" not in fault]  # the others follow from these
    known = sum(types.get("exportedSymbolCounts", {}).values())
    score = types.get("completenessScore", 0)
    if faults or score != 1 or not known:
        sys.exit("\n".join([*(roots or faults), f"types: {len(faults)} faults, {score:.2%} known"]))
    print(f"types: {known} public symbols, all known; a user's program has no fault")


if __name__ == "__main__":
    main()
