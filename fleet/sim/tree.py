"""The resources that a host serves: loaded once, shared by every host that serves the same tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fleet.errors import ConfigError
from fleet.sim.builtin import builtin_documents
from fleet.sim.reply import JSON_TYPE, Message, Reply, error
from fleet.sim.template import Template, Values

ROOT = "/redfish/v1"
PUBLIC = frozenset({"/redfish", ROOT, f"{ROOT}/$metadata", f"{ROOT}/odata"})  # asked without credentials
LOG_PAGE = 3  # entries on one page of the built-in logs: six entries make two pages
CACHED_VIEWS = 64  # of one collection: query strings come from clients, so their views are bounded

_METADATA = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">'
    b"<edmx:DataServices/></edmx:Edmx>\n"
)
_BAD_QUERY = Message(
    "Base.1.18.QueryParameterValueFormatError",
    "The value of a query parameter is of a different format than it accepts.",
)
_UNKNOWN_QUERY = Message("Base.1.18.QueryNotSupported", "Querying is not supported by the implementation.")


@dataclass(slots=True, eq=False)
class Page:
    """One resource. `members` is set for collections whose queries are honoured."""

    template: Template
    content_type: str = JSON_TYPE
    document: dict[str, Any] | None = None
    members: tuple[str, ...] = ()
    views: dict[str, Template] = field(default_factory=dict)  # by query string


class Tree:
    """Pages by path, without trailing slash. Queries are honoured when `queries`, else ignored."""

    def __init__(
        self, name: str, pages: Mapping[str, Page], *, queries: bool = False, expand: bool = False
    ) -> None:
        self.name = name
        self.pages = pages
        self.queries = queries
        self.expand = expand

    def __contains__(self, path: str) -> bool:
        return path in self.pages

    def reply(self, path: str, query: str, values: Values) -> Reply | None:
        """What GET on a path answers; None when the tree has no such page."""
        page = self.pages.get(path)
        if page is None:
            return None
        if self.queries and page.document is not None and page.document.get("Members"):
            return self._view(page, query, values)
        return Reply(200, page.template.render(values), content_type=page.content_type)

    def _view(self, page: Page, query: str, values: Values) -> Reply:
        view = page.views.get(query)
        if view is None:
            made = self._make_view(page, query)
            if isinstance(made, Reply):
                return made
            view = made
            if len(page.views) < CACHED_VIEWS:
                page.views[query] = view
        return Reply(200, view.render(values))

    def _make_view(self, page: Page, query: str) -> Template | Reply:
        assert page.document is not None  # noqa: S101  # only pages with a document have views
        asked = dict(parse_qsl(query, keep_blank_values=True))
        expand = asked.pop("$expand", None)
        try:
            skip, top = int(asked.pop("$skip", 0)), int(asked.pop("$top", len(page.members)))
        except ValueError:
            return error(400, _BAD_QUERY)
        if skip < 0 or top < 0 or (expand is not None and expand[:1] not in ("*", ".", "~")):
            return error(400, _BAD_QUERY)
        unknown = any(name.startswith("$") for name in asked)
        if unknown or (expand is not None and not (self.expand and expand[0] in "*.")):
            return error(501, _UNKNOWN_QUERY)
        limit = LOG_PAGE if page.document["@odata.id"].endswith("/Entries") else len(page.members)
        taken = min(top, limit)
        shown = page.members[skip : skip + taken]
        members = [self._document(path) if expand else {"@odata.id": path} for path in shown]
        view = {**page.document, "Members": members}
        if taken < top and skip + taken < len(page.members):
            following = {"$skip": skip + taken, **({"$top": top - taken} if "$top" in query else {})}
            if expand:
                following["$expand"] = expand  # type: ignore[assignment]
            view["Members@odata.nextLink"] = (
                f"{page.document['@odata.id']}?{urlencode(following, safe='$.()=*')}"
            )
        return Template.of(view)

    def _document(self, path: str) -> dict[str, Any]:
        document = self.pages[path].document
        return document if document is not None else {"@odata.id": path}


def builtin_tree(*, expand: bool = True) -> Tree:
    """The hand-written tree. `expand` says whether its root offers $expand."""
    documents = builtin_documents(expand=expand)
    pages = {path: _page(document) for path, document in documents.items()}
    pages["/redfish"] = Page(Template(b'{"v1":"/redfish/v1/"}'))
    pages[f"{ROOT}/$metadata"] = Page(Template(_METADATA), content_type="application/xml")
    service = [{"name": "Service", "kind": "Singleton", "url": f"{ROOT}/"}]
    odata = {"@odata.context": f"{ROOT}/$metadata", "value": service}
    pages[f"{ROOT}/odata"] = Page(Template.of(odata))
    return Tree("builtin", pages, queries=True, expand=expand)


def _page(document: dict[str, Any]) -> Page:
    members = tuple(member["@odata.id"] for member in document.get("Members", ()))
    return Page(Template.of(document), document=document, members=members)


def mockup_tree(directory: str | Path) -> Tree:
    """A DMTF mockup directory, in the short form (index.json is /redfish/v1) or the long one.

    Queries and fragments are ignored, as static mockup servers do, so that nextLink loops stay loops.
    Reads every file once. Raises ConfigError when the directory holds neither form.
    """
    top = Path(directory)
    if (top / "redfish" / "v1" / "index.json").is_file():
        base, prefix = top / "redfish", "/redfish"
    elif (top / "index.json").is_file():
        base, prefix = top, ROOT
    else:
        raise ConfigError(f"{top} is not a mockup: it has neither index.json nor redfish/v1/index.json")
    pages: dict[str, Page] = {}
    for file in sorted(base.rglob("index.*")):
        below = file.parent.relative_to(base).as_posix()
        path = prefix if below == "." else f"{prefix}/{below}"
        if file.suffix == ".json":
            pages[path] = Page(_literal(_without_copyright(file.read_bytes())))
        elif file.suffix == ".xml":
            pages[path] = Page(_literal(file.read_bytes()), content_type="application/xml")
    pages.setdefault("/redfish", Page(Template(b'{"v1":"/redfish/v1/"}')))
    return Tree(top.name, pages)


def _literal(body: bytes) -> Template:
    """A body that is served as it is, even where it holds what looks like a mark."""
    template = Template(b"")
    template.plain = body
    return template


def _without_copyright(body: bytes) -> bytes:
    try:
        document = json.loads(body)  # not orjson: it reads integers beyond 64 bits as floats
    except ValueError:
        return body  # a mockup that is broken on purpose is served broken
    if isinstance(document, dict):
        document.pop("@Redfish.Copyright", None)
    return json.dumps(document, separators=(",", ":")).encode()
