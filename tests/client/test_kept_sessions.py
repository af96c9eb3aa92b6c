"""Sessions that are left for a later scan: who may have them, for how long, and who logs out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from fleet.client import Credential, KeptSessions
from fleet.client.target.sessions import Keeper, Session, SessionScope
from fleet.policy import Proxy, Tls
from fleet.secret import Secret

SCOPE = SessionScope("bmc1", "https://bmc1", "token", Tls(), None)
ROOT = Credential("lab", username="root", password=Secret("calvin"))


@dataclass
class Hosts:
    """Notes who is logged out of."""

    now: float = 0.0
    left: list[str] = field(default_factory=list)

    async def leave(self, credential: Credential, session: Session) -> None:
        self.left.append(f"{credential.name} {session.path}")

    def keeper(
        self, kept: KeptSessions, scope: SessionScope = SCOPE, credential: Credential = ROOT
    ) -> Keeper:
        return Keeper.of(kept, scope, self.leave, credential)


def session(path: str) -> Session:
    return Session({"token": Secret("t")}, path)


async def test_a_session_is_given_to_one_at_a_time_and_the_second_one_is_not_kept() -> None:
    hosts, kept = Hosts(), KeptSessions()
    keeper = hosts.keeper(kept)
    assert keeper.take() is None
    assert keeper.give(session("/1")) and not keeper.give(session("/2"))
    assert keeper.take() == session("/1") and keeper.take() is None
    assert (len(kept), kept.reused) == (0, 1)


@pytest.mark.parametrize(
    ("scope", "credential"),
    [
        (SCOPE._replace(target="bmc2"), ROOT),
        (SCOPE._replace(url="https://bmc1:8443"), ROOT),
        (SCOPE._replace(scheme="other"), ROOT),
        (SCOPE._replace(tls=Tls(mode="insecure")), ROOT),
        (SCOPE._replace(proxy=Proxy("socks5h", "jump", 1080)), ROOT),
        (SCOPE, replace(ROOT, username="ops")),
        (SCOPE, replace(ROOT, password=Secret("newer"))),
    ],
)
async def test_nobody_else_gets_a_session(scope: SessionScope, credential: Credential) -> None:
    hosts, kept = Hosts(), KeptSessions()
    hosts.keeper(kept).give(session("/1"))
    assert hosts.keeper(kept, scope, credential).take() is None


async def test_what_is_not_used_is_logged_out_of() -> None:
    hosts = Hosts()
    kept = KeptSessions(idle=60.0, clock=lambda: hosts.now)
    hosts.keeper(kept).give(session("/1"))
    hosts.now = 59.0
    hosts.keeper(kept, SCOPE._replace(target="bmc2")).give(session("/2"))
    await kept.expire()
    assert hosts.left == []
    hosts.now = 61.0
    await kept.expire()
    assert hosts.left == ["lab /1"] and len(kept) == 1


async def test_targets_that_nobody_asks_any_more_are_logged_out_of_and_so_are_all_at_the_end() -> None:
    hosts, kept = Hosts(), KeptSessions(most=3)
    for number in range(1, 5):
        given = hosts.keeper(kept, SCOPE._replace(target=f"bmc{number}")).give(session(f"/{number}"))
        assert given is (number <= 3)
    await kept.leave_others({"bmc1", "bmc3"}.__contains__)
    assert hosts.left == ["lab /2"]
    await kept.close()
    assert sorted(hosts.left) == ["lab /1", "lab /2", "lab /3"]
    assert not hosts.keeper(kept).give(session("/5"))
