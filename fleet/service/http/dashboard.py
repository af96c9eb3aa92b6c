"""`/` and `/page/`: the page for people, and the files that it is made of."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from fleet.service.dashboard.files import Page
from fleet.service.http.answers import refusal

# Trusted Types: with no policy there is no way to make a text of a host into markup, whatever a module does.
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
FOR_EVER = "public, max-age=31536000, immutable"  # the address has the content's digest


class Dashboard:
    """Serves the page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._tag = f'"{page.digest}"'

    async def front(self, request: Request) -> Response:
        """The front page; it is asked for each time, and sent where it has changed."""
        headers = {"ETag": self._tag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._page.front.content, headers=headers, media_type=self._page.front.media_type)

    async def file(self, request: Request) -> Response:
        """A file of the page, of the version that the address names."""
        file = self._page.files.get(request.path_params["name"])
        if file is None or request.path_params["digest"] != self._page.digest:
            return refusal(404, "there is no such file, or it is of another version: load the page again")
        headers = {"Cache-Control": FOR_EVER, "Content-Security-Policy": POLICY}
        return Response(file.content, headers=headers, media_type=file.media_type)
