"""A comparison as a value: what `fleet diff --format json` writes, and what its pages are made from.

Names of hosts, keys, fields and values are remote text: every form makes them inert in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.frozen import frozen
from fleet.report import CauseGroup, Documented, published_schema

DIFF_VERSION = 1


@frozen(kw_only=True)
class Side(Documented):
    """One of the two runs. `targets` counts those that were taken (`--where`), by status in `statuses`."""

    run: str
    path: str
    """the run directory, or the outcomes file"""
    state: str
    """complete; running; stopped: targets are missing; unknown: an outcomes file alone"""
    started: str
    spec: str
    pipeline: str
    fleet: str
    """version of fleet that made the run"""
    targets: int
    statuses: Mapping[str, int]


@frozen(kw_only=True)
class Hosts(Documented):
    """Some targets."""

    targets: int
    hosts: tuple[str, ...]
    """as expressions that an inventory takes, the largest sets first"""
    unnamed: int
    """targets that are in none of `hosts`"""


@frozen(kw_only=True)
class Counts(Documented):
    """Targets. `both` + `gone` are those of the first run, `both` + `new` those of the second, and `both` is
    `same` + `changed` + `uncompared`."""

    both: int
    new: int
    gone: int
    same: int
    """compared, and nothing differs that could be compared"""
    changed: int
    """compared, and rows were added, removed or changed"""
    uncompared: int
    """failed or skipped in one run or in both: nothing is said of their rows"""
    partly: int
    """of `same` and `changed`: those of which some step could not be compared in full"""


@frozen
class Turn(Documented):
    """Targets of both runs by what became of them in each. The counts of all turns make `both`."""

    before: str
    after: str
    targets: int


@frozen(kw_only=True)
class Gap(Documented):
    """Why a step, or a whole target, could not be compared in full. Rows that one run has and the other may
    only have failed to see are `unseen`: they count neither as added nor as removed."""

    step: str | None
    """null: the whole target"""
    side: str
    """the run it is for: first, second, both"""
    why: str
    """failed, skipped, failed or skipped; of a step: incomplete, not offered, not asked, below a gap"""
    targets: int
    unseen: int
    """rows of the other run"""
    hosts: tuple[str, ...]
    unnamed: int


@frozen(kw_only=True)
class StepCounts(Documented):
    """The rows of one step on targets of both runs that were compared.

    The rows of the first run are `same` + `changed` + `removed` + `unseen_before`, those of the second
    `same` + `changed` + `added` + `unseen_after`.
    """

    step: str
    before: int
    after: int
    same: int
    changed: int
    added: int
    removed: int
    unseen_before: int
    """rows of the first run that the second may only have failed to see"""
    unseen_after: int
    """rows of the second run that the first may only have failed to see"""


@frozen(kw_only=True)
class Outlier(Documented):
    """A change that one target made alone among its peers."""

    target: str
    by: str
    """what makes peers: a label or an output"""
    value: str
    """the value that they share; empty where they have none"""
    peers: int
    """targets that were compared and have it, this one included"""
    otherwise: int
    """of them: those that made another change of this field"""


@frozen(kw_only=True)
class ValueChange(Documented):
    """Rows whose field went from one value to another one."""

    before: Any
    """long texts are cut, and end in their length and a digest"""
    after: Any
    rows: int
    targets: int
    hosts: tuple[str, ...]
    unnamed: int
    outliers: tuple[Outlier, ...]
    """targets that made it alone among their peers"""


@frozen(kw_only=True)
class FieldChange(Documented):
    """All changes of one output of one step, the most frequent first."""

    step: str
    field: str
    rows: int
    targets: int
    changes: tuple[ValueChange, ...]
    further: int
    """rows that changed in further ways, which are counted only"""


@frozen(kw_only=True)
class RowExample(Documented):
    """One row of a group."""

    target: str
    parent: str
    """the rows above by their keys; empty at the top"""
    row: str
    """its key, or its path"""


@frozen(kw_only=True)
class RowGroup(Documented):
    """Rows of one step that were added, or removed."""

    step: str
    rows: int
    targets: int
    carried: int
    """of the rows: those whose row above was added or removed too"""
    hosts: tuple[str, ...]
    unnamed: int
    examples: tuple[RowExample, ...]
    """some of the rows that are not `carried`"""


@frozen(kw_only=True)
class Move(Documented):
    """One thing, known by a key that identifies, which is in another place than before."""

    step: str
    output: str
    """the output that gave the key"""
    key: str
    before: str
    """target and rows above"""
    after: str


@frozen(kw_only=True)
class Duplicate(Documented):
    """A key that should name one row and names several: rows of one parent, or an identifying key that is on
    several targets of one run."""

    step: str
    output: str
    key: str
    side: str
    """first or second"""
    places: tuple[str, ...]
    """target and rows above"""


@frozen(kw_only=True)
class Identity(Documented):
    """A target where something else answers: the key of a row that speaks for it is another one."""

    target: str
    step: str
    output: str
    before: str
    after: str
    also: tuple[str, ...]
    """other steps whose rows speak for it and have another key too"""


@frozen
class Callouts(Documented):
    """Some of a list, and how many there are in all."""

    moved: tuple[Move, ...]
    moves: int
    carried: int
    """further rows that moved with one of these, which stands above them"""
    duplicated: tuple[Duplicate, ...]
    duplicates: int
    replaced: tuple[Identity, ...]
    replacements: int
    """targets"""
    unsearched: int
    """keys and rows beyond the limits, in which no move and no duplicate was looked for"""


@frozen
class Ignored(Documented):
    """What one rule left out."""

    rule: str
    differences: int
    """rows, or values of rows, that differ and were not counted; 0: the rule met nothing that differs"""
    known: bool
    """whether the runs have a step or field that the rule names"""


@frozen(kw_only=True)
class Diff(Documented):
    """What changed from one run to another one."""

    v: int
    """version of this form"""
    first: Side
    second: Side
    unlike: tuple[str, ...]
    """in what the scans themselves differ: spec, description, pipeline, outputs of one run alone"""
    where: str | None
    """the condition that targets were taken by"""
    steps_asked: tuple[str, ...]
    """the steps that were compared; empty for all"""
    by: str
    """what makes peers"""
    differences: int
    """0: the exit status is 0"""
    counts: Counts
    turns: tuple[Turn, ...]
    new: Hosts
    gone: Hosts
    failing: tuple[CauseGroup, ...]
    """targets that were well and failed or were skipped then, by cause"""
    recovered: tuple[CauseGroup, ...]
    """targets that failed and are well again, by the cause that is gone"""
    otherwise: tuple[CauseGroup, ...]
    """targets that failed both times, for another cause then"""
    gaps: tuple[CauseGroup, ...]
    """targets that were ok and are partial then, by cause; a target may have several"""
    whole: Hosts
    """targets that were partial and are ok then"""
    uncompared: tuple[Gap, ...]
    steps: tuple[StepCounts, ...]
    fields: tuple[FieldChange, ...]
    added: tuple[RowGroup, ...]
    removed: tuple[RowGroup, ...]
    callouts: Callouts
    ignored: tuple[Ignored, ...]


def diff_schema() -> dict[str, Any]:
    """The JSON Schema of `Diff.to_json`."""
    return published_schema(Diff, "diff", DIFF_VERSION)
