"""The targets of a scan: opened, bound to their names, and counted before a socket opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, cast

from fleet.assembly.bindings import Bindings
from fleet.assembly.options import ScanOptions
from fleet.errors import FleetError, InventoryError, PlacedError, UsageError
from fleet.guess import no_such_field
from fleet.inventory import (
    TARGET_FIELDS,
    Feeds,
    Inventory,
    InventoryOptions,
    Spread,
    fields_of,
    read_targets,
    rereadable,
)
from fleet.pipeline import compile_expression
from fleet.target import Target

MAX_COMPLAINTS = 20  # bad inventory lines quoted in full; the rest is counted
DIRECT = "direct"
MAX_GROUPS = 1000  # labels, proxies and credentials counted apart in a dry run
MAX_PREFIXES = 5  # paths of base URLs told apart
MAX_NAMED = 5  # labels, and values of one, that a message names
MAX_KEPT_TARGETS = 10_000  # targets that a scan need not read a second time: some 4 MB


@dataclass(slots=True)
class Survey:
    """What the targets are, counted in one pass before the scan. `total` is None where that would
    take what the scan needs: standard input, a pipe. `canaries` are the ids of those to scan first. `targets`
    are all of them, bound and in their order, where they were to be kept, are few, and none was rejected.
    `prefixes` are the paths of their base URLs, each with the first target and how many there are."""

    total: int | None = None
    labels: Counter[str] = field(default_factory=Counter)
    proxies: Counter[str] = field(default_factory=Counter)
    auths: Counter[str] = field(default_factory=Counter)
    tls: int = 0
    canaries: frozenset[str] = frozenset()
    targets: list[Target] | None = None
    prefixes: dict[str, tuple[Target, int]] = field(default_factory=dict)
    feeds: Feeds = field(default_factory=Feeds)  # what asked sources gave: the scan reads the same

    @property
    def plain(self) -> bool:
        """Whether no target speaks TLS, as far as is known."""
        return bool(self.total) and not self.tls

    @property
    def direct(self) -> bool:
        """Whether no target has a proxy, as far as is known."""
        return bool(self.total) and all(name == DIRECT for name in self.proxies)

    def add(self, target: Target) -> None:
        self.total = (self.total or 0) + 1
        for name, value in target.labels.items():
            _count(self.labels, f"{name}={value}")
        self.tls += target.url.startswith("https:")
        if target.url.count("/") > 2:  # after the two of its scheme: seldom
            self._count_prefix(target)
        _count(self.proxies, target.proxy or DIRECT)
        if target.auth is not None:
            _count(self.auths, target.auth)

    def _count_prefix(self, target: Target) -> None:
        path = "/" + target.url.split("/", 3)[3]
        first, count = self.prefixes.get(path, (target, 0))
        if count or len(self.prefixes) < MAX_PREFIXES:
            self.prefixes[path] = first, count + 1


def open_inventory(
    options: ScanOptions, report: Callable[[InventoryError], None], feeds: Feeds | None = None
) -> Inventory:
    """The targets of the options' sources, streamed."""
    return read_targets(
        options.sources,
        options=InventoryOptions(
            scheme=cast("Any", options.scheme),
            exclude=options.exclude,
            exclude_files=options.exclude_files,
            select=options.select,
            where=_where(options.where),
            sample=options.sample,
            limit=options.limit,
            shard=options.shard,
            shuffle=options.shuffle,
            seed=options.seed,
            strict=options.strict_inventory,
            limits=options.policy.limits,
            feeds=feeds,
        ),
        report=report,
    )


def _where(text: str | None) -> Callable[[Target], bool] | None:
    """Whether an expression holds for a target. Raises UsageError."""
    if text is None:
        return None
    try:
        expression = compile_expression(text)
    except ValueError as error:
        raise UsageError(f"--where: {error}") from None
    if wrong := no_such_field(expression.fields(), TARGET_FIELDS):
        raise UsageError(f"--where: {wrong}")
    return lambda target: expression.holds(fields_of(target))


def bound(
    targets: Iterator[Target],
    bindings: Bindings,
    options: ScanOptions,
    report: Callable[[InventoryError], None],
) -> Iterator[Target]:
    """Each target with its names filled in; one that names what nobody knows goes to `report`."""
    for target in targets:
        try:
            yield bindings.bind(target)
        except UsageError as error:
            complaint = _at(target, error)
            if options.strict_inventory:
                raise complaint from error
            report(complaint)


def survey_of(options: ScanOptions, bindings: Bindings, notes: list[str], *, keep: bool = False) -> Survey:
    """Read the inventory once: count, and meet every bad line and unknown name before a socket opens.

    What can be read only once (standard input, a pipe) is left to the scan. With `keep` the targets are kept:
    the scan follows at once, and need not see what the inventory says by then. Raises UsageError.
    """
    survey = Survey()
    if not all(map(rereadable, (*options.sources, *options.exclude_files))):
        return survey
    survey.total = 0
    complaints: list[InventoryError] = []
    rejected = 0

    def report(error: InventoryError) -> None:
        nonlocal rejected
        rejected += 1
        if len(complaints) < MAX_COMPLAINTS:
            complaints.append(error)

    spread = Spread(options.canary or 0)
    any_order = replace(options, shuffle=False)
    kept: list[Target] = []
    for target in bound(open_inventory(any_order, report, survey.feeds), bindings, options, report):
        survey.add(target)
        if options.canary is not None:
            spread.add(target)
        if keep and survey.total <= MAX_KEPT_TARGETS:
            kept.append(target)
    if keep and survey.total <= MAX_KEPT_TARGETS and not rejected and not options.shuffle:
        survey.targets = kept
    survey.canaries = spread.chosen()
    notes.extend(str(error) for error in complaints)
    if rejected > len(complaints):
        notes.append(f"and {rejected - len(complaints)} more inventory lines were rejected")
    if options.sources and not survey.total and options.shard is None:  # a shard of few targets may be empty
        raise UsageError(_nothing(options, complaints, survey.feeds))
    return survey


def _nothing(options: ScanOptions, complaints: Sequence[InventoryError], feeds: Feeds) -> str:
    """Why there are no targets, as far as that can be told."""
    if complaints:
        return f"no targets are left to scan; the first problem: {complaints[0]}"
    filters = {
        "--select": options.select,
        "--where": options.where,
        "--exclude": options.exclude,
        "--exclude-file": options.exclude_files,
    }
    used = [flag for flag, value in filters.items() if value]
    kept = f" that {' and '.join(used)} leave{'s' if len(used) == 1 else ''}" if used else ""
    named = f"\n  {_labels(options, feeds)}" if options.select or options.where is not None else ""
    return f"there are no targets in {', '.join(options.sources)}{kept}{named}"


def _labels(options: ScanOptions, feeds: Feeds) -> str:
    """The labels that there are to choose by, as the first targets have them."""
    everything = replace(options, select=(), where=None, sample=None, limit=None, shard=None)
    counts: dict[str, Counter[str]] = {}
    for target in islice(open_inventory(everything, lambda _said_already: None, feeds), MAX_KEPT_TARGETS):
        for name, value in target.labels.items():
            _count(counts.setdefault(name, Counter()), value)
    if not counts:
        return "no target has a label to choose by"
    shown = (f"{name} ({_some(values)})" for name, values in sorted(counts.items())[:MAX_NAMED])
    return f"the labels there are: {', '.join(shown)}{', ...' if len(counts) > MAX_NAMED else ''}"


def _some(values: Counter[str]) -> str:
    named = ", ".join(value for value, _ in values.most_common(MAX_NAMED))
    return f"{named}, ..." if len(values) > MAX_NAMED else named


def _at(target: Target, error: FleetError) -> InventoryError:
    """An unknown name on an inventory line, with the line."""
    hint = error.hint if isinstance(error, PlacedError) else None
    message = error.message if isinstance(error, PlacedError) else str(error)
    return InventoryError(message, file=target.origin or None, hint=hint)


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or len(counter) < MAX_GROUPS:
        counter[name] += 1
