"""Everything that fleet can do with one description, done once, and what came of it.

A `SpecError` is the document's own error: it is kept with its place. Any other exception is a defect of
fleet: it is kept with the last lines of its traceback.
"""

from __future__ import annotations

import pickle
import re
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError
from samples import Samples

from fleet.client import FileSystemLoader, OpenAPI
from fleet.errors import ConfigError, SpecError
from fleet.openapi import (
    Answer,
    Document,
    Operation,
    ParameterError,
    Place,
    alternatives,
    compare,
    convert,
    decode_tree,
    digest,
    encode_tree,
    load,
    reduce,
    review,
    satisfy,
)

_VARIABLE = re.compile(r"\{([^{}/]+)\}")
_NOT_FROM_3_ON = {"accept", "content-type", "authorization"}  # header parameters that only 2.0 has
MAX_CHECKED = 1000  # operations of one document whose checks are compiled: milliseconds each
MAX_REVIEWED = 5000  # operations of a document that is reviewed
LARGE = 20_000_000  # bytes of a description that is not rewritten
MAX_REDUCED = 3
MAX_TYPES = 200  # named schemas of one document whose types are made
MAX_KEPT = 8  # errors of one document that are kept in words; all are counted


class Touch:
    """One document's account: `result` is plain data."""

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._kept: dict[str, list[str]] = {"spec": [], "defect": []}
        self.counts: Counter[str] = Counter()
        self.result: dict[str, Any] = {"counts": self.counts, "errors": self._kept, "seconds": {}}

    @contextmanager
    def step(self, name: str, operation: str = "") -> Iterator[None]:
        """Whatever ends the step early is counted and kept; the next step goes on."""
        started = time.perf_counter()
        try:
            yield
        except (SpecError, ConfigError) as error:
            self._keep("spec", f"{name} {operation}".strip(), str(error).replace(str(self._root) + "/", ""))
        except Exception:
            frames = traceback.format_exc().strip().splitlines()
            self._keep(
                "defect", f"{name} {operation}".strip(), " | ".join(line.strip() for line in frames[-7:])
            )
        finally:
            spent = self.result["seconds"]
            spent[name] = round(spent.get(name, 0.0) + time.perf_counter() - started, 4)

    def _keep(self, kind: str, where: str, text: str) -> None:
        self.counts[kind] += 1
        if len(self._kept[kind]) < MAX_KEPT:
            self._kept[kind].append(f"{where}: {text[:600]}")

    def everything(self) -> dict[str, Any]:
        api: OpenAPI | None = None
        with self.step("load"):
            api = OpenAPI.load_file(self._path, loader=FileSystemLoader(self._root), cache=False)
        self.result["load_ms"] = round(self.result["seconds"]["load"] * 1000, 1)
        self.result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if api is None:
            return self.result
        document = api.document
        self.result["operations"] = len(document.by_route)
        tree = document.trees[document.source]
        self.result["version"] = "2.0" if "swagger" in tree else str(tree["openapi"])[:3]
        samples = Samples(document.library)
        for operation in document.by_route.values():
            self._operation(api, document, operation, samples)
        with self.step("webhooks"):
            hooks = [hook for group in document.webhooks.values() for hook in group.values()]
            self.counts["webhooks"] = len(hooks)
            for hook in hooks:
                self._read(document, hook)
        self._whole(api, document)
        self.result["warnings"] = list(document.warnings)[:20]
        self.counts["warnings"] = len(document.warnings)
        return self.result

    def _operation(self, api: OpenAPI, document: Document, operation: Operation, samples: Samples) -> None:
        name = operation.name
        self.counts["compiled"] += 1
        checked = self.counts["compiled"] <= MAX_CHECKED
        with self.step("compile", name):
            operation.compile(validate=checked)
        with self.step("read", name):
            self._read(document, operation)
        with self.step("security", name):
            requirements = operation.requirements
            alternatives(requirements, document.schemes)
            credentials: dict[str, Any] = {}
            for scheme in document.schemes.values():
                pair = scheme.kind in {"basic", "http digest"}
                credentials[scheme.name] = ("user", "word") if pair else "token"
            satisfy(requirements, document.schemes, credentials)
        with self.step("build", name):
            self._build(api, operation, samples)
        if checked:
            with self.step("examples", name):
                self._examples(document, operation)

    def _read(self, document: Document, operation: Operation) -> None:
        """What people and tools read of an operation."""
        for thing in ("summary", "description", "deprecated", "tags", "extensions", "servers", "server_path"):
            getattr(operation, thing)
        _ = operation.parameters, operation.body
        for tag in operation.tags:
            document.tag_path(tag)
        for group in operation.callbacks.values():
            for callback in group.values():
                _ = callback.parameters, callback.body, callback.answers
                self.counts["callbacks"] += 1
        for answer in operation.answers:
            for link in answer.links:
                self.counts["links"] += 1
                document.linked(link)

    def _build(self, api: OpenAPI, operation: Operation, samples: Samples) -> None:
        values = _values(operation, samples)
        try:
            request = api.prepare(operation, values, self._body(operation, samples), anonymous=True)
        except ParameterError as error:
            self.counts["refused"] += 1
            self.result.setdefault("refused", []).append(f"{operation.name}: {error.message}")
            del self.result["refused"][MAX_KEPT:]
            return
        self.counts["built"] += 1
        found = document_route(api.document, operation, request.path)
        self.counts["routed"] += found is operation
        self.counts["routed elsewhere"] += found is not None and found is not operation
        self.counts["routed nowhere"] += found is None

    @staticmethod
    def _body(operation: Operation, samples: Samples) -> Any:
        body = operation.body
        return None if body is None or not body.media else samples.body(body.media[0])

    def _examples(self, document: Document, operation: Operation) -> None:
        """The description's own examples of answers, judged by its own schemas."""
        for answer in operation.answers:
            status = int(answer.status) if answer.status.isdecimal() else 200
            for media in answer.media:
                operation.violations(status, media.type, {})
            for kind, value in _published(document, operation, answer):
                self.counts["examples"] += 1
                found = operation.violations(status, kind, value)
                if found:
                    self.counts["broken examples"] += 1
                    self.result.setdefault("broken", []).append(f"{operation.name}: {found[0]}")
                    del self.result["broken"][MAX_KEPT:]

    def _whole(self, api: OpenAPI, document: Document) -> None:
        with self.step("review"):
            few = len(document.by_route) <= MAX_REVIEWED
            found = review(document) if few else ()
            self.counts["findings"] = sum(1 for finding in found if finding.severity == "error")
            for finding in found:
                str(finding)
        if self._path.stat().st_size <= LARGE:
            self._rewritten(document)
            self._types(document)
        with self.step("pickle"):
            again = pickle.loads(pickle.dumps(api)).document
            _same(again.operations.keys(), document.operations.keys())
        with self.step("cache"):
            for uri, tree in document.trees.items():
                name = digest(uri.encode())
                encoded = encode_tree(tree, name)
                if encoded is None:
                    self.counts["trees that no cache keeps"] += 1
                else:
                    _same(decode_tree(encoded, name), (tree,))
        if not self.counts["trees that no cache keeps"]:
            with self.step("store"), tempfile.TemporaryDirectory() as folder:
                kept = Path(folder, "api.cache")
                api.cache_store(kept)
                loaded = OpenAPI.cache_load(kept, loader=FileSystemLoader(self._root)).document
                _same(loaded.operations.keys(), document.operations.keys())

    def _rewritten(self, document: Document) -> None:
        """The description reduced to some of its operations, and converted: it loads, has the same
        operations, and their calls are the same bytes."""
        keys = list(document.by_route)
        with self.step("reduce"):
            if keys:
                made = reduce(document, [f"{method} {template}" for template, method in keys[:MAX_REDUCED]])
                again = load(orjson.dumps(made.tree), source=document.source)
                _same(set(again.by_route), set(keys[:MAX_REDUCED]))
                self._same_calls(document, again)
        converted: Document | None = None
        with self.step("convert"):
            if self.result["version"] != "3.2":
                data, reader = orjson.dumps(convert(document).tree), document.library.reader
                converted = load(data, source=document.source, reader=reader)  # one of 3.1 keeps its parts
                _same(list(converted.by_route), keys)
                self._same_calls(document, converted)
        with self.step("compare"):
            if converted is not None and len(keys) <= MAX_CHECKED:
                changes = [c for c in compare(document, converted) if c.severity == "breaking"]
                self.counts["breaking in conversion"] += len(changes)
                self.result["changed"] = [str(change) for change in changes[:MAX_KEPT]]

    def _same_calls(self, one: Document, other: Document) -> None:
        samples = Samples(one.library)
        for key, operation in list(other.by_route.items())[:MAX_CHECKED]:
            before = one.by_route[key]
            try:
                values = _values(before, samples)
                call = before.build(values, self._body(before, samples))
            except SpecError:
                continue
            _same(
                replace(operation.build(values, self._body(before, samples)), route="", servers=()),
                replace(call, route="", servers=()),
            )

    def _types(self, document: Document) -> None:
        """The types of the named schemas, and values of them."""
        samples = Samples(document.library)
        for name in list(document.types)[:MAX_TYPES]:
            with self.step("types", name):
                made = document.types[name]
                self.counts["types"] += 1
                place = Place(document.source, document.types._named[name])
                try:
                    value = made.model_validate(samples.of(place))
                except ValidationError:
                    self.counts["values refused by types"] += 1
                else:
                    made.model_validate_json(value.model_dump_json(exclude_unset=True))


def _values(operation: Operation, samples: Samples) -> dict[Any, Any]:
    """A value for each parameter, by place and name."""
    variables = _VARIABLE.findall(operation.template)
    values: dict[Any, Any] = {
        (parameter.location, parameter.name): samples.parameter(parameter)
        for parameter in operation.parameters
        if (parameter.location != "path" or parameter.name in variables)
        and parameter.name.lower() not in _NOT_FROM_3_ON
    }
    for variable in variables:
        if ("path", variable) not in values:
            values[variable] = "x"
    return values


def document_route(document: Document, operation: Operation, path: str) -> Operation | None:
    """The operation that a request's path leads back to."""
    return document.route(operation.method, path.partition("?")[0].removeprefix(document.server_path))


def _published(document: Document, operation: Operation, answer: Answer) -> Iterator[tuple[str, Any]]:
    """The examples of an answer: of its media types (3.x), or by media type (2.0)."""
    holder = _node(document, operation, answer)
    content = holder.get("content")
    for kind, media in content.items() if isinstance(content, Mapping) else ():
        if isinstance(media, Mapping) and "json" in kind:
            if "example" in media:
                yield kind, media["example"]
            examples = media.get("examples")
            for example in examples.values() if isinstance(examples, Mapping) else ():
                if isinstance(example, Mapping) and "value" in example:
                    yield kind, example["value"]
    examples = holder.get("examples")
    for kind, value in examples.items() if isinstance(examples, Mapping) else ():
        if "json" in kind:
            yield kind, value


def _node(document: Document, operation: Operation, answer: Answer) -> Mapping[str, Any]:
    responses = operation.site.node.value.get("responses")
    for status, value in responses.items() if isinstance(responses, Mapping) else ():
        if status.lower() == answer.status.lower():
            found = document.library.follow(Place(operation.site.node.uri, value)).value
            return found if isinstance(found, Mapping) else {}
    return {}


def _same(one: Any, other: Any) -> None:
    if one != other:
        raise AssertionError("what was kept is not what came back")
