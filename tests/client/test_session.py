"""How sessions are made."""

from __future__ import annotations

import httpx
import pytest

from fleet.client import WireTransport, sync_session
from fleet.client.calls.session import Sessions
from fleet.errors import ConfigError


def test_the_default_runs_on_the_wire_with_one_trust_store() -> None:
    sessions = Sessions(None)
    first, second = sessions.make(), sessions.make()
    assert isinstance(first, httpx.AsyncClient)
    assert isinstance(first._transport, WireTransport)
    assert first is not second
    assert first._transport._dialer is second._transport._dialer  # type: ignore[union-attr]
    assert first.trust_env is False


def test_the_sync_session_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.9:1")
    with sync_session() as session:
        assert session.trust_env is False
    with Sessions(httpx.Client).make() as made:  # type: ignore[union-attr]
        assert isinstance(made, httpx.Client)
        assert made.trust_env is False


def test_what_is_no_factory_is_refused() -> None:
    with pytest.raises(ConfigError, match="callable"):
        Sessions("httpx")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="returned int"):
        Sessions(lambda: 3).make()  # type: ignore[arg-type,return-value]


def test_a_factory_need_not_be_hashable() -> None:
    class Factory:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self) -> httpx.Client:
            return httpx.Client(trust_env=False)

    made = Sessions(Factory()).make()
    assert isinstance(made, httpx.Client)
    made.close()
