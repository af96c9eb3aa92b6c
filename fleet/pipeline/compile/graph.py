"""The steps of a spec as a graph: what each is evaluated for, what may stand above it, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fleet.guess import guess
from fleet.pipeline.language.model import PipelineSpec
from fleet.pipeline.language.places import Complaints, Path
from fleet.pipeline.language.steps import AlternativeSpec, StepSpec


def ways_of(name: str, step: StepSpec) -> tuple[tuple[Path, StepSpec | AlternativeSpec], ...]:
    """The ways of one step, each with its path in the spec."""
    if step.first_of is None:
        return ((("steps", name), step),)
    return tuple(
        (("steps", name, "firstOf", at), alternative) for at, alternative in enumerate(step.first_of)
    )


class Graph:
    """The steps' relations, checked: raises SpecError for unknown steps and cycles.

    `above[s]` is the step whose rows `s` is evaluated for; `sources[s]` all steps it starts from;
    `ancestors[s]` every step that a row of `s` may have above it; `order` lists steps after their needs.
    """

    def __init__(self, spec: PipelineSpec, complain: Complaints) -> None:
        self._complain = complain
        self._steps: Mapping[str, StepSpec] = spec.steps
        self.above: dict[str, str | None] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        for name, step in spec.steps.items():
            self.sources[name] = tuple(self._sources(name, step))
            self.above[name] = self._above(name, step)
        self.order: tuple[str, ...] = tuple(self._ordered())
        self.ancestors: dict[str, frozenset[str]] = {}
        for name in self.order:
            self.ancestors[name] = self.reach(self.sources[name])

    def known(self, path: Path, name: str) -> str:
        """`name`, if it is a step; otherwise a SpecError at `path`."""
        if name not in self._steps:
            self._complain.fail(path, f"there is no step {name!r}", guess(name, self._steps))
        return name

    def reach(self, sources: Iterable[str]) -> frozenset[str]:
        """The sources and everything above them."""
        return frozenset(
            part for source in sources for part in ({source} | self.ancestors.get(source, frozenset()))
        )

    def chain(self, source: str, top: str) -> tuple[str, ...] | None:
        """The steps from just below `top` down to `source`; None when `top` is not above it."""
        found: list[str] = []
        current: str | None = source
        while current is not None and current != top:
            found.append(current)
            current = self.above[current]
        return None if current is None else tuple(reversed(found))

    def _sources(self, name: str, step: StepSpec) -> Iterator[str]:
        for path, way in ways_of(name, step):
            if way.from_ is not None:
                yield self.known((*path, "from"), way.from_)
        if step.per is not None:
            yield self.known(("steps", name, "per"), step.per)

    def _above(self, name: str, step: StepSpec) -> str | None:
        if step.first_of is None:
            if step.per is not None:
                self._complain.fail(("steps", name, "per"), "per is only for a step with firstOf")
            return step.from_
        if step.per is not None:
            return step.per
        sources = {way.from_ for way in step.first_of}
        if len(sources) == 1:
            return next(iter(sources))
        return self._complain.fail(
            ("steps", name, "firstOf"),
            "the alternatives start from different steps",
            "say with per: for each row of which step they are judged",
        )

    def _ordered(self) -> Iterator[str]:
        done: set[str] = set()
        for name in self._steps:
            yield from self._visit(name, (), done)

    def _visit(self, name: str, trail: tuple[str, ...], done: set[str]) -> Iterator[str]:
        if name in trail:
            circle = " <- ".join((*trail[trail.index(name) :], name))
            self._complain.fail(("steps", name), f"the steps need each other in a circle: {circle}")
        if name in done:
            return
        for source in self.sources[name]:
            yield from self._visit(source, (*trail, name), done)
        if name not in done:
            done.add(name)
            yield name
