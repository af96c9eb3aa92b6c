"""The file of Prometheus' exporter-toolkit: what of it is taken, and what is refused with its reason."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from served import Workshop

from fleet.errors import UsageError
from fleet.service.http.web_config import Web

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


def web(folder: Path, text: str) -> Web:
    (folder / "web.yaml").write_text(text, encoding="utf-8")
    return Web(folder / "web.yaml")


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
