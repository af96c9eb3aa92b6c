"""The whole way from sources to targets: read, expand, exclude, tell apart, select, limit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.inventory.address import HostPort, Scheme
from fleet.inventory.choice import Sample
from fleet.inventory.feeds.store import Feeds
from fleet.inventory.formats.lines import read_lines
from fleet.inventory.formats.rows import Row, targets_of
from fleet.inventory.match import Condition, HostSet, parse_condition
from fleet.inventory.report import Report, placed
from fleet.inventory.seen import Seen
from fleet.inventory.shard import Shard
from fleet.inventory.sources import check_source, rows_of
from fleet.policy import Limits
from fleet.target import Target


@frozen
class InventoryOptions:
    """What is taken from the sources.

    `exclude` and `select` are expressions and conditions as `fleet.inventory.match` describes them; several
    selections must all hold, and so must `where`. `sample` takes some of what they leave, `limit` ends the
    reading after that many targets, and `shard` takes its part of those: the parts together are what there
    would be without it.
    `shuffle` changes the order of what is left, and nothing else. `seed` makes another sample and another
    order. `strict` makes the first bad entry fatal. `stdin` replaces standard input for the source `-`.
    `feeds` keeps what sources have given that are asked over a network, for whoever reads more than once.
    """

    scheme: Scheme = "https"
    exclude: Sequence[str] = ()
    exclude_files: Sequence[str] = ()
    select: Sequence[str] = ()
    where: Callable[[Target], bool] | None = None
    sample: Sample | None = None
    limit: int | None = None
    shard: Shard | None = None
    shuffle: bool = False
    seed: int = 0
    strict: bool = False
    limits: Limits = field(default_factory=Limits)
    stdin: BinaryIO | None = None
    feeds: Feeds | None = None


@dataclass(slots=True)
class InventoryCounts:
    """What became of the entries, up to now."""

    targets: int = 0
    duplicates: int = 0
    excluded: int = 0
    unselected: int = 0
    unsampled: int = 0
    elsewhere: int = 0  # in other shards
    rejected: int = 0

    def __str__(self) -> str:
        told = [
            f"{self.targets} target{'' if self.targets == 1 else 's'}",
            f"{self.duplicates} duplicate{'' if self.duplicates == 1 else 's'}" if self.duplicates else "",
            f"{self.excluded} excluded" if self.excluded else "",
            f"{self.unselected} not selected" if self.unselected else "",
            f"{self.unsampled} not in the sample" if self.unsampled else "",
            f"{self.elsewhere} in other shards" if self.elsewhere else "",
            f"{self.rejected} rejected" if self.rejected else "",
        ]
        return ", ".join(filter(None, told))


class Inventory(Iterator[Target]):
    """Targets, lazily, with counts of what was left out on the way.

    Memory is O(1) plus the digests of `fleet.inventory.seen`, and what `fleet.inventory.choice` holds for a
    sample or an order. Reading files blocks: an event loop reads
    from a thread. Raises InventoryError when it is made with a source that cannot be read at all, and,
    when the options are strict, for the first bad entry.
    """

    def __init__(self, sources: Sequence[str], options: InventoryOptions, report: Report) -> None:
        self.counts: InventoryCounts = InventoryCounts()
        self._options = options
        self._report = report
        self._seen = Seen()
        self._excluded = _exclusions(options)
        self._conditions = tuple(_selection(text) for text in options.select)
        self._feeds = options.feeds or Feeds()
        for source in sources:
            check_source(source, limits=options.limits, feeds=self._feeds)
        self._targets = self._read(tuple(sources))

    def __iter__(self) -> Inventory:
        return self

    def __next__(self) -> Target:
        return next(self._targets)

    def close(self) -> None:
        """Close the source that is being read."""
        self._targets.close()

    def _read(self, sources: Sequence[str]) -> Generator[Target, None, None]:
        options = self._options
        targets = self._selected(sources)
        if options.sample is not None:
            targets = options.sample.of(targets, options.seed, self._pass_over)
        if options.limit is not None:
            targets = islice(targets, options.limit)
        if options.shard is not None:
            targets = self._held_by(options.shard, targets)
        if options.shuffle:
            from fleet.inventory.order import shuffled  # noqa: PLC0415  (SQLite, where one asks for it)

            targets = shuffled(targets, options.seed)
        for target in targets:
            self.counts.targets += 1
            yield target

    def _selected(self, sources: Sequence[str]) -> Iterator[Target]:
        for source in sources:
            for row in rows_of(
                source,
                limits=self._options.limits,
                report=self._reject,
                feeds=self._feeds,
                stdin=self._options.stdin,
            ):
                yield from self._row(row)

    def _held_by(self, shard: Shard, targets: Iterator[Target]) -> Iterator[Target]:
        for target in targets:
            if shard.holds(target.id):
                yield target
            else:
                self.counts.elsewhere += 1

    def _pass_over(self, count: int) -> None:
        self.counts.unsampled += count

    def _row(self, row: Row) -> Iterator[Target]:
        scheme, expansion = self._options.scheme, self._options.limits.expansion
        try:
            for target, host_port in targets_of(row, scheme=scheme, expansion=expansion):
                if self._take(target, host_port, row):
                    yield target
        except InventoryError as error:
            self._reject(placed(error, row.file, row.line))

    def _take(self, target: Target, host_port: HostPort, row: Row) -> bool:
        if self._excluded and host_port in self._excluded:
            self.counts.excluded += 1
            return False
        match self._seen.add(target.url, target.id):
            case "duplicate":
                self.counts.duplicates += 1
                return False
            case "conflict":
                error = InventoryError(
                    f"id={target.id} stands for two addresses, {target.url} is the second",
                    hint="an id names one target; correct one of the lines",
                )
                self._reject(placed(error, row.file, row.line))
                return False
        if not all(condition.holds(target, host_port) for condition in self._conditions):
            self.counts.unselected += 1
            return False
        if self._options.where is not None and not self._options.where(target):
            self.counts.unselected += 1
            return False
        return True

    def _reject(self, error: InventoryError) -> None:
        self.counts.rejected += 1
        if self._options.strict:
            raise error
        self._report(error)


def read_targets(
    sources: Sequence[str],
    *,
    options: InventoryOptions | None = None,
    report: Report,
) -> Inventory:
    """The targets of some sources: files, `-`, or targets written out. See `Inventory`."""
    return Inventory(sources, options or InventoryOptions(), report)


def _exclusions(options: InventoryOptions) -> HostSet:
    excluded = HostSet()
    for expression in options.exclude:
        try:
            excluded.add(expression)
        except InventoryError as error:
            raise placed(error, "--exclude", None) from None
    for path in options.exclude_files:
        _exclude_file(excluded, path, options.limits)
    return excluded


def _exclude_file(excluded: HostSet, path: str, limits: Limits) -> None:
    """A bad line is always fatal here: the alternative is scanning what must be left alone."""

    def refuse(error: InventoryError) -> None:
        raise error

    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            for number, text in read_lines(stream, file=path, limit=limits.line, report=refuse):
                for expression in text.partition("#")[0].split():
                    try:
                        excluded.add(expression)
                    except InventoryError as error:
                        raise placed(error, path, number) from None
    except OSError as error:
        raise InventoryError(f"cannot read {path}: {error.strerror}") from None


def _selection(text: str) -> Condition:
    try:
        return parse_condition(text)
    except InventoryError as error:
        raise placed(error, "--select", None) from None
