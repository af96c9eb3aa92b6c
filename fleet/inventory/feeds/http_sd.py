"""Prometheus' HTTP service discovery: `http_sd:https://cmdb.example/targets`."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from fleet.errors import InventoryError
from fleet.inventory.credentials.secrets import SecretReader
from fleet.inventory.feeds.feed import Listing
from fleet.inventory.feeds.model import HttpSdModel
from fleet.inventory.feeds.web import web_of
from fleet.secret import Secret


class HttpSd:
    """A URL that answers with a list of `{"targets": [...], "labels": {...}}`."""

    def __init__(self, name: str, model: HttpSdModel, secrets: SecretReader) -> None:
        self._name = name
        self._model = model
        self._secrets = secrets
        parts = urlsplit(model.url)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._web = web_of(name, model)

    def fetch(self) -> Listing:
        reply = self._web.ask(self._path, headers=self._login())
        if reply.status != 200:
            raise InventoryError(f"{self._name}: answered with {reply.status}, not with a list")
        if not isinstance(self._web.json(reply), list):
            raise InventoryError(f"{self._name}: the answer is not a list of {{targets, labels}} groups")
        return Listing("json", reply.body)

    def _login(self) -> dict[str, str | Secret]:
        model, read = self._model, self._secrets.read
        if model.token is not None:
            token = read(model.token, f"token of {self._name}")
            return {"Authorization": Secret(f"Bearer {token.reveal()}")}
        if model.username is None or model.password is None:
            return {}
        pair = f"{model.username}:{read(model.password, f'password of {self._name}').reveal()}"
        return {"Authorization": Secret("Basic " + base64.b64encode(pair.encode()).decode())}
