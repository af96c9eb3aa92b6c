"""From a spec and a description to a plan: every name resolved, every expression compiled, or a SpecError
with file, line and column. No file and no socket is opened here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleet.guess import guess
from fleet.pipeline.compile.binder import Binder
from fleet.pipeline.compile.checks import CheckCompiler
from fleet.pipeline.compile.graph import Graph, ways_of
from fleet.pipeline.compile.login import LoginCompiler
from fleet.pipeline.compile.steps import StepCompiler, items_pointer
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.model import PipelineEntry, PipelineSpec
from fleet.pipeline.language.outside import Nothing, Outside
from fleet.pipeline.language.places import Complaints, Locate, nowhere
from fleet.pipeline.plan import CheckPlan, Dialect, ExpandPlan, MetricPlan, Plan, Settings

if TYPE_CHECKING:
    from fleet.openapi import Document


def compile_plan(
    spec: PipelineSpec,
    document: Document,
    pipeline: str | None = None,
    *,
    locate: Locate = nowhere,
    inputs: Mapping[str, Any] | None = None,
    every_step: bool = False,
    outside: Outside | None = None,
) -> Plan:
    """The plan of one pipeline (None: the one marked default, or the only one).

    The whole spec is checked, not only this pipeline. `every_step` stores the rows of all steps, for
    showing what each yields. `outside` is asked for what checks read beside the spec. Raises SpecError at
    the place of the fault.
    """
    compiler = _Compiler(spec, secured(spec, document), locate, outside or Nothing())
    return compiler.plan(pipeline, inputs or {}, every_step)


def compile_checks(
    spec: PipelineSpec,
    *,
    locate: Locate = nowhere,
    inputs: Mapping[str, Any] | None = None,
    outside: Outside | None = None,
) -> tuple[tuple[CheckPlan, ...], dict[str, Any]]:
    """The checks of a spec alone, and its inputs: what judges rows that were stored. No description is read.
    Raises SpecError at the place of the fault."""
    complain = Complaints(locate)
    graph = Graph(spec, complain)
    binder = Binder(spec, graph, complain)
    checker = CheckCompiler(spec, graph, binder, complain, outside or Nothing())
    return tuple(checker.check(name) for name in spec.checks), binder.given(inputs or {})


def secured(spec: PipelineSpec, document: Document) -> Document:
    """The description with the spec's `security:` where it has no security scheme of its own. The handle
    that calls a plan's operations is made from this one, which is the plan's `document`."""
    said = spec.security
    if said is None or document.schemes:
        return document
    required = [{name: list(scopes) for name, scopes in needed.items()} for needed in said.required]
    return document.with_security(said.schemes, required)


class _Compiler:
    def __init__(self, spec: PipelineSpec, document: Document, locate: Locate, outside: Outside) -> None:
        self._spec = spec
        self._outside = outside
        self._document = document
        self._complain = Complaints(locate)
        self._graph = Graph(spec, self._complain)
        self._binder = Binder(spec, self._graph, self._complain)

    def plan(self, pipeline: str | None, inputs: Mapping[str, Any], every_step: bool) -> Plan:
        spec = self._spec
        compiler = StepCompiler(spec, self._document, self._graph, self._binder, self._complain)
        steps = {name: compiler.step(name, spec.steps[name]) for name in self._graph.order}
        dialect = self._dialect()
        metrics = tuple(self._metric(name) for name in spec.metrics)
        checker = CheckCompiler(spec, self._graph, self._binder, self._complain, self._outside)
        checks = tuple(checker.check(name) for name in spec.checks)
        kinds_by = checker.kinds_by()
        self._check_named_steps()
        login = LoginCompiler(spec, self._document, self._graph, self._binder, self._complain).login()
        chosen, entry = self._pipeline(pipeline)
        stored = (
            tuple(self._graph.order)
            if every_step
            else tuple(dict.fromkeys(entry.steps if entry else self._graph.order))
        )
        eager, needed = self._needed(stored, dialect)
        keeping = {source for name in needed for source in self._graph.sources[name]}
        if dialect.expand is not None:
            keeping.add(dialect.expand.source)
        return Plan(
            pipeline=chosen,
            steps={
                name: replace(steps[name], stored=name in stored, keeps=name in keeping)
                for name in self._graph.order
                if name in needed
            },
            stored=stored,
            dialect=dialect,
            settings=self._settings(),
            deadline=entry.deadline if entry else None,
            document=self._document,
            login=login,
            metrics=tuple(metric for metric in metrics if metric.source in stored),
            checks=tuple(check for check in checks if check.source in stored),
            inputs=self._binder.given(inputs),
            lazy=frozenset(needed - eager),
            kinds_by=tuple(name for name in kinds_by if name.partition(".")[0] in (*stored, "labels")),
        )

    def _check_named_steps(self) -> None:
        """The steps that pipelines and overlays name exist: those of this pipeline, and all others."""
        for name, listed in self._spec.pipelines.items():
            for at, step in enumerate(listed.steps):
                self._graph.known(("pipelines", name, "steps", at), step)
        for at, overlay in enumerate(self._spec.overlays):
            for step in overlay.steps:
                self._graph.known(("overlays", at, "steps", step), step)

    def _pipeline(self, wanted: str | None) -> tuple[str, PipelineEntry | None]:
        known = self._spec.pipelines
        if wanted is not None:
            if wanted not in known:
                self._complain.fail(("pipelines",), f"there is no pipeline {wanted!r}", guess(wanted, known))
            return wanted, known[wanted]
        marked = [name for name, entry in known.items() if entry.default]
        if len(marked) > 1:
            self._complain.fail(("pipelines", marked[1], "default"), f"{marked[0]!r} is the default already")
        if not known:
            return "all", None  # a spec without pipelines stores the rows of every step
        if not marked and len(known) > 1:
            self._complain.fail(
                ("pipelines",),
                "no pipeline is marked default: true",
                f"name one with --pipeline: {', '.join(known)}",
            )
        name = marked[0] if marked else next(iter(known))
        return name, known[name]

    def _needed(self, stored: tuple[str, ...], dialect: Dialect) -> tuple[set[str], set[str]]:
        """The steps evaluated in any case, and those plus what alternatives may call for."""
        eager: set[str] = set()
        waiting = list(stored)
        while waiting:
            name = waiting.pop()
            if name not in eager:
                eager.add(name)
                first = ways_of(name, self._spec.steps[name])[0][1]
                waiting.extend(part for part in (self._graph.above[name], first.from_) if part is not None)
        needed = eager | {part for name in eager for part in self._graph.ancestors[name]}
        if dialect.expand is not None:
            needed |= self._graph.reach((dialect.expand.source,))
        return eager, needed

    def _dialect(self) -> Dialect:
        said = self._spec.dialect

        def compiled(key: str, text: str | None) -> Expression | None:
            return None if text is None else self._binder.expression(("dialect", key), text)

        expand = None
        if said.expand is not None:
            source = self._graph.known(("dialect", "expand", "from"), said.expand.from_)
            line = self._graph.reach((source,))
            if any(way.collection for name in line for _, way in ways_of(name, self._spec.steps[name])):
                self._complain.fail(
                    ("dialect", "expand", "from"),
                    f"{source!r} is itself in a collection: it cannot say how to read one",
                )
            when = self._binder.expression(("dialect", "expand", "when"), said.expand.when)
            expand = ExpandPlan(source, when, said.expand.query.lstrip("?&"))
        return Dialect(
            link=self._binder.expression(("dialect", "link"), said.link),
            items=self._binder.expression(("dialect", "items"), said.items),
            pointer=items_pointer(said.items),
            next=compiled("next", said.next),
            whole=compiled("whole", said.whole),
            expand=expand,
        )

    def _metric(self, name: str) -> MetricPlan:
        said = self._spec.metrics[name]
        path = ("metrics", name)
        step = self._graph.known((*path, "from"), said.from_)
        value: Expression | float
        if isinstance(said.value, str):
            value = self._binder.on_row((*path, "value"), step, said.value)
            if said.map is None and (number := _finite(value.literal)) is not None:
                value = number
        else:
            value = float(said.value)
        return MetricPlan(
            name=name,
            help=said.help,
            type=said.type,
            source=step,
            value=value,
            map=said.map,
            scale=said.scale,
            where=None if said.where is None else self._binder.on_row((*path, "where"), step, said.where),
            labels=self._binder.labels((*path, "labels"), step, said.labels),
        )

    def _settings(self) -> Settings:
        said = self._spec.defaults
        timeout = said.timeout
        return Settings(
            per_target=said.per_target,
            connect=timeout.connect,
            tls=timeout.tls,
            request=timeout.request,
            target=timeout.target,
            validate=said.validate_,
        )


def _finite(value: Any) -> float | None:
    """A number as metrics have it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None
