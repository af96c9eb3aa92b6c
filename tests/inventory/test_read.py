"""From sources to targets: told apart, excluded, selected, limited, counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory import HostSet, parse_condition, parse_match
from fleet.inventory.address import HostPort
from fleet.inventory.seen import Seen

Read = Callable[..., Any]


def test_duplicates_collapse_and_the_first_wins(read_text: Read) -> None:
    reading = read_text(
        "10.0.0.1 site=a\n10.0.0.1:443 site=b\nhttps://10.0.0.1/ site=c\n10.0.0.1:8443\nhttps://10.0.0.1/x\n"
        "H1 id=one\nh1 id=one\nh1\nh1:443 id=two\n"
    )
    assert [(target.id, target.url) for target in reading.targets] == [
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://10.0.0.1:8443", "https://10.0.0.1:8443"),
        ("https://10.0.0.1/x", "https://10.0.0.1/x"),
        ("one", "https://h1"),
    ]
    assert reading.targets[0].labels == {"site": "a"}
    assert (reading.counts.targets, reading.counts.duplicates, reading.counts.rejected) == (4, 5, 0)
    assert str(reading.counts) == "4 targets, 5 duplicates"


@pytest.mark.parametrize(
    "text",
    [
        "h1 id=one\nh2 id=one\n",
        "h1\nh2 id=https://h1\n",
        "h2 id=https://h1\nh1\n",
    ],
)
def test_one_id_with_two_addresses_is_an_error(read_text: Read, text: str) -> None:
    reading = read_text(text + "h3\n")
    assert len(reading.targets) == 2
    assert reading.errors[0].line == 2
    assert "stands for two addresses" in reading.errors[0].message
    assert reading.urls[-1] == "https://h3"


def test_an_id_that_is_the_url_is_no_id_of_its_own(read_text: Read) -> None:
    reading = read_text("h1 id=https://h1\nh1\n")
    assert (len(reading.targets), reading.counts.duplicates, reading.errors) == (1, 1, [])


def test_exclusions_of_every_shape_leave_out_what_they_name(
    read_text: Read, write: Callable[..., str]
) -> None:
    text = "10.0.0.0/29\n10.0.1.1\n10.0.1.1:8443\n10.0.2.1-4\nbmc[01-04].dc1\nsw1.dc1\nsw2.dc2\n2001:db8::1\n"
    path = write("exclude.txt", "# never these\n10.0.2.2-3   sw*.dc1 # switches\n\n2001:db8::/64\n")
    reading = read_text(
        text, exclude=["10.0.0.4/30", "10.0.1.1:8443", "bmc[02-03].dc1"], exclude_files=[path]
    )
    assert reading.urls == [
        *(f"https://10.0.0.{n}" for n in (1, 2, 3)),
        "https://10.0.1.1",
        "https://10.0.2.1",
        "https://10.0.2.4",
        "https://bmc01.dc1",
        "https://bmc04.dc1",
        "https://sw2.dc2",
    ]
    assert reading.counts.excluded == 10


def test_a_bad_exclusion_is_always_fatal(read_text: Read, write: Callable[..., str]) -> None:
    with pytest.raises(InventoryError) as caught:
        read_text("h1\n", exclude=["10.0.0.5/24"])
    assert str(caught.value) == "--exclude: 10.0.0.5/24 has host bits set\n  did you mean 10.0.0.0/24?"
    path = write("x.txt", "h1\n\nh2 bmc[1-\n")
    with pytest.raises(InventoryError) as caught:
        read_text("h1\n", exclude_files=[path])
    assert (caught.value.file, caught.value.line) == (path, 3)
    with pytest.raises(InventoryError, match="cannot read"):
        read_text("h1\n", exclude_files=[path + "x"])
    for glob in ("bmc[01-03]*", "https://h*", "root:hunter2@h*"):
        with pytest.raises(InventoryError, match="a glob of hosts has") as caught:
            read_text("h1\n", exclude=[glob])
        assert "hunter2" not in str(caught.value)
    with pytest.raises(InventoryError, match="without a path"):
        read_text("h1\n", exclude=["https://h1/x"])


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("site=a", "1 2"),
        ("site=a,rack=7*", "1"),
        ("site!=a", "3 4"),
        ("site=a|b", "1 2 3"),
        ("site=", "4"),
        ("rack=*", "1 2 3 4"),
        ("rack=?*", "1 2"),
        ("id=1", "1"),
        ("auth=lab", "2"),
        ("proxy=dc1", "3"),
        ("url=*:8443", "2"),
        ("host=10.0.0.0/24", "1 2"),
        ("host=10.0.0.1|h3", "1 3"),
        ("host!=h*", "1 2"),
        ("host=h[3,4],site!=b", "4"),
        ("h*", "3 4"),
        (" site = a , rack = 8 ", "2"),
    ],
)
def test_a_selection_keeps_what_it_holds_for(read_text: Read, condition: str, ids: str) -> None:
    text = (
        "10.0.0.1 id=1 site=a rack=71\n10.0.0.2:8443 id=2 site=a rack=8 auth=lab\n"
        "h3 id=3 site=b proxy=dc1\nh4 id=4\n"
    )
    reading = read_text(text, select=[condition])
    assert " ".join(target.id for target in reading.targets) == ids
    assert reading.counts.unselected == 4 - len(reading.targets)


def test_several_selections_must_all_hold(read_text: Read) -> None:
    reading = read_text("h1 a=1\nh2 a=1 b=2\n", select=["a=1", "b=2"])
    assert reading.urls == ["https://h2"]


def test_the_first_of_two_lines_decides_even_when_only_the_second_would_be_selected(read_text: Read) -> None:
    reading = read_text("h1 site=a\nh1 site=b\n", select=["site=b"])
    assert reading.urls == []
    assert (reading.counts.unselected, reading.counts.duplicates) == (1, 1)


@pytest.mark.parametrize("condition", ["", " , ", "=a", "host=10.0.0.5/24"])
def test_a_bad_selection_is_fatal(read_text: Read, condition: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read_text("h1\n", select=[condition])
    assert caught.value.file == "--select"


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (2, 2), (9, 3), (None, 3)])
def test_a_limit_ends_the_reading(read_text: Read, limit: int | None, count: int) -> None:
    reading = read_text("h1\nh1\nbmc[1-2]\n", limit=limit)
    assert len(reading.targets) == reading.counts.targets == count


def test_the_default_scheme_is_an_option(read_text: Read) -> None:
    assert read_text("h1\nhttps://h2\nh3:443\n", scheme="http").urls == [
        "http://h1",
        "https://h2",
        "http://h3:443",
    ]


def test_a_proxy_url_with_a_password_is_refused(read_text: Read) -> None:
    reading = read_text("h1 proxy=socks5://u:hunter2@p:1\nh2 proxy=socks5h://p:1\nh3 proxy=direct\n")
    assert [target.proxy for target in reading.targets] == ["socks5h://p:1", "direct"]
    assert "hunter2" not in str(reading.errors[0])


def test_one_clash_does_not_end_a_range(read_text: Read) -> None:
    reading = read_text("h9 id=https://bmc2\nbmc[1-3]\n")
    assert reading.urls == ["https://h9", "https://bmc1", "https://bmc3"]
    assert reading.messages == [
        "<stdin>:2: id=https://bmc2 stands for two addresses, https://bmc2 is the second"
    ]


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("*.dc1:8443", [("h.dc1", 8443)], [("h.dc1", 443), ("h.dc2", 8443)]),
        ("2001:db8:*:5", [("2001:db8:1::5", 443)], [("2001:db8:1::6", 5)]),
        ("10.0.?.*", [("10.0.1.9", 1)], [("10.0.11.9", 1)]),
        ("BMC*", [("bmc7", 443)], [("xbmc", 443)]),
    ],
)
def test_a_glob_holds_the_hosts_that_it_means_and_no_others(
    glob: str, inside: list[tuple[str, int]], outside: list[tuple[str, int]]
) -> None:
    hosts = HostSet([glob])
    assert all(HostPort(*host_port) in hosts for host_port in inside)
    assert not any(HostPort(*host_port) in hosts for host_port in outside)


def test_many_exclusions_are_sorted_once(read_text: Read, write: Callable[..., str]) -> None:
    path = write("x.txt", "".join(f"10.{n >> 8 & 255}.{n & 255}.0/25\n" for n in range(20_000)))
    reading = read_text("10.7.7.1\n10.7.7.200\n", exclude_files=[path])
    assert reading.urls == ["https://10.7.7.200"]


def test_a_match_may_be_a_text_a_list_or_a_mapping(target: Callable[..., Any]) -> None:
    lab = target("https://10.0.0.7", labels={"site": "lab", "row": "3"})

    def holds(match: Any) -> bool:
        return any(condition.holds(lab) for condition in parse_match(match))

    assert holds("site=lab")
    assert holds({"site": "l*", "row": ["2", "3"]})
    assert holds({"host": "10.0.0.0/28"})
    assert holds(["site=x", "10.0.0.*"])
    assert not holds({"site": "lab", "row": "2"})
    assert not holds(["site=x", "host=10.0.1.0/24"])
    for bad in ({}, [], ""):
        with pytest.raises(InventoryError):
            parse_match(bad)


def test_host_sets_of_a_report_are_alternatives_in_a_match(target: Callable[..., Any]) -> None:
    def holds(match: str, host: str) -> bool:
        [condition] = parse_match(match)
        return condition.holds(target(f"https://{host}", labels={"site": "a"}))

    folded = "bmc-[001-074], bmc-99,10.0.0.[1-3,7]"
    assert all(holds(folded, host) for host in ("bmc-007", "bmc-99", "10.0.0.7"))
    assert not holds(folded, "bmc-075")
    assert holds(f"{folded}, site=a", "bmc-99")
    assert not holds(f"{folded},site!=a", "bmc-99")
    assert not holds("host=bmc-1,host=bmc-2", "bmc-1")


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), max_size=12),
    st.integers(0, 330),
)
def test_intervals_agree_with_a_naive_search(spans: list[tuple[int, int]], number: int) -> None:
    def address(value: int) -> str:
        return f"10.0.{value >> 8}.{value & 255}"

    hosts = HostSet(f"{address(first)}-{address(first + length)}" for first, length in spans)
    expected = any(first <= number <= first + length for first, length in spans)
    assert (HostPort(address(number), 443) in hosts) is expected


def test_a_condition_can_be_asked_about_a_target_alone(target: Callable[..., Any]) -> None:
    assert parse_condition("host=h1").holds(target("http://h1/x"))
    assert parse_condition("host=[2001:db8::/64]:8443").holds(target("https://[2001:db8::9]:8443"))
    assert not parse_condition("host=h1:443").holds(target("http://h1"))


def test_many_targets_stay_small() -> None:
    seen = Seen()
    count = 50_000
    for number in range(count):
        assert seen.add(f"https://h{number}", f"id{number}") is None
    assert seen.count == count
    assert seen.nbytes / count < 32
