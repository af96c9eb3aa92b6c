"""One API description, whatever its version: operations, security, routes. Shared by every target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.openapi.calls.servers import chosen_server, own_server, path_of_url, server_url
from fleet.openapi.lower import front_end
from fleet.openapi.model import FrontEnd, Link, Requirement, SecurityScheme, Server, Site, Tag
from fleet.openapi.operation import Operation
from fleet.openapi.reading.load import parse as parse_tree
from fleet.openapi.reading.refs import Library, MissingDocument, Parse, Place, Reader
from fleet.openapi.route import Routes
from fleet.openapi.schema import Check, compile_checks, no_check
from fleet.openapi.unknown import unknown_operation
from fleet.pointer import steps_of_fragment

if TYPE_CHECKING:
    from fleet.openapi.types import Types


class Document:
    """A description, lowered. Immutable to its users, safe to share between threads, picklable.

    Loading indexes operations; everything else is read when an operation first needs it.

    What the tools of this package share besides: `library` reads what references lead to, `front` knows the
    version, `by_route` has the operations by template and method, `warned` what was found wrong so far, in
    that order; `replaced` is the security given in place of its own, `chosen` its server, with variables.
    """

    def __init__(
        self,
        library: Library,
        uri: str,
        *,
        security: Mapping[str, Any] | None = None,
        server: int | str = 0,
        server_variables: Mapping[str, Any] | None = None,
        like: Document | None = None,
    ) -> None:
        """`like` is the same description otherwise read: its operations need not be found again."""
        self.library: Library = library
        for known in library.trees:
            library.learn(known)
        self.source = uri
        self.warned: list[str] = []
        self.front: FrontEnd = front_end(library, uri)
        self.replaced: Mapping[str, Any] | None = security
        if security is not None:
            self.front.secure(security["schemes"], security["security"])
        self.title: str = self.front.title
        self.version: str = self.front.version
        self.servers: tuple[Server, ...] = self.front.servers
        self.chosen: tuple[int | str, dict[str, Any]] = (server, dict(server_variables or {}))
        self.server_url: str = self._chosen_url()
        self.server_path: str = path_of_url(self.server_url, uri)
        self.tags: Mapping[str, Tag] = MappingProxyType({tag.name: tag for tag in self.front.tags})
        self.schemes: Mapping[str, SecurityScheme] = MappingProxyType(
            self.front.schemes(self.warned if security is None else None)
        )
        self.security: tuple[Requirement, ...] = self.front.security
        self.by_route: dict[tuple[str, str], Operation] = {}
        self._found: tuple[tuple[Site, ...], list[str]] = self._find() if like is None else like._found
        self.operations: Mapping[str, Operation] = MappingProxyType(self._index())
        # by the id of a schema, which is its own for as long as it is held here
        self._checks: dict[int, tuple[Any, Check]] = {}
        for names in self.security:
            self._warn_undefined(names, "the document")

    def __repr__(self) -> str:
        return f"<Document {self.title!r} {self.version}: {len(self.operations)} operations>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.library, self.source, self.replaced, self.chosen)

    def _chosen_url(self) -> str:
        which, variables = self.chosen
        if not self.servers and which == 0 and not variables:
            return ""
        return server_url(chosen_server(self.servers, which), variables)

    def _find(self) -> tuple[tuple[Site, ...], list[str]]:
        """Where the operations stand, and what is wrong with those that cannot be used."""
        wrong: list[str] = []
        return tuple(self.front.sites(wrong)), wrong

    def _index(self) -> dict[str, Operation]:
        operations: dict[str, Operation] = {}
        sites, wrong = self._found
        self.warned += wrong
        for site in sites:
            plain = f"{site.method} {site.template}"
            name = site.name or plain
            if name in operations:
                self.warn(f"the operationId {name!r} is used twice; the second is {plain!r}")
                name = plain
            operation = operations[name] = Operation(self, site, name)
            self.by_route[site.template, site.method] = operation
        return operations

    def operation(self, ref: str | tuple[str, str]) -> Operation:
        """The operation that is meant by an operationId, by `METHOD /template`, or by (path, method).

        Raises `SpecError`, with the closest name as a hint.
        """
        if isinstance(ref, str):
            found = self.operations.get(ref)
            if found is not None:
                return found
            method, _, template = ref.partition(" ")
        else:
            template, method = ref
        template = template.strip()
        found = self.by_route.get((template, method)) or self.by_route.get((template, method.upper()))
        if found is not None:
            return found
        raise unknown_operation(self, ref)

    def route(self, method: str, path: str) -> Operation | None:
        """The operation whose template a concrete path, without the base path, matches."""
        return self._routes.find(method, path)

    @cached_property
    def _routes(self) -> Routes[Operation]:
        return Routes((op.method, op.template, op) for op in self.by_route.values())

    @cached_property
    def webhooks(self) -> Mapping[str, Mapping[str, Operation]]:
        """What the service may call on its user's side: operations by name and method. To be read, not
        called: their template is the webhook's name."""
        found: dict[str, dict[str, Operation]] = {}
        for site in self.front.webhooks(self.warned):
            name = site.name or f"{site.method} {site.template}"
            found.setdefault(site.template, {})[site.method] = Operation(self, site, name)
        return MappingProxyType(found)

    def callbacks(self, operation: Operation) -> Mapping[str, Mapping[str, Operation]]:
        """The callbacks of an operation: by name, then by `METHOD expression`."""
        found: dict[str, dict[str, Operation]] = {}
        for name, site in self.front.callbacks(operation.site, self.warned):
            made = Operation(self, site, site.name or f"{site.method} {site.template}")
            found.setdefault(name, {})[f"{site.method} {site.template}"] = made
        return MappingProxyType(found)

    def linked(self, link: Link) -> Operation:
        """The operation that a link leads to. Raises `SpecError`."""
        if link.operation:
            return self.operation(link.operation)
        where, _, fragment = link.reference.partition("#")
        steps = steps_of_fragment(fragment)
        if len(steps) == 3 and steps[0] == "paths" and self.library.same(self.source, where):
            return self.operation((steps[1], steps[2]))
        raise SpecError(
            f"the link {link.name!r} leads to no operation here: {link.reference!r}", file=self.source
        )

    def tag_path(self, name: str) -> tuple[str, ...]:
        """A tag and those above it, outermost first; a parent that is not defined ends it."""
        path: list[str] = []
        while name and name not in path:
            path.append(name)
            name = self.tags[name].parent if name in self.tags else ""
        return tuple(reversed(path))

    @cached_property
    def types(self) -> Types:
        """The pydantic types of its schemas, by name. Pydantic is imported here, not before."""
        from fleet.openapi.types import Types  # noqa: PLC0415

        return Types(self.library, self.source, self.front.dialect, self.warn)

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What its author wrote under `x-` keys at the top level."""
        tree = self.library.tree(self.source)
        return {key: value for key, value in tree.items() if key.startswith("x-")}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the description without making it unusable, each thing once. It grows as
        operations are first used."""
        missing = self.library.missing
        if not missing:
            return tuple(self.warned)
        names = ", ".join(sorted(uri.rpartition("/")[2] for uri in missing)[:10])
        more = ", ..." if len(missing) > 10 else ""
        noun = "1 referenced file is" if len(missing) == 1 else f"{len(missing)} referenced files are"
        return (*self.warned, f"{noun} missing: {names}{more}")

    @property
    def missing(self) -> Mapping[str, str]:
        """Referenced documents that could not be read, and why, so far."""
        return MappingProxyType(self.library.missing)

    @property
    def trees(self) -> Mapping[str, Any]:
        """The parsed documents by URI, as far as they have been read. Not to be changed."""
        return MappingProxyType(self.library.trees)

    def preload(self) -> None:
        """Reads every document that references lead to, as far as the reader lets it: what is used later
        reads no more. What cannot be read is in `missing`."""
        self.library.preload(self.source)

    def with_security(self, schemes: Mapping[str, Any], security: Any) -> Document:
        """The same description with other security: `schemes` as under `securitySchemes`, `security` as at
        its top level. For the many descriptions that leave their authentication out."""
        which, variables = self.chosen
        replaced = {"schemes": schemes, "security": security}
        return Document(
            self.library, self.source, security=replaced, server=which, server_variables=variables, like=self
        )

    def own_path(
        self, servers: tuple[Server, ...], chosen: tuple[int | str, Mapping[str, Any]] | None
    ) -> str:
        """The path of an operation's own servers, where `chosen` stands in for the document's choice."""
        which, variables = chosen or self.chosen
        return own_server(servers, which, variables, self.source)

    def server_path_at(self, which: int | str, variables: Mapping[str, Any]) -> str:
        """`server_path` at another of its servers. Raises `ConfigError` naming what there is; a variable may
        also be one of an operation's own servers."""
        server = chosen_server(self.servers, which) if self.servers or which != 0 else Server("")
        mine = {name: value for name, value in variables.items() if name in server.variables}
        if len(mine) < len(variables):
            others = (op.servers for op in self.operations.values() if op.servers is not self.servers)
            elsewhere = {name for servers in others for own in servers for name in own.variables}
            elsewhere -= server.variables.keys()
            mine.update({name: value for name, value in variables.items() if name not in elsewhere})
        return path_of_url(server_url(server, mine), self.source)

    def warn(self, message: str) -> None:
        """Adds to what is wrong, once."""
        if message not in self.warned:
            self.warned.append(message)

    def _warn_undefined(self, names: Requirement, where: str) -> None:
        for name in names:
            if name not in self.schemes:
                self.warn(f"{where} requires the security scheme {name!r}, which is not defined")

    def check(self, schema: Place, name: str) -> Check:
        """The compiled check of an answer's schema, shared by every operation that answers with it."""
        place = schema
        what = f"answers of {name}"
        try:
            # in 2020-12 what stands beside a reference counts too
            place = self.library.follow(schema, alone=self.front.dialect == "2020-12")
            _, known = self._checks.get(id(place.value), (None, None))
            check = known or self._compiled(place, f"the schema of {what}")
        except MissingDocument:
            check = no_check
        except SpecError as error:
            self.warn(f"{what} cannot be checked: {error}")
            check = no_check
        self._checks[id(place.value)] = place.value, check
        return check

    def _compiled(self, place: Place, what: str) -> Check:
        made = compile_checks(
            self.library,
            place,
            self.front.dialect,
            warn=lambda why: self.warn(f"{what}: {why}"),
        )
        for node, check in made:  # of the schemas that it refers to, too, where they came with it
            self._checks.setdefault(id(node), (node, check))
        return made[0][1]


def _restore(
    library: Library,
    uri: str,
    security: Mapping[str, Any] | None,
    server: tuple[int | str, Mapping[str, Any]],
) -> Document:
    which, variables = server
    return Document(library, uri, security=security, server=which, server_variables=variables)


def load(
    data: bytes | str | None = None,
    *,
    source: str = "",
    reader: Reader | None = None,
    parse: Parse = parse_tree,
    server: int | str = 0,
    server_variables: Mapping[str, Any] | None = None,
) -> Document:
    """The description in `data`, or at `source` when there is no data.

    `source` is its absolute path or URL: relative references start there. `reader` supplies every other
    document by URI and decides what may be read; without one nothing is. `parse` turns bytes into a tree,
    for callers that keep parsed trees. `server` and `server_variables` choose among the servers that the
    description names: by place, by name or by URL as written. Raises `SpecError`, and `ConfigError`
    naming what there is.
    """
    library = Library(reader, parse)
    uri = source or "<text>"
    if data is not None:
        library.trees[uri] = parse(data.encode() if isinstance(data, str) else data, uri)
    elif reader is None:
        raise SpecError("nothing to load: neither text nor a reader is given", file=uri)
    else:
        library.trees[uri] = parse(reader(uri), uri)
    return Document(library, uri, server=server, server_variables=server_variables)
