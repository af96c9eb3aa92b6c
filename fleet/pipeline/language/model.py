"""The spec language as models: what a file may say. What it means is decided by `pipeline.compile`.

Every key has a description, because the JSON Schema made from these models is what editors show.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleet.pipeline.language.access import DefaultsSpec, LoginSpec, SecuritySpec
from fleet.pipeline.language.durations import Duration
from fleet.pipeline.language.judging import CheckSpec, ConformanceSpec, MetricSpec
from fleet.pipeline.language.keys import MetricName, Model, StepName, Text
from fleet.pipeline.language.steps import DialectSpec, OverlaySpec, StepSpec


class InputSpec(Model):
    """A value that the person who scans may give."""

    description: str | None = Field(default=None, description="For people who read the spec.")
    default: str | int | float | bool | None = Field(
        default=None, description="Used when --input does not give it; without one it must be given."
    )
    as_: Literal["int", "float", "str", "bool"] = Field(
        default="str", alias="as", description="What the text given with --input is read as."
    )


class PipelineEntry(Model):
    """The steps whose rows a pipeline stores; what those need is pulled in."""

    description: str | None = Field(default=None, description="For people who read the spec.")
    default: bool = Field(default=False, description="Used when --pipeline does not name one.")
    steps: tuple[StepName, ...] = Field(min_length=1, description="The steps whose rows are stored.")
    deadline: Duration | None = Field(default=None, description="Replaces timeout.target.")


class PipelineSpec(Model):
    """The language of a spec file, without what says where the description and the secrets are."""

    inputs: dict[StepName, InputSpec] = Field(
        default_factory=dict, description="Values that --input gives, read as $inputs.NAME."
    )
    dialect: DialectSpec = Field(
        default_factory=DialectSpec, description="How this family of APIs links and pages."
    )
    security: SecuritySpec | None = Field(
        default=None, description="The authentication of an API whose description leaves it out."
    )
    login: LoginSpec | None = Field(default=None, description="A session around each target.")
    defaults: DefaultsSpec = Field(
        default_factory=DefaultsSpec, description="What holds unless the command line says otherwise."
    )
    steps: dict[StepName, StepSpec] = Field(min_length=1, description="Where rows come from, by name.")
    pipelines: dict[Text, PipelineEntry] = Field(
        default_factory=dict, description="Which steps are stored; without any, all steps."
    )
    metrics: dict[MetricName, MetricSpec] = Field(default_factory=dict, description="Samples made from rows.")
    checks: dict[Text, CheckSpec] = Field(default_factory=dict, description="Rules judged on rows.")
    conformance: ConformanceSpec = Field(
        default_factory=ConformanceSpec, description="How kinds of machines are told apart."
    )
    overlays: tuple[OverlaySpec, ...] = Field(
        default=(), description="Outputs that only some targets have, as a vendor's."
    )
