"""A dry run tells what would be done, and touches nothing."""

from __future__ import annotations

import re
import subprocess
import sys

from fleet_process import PATIENCE, Ended, Place

GUARDED = """
import sys
def refuse(event, _arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        raise SystemExit(f"a dry run did {event}")
sys.addaudithook(refuse)
from fleet.cli import main
sys.exit(main())
"""
HOSTS = """
bmc[1-6].example site=a
bmc7.example site=b proxy=socks5h://gate.example:1080
bmc8.example site=b auth=lab
"""


def guarded(place: Place, *words: object) -> Ended:
    """A fleet command in which opening a socket's other end, or asking for a name, is the end."""
    ended = subprocess.run(
        [sys.executable, "-c", GUARDED, *map(str, words)],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, 0.0)


def test_the_guard_notices_a_scan(place: Place) -> None:
    ended = guarded(place, "scan", "http://127.0.0.1:9", "--retries", 0, "-p", "probe", "--fail-on", "none")
    assert "a dry run did socket.connect" in ended.err, ended.out + ended.err


def test_a_dry_run_counts_and_opens_no_socket(place: Place) -> None:
    place.write("hosts.txt", HOSTS)
    place.write("auths.yaml", "auths: {lab: {username: root, password: env:WORD, match: 'site=z'}}")
    place.env["WORD"] = "c4nary"
    ended = guarded(place, "scan", "hosts.txt", "--auths", "auths.yaml", "--dry-run", "--rate", "5/s")
    assert ended.status == 0, ended.err
    assert "c4nary" not in ended.out + ended.err
    assert re.search(r"^targets +8$", ended.out, re.MULTILINE)
    assert re.search(r"^ +labels +site=a 6, site=b 2$", ended.out, re.MULTILINE)
    assert re.search(r"^ +proxies +direct 7, socks5h://gate\.example:1080 1$", ended.out, re.MULTILINE)
    assert re.search(r"^ +auths +lab 1$", ended.out, re.MULTILINE)
    assert re.search(r"at least \d+ requests; \d+ steps fan out", ended.out)
    assert not (place.folder / "runs").exists()


def test_what_fits_no_target_is_named(place: Place) -> None:
    """A match that is misspelt would otherwise be met at night, as logins that hosts refuse."""
    place.write("hosts.txt", HOSTS.replace("auth=lab", "").replace("proxy=", "was="))
    place.write(
        "access.yaml",
        "auths:\n  a: {username: root, password: env:WORD, match: 'site=a'}\n"
        "  b: {username: root, password: env:WORD, match: 'sites=b'}\n"
        "proxies: {jump: {url: 'socks5h://gate.example:1080', match: 'site=c'}}\n",
    )
    place.env["WORD"] = "c4nary"
    unused = "auths b; proxies jump: their match fits no target"
    ended = guarded(place, "scan", "hosts.txt", "--auths", "access.yaml", "--dry-run")
    assert unused in ended.out, ended.out + ended.err
    assert unused in guarded(place, "check", "redfish", "hosts.txt", "--auths", "access.yaml").err
    part = guarded(place, "scan", "hosts.txt", "--auths", "access.yaml", "--dry-run", "--limit", 2)
    assert "unused" not in part.out
    place.write("access.yaml", "auths: {a: {username: root, password: env:WORD, match: 'host=bmc*'}}")
    ended = guarded(place, "scan", "hosts.txt", "--auths", "access.yaml", "--dry-run")
    assert "unused" not in ended.out
    assert re.search(r"^ +auths +a 8$", ended.out, re.MULTILINE)


def test_an_earlier_run_says_what_it_may_take(place: Place) -> None:
    with place.simulator("--hosts", 4, "--write-hosts", "hosts.txt") as simulator:
        assert place.scan("hosts.txt", "-p", "probe").status == 0
        asked = simulator.total("requests"), simulator.total("accepted")
        words = ("scan", "hosts.txt", "-p", "probe", "--estimate", "run")
        ended = place.fleet(*words, "--dry-run")
        assert ended.status == 0, ended.err
        assert re.search(r"reached 4 targets with a median of 1 requests", ended.out)
        assert "expect about 4 requests in 1 s" in " ".join(ended.out.split())
        assert (simulator.total("requests"), simulator.total("accepted")) == asked
        assert place.fleet(*words).status == 2
