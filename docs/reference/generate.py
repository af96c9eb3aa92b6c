"""Writes the reference pages that are made from code, and the schemas beside them.

    python docs/reference/generate.py            write them
    python docs/reference/generate.py --check    exit status 1 when one is not current

metrics.md, serve.md and spec.md begin with what their *.head.md say, which are written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from fleet.cli.entry import group
from fleet.compare import diff_schema, drift_schema
from fleet.config import load_spec, spec_schema
from fleet.export import preview_schema
from fleet.inventory import auths_schema, sources_schema
from fleet.judge import checks_schema, conformance_schema
from fleet.outcome import FailureKind
from fleet.report import report_schema, status_schema
from fleet.service import config_schema

HERE = Path(__file__).parent
WIDTH = 100
_NAMES_OF_HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
BLAMES = {
    "target": "the host's side",
    "proxy": "the proxy's; never counted against the host",
    "local": "this machine's; never counted against the host",
    "spec": "the spec's",
    "policy": "a decision: credentials, or a limit that a person set",
}


def failures() -> str:
    """The table of failure kinds."""
    lines = [
        "# Failure kinds",
        "",
        "Every way a target can fail. The set is closed: kinds are added, never renamed.",
        "`fleet resume RUN --kind` takes a kind or its class: `timeout.request`, or `timeout`.",
        "",
        "Retried means that the same request is sent again within its budget before the target fails.",
        "",
        "| blame | whose side it is on |",
        "|---|---|",
        *(f"| {blame} | {says} |" for blame, says in BLAMES.items()),
        "",
        "| kind | means | do | blame | retried |",
        "|---|---|---|---|---|",
    ]
    for kind in FailureKind:
        again = "yes" if kind.retryable else ""
        lines.append(f"| `{kind.value}` | {kind.meaning} | {kind.hint} | {kind.blame} | {again} |")
    return "\n".join([*lines, ""])


def commands() -> str:
    """What `--help` of every command says."""
    lines = [
        "# Commands",
        "",
        "What `fleet COMMAND --help` says. Exit statuses stand at the end.",
        "",
        *(f"- [`{name}`](#{name.replace(' ', '-')})" for name, _ in helps() if name != "fleet"),
    ]
    for name, text in helps():
        lines += ["", f"## {name}", "", "```text", *(line.rstrip() for line in text.splitlines()), "```"]
    return "\n".join([*lines, ""])


def helps() -> Iterator[tuple[str, str]]:
    """Every command by its full name, and its help, 100 columns wide."""
    settings: dict[str, Any] = {"max_content_width": WIDTH, "terminal_width": WIDTH}
    waiting = [("fleet", click.Context(group, info_name="fleet", **settings, **_NAMES_OF_HELP))]
    while waiting:
        name, context = waiting.pop(0)
        yield name, context.command.get_help(context)
        if isinstance(context.command, click.Group):
            inner = [
                (f"{name} {each}", click.Context(command, parent=context, info_name=each, **settings))
                for each in context.command.list_commands(context)
                if (command := context.command.get_command(context, each)) is not None and not command.hidden
            ]
            waiting = inner + waiting


def language() -> str:
    """The spec language: what is written by hand, then every key with its type, default and meaning."""
    schema = spec_schema()
    models = schema["$defs"]
    parts = [_head("spec"), "", "## Every key", ""]
    whole = {**schema, "required": schema["anyOf"][-1]["required"]}
    parts += _table("The file", whole, "`extends` may leave what is required to another spec.")
    for name, title in _SECTIONS.items():
        parts += _table(title, models[name], models[name].get("description", ""))
    return "\n".join(parts)


def serving() -> str:
    """The configuration of a service: what is written by hand, then every key."""
    schema = config_schema()
    models = schema["$defs"]
    parts = [_head("serve"), "", "## Every key", ""]
    parts += _table("The file", schema, "")
    for name, title in _SERVED.items():
        parts += _table(title, models[name], models[name].get("description", ""))
    return "\n".join(parts)


def metrics() -> str:
    """The metrics of a scan, written by hand, then those of the built-in Redfish spec."""
    lines = [_head("metrics"), "", "| name | labels | says |", "|---|---|---|"]
    for name, metric in load_spec("redfish").metrics.items():
        lines.append(f"| `{name}` | {', '.join(metric.labels)} | {metric.help} |")
    return "\n".join([*lines, ""])


def _head(page: str) -> str:
    return (HERE / f"{page}.head.md").read_text(encoding="utf-8").rstrip()


_SECTIONS = {
    "InfoSpec": "`info`",
    "DialectSpec": "`dialect`",
    "ExpandSpec": "`dialect.expand`",
    "StepSpec": "`steps.NAME`, and each entry of its `firstOf`",
    "OutputSpec": "`steps.NAME.outputs.NAME`, in full",
    "LoginSpec": "`login`",
    "SecuritySpec": "`security`",
    "DefaultsSpec": "`defaults`",
    "TimeoutSpec": "`defaults.timeout`",
    "FixupSpec": "`fixups[]`",
    "InputSpec": "`inputs.NAME`",
    "PipelineEntry": "`pipelines.NAME`",
    "MetricSpec": "`metrics.NAME`",
    "CheckSpec": "`checks.NAME`",
    "LookupSpec": "`checks.NAME.lookup`",
    "WaiverSpec": "`checks.NAME.waivers[]`",
    "ConformanceSpec": "`conformance`",
    "OverlaySpec": "`overlays[]`",
    "OverlayStep": "`overlays[].steps.NAME`",
    "AuthModel": "`auths.NAME`",
    "ProxyModel": "`proxies.NAME`",
}


_SERVED = {
    "Job": "`jobs.NAME`",
    "Timeouts": "`jobs.NAME.timeouts`",
    "Retention": "`retention`, `jobs.NAME.retention`",
    "Probe": "`probe`",
    "Sessions": "`sessions`",
    "Notify": "`notify`",
}


def _table(title: str, model: dict[str, Any], says: str) -> list[str]:
    required = set(model.get("required", ()))
    lines = [f"### {title}", "", *([" ".join(says.split()), ""] if says else [])]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in sorted(model["properties"].items(), key=lambda item: item[0] not in _FIRST):
        default = "required" if key in required else _default(field)
        meaning = " ".join(str(field.get("description", _ELSEWHERE.get(key, ""))).split()).replace("|", "\\|")
        lines.append(f"| `{key}` | {_type(field)} | {default} | {meaning} |")
    return [*lines, ""]


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ("", [], {}) or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`".replace('`"', "`").replace('"`', "`")


def _type(field: dict[str, Any]) -> str:
    """A JSON Schema type, as a person would say it."""
    if "anyOf" in field:
        kinds = [_type(part) for part in field["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return _NAMES.get(field["$ref"].rpartition("/")[2], "mapping")
    if field.get("type") == "array":
        inner = field.get("items", {})
        return f"list of {_plural(_type(inner))}" if inner else "list"
    if field.get("type") == "object":
        values = field.get("additionalProperties")
        if not isinstance(values, dict):
            values = next(iter(field.get("patternProperties", {}).values()), None)
        return f"mapping of names to {_plural(_type(values))}" if isinstance(values, dict) else "mapping"
    return _NAMES.get(field.get("type", ""), field.get("type", "any value"))


def _plural(word: str) -> str:
    return {"mapping": "mappings", "text": "texts", "number": "numbers", "whole number": "numbers"}.get(
        word, word
    )


_FIRST = ("fleet", "info", "api", "refs")  # what begins a file
_ELSEWHERE = {
    "info": "What the spec is called.",
    "dialect": "How this family of APIs links and pages.",
    "defaults": "What holds unless the command line says otherwise.",
    "timeout": "Wall-clock deadlines.",
    "expand": "How members are asked for together with their collection.",
}
_NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "OutputSpec": "expression or mapping",
}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "auths": auths_schema,
    "checks": checks_schema,
    "conformance": conformance_schema,
    "diff": diff_schema,
    "drift": drift_schema,
    "netbox-preview": preview_schema,
    "report": report_schema,
    "serve": config_schema,
    "sources": sources_schema,
    "spec": spec_schema,
    "status": status_schema,
}


def pages() -> dict[str, str]:
    """What each generated page and each schema should hold."""
    return {
        "commands.md": commands(),
        "failures.md": failures(),
        "metrics.md": metrics(),
        "serve.md": serving(),
        "spec.md": language(),
        **{f"{name}.schema.json": json.dumps(made(), indent=2) + "\n" for name, made in SCHEMAS.items()},
    }


def main(check: bool) -> int:
    stale = 0
    for name, text in pages().items():
        path = HERE / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{'not current' if check else 'written'}: {path.name}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
