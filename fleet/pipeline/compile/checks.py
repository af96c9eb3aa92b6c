"""Checks compiled: their baselines read, their waivers dated, the names they are grouped by known."""

from __future__ import annotations

from fleet.pipeline.compile.binder import Binder
from fleet.pipeline.compile.graph import Graph
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.judging import CheckSpec, WaiverSpec
from fleet.pipeline.language.model import PipelineSpec
from fleet.pipeline.language.outside import Outside
from fleet.pipeline.language.places import Complaints, Path
from fleet.pipeline.plan import CheckPlan, LookupPlan, WaiverPlan


class CheckCompiler:
    """Compiles the checks of one spec."""

    def __init__(
        self, spec: PipelineSpec, graph: Graph, binder: Binder, complain: Complaints, outside: Outside
    ) -> None:
        self._spec = spec
        self._graph = graph
        self._binder = binder
        self._complain = complain
        self._outside = outside

    def check(self, name: str) -> CheckPlan:
        """One check. Raises SpecError at the place of the fault, in the spec or in its baseline."""
        said = self._spec.checks[name]
        path: Path = ("checks", name)
        step = self._graph.known((*path, "from"), said.from_)
        lookup = self._lookup(path, step, said)
        columns = lookup.table.columns if lookup is not None else None

        def on_row(key: str, text: str, *, three_valued: bool = False) -> Expression:
            return self._binder.on_row((*path, key), step, text, three_valued=three_valued, lookup=columns)

        assertion = on_row("assert", said.assert_, three_valued=True)
        return CheckPlan(
            name=name,
            source=step,
            assertion=assertion,
            where=None if said.where is None else on_row("where", said.where),
            severity=said.severity,
            message=said.message,
            by=tuple(
                self._binder.column((*path, "by", at), step, column) for at, column in enumerate(said.by)
            ),
            reads=tuple(sorted(assertion.fields() & self._binder.outputs[step])),
            lookup=lookup,
            columns=_columns(assertion),
            waivers=tuple(
                self._waiver((*path, "waivers", at), step, waiver) for at, waiver in enumerate(said.waivers)
            ),
        )

    def kinds_by(self) -> tuple[str, ...]:
        """The names by which kinds of machines are told apart."""
        names = self._spec.conformance.by
        return tuple(
            self._binder.column(("conformance", "by", at), None, name) for at, name in enumerate(names)
        )

    def _lookup(self, path: Path, step: str, said: CheckSpec) -> LookupPlan | None:
        if said.lookup is None:
            return None
        keys = tuple(
            self._binder.on_row((*path, "lookup", "on"), step, text) for text in said.lookup.on.values()
        )
        try:
            table = self._outside.table(said.lookup.file, tuple(said.lookup.on))
        except ValueError as wrong:
            self._complain.fail((*path, "lookup", "file"), str(wrong))
        return LookupPlan(table, keys)

    def _waiver(self, path: Path, step: str, said: WaiverSpec) -> WaiverPlan:
        means = None
        if said.match is not None:
            try:
                means = self._outside.matching(said.match)
            except ValueError as wrong:
                self._complain.fail((*path, "match"), str(wrong))
        where = None if said.where is None else self._binder.on_row((*path, "where"), step, said.where)
        return WaiverPlan(
            reason=said.reason,
            until=said.until.isoformat(),
            expired=said.until < self._outside.today,
            means=means,
            where=where,
            path=path,
        )


def _columns(assertion: Expression) -> tuple[str, ...]:
    """The columns of the lookup that an assertion reads, in the order it names them."""
    return tuple(dict.fromkeys(name.words[0] for name in assertion.names if name.family == "lookup"))
