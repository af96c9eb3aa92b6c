"""Faults of status codes and redirects: services that are busy, broken, elsewhere, or another API."""

from __future__ import annotations

import datetime
from email.utils import format_datetime
from typing import Literal

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import Asked, Message, Reply, error, json_reply, not_found
from fleet.sim.sessions import SESSIONS
from fleet.sim.tree import ROOT

ELSEWHERE = "https://127.255.255.254:9"  # an origin of its own where nothing listens

_HTML_404 = (
    b"<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>\n<html><head><title>404 Not Found</title></head>"
    b"<body><h1>Not Found</h1><p>The requested URL was not found on this server.</p></body></html>\n"
)


def _before_login(asked: Asked) -> bool:
    """Whether a client must be able to ask this before it can find anything missing."""
    return asked.key in ("/redfish", ROOT) or asked.key.startswith(SESSIONS)


@frozen(slots=False)
class NotFound(Behaviour, name="http.not_found", kind=FailureKind.HTTP_NOT_FOUND, aliases=("404",)):
    """404 for everything but the service root and logins. Causes http.not_found."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if _before_login(asked) else not_found(asked.path)


@frozen(slots=False)
class NotFoundPage(
    Behaviour, name="http.not_found:html", kind=FailureKind.HTTP_NOT_FOUND, aliases=("html-404",)
):
    """404 as an HTML page, for everything but the service root and logins. Causes http.not_found."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if _before_login(asked) else Reply(404, _HTML_404, content_type="text/html")


@frozen(slots=False)
class NothingFound(
    Behaviour, name="spec.not_this_api:404", kind=FailureKind.SPEC_NOT_THIS_API, aliases=("404-everywhere",)
):
    """404 as an HTML page for everything, the service root included. Causes spec.not_this_api."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return Reply(404, _HTML_404, content_type="text/html")


@frozen(slots=False)
class AnotherApi(
    Behaviour,
    name="spec.not_this_api",
    kind=FailureKind.SPEC_NOT_THIS_API,
    aliases=("not-this-api", "another-api"),
):
    """A JSON service that is no Redfish: it answers everything with its own document. Causes
    spec.not_this_api."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return json_reply(200, {"service": "print queue", "version": 3})


@frozen(slots=False)
class ServerError(Behaviour, name="http.status", kind=FailureKind.HTTP_STATUS, aliases=("500",)):
    """`status` (500) with an error body. Causes http.status."""

    status: int = 500

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return error(
            self.status, Message("Base.1.18.InternalError", "The request failed due to an internal error.")
        )


@frozen(slots=False)
class Busy(Behaviour, name="http.unavailable", kind=FailureKind.HTTP_UNAVAILABLE, aliases=("503", "busy")):
    """503 or 429 with Retry-After, in `form` seconds, date or none. Causes http.unavailable; nothing when
    `times` ends it before the client's patience does."""

    status: int = 503
    retry_after: int = 1
    form: Literal["seconds", "date", "none"] = "seconds"

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        headers: tuple[tuple[str, str], ...] = ()
        if self.form == "seconds":
            headers = (("Retry-After", str(self.retry_after)),)
        elif self.form == "date":
            # HTTP dates have whole seconds: rounding up keeps the promise
            at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.retry_after + 1)
            headers = (("Retry-After", format_datetime(at.replace(microsecond=0), usegmt=True)),)
        seconds = str(self.retry_after)
        message = Message(
            "Base.1.18.ServiceTemporarilyUnavailable",
            f"The service is temporarily unavailable. Retry in {seconds} seconds.",
            (seconds,),
        )
        return error(self.status, message, headers=headers)


@frozen(slots=False)
class TooMany(Busy, name="http.unavailable:429", kind=FailureKind.HTTP_UNAVAILABLE, aliases=("429",)):
    """429 with Retry-After. Causes http.unavailable."""

    status: int = 429


@frozen(slots=False)
class SlashRedirect(Behaviour, name="slash-redirect", aliases=("301", "308")):
    """Every path without a trailing slash redirects to the one with it (`status` 301, 307 or 308), logins
    included. Causes nothing."""

    status: int = 308

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        if asked.path.endswith("/"):
            return normal()
        query = f"?{asked.query}" if asked.query else ""
        return Reply(self.status, b"", (("Location", f"{asked.path}/{query}"),), None)


@frozen(slots=False)
class RedirectElsewhere(
    Behaviour,
    name="redirect.blocked",
    kind=FailureKind.REDIRECT_BLOCKED,
    aliases=("redirect-elsewhere", "redirect-foreign"),
):
    """302 to another origin, `to`. Causes redirect.blocked."""

    status: int = 302
    to: str = ELSEWHERE

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return Reply(self.status, b"", (("Location", f"{self.to}{asked.target}"),), None)


@frozen(slots=False)
class RedirectLoop(
    Behaviour, name="redirect.loop", kind=FailureKind.REDIRECT_LOOP, aliases=("redirect-loop",)
):
    """A redirect to itself. Causes redirect.loop."""

    status: int = 302

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return Reply(self.status, b"", (("Location", asked.target),), None)


@frozen(slots=False)
class NeedsAccept(Behaviour, name="needs-accept", aliases=("406",)):
    """406 unless Accept asks for JSON. Causes nothing for a client that says what it wants."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        if "json" in asked.headers.get("accept", ""):
            return normal()
        return error(406, Message("Base.1.18.HeaderInvalid", "Header 'Accept' is invalid.", ("Accept",)))


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    NotFound,
    NotFoundPage,
    NothingFound,
    AnotherApi,
    ServerError,
    Busy,
    TooMany,
    SlashRedirect,
    RedirectElsewhere,
    RedirectLoop,
    NeedsAccept,
)
