"""Swagger 2.0 in the shape of 3.x: bodies out of parameters, media types into contents, servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleet.openapi.lower.parts import mapping, text
from fleet.openapi.rewrite.upgrade import schema_of, scheme_of
from fleet.pointer import unescape

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_DELIMITED = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_PLAIN = ("string", "number", "integer", "boolean")  # a tuple: what is compared may be a list
_NOT_HERE = {"accept", "content-type", "authorization"}  # 3.x: no parameters


class Reshaped:
    """One document of 2.0, all of whose references are `#/definitions/X`, `#/parameters/X` or
    `#/responses/X`, in the shape of 3.x. Schemas stay as they are, but for where references lead. `scheme` is
    that of a host which has none."""

    def __init__(
        self, tree: Mapping[str, Any], note: Callable[[str], None], *, scheme: str = "https"
    ) -> None:
        self._tree = tree
        self._note = note
        self._scheme = scheme
        self._consumes = _types(tree.get("consumes"))
        self._produces = _types(tree.get("produces"))

    def tree(self, version: str) -> dict[str, Any]:
        """The whole document; keys in their order, what is new where what it was made of stood."""
        made: dict[str, Any] = {}
        for key, value in self._tree.items():
            if key == "swagger":
                made["openapi"] = version
            elif key in {"host", "basePath", "schemes"}:
                if servers := self._servers(self._tree.get("schemes")):
                    made.setdefault("servers", servers)
            elif key == "paths":
                made["paths"] = {path: self._item(path, item) for path, item in mapping(value).items()}
            elif key in {"definitions", "parameters", "responses", "securityDefinitions"}:
                made.setdefault("components", {})
            elif key not in {"consumes", "produces"}:
                made[key] = value
        if "components" in made:
            made["components"] = self._components()
        return {key: value for key, value in made.items() if key != "components" or value}

    def _components(self) -> dict[str, Any]:
        parameters, bodies = {}, {}
        for name, node in mapping(self._tree.get("parameters")).items():
            if mapping(node).get("in") == "body":
                bodies[name] = self._body([node], self._consumes)
            elif mapping(node).get("in") != "formData":  # forms are made of several
                parameters[name] = self._parameter(node, f"parameters/{name}")
        found = {
            "schemas": dict(mapping(self._tree.get("definitions"))),
            "parameters": parameters,
            "requestBodies": bodies,
            "responses": {
                name: self._answer(node, self._produces, f"responses/{name}")
                for name, node in mapping(self._tree.get("responses")).items()
            },
            "securitySchemes": {
                name: scheme_of(node) for name, node in mapping(self._tree.get("securityDefinitions")).items()
            },
        }
        return {key: value for key, value in found.items() if value}

    def _servers(self, schemes: Any) -> list[dict[str, str]]:
        host, path = text(self._tree.get("host")), text(self._tree.get("basePath"))
        if not host:
            return [{"url": path}] if path else []
        listed = (
            [scheme for scheme in schemes if isinstance(scheme, str)] if isinstance(schemes, list) else []
        )
        return [{"url": f"{scheme}://{host}{path}"} for scheme in listed or [self._scheme]]

    def _target(self, node: Any) -> Any:
        """What a parameter or a response is, its reference followed."""
        ref = mapping(node).get("$ref")
        if not isinstance(ref, str):
            return node
        section, _, name = ref.removeprefix("#/").partition("/")
        return mapping(self._tree.get(section)).get(unescape(name), {})

    def _item(self, path: str, item: Any) -> Any:
        if path.startswith("x-") or not isinstance(item, dict):
            return item
        shared = _list(item.get("parameters"))
        bodies = [node for node in shared if self._is_body(node)]
        made: dict[str, Any] = {}
        for key, value in item.items():
            if key in _METHODS and isinstance(value, dict):
                made[key] = self._operation(value, bodies, f"{key.upper()} {path}")
            elif key == "parameters":
                if kept := [self._listed(node, path) for node in shared if self._is_there(node, path)]:
                    made[key] = kept
            else:
                made[key] = value
        return made

    def _is_body(self, node: Any) -> bool:
        return self._location(node) in ("body", "formData")

    def _location(self, node: Any) -> str:
        return text(mapping(self._target(node)).get("in"))

    def _is_there(self, node: Any, where: str) -> bool:
        """Whether a parameter is one in 3.x too."""
        target = mapping(self._target(node))
        if target.get("in") == "header" and str(target.get("name")).lower() in _NOT_HERE:
            self._note(f"{where}: the header {target['name']!r} is no parameter from 3.0 on, and left out")
            return False
        return not self._is_body(node)

    def _listed(self, node: Any, where: str) -> Any:
        ref = mapping(node).get("$ref")
        if isinstance(ref, str):
            return {"$ref": _moved(ref, "#/parameters/", "#/components/parameters/")}
        return self._parameter(node, where)

    def _operation(self, node: dict[str, Any], inherited: list[Any], where: str) -> dict[str, Any]:
        own = _list(node.get("parameters"))
        body = self._request_body(node, [*inherited, *(entry for entry in own if self._is_body(entry))])
        produces = _types(node.get("produces")) if isinstance(node.get("produces"), list) else None
        made: dict[str, Any] = {}
        for key, value in node.items():
            if key == "parameters":
                if kept := [self._listed(entry, where) for entry in own if self._is_there(entry, where)]:
                    made[key] = kept
            elif key == "responses":
                if body is not None:
                    made["requestBody"] = body
                made[key] = {
                    status: entry
                    if status.startswith("x-")
                    else self._answered(entry, produces, f"{where} {status}")
                    for status, entry in mapping(value).items()
                }
            elif key == "schemes":
                if servers := self._servers(value):
                    made["servers"] = servers
            elif key not in {"consumes", "produces"}:
                made[key] = value
        if body is not None:
            made.setdefault("requestBody", body)
        return made

    def _request_body(self, node: Mapping[str, Any], listed: list[Any]) -> dict[str, Any] | None:
        found = {}
        for entry in listed:
            name = mapping(self._target(entry)).get("name")
            if isinstance(name, str):
                found[self._location(entry), name] = entry
            else:
                self._note("a parameter without a name is left out")
        if not found:
            return None
        consumes = _types(node.get("consumes")) if isinstance(node.get("consumes"), list) else None
        taken = self._consumes if consumes is None else consumes  # an empty list takes the place of the other
        whole = next((entry for (location, _), entry in found.items() if location == "body"), None)
        if whole is not None:
            ref = mapping(whole).get("$ref")
            if isinstance(ref, str) and consumes is None:
                return {"$ref": _moved(ref, "#/parameters/", "#/components/requestBodies/")}
            return self._body([self._target(whole)], taken)
        return self._body([self._target(entry) for entry in found.values()], taken)

    def _body(self, nodes: list[Any], consumes: list[str]) -> dict[str, Any]:
        """A request body made of a body parameter, or of the fields of a form."""
        if mapping(nodes[0]).get("in") != "body":
            return self._form(nodes, consumes)
        node = nodes[0]
        media = {"schema": node["schema"]} if "schema" in node else {}
        made = {key: value for key, value in node.items() if key.startswith("x-") or key == "description"}
        made["content"] = {kind: dict(media) for kind in consumes or ["application/json"]}
        return {**made, "required": True} if node.get("required") is True else made

    def _form(self, nodes: list[Any], consumes: list[str]) -> dict[str, Any]:
        files = any(node.get("type") == "file" for node in nodes)
        plain = dict.fromkeys(kind.partition(";")[0].strip().lower() for kind in consumes)
        kinds = [kind for kind in plain if kind in {_FORM, _MULTIPART}]
        if files or not kinds:
            kinds = [_MULTIPART if files else _FORM]
        needed = [node["name"] for node in nodes if node.get("required") is True]
        properties, encoding = {}, {}
        for node in nodes:
            properties[node["name"]] = schema_of(node)
            if "description" in node:
                properties[node["name"]]["description"] = node["description"]
            if node.get("type") == "array":
                encoding[node["name"]] = self._style(node, "query", f"the form field {node['name']!r}")
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if needed:
            schema["required"] = needed
        media: dict[str, Any] = {"schema": schema}
        if encoding:
            media["encoding"] = encoding
        made: dict[str, Any] = {"content": {kind: dict(media) for kind in kinds}}
        return {**made, "required": True} if needed else made

    def _parameter(self, node: Any, where: str) -> Any:
        if not isinstance(node, dict):
            return node
        location = str(node.get("in"))
        made = {key: node[key] for key in ("name", "in", "description", "required") if key in node}
        if location == "path":
            made["required"] = True
        if location == "query" and "allowEmptyValue" in node:
            made["allowEmptyValue"] = node["allowEmptyValue"]
        if node.get("type") not in _PLAIN:  # without a type it may be given a list
            made.update(self._style(node, location, f"{where}: the parameter {node.get('name')!r}"))
        made["schema"] = schema_of(node)
        return {
            **made,
            **{key: value for key, value in node.items() if key.startswith("x-") and key != "x-nullable"},
        }

    def _style(self, node: Mapping[str, Any], location: str, where: str) -> dict[str, Any]:
        """How an array is written. 3.x has no tabs, and elsewhere than in a query nothing but commas."""
        written = str(node.get("collectionFormat", "csv"))
        if written == "multi":
            return {"style": "form", "explode": True}
        if location in {"path", "header"}:
            if written != "csv":
                self._note(f"{where}: 3.x cannot write the collectionFormat {written!r} there: commas now")
            return {}
        if written == "tsv":
            self._note(f"{where}: 3.x has no collectionFormat 'tsv': commas now")
        return {"style": _DELIMITED.get(written, "form"), "explode": False}

    def _answered(self, node: Any, produces: list[str] | None, where: str) -> Any:
        ref = mapping(node).get("$ref")
        if not isinstance(ref, str):
            return self._answer(node, self._produces if produces is None else produces, where)
        if produces is None or "schema" not in mapping(self._target(node)):
            return {"$ref": _moved(ref, "#/responses/", "#/components/responses/")}
        return self._answer(self._target(node), produces, where)

    def _answer(self, node: Any, produces: list[str], where: str) -> Any:
        if not isinstance(node, dict):
            return node
        made = {key: value for key, value in node.items() if key not in {"schema", "headers", "examples"}}
        made.setdefault("description", "")
        if "headers" in node:
            made["headers"] = {
                name: self._header(header, f"{where}: the header {name!r}")
                for name, header in mapping(node["headers"]).items()
            }
        examples = mapping(node.get("examples"))
        schema = node.get("schema")
        file = mapping(schema).get("type") == "file"
        kinds = list(produces or (["*/*"] if file else ["application/json"])) if schema is not None else []
        content = {kind: {} if file else {"schema": schema} for kind in kinds}
        for kind, example in examples.items():
            if kind in content:
                content[kind]["example"] = example
        return {**made, "content": content} if content else made

    def _header(self, node: Any, where: str) -> Any:
        if not isinstance(node, dict):
            return node
        if node.get("type") == "array":
            self._style(node, "header", where)
        made = {key: node[key] for key in node if key == "description" or key.startswith("x-")}
        return {**made, "schema": schema_of(node)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _types(value: Any) -> list[str]:
    return [kind for kind in _list(value) if isinstance(kind, str)]


def _moved(ref: str, old: str, new: str) -> str:
    """A reference to what moves; one to another document, which leads nowhere, stays."""
    return new + ref.removeprefix(old) if ref.startswith(old) else ref
