"""Rules about paths and operations: what is declared against what is used."""

from __future__ import annotations

import re
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.lower.parts import mapping
from fleet.openapi.operation import Operation
from fleet.openapi.rules.finding import Findings

_VARIABLE = re.compile(r"\{([^{}/]+)\}")
_STATUS = re.compile(r"[1-5](\d\d|XX)|default")


def head(found: Findings) -> None:
    info = found.tree.get("info")
    if not isinstance(info, dict):
        found.error("info", "there is no 'info'")
    else:
        for key in ("title", "version"):
            if not isinstance(info.get(key), str):
                found.error("info", f"'info' has no {key!r}, as text", "info")
    if "paths" not in found.tree and found.document.front.dialect != "2020-12":
        found.error("paths", "there are no 'paths'")


def paths(found: Findings) -> None:
    shapes: dict[str, str] = {}
    for template, item in mapping(found.tree.get("paths")).items():
        if template.startswith("x-"):
            continue
        if not template.startswith("/"):
            found.error("path", f"the path {template!r} does not begin with '/'", "paths", template)
            continue
        if not isinstance(item, dict):
            found.error("path", f"the path {template!r} is not a mapping", "paths", template)
        shape = _VARIABLE.sub("{}", template)
        if shape in shapes:
            message = f"the path {template!r} cannot be told from {shapes[shape]!r}"
            found.error("ambiguous-path", message, "paths", template)
        shapes.setdefault(shape, template)
        names = _VARIABLE.findall(template)
        if len(set(names)) < len(names):
            found.error("path", f"the path {template!r} uses a name twice", "paths", template)


def operations(found: Findings) -> None:
    ids: dict[str, str] = {}
    for operation in found.document.by_route.values():
        site = operation.site
        shown = f"{operation.method} {operation.template}"
        if site.name is not None and site.name in ids:
            message = f"the operationId {site.name!r} of {shown} is that of {ids[site.name]} too"
            found.at("duplicate-operation-id", message, site.node.uri, site.node.value)
        ids.setdefault(site.name or "", shown)
        try:
            operation.compile()
            _path_parameters(found, operation, shown)
        except SpecError as error:
            found.broken.add(operation)
            found.at("operation", error.message, site.node.uri, site.node.value)
        _responses(found, operation, shown)


def _path_parameters(found: Findings, operation: Operation, shown: str) -> None:
    site = operation.site
    declared = {p.name for p in operation.parameters if p.location == "path"}
    used = set(_VARIABLE.findall(operation.template))
    for name in sorted(used - declared):
        message = f"the path parameter {name!r} of {shown} is not declared"
        found.at("undeclared-path-parameter", message, site.node.uri, site.node.value)
    for name in sorted(declared - used):
        message = f"the path parameter {name!r} of {shown} is not in its path"
        found.at("unused-path-parameter", message, site.node.uri, site.node.value)
    for owner in (site.item, site.node):
        seen: set[tuple[Any, Any]] = set()
        for node in owner.value.get("parameters") or []:
            key = (node.get("in"), node.get("name")) if isinstance(node, dict) else (None, None)
            if None in key:
                continue
            if key in seen:
                found.at("duplicate-parameter", f"{shown} declares {key[1]!r} twice", owner.uri, node)
            seen.add(key)
            if key[0] == "path" and node.get("required") is not True:
                found.at("path-parameter", f"the path parameter {key[1]!r} is not required", owner.uri, node)


def _responses(found: Findings, operation: Operation, shown: str) -> None:
    node = operation.site.node
    responses = node.value.get("responses")
    if not isinstance(responses, dict) or not responses:
        if found.document.front.dialect != "2020-12":
            found.at("responses", f"{shown} has no responses", node.uri, node.value)
        return
    for status in responses:
        if not status.startswith("x-") and not _STATUS.fullmatch(status):
            steps = [*found.steps(node.uri, responses), status]
            message = f"{shown} answers with {status!r}, which is no status"
            found.add("error", "status", message, node.uri, steps)


def security(found: Findings) -> None:
    document = found.document
    for names in document.security:
        for name in names:
            if name not in document.schemes:
                found.error("unknown-security-scheme", f"no security scheme {name!r} is defined", "security")
    for operation in document.by_route.values():
        site = operation.site
        try:
            own = operation.security or ()
        except SpecError as error:
            found.at("security", error.message, site.node.uri, site.node.value)
            continue
        for name in dict.fromkeys(name for names in own for name in names):
            if name not in document.schemes:
                message = f"{operation.method} {operation.template} needs {name!r}, which is not defined"
                found.at("unknown-security-scheme", message, site.node.uri, site.node.value.get("security"))
