"""Basic credentials, sessions, their limit, the lockout, and the faults of accounts."""

from __future__ import annotations

import base64
import json

import pytest

from fleet.sim import Fault, SimOptions, SimulatedFleet

SESSIONS = "/redfish/v1/SessionService/Sessions"
SYSTEMS = "/redfish/v1/Systems"
GUARDED = {"auth": ("root", "calvin")}


def basic(password: str = "calvin") -> str:
    return "Authorization: Basic " + base64.b64encode(f"root:{password}".encode()).decode()


@pytest.fixture
def login(ask):
    async def logging_in(base: str, password: str = "calvin", **more):
        body = json.dumps({"UserName": "root", "Password": password}).encode()
        return await ask(base, SESSIONS, method="POST", body=body, **more)

    return logging_in


async def test_without_credentials_only_the_root_is_open(one, ask):
    async with one(options=GUARDED) as sim:
        for path in ("/redfish", "/redfish/v1", "/redfish/v1/", "/redfish/v1/$metadata", "/redfish/v1/odata"):
            assert (await ask(sim.hosts[0], path)).status == 200, path
        heard = await ask(sim.hosts[0], SYSTEMS)
        assert (heard.status, heard.header("www-authenticate")) == (401, 'Basic realm="simulated host"')
        assert sim.total["failed_logins"] == 0


async def test_basic_credentials_are_checked_and_counted(one, ask):
    async with one(options=GUARDED) as sim:
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[basic()])).status == 200
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[basic("wrong")])).status == 401
        counts = sim.counts()["127.1.0.1"]
        assert (counts["failed_logins"], counts["credentials"]) == (1, {"authorization": 2})


async def test_a_session_opens_serves_and_closes(one, ask, login):
    async with one(options=GUARDED) as sim:
        opened = await login(sim.hosts[0])
        assert (opened.status, opened.header("location")) == (201, f"{SESSIONS}/1")
        token = f"X-Auth-Token: {opened.header('x-auth-token')}"
        assert json.loads(opened.body)["@odata.id"] == f"{SESSIONS}/1"
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[token])).status == 200
        listed = json.loads((await ask(sim.hosts[0], SESSIONS, headers=[token])).body)
        assert listed["Members"] == [{"@odata.id": f"{SESSIONS}/1"}]
        assert sim.total["sessions"] == 1
        gone = await ask(sim.hosts[0], f"{SESSIONS}/1", method="DELETE", headers=[token])
        assert (gone.status, gone.body) == (204, b"")
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[token])).status == 401
        assert (sim.total["sessions"], sim.total["logins"]) == (0, 1)


async def test_a_session_needs_credentials_to_end(one, ask, login):
    async with one(options=GUARDED) as sim:
        await login(sim.hosts[0])
        assert (await ask(sim.hosts[0], f"{SESSIONS}/1", method="DELETE")).status == 401
        assert sim.total["sessions"] == 1


async def test_a_full_session_table_refuses_the_next_login_with_its_reason(one, login):
    async with one(options={**GUARDED, "sessions": 2}) as sim:
        statuses = [(await login(sim.hosts[0])).status for _ in range(2)]
        full = await login(sim.hosts[0])
        assert (statuses, full.status) == ([201, 201], 503)
        messages = json.loads(full.body)["error"]["@Message.ExtendedInfo"]
        assert [message["MessageId"] for message in messages] == [
            "Base.1.18.SessionLimitExceeded",
            "IDRAC.2.8.RAC0218",
        ]
        assert sim.total["sessions"] == 2


async def test_lockout_is_for_everybody_and_ends(one, ask, login):
    async with one(options={**GUARDED, "lockout": 2, "lockout_seconds": 0.2}) as sim:
        assert [(await login(sim.hosts[0], "wrong")).status for _ in range(2)] == [401, 401]
        locked = await ask(sim.hosts[0], SYSTEMS, headers=[basic()])
        assert (locked.status, b"locked" in locked.body) == (403, True)
        assert (await login(sim.hosts[0])).status == 403
        assert (await ask(sim.hosts[0])).status == 200
        while (await ask(sim.hosts[0], SYSTEMS, headers=[basic()])).status == 403:
            assert sim.total["requests"] < 10_000
        assert sim.total["failed_logins"] == 2


async def test_a_malformed_login_is_no_failed_one(one, ask):
    async with one(options=GUARDED) as sim:
        for body in (b"", b"[1]", b"{"):
            assert (await ask(sim.hosts[0], SESSIONS, method="POST", body=body)).status == 400
        assert sim.total["failed_logins"] == 0


async def test_writes_are_refused(one, ask):
    async with one(options=GUARDED) as sim:
        heard = await ask(sim.hosts[0], f"{SYSTEMS}/1", method="PATCH", headers=[basic()], body=b"{}")
        assert (heard.status, heard.header("allow")) == (405, "GET, HEAD")
        assert sim.counts()["127.1.0.1"]["methods"] == {"PATCH": 1}


async def test_refusals_leave_the_root_open_and_carry_their_words(one, ask, login):
    for fault, status in (
        ("401", 401),
        ("403", 403),
        ("no-licence", 403),
        ("locked", 403),
        ("password-change", 403),
    ):
        async with one(fault, options=GUARDED) as sim:
            assert (await ask(sim.hosts[0])).status == 200
            heard = await ask(sim.hosts[0], SYSTEMS, headers=[basic()])
            assert heard.status == status, fault
            words = {
                "password-change": b"PasswordChangeRequired",
                "locked": b"locked",
                "no-licence": b"License",
            }
            assert words.get(fault, b"") in heard.body
            expected = 401 if fault == "401" else 403 if fault == "locked" else 201
            assert (await login(sim.hosts[0])).status == expected, fault


async def test_rejected_logins_are_counted_and_tokens_are_not(one, ask, login):
    async with one("401", options=GUARDED) as sim:
        await login(sim.hosts[0])
        await ask(sim.hosts[0], SYSTEMS, headers=[basic()])
        await ask(sim.hosts[0], SYSTEMS, headers=["X-Auth-Token: x"])
        await ask(sim.hosts[0], SYSTEMS)
        assert sim.total["failed_logins"] == 2


async def test_a_rejection_can_break_off_in_its_body(one, ask):
    async with one("401-truncated", options=GUARDED) as sim:
        heard = await ask(sim.hosts[0], SYSTEMS, headers=[basic()])
        assert (heard.status, heard.end) == (401, "eof")
        size, _, data = heard.body.partition(b"\r\n")
        assert len(data) < int(size, 16)


async def test_faults_of_different_moments_add_up(ask):
    rules = [Fault("token-dies", requests=0), Fault("404", path="*/Chassis"), Fault("500", path="*/Chassis")]
    async with SimulatedFleet(SimOptions(hosts=1, faults=rules, auth=("root", "calvin"))) as sim:
        statuses = [
            (await ask(sim.hosts[0], path, headers=[basic()])).status
            for path in (SYSTEMS, "/redfish/v1/Chassis")
        ]
        assert statuses == [200, 404]


async def test_even_the_root_can_need_credentials(one, ask):
    async with one("401-root", options=GUARDED) as sim:
        assert (await ask(sim.hosts[0])).status == 401
        assert (await ask(sim.hosts[0], headers=[basic()])).status == 200


async def test_a_full_table_can_refuse_basic_too(one, ask, login):
    async with one("auth.session_limit", options=GUARDED) as sim:
        assert (await login(sim.hosts[0])).status == 503
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[basic()])).status == 503
        assert (await ask(sim.hosts[0])).status == 200


async def test_logins_can_be_taken_at_the_old_path_only(one, ask, login):
    old = "/redfish/v1/Sessions"
    body = json.dumps({"UserName": "root", "Password": "calvin"}).encode()
    async with one("sessions-elsewhere", options=GUARDED) as sim:
        assert (await login(sim.hosts[0])).status == 405
        heard = await ask(sim.hosts[0], old, method="POST", body=body)
        assert (heard.status, heard.header("location")) == (201, f"{SESSIONS}/1")
    async with one(options=GUARDED) as sim:
        assert (await ask(sim.hosts[0], old, method="POST", body=body)).status == 404


async def test_logins_can_be_refused_where_basic_works(one, ask, login):
    async with one("sessions-full", options=GUARDED) as sim:
        heard = await login(sim.hosts[0])
        assert (heard.status, b"RAC0218" in heard.body) == (503, True)
        assert (await ask(sim.hosts[0], SYSTEMS, headers=[basic()])).status == 200


async def test_a_token_dies_after_so_many_requests(one, ask, login):
    async with one("token-dies", options=GUARDED, requests=2) as sim:
        token = f"X-Auth-Token: {(await login(sim.hosts[0])).header('x-auth-token')}"
        statuses = [(await ask(sim.hosts[0], SYSTEMS, headers=[token])).status for _ in range(4)]
        assert statuses == [200, 200, 401, 401]
        assert sim.total["sessions"] == 0


async def test_where_sessions_are_not_offered_no_login_counts(one, login):
    for status in (404, 405, 501):
        async with one("no-sessions", options=GUARDED, status=status) as sim:
            assert (await login(sim.hosts[0])).status == status
            assert (sim.total["logins"], sim.total["failed_logins"]) == (0, 0)


async def test_a_new_session_is_named_oddly_as_asked(one, login):
    async with one("odd-location", options=GUARDED) as sim:
        heard = await login(sim.hosts[0])
        assert (heard.status, heard.header("location")) == (201, None)
    async with one("odd-location", options=GUARDED, location="absolute") as sim:
        assert (await login(sim.hosts[0])).header("location") == f"{sim.hosts[0]}{SESSIONS}/1"


@pytest.mark.parametrize(("status", "left"), [(405, 1), (404, 1), (200, 0), (202, 0)])
async def test_a_session_ends_only_when_its_logout_succeeds(one, ask, login, status, left):
    async with one("logout-refused", options=GUARDED, status=status) as sim:
        token = f"X-Auth-Token: {(await login(sim.hosts[0])).header('x-auth-token')}"
        heard = await ask(sim.hosts[0], f"{SESSIONS}/1", method="DELETE", headers=[token])
        assert heard.status == status
        assert sim.total["sessions"] == left


async def test_a_login_that_carries_basic_can_be_refused(one, login):
    async with one("login-refuses-basic", options=GUARDED) as sim:
        assert (await login(sim.hosts[0], headers=[basic()])).status == 400
        assert (await login(sim.hosts[0])).status == 201


async def test_without_auth_everybody_may_come_in(one, ask, login):
    async with one() as sim:
        assert (await ask(sim.hosts[0], SYSTEMS)).status == 200
        assert (await login(sim.hosts[0], "anything")).status == 201
