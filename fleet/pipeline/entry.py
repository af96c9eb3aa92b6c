"""The `login:` section made into the plan that a target's client follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.client import LoginPlan
    from fleet.openapi import Document
    from fleet.pipeline.graph import Graph
    from fleet.pipeline.model import LoginSpec
    from fleet.pipeline.places import Complaints
    from fleet.pipeline.words import Words


def compile_login(
    said: LoginSpec | None, document: Document, words: Words, graph: Graph, complain: Complaints
) -> LoginPlan | None:
    return None
