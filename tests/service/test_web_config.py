"""The file of Prometheus' exporter-toolkit: what of it is taken, and what is refused with its reason."""

from __future__ import annotations

import ssl
from collections import Counter
from pathlib import Path

import anyio
import bcrypt
import httpx
import pytest
import trustme
from served import Workshop, until

from fleet.errors import UsageError
from fleet.service.http.web_config import AccessRules

TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key, %s}\n"
CA = "client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """Of the server and of its clients."""
    made = trustme.CA()
    issued = made.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    made.cert_pem.write_to_path(tmp_path / "ca.crt")
    return made


def web(folder: Path, text: str) -> AccessRules:
    (folder / "web.yaml").write_text(text, encoding="utf-8")
    return AccessRules(folder / "web.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TLS % "key: hunter2", "`key` is not supported: a configuration holds no secret"),
        (TLS % "curve_preferences: [X25519]", "`curve_preferences` is not supported"),
        (TLS % "min_version: TLS10", "'TLS10' is not supported: TLS 1.2 is the oldest"),
        (TLS % "client_auth_type: RequireAnyClientCert", "a certificate that is not verified proves nothing"),
        (TLS % "client_auth_type: RequireAndVerifyClientCert", "needs a client_ca_file"),
        (TLS % "client_allowed_sans: [ops]", "needs client_auth_type: RequireAndVerifyClientCert"),
        (TLS % "min_version: TLS13, max_version: TLS12", "min_version is above max_version"),
        (TLS % "cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "is not offered"),
        (TLS % "cipher_suites: [TLS_AES_128_GCM_SHA256]", "set min_version: TLS13"),
        ("http_server_config: {headers: {Server: x}}", "'Server' cannot be set here"),
        ('http_server_config: {headers: {X-Frame-Options: "a\\nB: c"}}', "on one line"),
        ("rate_limit: {interval: 1s, burst: 5}", "`rate_limit` is not supported"),
        ("basic_auth_user: {a: b}", "did you mean 'basic_auth_users'?"),
        ("basic_auth_users: {ops: hunter2}", "not a bcrypt hash"),
        ("tls_server_config: {cert_file: server.pem}", "key_file"),
        ("a: &a [*a]", "web.yaml:1"),
    ],
)
def test_what_is_refused_says_why_and_where(
    tmp_path: Path, authority: trustme.CA, text: str, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        web(tmp_path, text)
    said = str(caught.value)
    assert says in said and "web.yaml:1" in said and "hunter2" not in said


def test_the_sample_of_the_toolkit_is_taken_but_for_what_is_weak(
    tmp_path: Path, authority: trustme.CA
) -> None:
    text = """
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: VerifyClientCertIfGiven
  min_version: TLS12
  max_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers: {x-frame-options: SAMEORIGIN, Strict-Transport-Security: max-age=60, X-XSS-Protection: ""}
"""
    made = web(tmp_path, text)
    context = made.context
    assert context is not None and context.verify_mode is ssl.CERT_OPTIONAL
    assert context.maximum_version is ssl.TLSVersion.TLSv1_2
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    named = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"}
    assert named == {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"}
    headers = made.file.http_server_config.headers
    assert headers == {"X-Frame-Options": "SAMEORIGIN", "Strict-Transport-Security": "max-age=60"}


@pytest.mark.parametrize("names", ["", ", client_allowed_sans: [prometheus.example]"])
async def test_clients_are_let_in_by_their_certificates(
    workshop: Workshop, authority: trustme.CA, names: str
) -> None:
    headers = "http_server_config: {headers: {X-Frame-Options: SAMEORIGIN}}\n"
    workshop.write("web.yaml", TLS % (CA + names) + headers)
    known, other = (context_of(authority, name) for name in ("prometheus.example", "other.example"))
    nobody = ssl.create_default_context()
    authority.configure_trust(nobody)
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n", verify=known) as served:
        page = await served.client.get("/metrics")
        assert page.status_code == 200 and page.headers["x-frame-options"] == "SAMEORIGIN"
        for context, let_in in ((other, not names), (nobody, False)):
            async with httpx.AsyncClient(
                base_url=served.client.base_url, verify=context, trust_env=False
            ) as client:
                if let_in:
                    assert (await client.get("/-/healthy")).status_code == 200
                else:
                    with pytest.raises(httpx.TransportError):
                        await client.get("/-/healthy")
        assert (await served.client.get("/metrics")).status_code == 200


def context_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """What a client with a certificate of that name speaks by."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    authority.issue_cert(name).configure_cert(context)
    return context


def users(*passwords: bytes) -> str:
    hashed = [bcrypt.hashpw(password, bcrypt.gensalt(4)).decode() for password in passwords]
    return f"basic_auth_users: {{ops: '{hashed[0]}'}}\n"


async def test_a_password_that_changes_under_load_lets_in_who_has_it_and_nobody_else(
    workshop: Workshop,
) -> None:
    """On connections that were open before, with clients that have the old one, the new one and none; who
    listened by the old one hears no more."""
    workshop.write("web.yaml", users(b"first"))
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n") as served:
        seen: Counter[tuple[str, int]] = Counter()
        changed = anyio.Event()
        heard_the_end = anyio.Event()

        async def ask(password: str) -> None:
            async with httpx.AsyncClient(base_url=served.client.base_url, trust_env=False) as client:
                while True:
                    auth = ("ops", password) if password else None
                    reply = await client.get("/api/v1/status", auth=auth)
                    when = "after" if changed.is_set() else "before"
                    seen[f"{when} {password}", reply.status_code] += 1

        async def listen() -> None:
            async with served.client.stream("GET", "/api/v1/events", auth=("ops", "first")) as stream:
                assert stream.status_code == 200
                async for _ in stream.aiter_lines():
                    seen["event", 200] += 1
            heard_the_end.set()

        async def enough(*wanted: tuple[str, int]) -> bool:
            return all(seen[each] >= 5 for each in wanted)

        async with anyio.create_task_group() as group:
            for password in ("first", "second", "", "first", "second"):
                group.start_soon(ask, password)
            group.start_soon(listen)
            await until(lambda: enough(("before first", 200), ("before second", 401), ("before ", 401)))
            await until(lambda: _done(seen["event", 200]))
            workshop.write("web.yaml", users(b"second"))
            await until(lambda: _done(served.said("web_config.reloaded")))
            await until(lambda: enough(("before second", 200)))
            changed.set()
            for key in [key for key in seen if key[0].startswith("after")]:
                del seen[key]
            await until(lambda: enough(("after first", 401), ("after second", 200), ("after ", 401)))
            await heard_the_end.wait()
            group.cancel_scope.cancel()
        assert set(seen) - {("event", 200)} == {
            ("before first", 200), ("before first", 401), ("before second", 401), ("before second", 200),
            ("before ", 401), ("after first", 401), ("after second", 200), ("after ", 401),
        }  # fmt: skip


async def _done(value: object) -> bool:
    return bool(value)


async def test_a_file_that_is_being_written_lets_nobody_in(workshop: Workshop) -> None:
    """An editor empties it first; somebody empties it for good."""
    path = workshop.write("web.yaml", users(b"first"))
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n") as served:
        path.write_text("")
        await until(lambda: _done(served.said("web_config.refused")))
        (said,) = served.said("web_config.refused")
        assert "is empty" in said["why"] and "webConfig" in said["why"]
        assert (await served.client.get("/metrics")).status_code == 401
        path.write_text(users(b"second"))
        await until(lambda: _done(served.said("web_config.reloaded")))
        assert (await served.client.get("/metrics")).status_code == 401
        assert (await served.client.get("/metrics", auth=("ops", "second"))).status_code == 200


async def test_connections_of_clients_that_are_trusted_no_more_end(
    workshop: Workshop, authority: trustme.CA
) -> None:
    workshop.write("web.yaml", TLS % CA)
    known = context_of(authority, "prometheus.example")
    async with workshop.serving(workshop.config + "webConfig: web.yaml\n", verify=known) as served:
        assert (await served.client.get("/metrics")).status_code == 200
        workshop.write("web.yaml", TLS % (CA + ", client_allowed_sans: [other.example]"))

        async def kept_out() -> bool:
            try:
                await served.client.get("/-/healthy")
            except httpx.TransportError:
                return True
            return False

        await until(kept_out)
        with pytest.raises(httpx.TransportError):
            await served.client.get("/-/healthy")
