"""Folded host sets: exact, short, stable, and read back by the inventory."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.inventory import Folder, fold, name_some, read_targets


def expanded(expressions: Iterable[str]) -> list[str]:
    """The base URLs that an inventory of these expressions has."""
    return [target.url for target in read_targets(list(expressions), report=pytest.fail)]


def texts(hosts: Iterable[str]) -> list[str]:
    return [folded.text for folded in fold(hosts)]


@pytest.mark.parametrize(
    ("hosts", "folded"),
    [
        ([f"bmc-17-{number:03d}" for number in range(1, 75)], ["bmc-17-[001-074]"]),
        ([f"10.8.{a}.{b}" for a in range(16, 20) for b in range(2, 42)], ["10.8.[16-19].[2-41]"]),
        (["bmc-22-007", "bmc-22-101", "bmc-22-019"], ["bmc-22-[007,019,101]"]),
        (["node9", "node10", "node11"], ["node[9-11]"]),
        (["node09", "node10", "node9"], ["node9", "node[09-10]"]),
        (["a.dc1", "b.dc1"], ["a.dc1", "b.dc1"]),
        ([f"u{number}" for number in range(1, 16, 2)], ["u[1-15/2]"]),
        ([f"u{number}" for number in (1, 3, 5, 6, 7, 20)], ["u[1,3,5-7,20]"]),
        (
            [f"https://r{row}-{unit}.dc1:8443" for row in (1, 2) for unit in (4, 5)],
            ["https://r[1-2]-[4-5].dc1:8443"],
        ),
        (["https://h1", "http://h2", "https://h3:8443"], ["http://h2", "https://h1", "https://h3:8443"]),
        (["https://h1/rack9", "https://h2/rack9"], ["https://h[1-2]/rack9"]),
        (
            ["https://[2001:db8::1]:8443", "https://[2001:db8::2]:8443", "https://[2001:db8::10]:8443"],
            ["https://[2001:db8::1-2001:db8::2]:8443", "https://[2001:db8::10]:8443"],
        ),
        (["rack7 [u1]", "rack7 [u2]"], ["rack7 [u1]", "rack7 [u2]"]),
        (["", "=1,2"], ["", "=1,2"]),
    ],
)
def test_hosts_are_folded_as_a_person_would(hosts: list[str], folded: list[str]) -> None:
    assert sorted(texts(hosts)) == sorted(folded)
    shuffled = random.Random(1).sample(hosts, len(hosts))
    assert texts(shuffled + hosts) == texts(hosts)
    assert sum(one.size for one in fold(hosts)) == len(hosts)


def test_a_cross_is_two_boxes_whichever_way_it_lies() -> None:
    rows = {(a, b) for a in range(10) for b in (1, 2)} | {(3, b) for b in range(9)}
    assert texts(f"10.0.{a}.{b}" for a, b in rows) == ["10.0.3.[0-8]", "10.0.[0-2,4-9].[1-2]"]


def test_long_lists_make_several_expressions() -> None:
    primes = [n for n in range(2, 200) if all(n % d for d in range(2, n))]
    found = texts(f"n{prime:04d}" for prime in primes)
    assert len(found) > 1
    assert max(text.count(",") for text in found) < 12
    assert sorted(expanded(found)) == sorted(f"https://n{prime:04d}" for prime in primes)


number = st.integers(0, 130).flatmap(lambda n: st.sampled_from([str(n), f"{n:02d}", f"{n:03d}", f"{n:05d}"]))
small = st.integers(0, 9).map(str)
name = st.one_of(
    st.builds("bmc{}".format, number),
    st.builds("r{}-u{}.dc{}".format, number, number, small),
    st.builds("10.{}.{}.{}".format, small, small, st.integers(0, 255)),
    st.builds("[2001:db8::{:x}]".format, st.integers(1, 0xFFFF)),
    st.builds("n{}x{}y{}z{}a{}b{}c{}d{}e{}".format, *([small] * 9)),
    st.builds("id{}".format, st.integers(0, 10**20)),
)
url = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    name,
    st.sampled_from(["", ":8443", ":81"]),
    st.sampled_from(["", "/p7", "/rack/u09"]),
)


@given(st.lists(url, max_size=60))
def test_what_is_folded_expands_to_exactly_what_it_was(urls: list[str]) -> None:
    hosts = set(expanded(urls))
    folded = fold(hosts)
    found = expanded(one.text for one in folded)
    assert set(found) == hosts
    assert len(found) == len(hosts) == sum(one.size for one in folded)


def test_the_largest_sets_are_named_and_the_rest_is_counted() -> None:
    folder = Folder()
    for host in ["zoo", *(f"bmc{number}" for number in range(1, 60)), "ant"]:
        folder.add(host)
    assert name_some(folder.sets(), most=2) == "bmc[1-59], ant and 1 more"
    assert name_some(folder.sets(), most=9) == "bmc[1-59], ant, zoo"
    assert name_some([], most=2, unnamed=5) == "5"


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    folder = Folder(most=10)
    for letter in "abcdefghijklmno":
        folder.add(f"host-{letter}")
    assert (len(folder.sets()), folder.unnamed) == (10, 5)
