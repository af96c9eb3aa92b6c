"""A NetBox on a real socket, as far as it is read: pages, filters, tokens, and the ways in which it fails."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Objects = list[dict[str, Any]]
TOKEN = "0123456789abcdef0123456789abcdef01234567"
UPDATED = "2026-11-01T10:00:00.000000Z"


def nested(kind: str, number: int, name: str) -> dict[str, Any]:
    """An object as others refer to it: NetBox's brief form."""
    slug = name.casefold().replace(" ", "-").replace(".", "")
    return {
        "id": number, "url": f"http://elsewhere.invalid/api/{kind}/{number}/", "display": name, "name": name,
        "slug": slug, "description": "",
    }  # fmt: skip


class FakeNetBox:
    """What it holds, and what was asked of it. `hooks` may answer in its place: they get the path and the
    number of times it was asked, and give (status, headers, body), or None."""

    def __init__(self) -> None:
        self.sites = [nested("dcim/sites", 1, "a"), nested("dcim/sites", 2, "DC 2")]
        self.roles = [nested("dcim/device-roles", 1, "Server")]
        self.item_roles = [nested("dcim/inventory-item-roles", 1, "Drive")]
        self.manufacturers = [nested("dcim/manufacturers", 1, "Dell Inc.")]
        self.types: Objects = []
        self.fields: Objects = []
        self.devices: Objects = []
        self.items: Objects = []
        self.most = 1000  # of one page, whatever is asked for
        self.asked: list[str] = []
        self.methods: set[str] = set()
        self.hooks: list[Callable[[str, int], tuple[int, dict[str, str], bytes] | None]] = []
        self.url = ""

    def type(self, model: str, manufacturer: str = "Dell Inc.") -> dict[str, Any]:
        """A device type, made where there is none."""
        for known in self.types:
            if known["model"] == model:
                return known
        made = nested("dcim/device-types", len(self.types) + 1, model)
        made = {**made, "model": model, "manufacturer": nested("dcim/manufacturers", 1, manufacturer)}
        self.types.append(made)
        return made

    def field(self, name: str, *kinds: str) -> None:
        """A custom field."""
        self.fields.append({"id": len(self.fields) + 1, "name": name, "object_types": list(kinds)})

    def device(self, name: str, serial: str, *, model: str = "R760", **custom: Any) -> int:
        """A device; gives its number."""
        made = {
            **nested("dcim/devices", len(self.devices) + 1, name), "serial": serial, "asset_tag": None,
            "site": self.sites[0], "role": self.roles[0], "device_type": self.type(model),
            "status": {"value": "active", "label": "Active"}, "custom_fields": custom, "tags": [],
            "last_updated": UPDATED,
        }  # fmt: skip
        del made["slug"]
        self.devices.append(made)
        return made["id"]

    def item(self, device: int, name: str, serial: str, *, role: str | None = "drive", **more: Any) -> int:
        """An inventory item; gives its number."""
        roles = {"drive": self.item_roles[0]}
        made = {
            "id": len(self.items) + 1, "device": nested("dcim/devices", device, "d"), "name": name,
            "serial": serial, "part_id": "", "discovered": True, "parent": None, "manufacturer": None,
            "role": roles.get(role or ""), "custom_fields": {}, "last_updated": UPDATED, **more,
        }  # fmt: skip
        self.items.append(made)
        return made["id"]

    def answer(self, method: str, target: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        """The answer to one request."""
        parts = urlsplit(target)
        self.methods.add(method)
        self.asked.append(target)
        if method != "GET":
            return 405, {}, b"{}"
        if headers.get("Authorization") != f"Token {TOKEN}":
            return 403, {}, b'{"detail": "Invalid token"}'
        times = sum(urlsplit(one).path == parts.path for one in self.asked)
        for hook in self.hooks:
            if (said := hook(parts.path, times)) is not None:
                return said
        if parts.path == "/api/status/":
            return 200, {}, b'{"netbox-version": "4.4.2", "django-version": "5.2"}'
        lists = {
            "dcim/devices": self.devices, "dcim/inventory-items": self.items, "dcim/sites": self.sites,
            "dcim/device-roles": self.roles, "dcim/inventory-item-roles": self.item_roles,
            "dcim/manufacturers": self.manufacturers, "dcim/device-types": self.types,
            "extras/custom-fields": self.fields,
        }  # fmt: skip
        held = lists.get(parts.path.removeprefix("/api/").strip("/"))
        if held is None:
            return 404, {}, b'{"detail": "Not found."}'
        return 200, {}, json.dumps(self._page(held, parse_qs(parts.query))).encode()

    def _page(self, held: Objects, query: dict[str, list[str]]) -> dict[str, Any]:
        if wanted := query.get("device_id"):
            held = [one for one in held if str(one["device"]["id"]) in wanted]
        if query.get("ordering") == ["id"]:
            held = sorted(held, key=lambda one: one["id"])
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), self.most)
        shown = held[offset : offset + limit]
        following = "http://elsewhere.invalid/api/next" if offset + len(shown) < len(held) else None
        return {"count": len(held), "next": following, "previous": None, "results": shown}


@contextmanager
def serving(fake: FakeNetBox, tls: ssl.SSLContext | None = None) -> Iterator[FakeNetBox]:
    """Serve it on loopback until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            status, headers, body = fake.answer(self.command, self.path, self.headers)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do

        def log_message(self, *_: Any) -> None:
            """Nothing on standard error."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is none."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if tls is None else "https"
        fake.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
