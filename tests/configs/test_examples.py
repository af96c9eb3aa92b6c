"""The example inventories and credentials that are shipped read as they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.inventory import Credentials, Proxies, SecretReader, load_auths, read_targets

EXAMPLES = Path(__file__).parents[2] / "configs" / "examples"


@pytest.mark.parametrize(("name", "count"), [("hosts.txt", 149), ("hosts.csv", 42)])
def test_example_inventories(name: str, count: int) -> None:
    targets = list(read_targets([str(EXAMPLES / name)], report=lambda error: pytest.fail(str(error))))
    assert len(targets) == count


def test_example_credentials_bind_the_example_hosts(tmp_path: Path) -> None:
    file = load_auths(EXAMPLES / "auths.yaml")
    (tmp_path / "racks-password").write_text("r\n")
    (tmp_path / "racks-password").chmod(0o600)
    (tmp_path / "bmc-password").write_text("b\n")
    environ = {
        "LAB_USER": "lab",
        "LAB_PASSWORD": "l",
        "DC2_PROXY_PASSWORD": "p",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    secrets = SecretReader(environ=environ, directory=tmp_path, warn=pytest.fail)
    credentials, proxies = Credentials(file.auths, secrets=secrets), Proxies(file.proxies, secrets=secrets)
    credentials.check()
    proxies.check()
    targets = read_targets(
        [str(EXAMPLES / "hosts.csv"), str(EXAMPLES / "hosts.txt")],
        report=lambda error: None,
    )
    bound = {target.id: (credentials.choose(target)[0], proxies.choose(target)[0]) for target in targets}
    assert bound["rack1-u01"] == ("racks", None)
    auth, proxy = bound["https://bmc001.dc2.example"]
    assert proxy is not None
    assert (auth, proxy.label) == ("default", "dc2")
    assert bound["https://[2001:db8::10]:8443"] == ("default", None)
