"""Commands that do again what a run did: scan a group of its targets, or call one request of one of them.

They name what the run was started with; a secret stands in none of them, for no option takes one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from fleet.cli.options.given import NUMBERS
from fleet.errors import FleetError
from fleet.quantities import written_duration, written_rate, written_size

if TYPE_CHECKING:
    from fleet.openapi import Operation

_SCAN = (
    ("--pipeline", "pipeline"),
    ("--operation", "operation"),
    ("--validate", "validate"),
    ("--pace", "pace"),
)
_ACCESS = (
    ("--auths", "auths_file"),
    ("--user", "user"),
    ("--proxy", "proxy"),
    ("--proxies", "proxies_file"),
    ("--pins", "pins_file"),
)
_CALLED = ("timeout", "connect_timeout")  # numbers that `fleet call` takes
_VARIABLE = re.compile(r"\{([^{}/]+)\}")


class Repeat:
    """What a run was started with, as the commands that repeat parts of it.

    `run` is its directory, `manifest` what is stored there; both None for a file of outcomes alone, of which
    nothing can be repeated.
    """

    def __init__(self, run: Path | None, manifest: Mapping[str, Any] | None) -> None:
        self.run: str = _from_here(run) if run else ""
        options = (manifest or {}).get("options")
        self._options: Mapping[str, Any] = options if isinstance(options, dict) else {}
        self._description = str(((manifest or {}).get("description") or {}).get("source") or "")

    def again(self, kind: str, cause: str, alone: bool) -> str:
        """The command that scans the targets of one cause: a resume where its kind has no other cause."""
        if not self._options:
            return ""
        if alone:
            return _line("fleet", "resume", self.run, "--kind", kind)
        scan = _line("fleet", "scan", "-", *self._flags(_SCAN), *self._numbers(NUMBERS))
        return f"{_line('fleet', 'report', self.run, '--targets', cause)} | {scan}"

    def call(self, record: Mapping[str, Any], uri: str) -> str:
        """The command that sends one GET of a target again. Reads the description; raises FleetError where
        it cannot be read, or knows no such request."""
        from fleet.client import load_document
        from fleet.config import installed_here

        if not self._description:
            raise FleetError("the run does not say which API description it used")
        source = self._description
        document = load_document(source if "://" in source else installed_here(Path(source)))
        path = _without(uri, "/" + str(record["target"]).partition("://")[2].partition("/")[2])
        if document.route("GET", path) is None:
            path = _without(path, document.server_path)
        operation = document.route("GET", path)
        if operation is None:
            raise FleetError(f"the API description has no GET for {path.partition('?')[0]}")
        parameters = [word for pair in _values(operation, path) for word in ("-p", pair)]
        flags = [*self._flags(()), *self._numbers({name: NUMBERS[name] for name in _CALLED})]
        target, bound = str(record["target"]), self._bound(record)
        command = _line("fleet", "call", "-" if bound else target, operation.name, *parameters, *flags)
        return f"echo {shlex.quote(bound)} | {command}" if bound else command

    def _bound(self, record: Mapping[str, Any]) -> str:
        """The target as a line of an inventory, where a file of names gave it a credential or a proxy."""
        options, words = self._options, []
        auth, proxy = record.get("auth"), str(record.get("proxy") or "")
        if auth and options.get("auths_file") and not options.get("user"):
            words.append(f"auth={shlex.quote(str(auth))}")
        if proxy and "://" not in proxy and proxy != options.get("proxy"):
            words.append(f"proxy={shlex.quote(proxy)}")
        return " ".join((str(record["target"]), *words)) if words else ""

    def _flags(self, own: tuple[tuple[str, str], ...]) -> Iterator[str]:
        options = self._options
        if spec := str(options.get("spec") or ""):
            yield from _spec(spec)
        for flag, name in (*own, *_ACCESS):
            if (value := options.get(name)) and (name, value) != ("pace", "normal"):
                yield from (flag, _from_here(Path(str(value))) if name.endswith("_file") else str(value))
        if own:
            for name, value in (options.get("inputs") or {}).items():
                yield from ("--input", f"{name}={value}")
        tls = (options.get("policy") or {}).get("tls") or {}
        if tls.get("ca_file"):
            yield from ("--cacert", _from_here(Path(str(tls["ca_file"]))))
        if tls.get("mode") == "insecure":
            yield "--insecure"
        if tls.get("profile") == "legacy":
            yield from ("--tls-profile", "legacy")
        if options.get("allow_plaintext_credentials"):
            yield "--allow-plaintext-credentials"

    def _numbers(self, numbers: Mapping[str, tuple[str, str]]) -> Iterator[str]:
        """The numbers that were set on purpose."""
        given, policy = self._options.get("given") or (), self._options.get("policy") or {}
        for flag, (group, number) in numbers.items():
            if f"{group}.{number}" in given and (value := policy.get(group, {}).get(number)) is not None:
                yield from (f"--{flag.replace('_', '-')}", _number(group, number, value))


def _number(group: str, number: str, value: Any) -> str:
    """A number of a policy as its flag takes it."""
    if group == "timeouts":
        return written_duration(value)
    if (group, number) == ("rate", "requests"):
        return written_rate(float(value))
    return written_size(value) if group == "limits" else str(value)


def _spec(spec: str) -> tuple[str, ...]:
    """Nothing for the spec that is the default, its name for another one that is built in, else its file."""
    from fleet.config import builtin_of

    name = builtin_of(Path(spec))
    if name == "redfish":
        return ()
    return ("--spec", name or _from_here(Path(spec)))


def _values(operation: Operation, path: str) -> Iterator[str]:
    """The parameters that a path holds, as `name=value`: those of its template and of its query."""
    own, _, query = path.partition("?")
    names = _VARIABLE.findall(operation.template)
    shape = "([^/]+)".join(re.escape(part) for part in _VARIABLE.split(operation.template)[::2])
    found = re.fullmatch(f"{shape}/?", unquote(own))
    if found is not None:
        yield from (f"{name}={value}" for name, value in zip(names, found.groups(), strict=True))
    known = {parameter.name for parameter in operation.parameters if parameter.location == "query"}
    yield from (
        f"{name}={value}" for name, value in parse_qsl(query, keep_blank_values=True) if name in known
    )


def _without(path: str, prefix: str) -> str:
    """A path below another one, seen from there."""
    prefix = prefix.rstrip("/")
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path


def _from_here(path: Path) -> str:
    """A path as a person here would write it."""
    try:
        here = Path.cwd()
    except OSError:  # it is gone
        return str(path)
    absolute = here / path
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def _line(*words: str) -> str:
    return shlex.join(words)
