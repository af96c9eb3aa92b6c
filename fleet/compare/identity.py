"""Things that are known by a key, over the whole fleet: what moved, what is there twice, who is another one.

Nothing here knows what a serial number is. A key **identifies** when its output does: the first output of the
row that has the key's text. An output of a step identifies when of the rows that it names in the second run
at most one in twenty has a key that another target has too: serial numbers do, `1` and `BIOS` do not.

A row **speaks for its target** when its step has exactly one row there, both times, and it stands at the top;
or directly below the top, and rows stand below it, or the top has no identifying key. Where its own key is
another one, something else answers at that address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fleet.compare.model import Callouts, Duplicate, Identity, Move
from fleet.compare.rows import Row, StepMatch, parents
from fleet.digest import DigestTable
from fleet.frozen import frozen
from fleet.outcome import Record
from fleet.report import rows_above, short_name

MAX_KEYS = 5_000_000  # keys of the second run that are held, at some 18 bytes each
MAX_ROWS = 100_000  # rows that are looked for elsewhere
REPEATED_ONE_IN = 20  # one in this many may be there twice
ENOUGH_KEYS = 2000  # keys of an output, from which it is known whether it identifies
MAX_TOLD = 200  # of each list
MAX_PLACES = 10  # of one duplicate

Known = tuple[str, str, str]  # step, output, key


@frozen
class _Lost:
    """A row that is not where it was."""

    known: Known
    above: Known | None  # the nearest row above that has a key
    target: str
    place: str
    number: int  # of the target among those of the second run; -1 where it is gone


@dataclass(slots=True)
class _Output:
    """One output that gives rows of one step their keys, in the second run."""

    prefix: bytes  # of its keys
    named: int = 0
    repeats: int = 0  # of them: on a further target

    @property
    def identifies(self) -> bool:
        return self.repeats * REPEATED_ONE_IN <= self.named


class Identities:
    """Takes the targets of the second run as they come, and what is not where it was."""

    def __init__(self) -> None:
        self._keys = DigestTable(value_bits=32)
        self._outputs: dict[tuple[str, str], _Output] = {}
        self._twice: dict[Known, None] = {}
        self._lost: list[_Lost] = []
        self._inside: list[Move] = []
        self._doubled: list[Duplicate] = []
        self._replaced: list[tuple[Identity, tuple[str, str] | None]] = []  # with the output of the row above
        self._counts = Counter[str]()
        self._number = -1

    def target(self, record: Record) -> None:
        """Take the keys of one target of the second run."""
        self._number += 1
        keys = self._keys
        if len(keys) >= MAX_KEYS:
            self._counts["unsearched"] += sum(1 for _ in keyed(record))
            return
        for known, _ in keyed(record):
            step, name, key = known
            output = self._outputs.get((step, name))
            if output is None:
                output = self._outputs[step, name] = _Output(_digestible((step, name, "")))
            if output.named > ENOUGH_KEYS and not output.identifies:
                continue
            output.named += 1
            digestible = output.prefix + key.encode("utf-8", "surrogatepass")
            if keys.add(digestible, self._number):
                continue
            if keys.get(digestible) != self._number:
                output.repeats += 1
                if len(self._twice) < MAX_ROWS:
                    self._twice[known] = None

    def lost(self, record: Record, rows: Iterable[tuple[str, Row]], *, gone: bool = False) -> None:
        """Take rows of the first run that the second does not have at this target."""
        for step, row in rows:
            output = output_of(row)
            if output is None:
                continue
            if len(self._lost) >= MAX_ROWS:
                self._counts["unsearched"] += 1
                continue
            known = (step, output, str(row["@key"]))
            uppers = (
                (name, output_of(upper), upper) for name, upper in rows_above(record.get("steps") or {}, row)
            )
            nearest = next(((name, by, str(upper["@key"])) for name, by, upper in uppers if by), None)
            number = -1 if gone else self._number
            self._lost.append(_Lost(known, nearest, str(record["id"]), place_of(record, row), number))

    def step(self, before: Record, after: Record, match: StepMatch) -> None:
        """Take what one step of a target that was compared shows."""
        self._double(before, after, match)
        left = [match.before[at] for at in (*match.removed, *match.unseen_before)]
        if not left:
            return
        extra = [match.after[at] for at in (*match.added, *match.unseen_after)]
        new = {row.get("@key"): row for row in extra if row.get("@key") is not None}
        elsewhere = [(row, new.get(row.get("@key"))) for row in left]
        self.lost(before, ((match.step, row) for row, other in elsewhere if other is None))
        for row, other in elsewhere:
            if other is not None and (output := output_of(row)) is not None and len(self._inside) < MAX_ROWS:
                key = str(row["@key"])
                self._inside.append(
                    Move(step=match.step, output=output, key=key, before=place_of(before, row),
                         after=place_of(after, other))
                )  # fmt: skip
        if len(match.before) == len(match.after) == 1:
            self._speak(before, match.step, match.before[0], match.after[0])

    def result(
        self, again: Callable[[], Iterator[Record]], before: Callable[[str], Record | None]
    ) -> Callouts:
        """What was found. `again` reads the second run once more, if need be; `before` finds a target of the
        first run."""
        moves = [move for move in self._inside if self._identifies((move.step, move.output))]
        wanted: dict[int, list[_Lost]] = {}
        for lost in self._lost:
            at = self._keys.get(_digestible(lost.known))
            if at is not None and at != lost.number and self._identifies(lost.known[:2]):
                wanted.setdefault(at, []).append(lost)
        twice: dict[Known, list[str]] = {known: [] for known in self._twice if self._identifies(known[:2])}
        carried = 0
        if wanted or twice:
            found = self._look(again(), before, wanted, twice)
            gone = {(lost.target, lost.known) for lost, _ in found}
            own = [move for lost, move in found if (lost.target, lost.above) not in gone]
            carried = len(found) - len(own)
            moves += own
        duplicates = [*self._doubled, *_duplicates(twice)]
        replaced = self._replacements()
        return Callouts(
            moved=tuple(moves[:MAX_TOLD]),
            moves=len(moves),
            carried=carried,
            duplicated=tuple(duplicates[:MAX_TOLD]),
            duplicates=len(twice) + self._counts["doubled"],
            replaced=tuple(replaced[:MAX_TOLD]),
            replacements=len(replaced),
            unsearched=self._counts["unsearched"],
        )

    def _replacements(self) -> list[Identity]:
        """One for each target: the first of its rows that speak for it, and the names of the others."""
        found: dict[str, Identity] = {}
        for one, top in self._replaced:
            if not self._identifies((one.step, one.output)) or (top and self._identifies(top)):
                continue
            known = found.get(one.target)
            found[one.target] = one if known is None else replace(known, also=(*known.also, one.step))
        return list(found.values())

    def _identifies(self, output: tuple[str, str]) -> bool:
        found = self._outputs.get(output)
        return found is None or found.identifies

    def _look(
        self,
        records: Iterator[Record],
        before: Callable[[str], Record | None],
        wanted: dict[int, list[_Lost]],
        twice: dict[Known, list[str]],
    ) -> list[tuple[_Lost, Move]]:
        """Where in the second run the keys are: names its places."""
        found: list[tuple[_Lost, Move]] = []
        for number, record in enumerate(records):
            here = wanted.get(number, ())
            if not here and not twice:
                continue
            places = dict(keyed(record))
            for lost in here:
                row = places.get(lost.known)
                if row is not None and not _had(before(str(record["id"])), lost.known):
                    step, output, key = lost.known
                    place = place_of(record, row)
                    move = Move(step=step, output=output, key=key, before=lost.place, after=place)
                    found.append((lost, move))
            for known in places.keys() & twice.keys():
                twice[known].append(place_of(record, places[known]))
        return found

    def _double(self, before: Record, after: Record, match: StepMatch) -> None:
        for second, alike in match.doubled:
            record, rows = (after, match.after) if second else (before, match.before)
            places = _of_one_parent(rows, alike)
            if len(places) < 2:
                continue
            row = rows[places[0]]
            self._counts["doubled"] += 1
            if len(self._doubled) < MAX_TOLD:
                named = [
                    f"{place_of(record, rows[at])} at {rows[at].get('@uri')}" for at in places[:MAX_PLACES]
                ]
                self._doubled.append(
                    Duplicate(step=match.step, output=output_of(row) or "", key=str(row["@key"]),
                              side="second" if second else "first", places=tuple(named))
                )  # fmt: skip

    def _speak(self, record: Record, step: str, before: Row, after: Row) -> None:
        output = output_of(before)
        if output is None or before.get("@key") == after.get("@key") or output != output_of(after):
            return
        uppers = list(rows_above(record.get("steps") or {}, before))
        if len(uppers) > 1 or len(self._replaced) >= MAX_ROWS:
            return
        found = Identity(
            target=str(record["id"]),
            step=step,
            output=output,
            before=str(before["@key"]),
            after=str(after["@key"]),
            also=(),
        )
        tops = [(upper, named) for upper, row in uppers if (named := output_of(row)) is not None]
        self._replaced.append((found, tops[0] if tops and not _bears(record, step) else None))


def _of_one_parent(rows: Sequence[Row], places: Sequence[int]) -> list[int]:
    """The largest part of these rows that stand below one row of their own run: where the other run has no
    step above them, rows of two parents were matched as if they had one."""
    parts: dict[str, list[int]] = {}
    for at in places:
        parts.setdefault(str(rows[at].get("@parent")), []).append(at)
    return max(parts.values(), key=len)


def _duplicates(twice: Mapping[Known, Sequence[str]]) -> Iterator[Duplicate]:
    """Keys that are on several targets of the second run."""
    for (step, output, key), places in twice.items():
        yield Duplicate(step=step, output=output, key=key, side="second", places=tuple(places[:MAX_PLACES]))


def keyed(record: Record) -> Iterator[tuple[Known, Row]]:
    """The rows of a target that have a key of an output."""
    for step, held in (record.get("steps") or {}).items():
        for row in held.get("rows") or ():
            output = output_of(row)
            if output is not None:
                yield (step, output, str(row["@key"])), row


def output_of(row: Row) -> str | None:
    """The output that gave a row its key: the first that has its text."""
    key = row.get("@key")
    if key is None:
        return None
    for name, value in row.items():
        if value == key and name[:1] != "@":
            return name
    return next((name for name, value in row.items() if str(value) == key and name[:1] != "@"), None)


def place_of(record: Record, row: Row) -> str:
    """Where a row stands: `bmc-17-001 system SN4`; the target alone at the top."""
    return f"{short_name(str(record['id']))} {parents(record, row)}".rstrip()


def _bears(record: Record, step: str) -> bool:
    """Whether rows stand below those of a step."""
    steps = (record.get("steps") or {}).values()
    parents_of = (row.get("@parent") for held in steps for row in held.get("rows") or ())
    return any(isinstance(parent, list) and parent[:1] == [step] for parent in parents_of)


def _had(record: Record | None, known: Known) -> bool:
    return record is not None and any(other == known for other, _ in keyed(record))


def _digestible(known: Known) -> bytes:
    return "\0".join(known).encode("utf-8", "surrogatepass")
