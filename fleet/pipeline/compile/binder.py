"""Binds the expressions of a spec: compiled, their `$names` checked against what is reachable there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from fleet.guess import guess
from fleet.pipeline.compile.graph import Graph
from fleet.pipeline.language.closures import Getter
from fleet.pipeline.language.convert import truth
from fleet.pipeline.language.expression import Expression, compile_expression
from fleet.pipeline.language.model import PipelineSpec
from fleet.pipeline.language.names import Name
from fleet.pipeline.language.places import Complaints, Path
from fleet.pipeline.language.scope import getter_for

_CREDENTIAL = ("username", "password", "token")
ROW_NAMES = frozenset({"@uri", "@key"})


class Binder:
    """Compiles and binds the expressions of one spec."""

    def __init__(self, spec: PipelineSpec, graph: Graph, complain: Complaints) -> None:
        self._spec = spec
        self._graph = graph
        self._complain = complain
        self._on_row: dict[tuple[str, str, bool], Expression] = {}
        self._labels: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[tuple[str, Expression], ...]] = {}
        self.outputs: dict[str, frozenset[str]] = {name: _outputs_of(spec, name) for name in spec.steps}

    def expression(
        self,
        path: Path,
        text: str,
        *,
        above: frozenset[str] = frozenset(),
        response: bool = False,
        credential: bool = False,
        three_valued: bool = False,
        lookup: tuple[str, ...] | None = None,
    ) -> Expression:
        """Compile the expression at `path`. `above` are the steps that `$up` may name there; `response`
        says that a reply stands behind the data, `credential` that it makes a login's body, `lookup` are the
        columns of a baseline beside it."""
        try:
            compiled = compile_expression(text, three_valued=three_valued)
        except ValueError as wrong:
            self._complain.fail(path, str(wrong))

        def getter(name: Name) -> Getter:
            if credential:
                self._check_credential(path, name)
            else:
                self._check(path, name, above, response, lookup)
            return getter_for(name)

        return compiled.bind(getter)

    def on_row(
        self,
        path: Path,
        step: str,
        text: str,
        *,
        three_valued: bool = False,
        lookup: tuple[str, ...] | None = None,
    ) -> Expression:
        """Compile an expression that sees the outputs of a row of `step`. The same text gives the same
        object, so that what several of them need is evaluated once per row; not beside a `lookup`, where
        the same text has another value for each baseline."""
        known_already = self._on_row.get((step, text, three_valued)) if lookup is None else None
        if known_already is not None:
            return known_already
        above = self._graph.ancestors[step]
        compiled = self.expression(path, text, above=above, three_valued=three_valued, lookup=lookup)
        known = self.outputs[step] | ROW_NAMES
        for name in sorted(compiled.fields() - known):
            self._complain.fail(path, f"step {step!r} has no output {name!r}", guess(name, known))
        if lookup is None:
            self._on_row[step, text, three_valued] = compiled
        return compiled

    def labels(self, path: Path, step: str, texts: Mapping[str, str]) -> tuple[tuple[str, Expression], ...]:
        """The labels of a metric on rows of `step`, by name. Equal ones give the same object, so that metrics
        that have the same labels share them."""
        labels = tuple(
            (label, self.on_row((*path, label), step, text)) for label, text in sorted(texts.items())
        )
        return self._labels.setdefault((step, tuple(sorted(texts.items()))), labels)

    def column(self, path: Path, step: str | None, name: str) -> str:
        """A name by which rows are grouped: an output of `step`, STEP.OUTPUT of it or one above it, or
        labels.NAME; below no step, STEP.OUTPUT of any."""
        part, dot, output = name.partition(".")
        if part == "labels" and output:
            return name
        if not dot and step is not None:
            if name not in self.outputs[step]:
                known = (
                    *self.outputs[step],
                    "labels.NAME",
                    *(f"{up}.OUTPUT" for up in self._graph.ancestors[step]),
                )
                self._complain.fail(path, f"step {step!r} has no output {name!r}", guess(name, known))
            return name
        if not output:
            self._complain.fail(
                path, f"{name!r} is not a name to group by", "write STEP.OUTPUT or labels.NAME"
            )
        self._graph.known(path, part)
        reachable = {step, *self._graph.ancestors[step]} if step is not None else set(self._spec.steps)
        if part not in reachable:
            self._complain.fail(path, f"{name!r} cannot be reached: {part!r} is not above {step!r}")
        if output not in self.outputs[part]:
            self._complain.fail(
                path, f"step {part!r} has no output {output!r}", guess(output, self.outputs[part])
            )
        return name

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a scan: those given, converted, and the defaults of the rest."""
        for name in values:
            if name not in self._spec.inputs:
                self._complain.fail((), f"there is no input {name!r}", guess(name, self._spec.inputs))
        found: dict[str, Any] = {}
        for name, wanted in self._spec.inputs.items():
            value = values.get(name, wanted.default)
            if value is None:
                self._complain.fail(("inputs", name), f"the input {name!r} has no default and was not given")
            try:
                found[name] = _CAST[wanted.as_](value)
            except ValueError:
                self._complain.fail(("inputs", name), f"{value!r} is not of type {wanted.as_}")
        return found

    def _check(
        self,
        path: Path,
        name: Name,
        above: frozenset[str],
        response: bool,
        lookup: tuple[str, ...] | None,
    ) -> None:
        if name.family == "up":
            self._check_up(path, name, above)
        elif name.family == "lookup":
            self._check_lookup(path, name, lookup)
        elif name.family == "inputs" and name.words[0] not in self._spec.inputs:
            self._complain.fail(
                path, f"there is no input {name.words[0]!r}", guess(name.words[0], self._spec.inputs)
            )
        elif name.family == "target" and name.words[0] not in {"id", "url", "labels"}:
            self._unknown(path, name, ("id", "url", "labels"))
        elif name.family == "response" and not response:
            self._complain.fail(path, f"{name.text} is not known here: it belongs to the outputs of a step")
        elif name.family == "response" and name.words[0] not in {"status", "header"}:
            self._unknown(path, name, ("status", "header"))
        elif name.family == "credential":
            self._complain.fail(path, f"{name.text} is not known here: credentials belong to login.body")

    def _check_credential(self, path: Path, name: Name) -> None:
        if name.family != "credential":
            self._complain.fail(path, f"{name.text} is not known here: only credentials are")
        elif name.words[0] not in _CREDENTIAL:
            self._unknown(path, name, _CREDENTIAL)

    def _check_lookup(self, path: Path, name: Name, columns: tuple[str, ...] | None) -> None:
        if columns is None:
            self._complain.fail(path, f"{name.text} is not known here: it belongs to a check with a lookup")
        if name.words[0] not in columns:
            near = guess(name.words[0], columns)
            self._complain.fail(path, f"{name.text}: the file has no column {name.words[0]!r}", near)

    def _unknown(self, path: Path, name: Name, known: tuple[str, ...]) -> NoReturn:
        self._complain.fail(path, f"unknown name {name.text}", guess(name.words[0], known))

    def _check_up(self, path: Path, name: Name, above: frozenset[str]) -> None:
        step, output = name.words
        self._graph.known(path, step)
        if step not in above:
            reachable = f"above it: {', '.join(sorted(above))}" if above else "no step is above it"
            self._complain.fail(path, f"{name.text} cannot be reached from here", reachable)
        if output not in self.outputs[step] | ROW_NAMES:
            self._complain.fail(
                path,
                f"{name.text}: step {step!r} has no output {output!r}",
                guess(output, self.outputs[step]),
            )


def _outputs_of(spec: PipelineSpec, name: str) -> frozenset[str]:
    step = spec.steps[name]
    found = set(step.outputs)
    for alternative in step.first_of or ():
        found |= set(alternative.outputs)
    for overlay in spec.overlays:
        if name in overlay.steps:
            found |= set(overlay.steps[name].outputs)
    return frozenset(found)


_CAST: dict[str, Callable[[Any], Any]] = {"str": str, "int": int, "float": float, "bool": truth}
