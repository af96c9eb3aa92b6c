"""The pipeline language: what a spec says, compiled to a plan, run over targets."""

from fleet.pipeline.compile import compile_plan, secured
from fleet.pipeline.expression import Expression, compile_expression
from fleet.pipeline.model import MetricSpec, Model, PipelineSpec
from fleet.pipeline.places import Locate, Place, guess, nowhere
from fleet.pipeline.plan import MetricPlan, Plan, Settings, StepPlan
from fleet.pipeline.run import PipelineProbe, rows_per_step

__all__ = [
    "Expression",
    "Locate",
    "MetricPlan",
    "MetricSpec",
    "Model",
    "PipelineProbe",
    "PipelineSpec",
    "Place",
    "Plan",
    "Settings",
    "StepPlan",
    "compile_expression",
    "compile_plan",
    "guess",
    "nowhere",
    "rows_per_step",
    "secured",
]
