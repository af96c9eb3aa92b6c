"""Steps of a spec made into steps of a plan: shapes checked, operations and expressions resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fleet.errors import RequestFailed, SpecError
from fleet.guess import guess
from fleet.pipeline.compile.binder import Binder
from fleet.pipeline.compile.graph import Graph, ways_of
from fleet.pipeline.language.expression import Expression
from fleet.pipeline.language.model import PipelineSpec
from fleet.pipeline.language.places import Complaints, Path
from fleet.pipeline.language.steps import AlternativeSpec, OutputSpec, StepSpec
from fleet.pipeline.step import OutputPlan, OverlayPlan, StepPlan, Way, path_of
from fleet.pointer import pointer_of

if TYPE_CHECKING:
    from fleet.openapi import Call, Document, Operation

READING = frozenset({"GET", "HEAD"})
_SIMPLE_PATH = re.compile(
    r'^(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+"))*$'
)
_SIMPLE_PART = re.compile(r'"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*)')


class StepCompiler:
    """Compiles the steps of one spec."""

    def __init__(
        self, spec: PipelineSpec, document: Document, graph: Graph, binder: Binder, complain: Complaints
    ) -> None:
        self._spec = spec
        self._document = document
        self._graph = graph
        self._binder = binder
        self._complain = complain

    def step(self, name: str, step: StepSpec) -> StepPlan:
        """The plan of one step. Raises SpecError at the place of the fault."""
        if step.first_of is not None:
            self._check_first_of(name, step)
        ways = tuple(self._way(name, path, way, step) for path, way in ways_of(name, step))
        return StepPlan(
            name=name, above=self._graph.above[name], ways=ways, overlays=tuple(self._overlays(name))
        )

    def _check_first_of(self, name: str, step: StepSpec) -> None:
        for key in ("from_", "operation", "follow", "items", "parameters", "collection", "when"):
            if getattr(step, key):
                self._complain.fail(
                    ("steps", name, key.rstrip("_")),
                    f"{key.rstrip('_')} and firstOf exclude each other",
                    "say it in each alternative",
                )

    def _overlays(self, name: str) -> Iterator[OverlayPlan]:
        above = self._graph.ancestors[name]
        for at, overlay in enumerate(self._spec.overlays):
            if name in overlay.steps:
                path = ("overlays", at, "steps", name, "outputs")
                when = self._binder.expression(
                    ("overlays", at, "when"), overlay.when, above=above, response=True
                )
                yield OverlayPlan(when, self._outputs(path, overlay.steps[name].outputs, above))

    def _way(self, name: str, path: Path, way: StepSpec | AlternativeSpec, step: StepSpec) -> Way:
        self._check_shape(path, way)
        above = self._graph.reach((way.from_,) if way.from_ else ())
        per = self._graph.above[name]
        chain = self._graph.chain(way.from_, per) if way.from_ and per else ()
        if chain is None or (step.per is not None and way.from_ is None):
            self._complain.fail(
                (*path, "from"), f"{way.from_!r} is not below {per!r}, the step that per: names"
            )
        operation, call, literal, computed = self._operation(path, way, above)

        def optional(key: str, text: str | None, *, response: bool = False) -> Expression | None:
            if text is None:
                return None
            return self._binder.expression((*path, key), text, above=above, response=response)

        inherited = step if step.first_of is not None else way
        key = way.key or step.key
        self._check_key((*(path if way.key else ("steps", name)), "key"), name, key)
        return Way(
            source=way.from_,
            chain=chain,
            operation=operation,
            call=call,
            path=_constant_path(operation, call),
            parameters=literal,
            computed=computed,
            anonymous=way.anonymous,
            follow=optional("follow", way.follow),
            items=optional("items", way.items),
            pointer=items_pointer(way.items),
            collection=way.collection,
            when=optional("when", way.when),
            where=optional("where", way.where or inherited.where, response=True),
            optional=frozenset(way.optional or inherited.optional),
            timeout=way.timeout or inherited.timeout,
            criteria=tuple(
                self._binder.expression((*path, "successCriteria", at), text, above=above, response=True)
                for at, text in enumerate(way.success_criteria or inherited.success_criteria)
            ),
            key=key,
            outputs=self._merged_outputs(name, path, way, step, above),
        )

    def _check_key(self, path: Path, name: str, key: Iterable[str]) -> None:
        for part in key:
            if part not in self._binder.outputs[name]:
                self._complain.fail(
                    path, f"there is no output {part!r}", guess(part, self._binder.outputs[name])
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
    ) -> tuple[Operation | None, Call | None, dict[str, Any], tuple[tuple[str, Expression], ...]]:
        if way.operation is None:
            return None, None, {}, ()
        operation = self._resolve((*path, "operation"), way.operation)
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
                    (name, self._binder.expression((*at, "expr"), str(value["expr"]), above=above))
                )
            else:
                literal[name] = value
        for name, parameter in known.items():
            if parameter.required and name not in way.parameters:
                self._complain.fail((*path, "operation"), f"{operation.name} needs the parameter {name!r}")
        call = None
        if not computed:
            try:
                call = operation.build(literal)
            except (SpecError, ValueError) as wrong:
                message = wrong.message if isinstance(wrong, SpecError) else str(wrong)
                self._complain.fail((*path, "parameters"), message)
        return operation, call, literal, tuple(computed)

    def _resolve(self, path: Path, reference: str) -> Operation:
        try:
            return self._document.operation(reference)
        except SpecError as wrong:
            return self._complain.fail(path, wrong.message, wrong.hint)

    def _outputs(
        self, path: Path, outputs: Mapping[str, OutputSpec], above: frozenset[str]
    ) -> tuple[OutputPlan, ...]:
        return tuple(self._output((*path, name), name, output, above) for name, output in outputs.items())

    def _output(self, path: Path, name: str, output: OutputSpec, above: frozenset[str]) -> OutputPlan:
        expression = self._binder.expression(path, output.expr, above=above, response=True)
        return OutputPlan(name, expression, output.as_)


def _constant_path(operation: Operation | None, call: Call | None) -> str | None:
    """Where every target is asked; None where a target decides, or where each is to say what is wrong."""
    if operation is None or call is None:
        return None
    try:
        return path_of(operation, call)
    except RequestFailed:
        return None


def items_pointer(items: str | None) -> str:
    """The JSON pointer that a plain chain of names means; empty when the expression is more than that."""
    if items is None or not _SIMPLE_PATH.match(items):
        return ""
    return pointer_of(quoted or plain for quoted, plain in _SIMPLE_PART.findall(items))
