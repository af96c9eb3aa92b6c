"""The spec language as models: what a file may say. What it means is decided by `pipeline.compile`.

Every key has a description, because the JSON Schema made from these models is what editors show.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Literal

from fleet.frozen import frozen
from fleet.pipeline.language import access, judging, steps
from fleet.pipeline.language.access import DefaultsSpec, LoginSpec, SecuritySpec
from fleet.pipeline.language.judging import CheckSpec, ConformanceSpec, MetricSpec
from fleet.pipeline.language.section import Section
from fleet.pipeline.language.steps import DialectSpec, OverlaySpec, StepSpec

if TYPE_CHECKING:
    from pydantic import Field

    from fleet.pipeline.language.keys import Duration, MetricName, StepName, Text


@frozen(kw_only=True)
class InputSpec(Section):
    """A value that the person who scans may give."""

    description: Annotated[str | None, Field(description="For people who read the spec.")] = None
    default: Annotated[
        str | int | float | bool | None,
        Field(description="Used when --input does not give it; without one it must be given."),
    ] = None
    as_: Annotated[
        Literal["int", "float", "str", "bool"],
        Field(alias="as", description="What the text given with --input is read as."),
    ] = "str"


@frozen(kw_only=True)
class PipelineEntry(Section):
    """The steps whose rows a pipeline stores; what those need is pulled in."""

    description: Annotated[str | None, Field(description="For people who read the spec.")] = None
    default: Annotated[bool, Field(description="Used when --pipeline does not name one.")] = False
    steps: Annotated[
        tuple[StepName, ...], Field(min_length=1, description="The steps whose rows are stored.")
    ]
    deadline: Annotated[Duration | None, Field(description="Replaces timeout.target.")] = None


@frozen(kw_only=True)
class PipelineSpec(Section):
    """The language of a spec file, without what says where the description and the secrets are."""

    inputs: Annotated[
        dict[StepName, InputSpec], Field(description="Values that --input gives, read as $inputs.NAME.")
    ] = field(default_factory=dict)
    dialect: Annotated[DialectSpec, Field(description="How this family of APIs links and pages.")] = field(
        default_factory=DialectSpec
    )
    security: Annotated[
        SecuritySpec | None,
        Field(description="The authentication of an API whose description leaves it out."),
    ] = None
    login: Annotated[LoginSpec | None, Field(description="A session around each target.")] = None
    defaults: Annotated[
        DefaultsSpec, Field(description="What holds unless the command line says otherwise.")
    ] = field(default_factory=DefaultsSpec)
    steps: Annotated[
        dict[StepName, StepSpec], Field(min_length=1, description="Where rows come from, by name.")
    ]
    pipelines: Annotated[
        dict[Text, PipelineEntry], Field(description="Which steps are stored; without any, all steps.")
    ] = field(default_factory=dict)
    metrics: Annotated[dict[MetricName, MetricSpec], Field(description="Samples made from rows.")] = field(
        default_factory=dict
    )
    checks: Annotated[dict[Text, CheckSpec], Field(description="Rules judged on rows.")] = field(
        default_factory=dict
    )
    conformance: Annotated[ConformanceSpec, Field(description="How kinds of machines are told apart.")] = (
        field(default_factory=ConformanceSpec)
    )
    overlays: Annotated[
        tuple[OverlaySpec, ...], Field(description="Outputs that only some targets have, as a vendor's.")
    ] = ()


def language_sections() -> tuple[type[Section], ...]:
    """All sections of the language."""
    found = [held for module in (access, judging, steps) for held in vars(module).values()]
    own = (InputSpec, PipelineEntry, PipelineSpec)
    return (
        *own,
        *(
            held
            for held in found
            if isinstance(held, type) and issubclass(held, Section) and held is not Section
        ),
    )
