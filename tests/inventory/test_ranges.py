"""Ranges: what they stand for, lazily, in the order of a naive expansion."""

from __future__ import annotations

import ipaddress
from itertools import islice, product
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory.ranges import HostRange, parse_range


def range_of(text: str) -> HostRange:
    found = parse_range(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"]),
        ("10.0.0.0/31", ["10.0.0.0", "10.0.0.1"]),
        ("10.0.0.7/32", ["10.0.0.7"]),
        ("2001:db8::/126", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
        ("2001:db8::/127", ["2001:db8::", "2001:db8::1"]),
        ("2001:db8::fe-2001:db8::101", [f"2001:db8::{n:x}" for n in range(0xFE, 0x102)]),
        ("10.0.0.9-11", ["10.0.0.9", "10.0.0.10", "10.0.0.11"]),
        ("10.0.0-1.1-2", ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2"]),
        ("10.0.0.254-10.0.1.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
        ("bmc[8-11]", ["bmc8", "bmc9", "bmc10", "bmc11"]),
        ("bmc[008-011].dc1", ["bmc008.dc1", "bmc009.dc1", "bmc010.dc1", "bmc011.dc1"]),
        ("bmc[0-2]", ["bmc0", "bmc1", "bmc2"]),
        ("bmc[00-02]", ["bmc00", "bmc01", "bmc02"]),
        ("bmc[0-9/4]", ["bmc0", "bmc4", "bmc8"]),
        ("bmc[1,3,07,x]", ["bmc1", "bmc3", "bmc07", "bmcx"]),
        ("bmc[A-c]", ["bmca", "bmcb", "bmcc"]),
        ("bmc[a-e/2]", ["bmca", "bmcc", "bmce"]),
        ("r[1-2]u[1,2]", ["r1u1", "r1u2", "r2u1", "r2u2"]),
        ("[a,b]", ["a", "b"]),
        ("10.0.0.[1-2]", ["10.0.0.1", "10.0.0.2"]),
    ],
)
def test_ranges_expand_in_order(text: str, hosts: list[str]) -> None:
    found = range_of(text)
    assert list(found) == hosts
    assert found.size == len(hosts)
    assert all(host in found for host in hosts)


@pytest.mark.parametrize("text", ["bmc-1", "10-0-0-1.example", "bmc7.dc1", "1-2.example", "10.0.0.1"])
def test_a_single_host_is_no_range(text: str) -> None:
    assert parse_range(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.5/24", "10.0.0.5/24 has host bits set"),
        ("10.0.0.0/33", "not a network: '10.0.0.0/33'"),
        ("bmc/24", "not a network: 'bmc/24'"),
        ("10.0.0.50-10", "50-10 runs backwards in '10.0.0.50-10'"),
        ("10.0.0.1-300", "not a range of addresses: '10.0.0.1-300'"),
        ("10.0.00.1-3", "not a range of addresses: '10.0.00.1-3'"),
        ("10.0.1.0-10.0.0.0", "10.0.1.0-10.0.0.0 runs backwards"),
        ("10.0.1.0-10.0.0.999", "not a range of addresses: '10.0.1.0-10.0.0.999'"),
        ("bmc[1-3", "a bracket is not closed: 'bmc[1-3'"),
        ("bmc1-3]", "a bracket is not closed: 'bmc1-3]'"),
        ("bmc[[1-3]]", "a bracket is not closed: 'bmc[[1-3]]'"),
        ("bmc[]", "not a range: [] in 'bmc[]'"),
        ("bmc[1-]", "not a range: [1-] in 'bmc[1-]'"),
        ("bmc[1..3]", "not a range: [1..3] in 'bmc[1..3]'"),
        ("bmc[3-1]", "[3-1] runs backwards"),
        ("bmc[c-a]", "[c-a] runs backwards"),
        ("bmc[01-100]", "the zeros of [01-100] disagree"),
        ("bmc[001-10]", "[001-10] runs backwards or its zeros disagree"),
        ("bmc[1-9/0]", "the step of [1-9/0] is zero"),
        ("[1]" * 9, "more than 8 brackets in '" + "[1]" * 9 + "'"),
    ],
)
def test_what_is_not_a_range_says_why(text: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        parse_range(text)
    assert caught.value.message == message


def test_large_ranges_are_lazy() -> None:
    assert range_of("10.0.0.0/8").size == 2**24 - 2
    assert list(islice(range_of("2001:db8::/32"), 2)) == ["2001:db8::1", "2001:db8::2"]
    many = range_of("bmc[1-900000000].r[1-900000000]")
    assert many.size == 81 * 10**16
    assert list(islice(many, 2)) == ["bmc1.r1", "bmc1.r2"]
    assert "bmc899999999.r17" in many


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("10.0.0.0/30", ["10.0.0.0", "10.0.0.3", "10.0.1.1", "bmc", "::1"]),
        ("bmc[008-011]", ["bmc8", "bmc0008", "bmc012", "bmc", "xbmc008", "bmc00٨"]),
        ("bmc[0-9/4]", ["bmc1", "bmc12"]),
        ("bmc[a-c]", ["bmcd", "bmcaa", "bmc1"]),
        ("10.0.0.1-3", ["10.0.0.4", "10.0.0.01"]),
    ],
)
def test_membership_is_exact(text: str, outside: list[str]) -> None:
    found = range_of(text)
    assert not any(host in found for host in outside)


@st.composite
def bracket_items(draw: st.DrawFn) -> tuple[str, list[str]]:
    """An item as written, and what a person would expand it to by hand."""
    kind = draw(st.sampled_from(["numbers", "letters", "word"]))
    if kind == "word":
        word = draw(st.text(ascii_lowercase + "_", min_size=2, max_size=4))
        return word, [word]
    step = draw(st.integers(1, 5))
    suffix = f"/{step}" if draw(st.booleans()) or step > 1 else ""
    if kind == "letters":
        first, last = sorted(
            draw(st.tuples(st.sampled_from(ascii_lowercase), st.sampled_from(ascii_lowercase)))
        )
        between = ascii_lowercase[ascii_lowercase.index(first) : ascii_lowercase.index(last) + 1]
        return f"{first}-{last}{suffix}", list(between[::step])
    low = draw(st.integers(0, 99))
    high = draw(st.integers(low, low + 30))
    width = len(str(high)) + draw(st.integers(1, 2)) if draw(st.booleans()) else 0
    text = f"{low:0{width}d}-{high:0{width}d}{suffix}"
    return text, [str(number).rjust(width, "0") for number in range(low, high + 1, step)]


@given(st.lists(st.lists(bracket_items(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_brackets_agree_with_a_naive_expansion(groups: list[list[tuple[str, list[str]]]]) -> None:
    text = "h" + ".x".join(f"[{','.join(item for item, _ in group)}]" for group in groups)
    expected = [
        "h" + ".x".join(parts)
        for parts in product(*([word for _, words in group for word in words] for group in groups))
    ]
    found = range_of(text)
    assert list(found) == expected
    assert found.size == len(expected)
    assert expected[-1] in found


@given(st.integers(0, 2**32 - 1), st.integers(22, 32))
def test_networks_agree_with_the_standard_library(address: int, length: int) -> None:
    network = ipaddress.ip_network((address, length), strict=False)
    found = range_of(str(network))
    assert list(found) == [str(host) for host in network.hosts()]
    assert found.size == len(list(network.hosts()))


@given(st.text(alphabet="bmc[]0123456789-,/.:a", max_size=30))
def test_any_expression_is_a_range_a_host_or_an_inventory_error(text: str) -> None:
    try:
        found = parse_range(text)
    except InventoryError:
        return
    assert found is None or found.size > 0
