"""All rules over one description."""

from __future__ import annotations

from fleet.openapi.document import Document
from fleet.openapi.rules.defaults import defaults
from fleet.openapi.rules.finding import Finding, Findings
from fleet.openapi.rules.official import official
from fleet.openapi.rules.paths import head, operations, paths, security
from fleet.openapi.rules.references import references, unused
from fleet.openapi.rules.schemas import schemas
from fleet.openapi.rules.tags import tags

_RULES = (head, tags, paths, references, operations, security, schemas, defaults, unused, official)


def review(document: Document) -> tuple[Finding, ...]:
    """Everything that is wrong with a description, in the order of its text; at most `MAX_FINDINGS`.

    Reads every document that references lead to. The official meta-schema of its version is among the
    rules where it is installed (`official_schemas`).
    """
    document.preload()
    found = Findings(document)
    for rule in _RULES:
        rule(found)
    for warning in document.warnings:
        if "additionalOperations" in warning or "beside the reference" in warning:  # the rest has its rule
            found.add("warning", "document", warning, document.source, [])
    return found.result()
