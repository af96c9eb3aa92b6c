"""The pipeline language: what a spec says, compiled to a plan, run over targets.

No files and no sockets: whoever calls has read the spec, and hands in each target's client (`ports`).

  what a file may say   model, durations
  compiled once         compile, compile_steps, compile_login; graph orders the steps, binder binds names,
                        places says where a fault stands
  expressions           expression, names; closures, functions and versions evaluate them
  the result            plan: immutable, shared by all targets
  run per target        run makes the outcome; walk visits the steps, take goes one way from one row, crew
                        bounds both; fetch, collection, links, validate read what is there
  what is kept          scope (rows), convert, findings; judge gives metrics and checks, verdict the status
"""

from fleet.pipeline.compile import compile_plan, secured
from fleet.pipeline.expression import Expression, compile_expression
from fleet.pipeline.model import MetricSpec, Model, PipelineSpec
from fleet.pipeline.places import Locate, Place, nowhere
from fleet.pipeline.plan import MetricPlan, Plan, Settings, StepPlan
from fleet.pipeline.run import PipelineProbe

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
    "nowhere",
    "secured",
]
