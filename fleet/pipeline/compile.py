"""From a spec and a description to a plan: every name resolved, every expression compiled, or a SpecError
with file, line and column. No file and no socket is opened here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.pipeline.entry import compile_login
from fleet.pipeline.expression import Expression
from fleet.pipeline.graph import Graph, ways_of
from fleet.pipeline.model import AlternativeSpec, Outputs, PipelineEntry, PipelineSpec, StepSpec
from fleet.pipeline.places import Complaints, Locate, Path, guess, nowhere
from fleet.pipeline.plan import (
    CheckPlan,
    Dialect,
    ExpandPlan,
    MetricPlan,
    OutputPlan,
    OverlayPlan,
    Plan,
    Settings,
    StepPlan,
    Way,
)
from fleet.pipeline.words import Words

if TYPE_CHECKING:
    from fleet.openapi import Document, Operation

READING = frozenset({"GET", "HEAD"})
_SIMPLE_PATH = re.compile(
    r'^(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+"))*$'
)
_SIMPLE_PART = re.compile(r'"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*)')


def compile_plan(
    spec: PipelineSpec,
    document: Document,
    pipeline: str | None = None,
    *,
    locate: Locate = nowhere,
    inputs: Mapping[str, Any] | None = None,
    every_step: bool = False,
) -> Plan:
    """The plan of one pipeline (None: the one marked default, or the only one).

    The whole spec is checked, not only this pipeline. `every_step` stores the rows of all steps, for
    showing what each yields. Raises SpecError at the place of the fault.
    """
    return _Compiler(spec, secured(spec, document), locate).plan(pipeline, inputs or {}, every_step)


def secured(spec: PipelineSpec, document: Document) -> Document:
    """The description with the spec's `security:` where it has no security scheme of its own. The handle
    that calls a plan's operations is made from this one, which is the plan's `document`."""
    said = spec.security
    if said is None or document.schemes:
        return document
    required = [{name: list(scopes) for name, scopes in needed.items()} for needed in said.required]
    return document.with_security(said.schemes, required)


class _Compiler:
    def __init__(self, spec: PipelineSpec, document: Document, locate: Locate) -> None:
        self._spec = spec
        self._document = document
        self._complain = Complaints(locate)
        self._graph = Graph(spec, self._complain)
        self._words = Words(spec, self._graph, self._complain)

    def plan(self, pipeline: str | None, inputs: Mapping[str, Any], every_step: bool) -> Plan:
        spec = self._spec
        steps = {name: self._step(name, spec.steps[name]) for name in self._graph.order}
        dialect = self._dialect()
        metrics = tuple(self._metric(name) for name in spec.metrics)
        checks = tuple(self._check(name) for name in spec.checks)
        for name, listed in spec.pipelines.items():
            for at, step in enumerate(listed.steps):
                self._graph.known(("pipelines", name, "steps", at), step)
        login = compile_login(spec, self._document, self._words, self._graph, self._complain)
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
                name: _marked(steps[name], stored=name in stored, keeps=name in keeping)
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
            inputs=self._words.given(inputs),
            lazy=frozenset(needed - eager),
        )

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

    # --- steps

    def _step(self, name: str, step: StepSpec) -> StepPlan:
        above = self._graph.above[name]
        if step.first_of is not None:
            for key in ("from_", "operation", "follow", "items", "parameters", "collection", "when"):
                if getattr(step, key):
                    self._complain.fail(
                        ("steps", name, key.rstrip("_")),
                        f"{key.rstrip('_')} and firstOf exclude each other",
                        "say it in each alternative",
                    )
        ways = tuple(self._way(name, path, way, step) for path, way in ways_of(name, step))
        overlays = tuple(
            OverlayPlan(
                self._words.expression(
                    ("overlays", at, "when"), overlay.when, above=self._graph.ancestors[name], response=True
                ),
                self._outputs(
                    ("overlays", at, "steps", name, "outputs"),
                    overlay.steps[name].outputs,
                    self._graph.ancestors[name],
                ),
            )
            for at, overlay in enumerate(self._spec.overlays)
            if name in overlay.steps
        )
        for at, overlay in enumerate(self._spec.overlays):
            for touched in overlay.steps:
                self._graph.known(("overlays", at, "steps", touched), touched)
        return StepPlan(name=name, above=above, ways=ways, overlays=overlays)

    def _way(self, name: str, path: Path, way: StepSpec | AlternativeSpec, step: StepSpec) -> Way:
        self._check_shape(path, way)
        above = self._graph.reach((way.from_,) if way.from_ else ())
        per = self._graph.above[name]
        chain = self._graph.chain(way.from_, per) if way.from_ and per else ()
        if chain is None or (step.per is not None and way.from_ is None):
            self._complain.fail(
                (*path, "from"), f"{way.from_!r} is not below {per!r}, the step that per: names"
            )
        operation, literal, computed = self._operation(path, way, above)

        def optional(key: str, text: str | None, *, response: bool = False) -> Expression | None:
            if text is None:
                return None
            return self._words.expression((*path, key), text, above=above, response=response)

        inherited = step if step.first_of is not None else way
        key = way.key or step.key
        for part in key:
            if part not in self._words.outputs[name]:
                self._complain.fail(
                    (*(path if way.key else ("steps", name)), "key"),
                    f"there is no output {part!r}",
                    guess(part, self._words.outputs[name]),
                )
        return Way(
            source=way.from_,
            chain=chain,
            operation=operation,
            parameters=literal,
            computed=computed,
            anonymous=way.anonymous,
            follow=optional("follow", way.follow),
            items=optional("items", way.items),
            pointer=pointer_of(way.items),
            collection=way.collection,
            when=optional("when", way.when),
            where=optional("where", way.where or inherited.where, response=True),
            optional=frozenset(way.optional or inherited.optional),
            timeout=way.timeout or inherited.timeout,
            criteria=tuple(
                self._words.expression((*path, "successCriteria", at), text, above=above, response=True)
                for at, text in enumerate(way.success_criteria or inherited.success_criteria)
            ),
            key=key,
            outputs=self._merged_outputs(name, path, way, step, above),
        )

    def _merged_outputs(
        self,
        name: str,
        path: Path,
        way: StepSpec | AlternativeSpec,
        step: StepSpec,
        above: frozenset[str],
    ) -> tuple[OutputPlan, ...]:
        """The way's own outputs, then those of its step that it does not replace."""
        own = self._outputs((*path, "outputs"), way.outputs, above)
        if way is step:
            return own
        shared = {key: value for key, value in step.outputs.items() if key not in way.outputs}
        return own + self._outputs(("steps", name, "outputs"), shared, above)

    def _check_shape(self, path: Path, way: StepSpec | AlternativeSpec) -> None:
        if way.operation is None and way.follow is None and way.items is None:
            self._complain.fail(
                path, "nothing says where the rows come from", "give operation, follow, items or firstOf"
            )
        if way.operation is not None and way.follow is not None:
            self._complain.fail((*path, "follow"), "operation and follow exclude each other")
        if way.operation is None and way.from_ is None:
            key = "follow" if way.follow is not None else "items"
            self._complain.fail((*path, key), f"{key} needs from: the step whose rows hold it")
        for key in ("parameters", "anonymous"):
            if getattr(way, key) and way.operation is None:
                self._complain.fail((*path, key), f"{key} needs an operation")
        if way.collection and way.operation is None and way.follow is None:
            self._complain.fail((*path, "collection"), "a collection is read with operation or follow")
        if way.when is not None and way.from_ is None:
            self._complain.fail((*path, "when"), "when needs from: it is judged on that step's rows")

    def _operation(
        self, path: Path, way: StepSpec | AlternativeSpec, above: frozenset[str]
    ) -> tuple[Operation | None, dict[str, Any], tuple[tuple[str, Expression], ...]]:
        if way.operation is None:
            return None, {}, ()
        operation = self.resolve((*path, "operation"), way.operation)
        if operation.method.upper() not in READING:
            self._complain.fail(
                (*path, "operation"),
                f"{operation.method} is refused: a scan only reads",
                "GET and HEAD are allowed, and what login: names",
            )
        known = {parameter.name: parameter for parameter in operation.parameters}
        literal: dict[str, Any] = {}
        computed: list[tuple[str, Expression]] = []
        for name, value in way.parameters.items():
            at = (*path, "parameters", name)
            if name not in known:
                self._complain.fail(at, f"{operation.name} has no parameter {name!r}", guess(name, known))
            if isinstance(value, dict) and set(value) == {"expr"}:
                computed.append(
                    (name, self._words.expression((*at, "expr"), str(value["expr"]), above=above))
                )
            else:
                literal[name] = value
        for name, parameter in known.items():
            if parameter.required and name not in way.parameters:
                self._complain.fail((*path, "operation"), f"{operation.name} needs the parameter {name!r}")
        if not computed:
            try:
                operation.build(literal)
            except (SpecError, ValueError) as wrong:
                message = wrong.message if isinstance(wrong, SpecError) else str(wrong)
                self._complain.fail((*path, "parameters"), message)
        return operation, literal, tuple(computed)

    def resolve(self, path: Path, reference: str) -> Operation:
        try:
            return self._document.operation(reference)
        except SpecError as wrong:
            return self._complain.fail(path, wrong.message, wrong.hint)

    def _outputs(self, path: Path, outputs: Outputs, above: frozenset[str]) -> tuple[OutputPlan, ...]:
        return tuple(
            OutputPlan(
                name,
                self._words.expression((*path, name), output.expr, above=above, response=True),
                output.as_,
            )
            for name, output in outputs.items()
        )

    # --- the rest

    def _dialect(self) -> Dialect:
        said = self._spec.dialect

        def compiled(key: str, text: str | None) -> Expression | None:
            return None if text is None else self._words.expression(("dialect", key), text)

        expand = None
        if said.expand is not None:
            source = self._graph.known(("dialect", "expand", "from"), said.expand.from_)
            line = self._graph.reach((source,))
            if any(way.collection for name in line for _, way in ways_of(name, self._spec.steps[name])):
                self._complain.fail(
                    ("dialect", "expand", "from"),
                    f"{source!r} is itself in a collection: it cannot say how to read one",
                )
            when = self._words.expression(("dialect", "expand", "when"), said.expand.when)
            expand = ExpandPlan(source, when, said.expand.query.lstrip("?&"))
        return Dialect(
            link=self._words.expression(("dialect", "link"), said.link),
            items=self._words.expression(("dialect", "items"), said.items),
            pointer=pointer_of(said.items),
            next=compiled("next", said.next),
            whole=compiled("whole", said.whole),
            expand=expand,
        )

    def _metric(self, name: str) -> MetricPlan:
        said = self._spec.metrics[name]
        path = ("metrics", name)
        step = self._graph.known((*path, "from"), said.from_)
        if isinstance(said.value, str):
            value: Expression | float = self._words.on_row((*path, "value"), step, said.value)
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
            where=None if said.where is None else self._words.on_row((*path, "where"), step, said.where),
            labels=tuple(
                (label, self._words.on_row((*path, "labels", label), step, text))
                for label, text in sorted(said.labels.items())
            ),
        )

    def _check(self, name: str) -> CheckPlan:
        said = self._spec.checks[name]
        path = ("checks", name)
        step = self._graph.known((*path, "from"), said.from_)
        return CheckPlan(
            name=name,
            source=step,
            assertion=self._words.on_row((*path, "assert"), step, said.assert_, three_valued=True),
            where=None if said.where is None else self._words.on_row((*path, "where"), step, said.where),
            severity=said.severity,
            message=said.message,
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


def pointer_of(items: str | None) -> str:
    """The JSON pointer that a plain chain of names means; empty when the expression is more than that."""
    if items is None or not _SIMPLE_PATH.match(items):
        return ""
    parts = [quoted or plain for quoted, plain in _SIMPLE_PART.findall(items)]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _marked(step: StepPlan, *, stored: bool, keeps: bool) -> StepPlan:
    return StepPlan(
        name=step.name, above=step.above, ways=step.ways, stored=stored, keeps=keeps, overlays=step.overlays
    )
