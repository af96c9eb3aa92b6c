"""The pipeline language: what a spec says, compiled to a plan, run over targets.

No files and no sockets: whoever calls has read the spec, and hands in each target's client (`ports`).

  language   what a spec file may say (model; section and keys check it, places says where it stands), and its
             expressions: expression and names compile them, closures, functions and versions evaluate them,
             scope is what they see; outside is what checks take from other files
  compile    from a spec to a plan: pipeline begins; steps, checks and login are its parts, binder binds
             expressions, graph orders the steps
  plan       the result: immutable, shared by all targets
  walk       a plan over one target: probe makes the outcome; walk visits the steps, take goes one way from
             one row, crew bounds both; fetch, collection, links and validate read what is there; judge gives
             metrics and checks, verdict the status
  ports      what a client must offer, and how a plan asks it
"""

from fleet.pipeline.compile.pipeline import compile_checks, compile_plan, secured
from fleet.pipeline.language.expression import Expression, compile_expression
from fleet.pipeline.language.judging import MetricSpec
from fleet.pipeline.language.model import PipelineSpec, language_sections
from fleet.pipeline.language.outside import Nothing, Outside, Table
from fleet.pipeline.language.places import Locate, Place, nowhere
from fleet.pipeline.language.scope import Row
from fleet.pipeline.language.section import Section, adapter, check
from fleet.pipeline.plan import CheckPlan, MetricPlan, Plan, Settings
from fleet.pipeline.ports import Memory
from fleet.pipeline.step import StepPlan
from fleet.pipeline.walk.judge import judge_row
from fleet.pipeline.walk.probe import PipelineProbe

__all__ = [
    "CheckPlan",
    "Expression",
    "Locate",
    "Memory",
    "MetricPlan",
    "MetricSpec",
    "Nothing",
    "Outside",
    "PipelineProbe",
    "PipelineSpec",
    "Place",
    "Plan",
    "Row",
    "Section",
    "Settings",
    "StepPlan",
    "Table",
    "adapter",
    "check",
    "compile_checks",
    "compile_expression",
    "compile_plan",
    "judge_row",
    "language_sections",
    "nowhere",
    "secured",
]
