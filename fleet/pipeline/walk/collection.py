"""Collections: their pages, and their members, which come whole or as links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio.lowlevel

from fleet.errors import RequestFailed
from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.pipeline.language.scope import Scope
from fleet.pipeline.plan import Dialect
from fleet.pipeline.step import Way
from fleet.pipeline.walk.crew import STRIDE
from fleet.pipeline.walk.fetch import Answer, Resources
from fleet.pipeline.walk.findings import Findings
from fleet.pipeline.walk.links import elements_of, is_whole, link_in
from fleet.policy import Limits

# What a service answers, or sends, that offers $expand and does not keep it.
EXPAND_REFUSED_STATUS = frozenset({400, 404, 405, 414, 500, 501})
EXPAND_REFUSED_KINDS = frozenset(
    {
        FailureKind.BODY_NOT_JSON,
        FailureKind.BODY_TOO_DEEP,
        FailureKind.BODY_TOO_LARGE,
        FailureKind.BODY_ENCODING,
    }
)


@frozen
class Member:
    """One member: `resource` when it came whole, otherwise the path to ask for."""

    uri: str
    resource: Any = None
    answer: Answer | None = None


@dataclass(slots=True)
class Listing:
    """What the pages of one collection gave. `complete` is false when a page is missing, or a member's
    link cannot be followed."""

    members: list[Member]
    complete: bool = True


class Collections:
    """Reads collections of one target; remembers whether expanding works there."""

    def __init__(self, resources: Resources, dialect: Dialect, findings: Findings, limits: Limits) -> None:
        self._resources = resources
        self._dialect = dialect
        self._findings = findings
        self._limits = limits
        self._refuses_expand = False

    async def first_page(self, path: str, step: str, timeout: float | None, expand: bool) -> Answer:
        """The collection at `path`, with its members when the service offers that; the plain one when it
        turns out not to."""
        offered = self._dialect.expand
        if not expand or offered is None or self._refuses_expand:
            return await self._resources.follow(path, step, timeout=timeout)
        try:
            return await self._resources.follow(path, step, query=offered.query, timeout=timeout)
        except RequestFailed as refused:
            if refused.status not in EXPAND_REFUSED_STATUS and refused.kind not in EXPAND_REFUSED_KINDS:
                raise
        plain = await self._resources.follow(path, step, timeout=timeout)
        self._refuses_expand = True
        self._findings.notes["expand_refused"] += 1
        return plain

    async def listing(self, step: str, way: Way, first: Answer, scope: Scope) -> Listing:
        """All members of the collection that begins with the page `first`. Never raises for a later page:
        what came before it is kept."""
        found = Listing([])
        seen: set[str] = set()
        pages = {first.uri.partition("#")[0]}
        bodies = {first.reply.body}
        page = first
        while True:
            cut = await self._collect(step, way, page, scope, found, seen)
            try:
                if self._full(step, found, page, cut=cut):
                    return found
                path = self._next(page)
                if path is None:
                    return found
                if path in pages or len(pages) >= self._limits.pages:
                    raise RequestFailed(FailureKind.LINK_LIMIT, "the pages of the collection do not end")
                pages.add(path)
                page = await self._resources.follow(path, step, timeout=way.timeout)
                if page.reply.body in bodies:
                    raise RequestFailed(FailureKind.LINK_LIMIT, "the next page is the same page again")
                bodies.add(page.reply.body)
            except RequestFailed as failed:
                self._findings.fail(failed, step, page.uri)
                found.complete = False
                return found

    def _next(self, page: Answer) -> str | None:
        if self._dialect.next is None:
            return None
        link = link_in(self._dialect.next.value(page.value), self._dialect)
        return None if link is None else self._resources.resolve(link, page.uri)

    def _full(self, step: str, found: Listing, page: Answer, *, cut: bool) -> bool:
        if not cut and len(found.members) <= self._limits.rows:
            return False
        del found.members[self._limits.rows :]
        message = f"more than {self._limits.rows} members"
        self._findings.fail(RequestFailed(FailureKind.LINK_LIMIT, message), step, page.uri)
        found.complete = False
        return True

    async def _collect(
        self, step: str, way: Way, page: Answer, scope: Scope, found: Listing, seen: set[str]
    ) -> bool:
        """Takes the members of one page; whether the page holds more elements than are read of one list."""
        notes = self._findings.notes
        items = way.items or self._dialect.items
        pointer = way.pointer if way.items is not None else self._dialect.pointer
        listed = items.value(page.value, scope, notes)
        if listed is None and page.value and not isinstance(page.value, dict):
            notes["not_a_list"] += 1  # a bare list, say, where the dialect has a name for the members
        elements = elements_of(listed, notes)
        expanded = self._expanded(page)
        for at, element in enumerate(elements[: self._limits.rows]):
            if at % STRIDE == STRIDE - 1:
                await anyio.lowlevel.checkpoint()
            link = link_in(element, self._dialect) if isinstance(element, (str, dict)) else None
            if isinstance(element, dict) and is_whole(element, link, self._dialect):
                whole = self._inline(page, element, link, f"{page.uri}#{pointer}/{at}")
                judging = expanded and link is not None
                member = await self._judged(step, whole, found) if judging else whole
            elif link is None:
                notes["members_skipped"] += 1
                continue
            else:
                member = self._linked(step, page, link, found)
            if member is None:
                continue
            if member.uri in seen:
                notes["duplicate_members"] += 1
                continue
            seen.add(member.uri)
            found.members.append(member)
        return len(elements) > self._limits.rows

    def _inline(self, page: Answer, element: dict[str, Any], link: str | None, otherwise: str) -> Member:
        uri = otherwise
        if link is not None:
            try:
                uri = self._resources.resolve(link, page.uri)
            except RequestFailed:  # it is not followed: only its name is lost
                self._findings.notes["links_without_url"] += 1
        return Member(uri, element, page)

    def _expanded(self, page: Answer) -> bool:
        """Whether members were asked for whole. Otherwise one that has more than its link may be a summary
        of the resource, which the resource's schema says nothing about."""
        offered = self._dialect.expand
        return offered is not None and page.uri.endswith(offered.query)

    async def _judged(self, step: str, member: Member, found: Listing) -> Member | None:
        try:
            await self._resources.judge(member.uri, member.resource)
        except RequestFailed as failed:
            self._findings.fail(failed, step, member.uri)
            found.complete = False
            return None
        return member

    def _linked(self, step: str, page: Answer, link: str, found: Listing) -> Member | None:
        try:
            return Member(self._resources.resolve(link, page.uri))
        except RequestFailed as failed:
            self._findings.fail(failed, step, link)
            found.complete = False
            return None
