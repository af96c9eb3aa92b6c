"""Text inventories: what a line means, and what becomes of a bad one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory.formats.rows import Row, format_target, targets_of
from fleet.inventory.formats.text import parse_line
from fleet.target import Target

CORPUS = """\
# the lab
10.0.0.5                       site=a rack='row 7'     # first of the row

   bmc01.dc1:8443\tauth=lab\tproxy=dc1
https://10.0.0.9/redfish-proxy id=rack7-u12 note="it's \\"new\\"" path=C:\\\\x empty= hash=a#b
"""


def row_of(text: str) -> Row:
    row = parse_line(text)
    assert row is not None
    return row


def test_a_text_inventory_reads_as_written(read_text: Callable[..., Any]) -> None:
    reading = read_text(CORPUS)
    assert reading.targets == [
        Target("https://10.0.0.5", "https://10.0.0.5", {"site": "a", "rack": "row 7"}, origin="<stdin>:2"),
        Target("https://bmc01.dc1:8443", "https://bmc01.dc1:8443", {}, "lab", "dc1", "<stdin>:4"),
        Target(
            "rack7-u12",
            "https://10.0.0.9/redfish-proxy",
            {"note": 'it\'s "new"', "path": "C:\\x", "empty": "", "hash": "a#b"},
            origin="<stdin>:5",
        ),
    ]
    assert reading.errors == []
    assert str(reading.counts) == "3 targets"


@pytest.mark.parametrize("text", ["", "   ", "\t", "# comment", "   # comment"])
def test_blank_lines_and_comments_are_nothing(text: str) -> None:
    assert parse_line(text) is None


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("h a=1 b=2", {"a": "1", "b": "2"}),
        ("h a='x y'z", {"a": "x yz"}),
        ("h a=x\\ y", {"a": "x y"}),
        ("h 'a=x y'", {"a": "x y"}),
        ('h a="$x \\$y"', {"a": "$x $y"}),
        ("h a='\\'", {"a": "\\"}),
        ("h a=b=c", {"a": "b=c"}),
        ("h a=1#2 b=#3 #c=4", {"a": "1#2", "b": "#3"}),
        ("h a=größe", {"a": "größe"}),
        ("h a=''", {"a": ""}),
    ],
)
def test_quoting_is_that_of_a_shell(text: str, labels: dict[str, str]) -> None:
    assert row_of(text).labels == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h foo", "expected name=value, found 'foo'"),
        ("h a=1 a=2", "'a' is given twice"),
        ("h a='x", "a quote or a backslash is not finished"),
        ('h a="x', "a quote or a backslash is not finished"),
        ("h a=x\\", "a quote or a backslash is not finished"),
        ("h 1a=x", "not a label name: '1a'"),
        ("h a-b=x", "not a label name: 'a-b'"),
        ("h =x", "not a label name: ''"),
        ("h id=", "id= is empty"),
        ("h a=x\x1b[31m", "the value of 'a' holds a control character"),
        ("h a=x\u202ey", "the value of 'a' holds a control character"),
        ("h password=hunter2", "an inventory holds no secrets: password= is refused"),
        ("h Token=hunter2", "an inventory holds no secrets: Token= is refused"),
        ("h username=root", "username= is refused as a label"),
    ],
)
def test_a_bad_line_says_why(text: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        parse_line(text)
    assert caught.value.message == message
    assert "hunter2" not in str(caught.value)


def test_bad_lines_are_reported_with_their_places_and_the_rest_is_read(read_text: Callable[..., Any]) -> None:
    reading = read_text("h1\nh2 x\nroot:hunter2@h3\nh4\nh5:99999\n")
    assert reading.urls == ["https://h1", "https://h4"]
    assert reading.messages == [
        "<stdin>:2: expected name=value, found 'x'",
        "<stdin>:3: an address cannot carry a user or a password",
        "<stdin>:5: the port is not a number from 1 to 65535",
    ]
    assert str(reading.counts) == "2 targets, 3 rejected"


def test_strict_makes_the_first_bad_line_fatal(read_text: Callable[..., Any]) -> None:
    with pytest.raises(InventoryError) as caught:
        read_text("h1\nh2 x\nh3\n", strict=True)
    assert (caught.value.file, caught.value.line) == ("<stdin>", 2)


@pytest.mark.parametrize(
    ("data", "urls"),
    [
        (b"\xef\xbb\xbfh1\r\nh2\r\n", ["https://h1", "https://h2"]),
        (b"h1", ["https://h1"]),
        (b"h1\n\n\n", ["https://h1"]),
        (b"", []),
    ],
)
def test_line_ends_and_byte_order_marks_are_not_text(
    read_text: Callable[..., Any], data: bytes, urls: list[str]
) -> None:
    assert read_text(data).urls == urls


def test_a_comment_in_another_encoding_is_a_comment(read_text: Callable[..., Any]) -> None:
    reading = read_text(b"# B\xfcro\nh1\n  # M\xfcnchen\r\nh2 # B\xfcro\n")
    assert reading.urls == ["https://h1"]
    assert reading.messages == ["<stdin>:4:7: the line is not UTF-8"]
    assert reading.errors[0].hint == "save the file as UTF-8"


def test_bytes_that_are_not_text_are_reported(read_text: Callable[..., Any]) -> None:
    reading = read_text(b"h1\nh\xff2\nh\x003\nh4\n")
    assert reading.urls == ["https://h1", "https://h4"]
    assert reading.messages == [
        "<stdin>:2:2: the line is not UTF-8",
        "<stdin>:3: an address cannot contain '\\x00'",
    ]
    with pytest.raises(InventoryError, match="UTF-16"):
        read_text("h1\n".encode("utf-16"))


def test_a_long_line_is_skipped_without_being_held(read_text: Callable[..., Any]) -> None:
    reading = read_text(b"h1\n" + b"x" * 300_000 + b"\nh2\n")
    assert reading.urls == ["https://h1", "https://h2"]
    assert reading.messages == ["<stdin>:2: the line is longer than 65536 bytes"]
    assert reading.targets[1].origin == "<stdin>:3"


def test_an_expression_with_an_id_stands_for_one_target(read_text: Callable[..., Any]) -> None:
    reading = read_text("bmc[1-2] id=x\nbmc[1-1] id=y site=a\n10.0.0.0/8:8443\n", limit=3)
    assert reading.messages == ["<stdin>:1: id=x names one target, 'bmc[1-2]' stands for 2"]
    assert [(target.id, target.url) for target in reading.targets][:2] == [
        ("y", "https://bmc1"),
        ("https://10.0.0.1:8443", "https://10.0.0.1:8443"),
    ]


def test_an_expression_that_is_too_large_is_refused(read_text: Callable[..., Any]) -> None:
    reading = read_text("2001:db8::/64\n[2001:db8::/126]:8443\n")
    assert reading.messages == [
        "<stdin>:1: '2001:db8::/64' stands for 18446744073709551615 targets, more than 16777216"
    ]
    assert reading.urls == [f"https://[2001:db8::{n}]:8443" for n in (1, 2, 3)]


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"id", "auth", "proxy", "user", "username", "login", "pass", "token", "secret"}
)
values = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=12)
urls = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.one_of(
        st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z]{2,5})?", fullmatch=True),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map("[{}]".format),
    ),
    st.sampled_from(["", ":8443", ":1"]),
    st.sampled_from(["", "/prefix", "/a/b%20c"]),
)


@given(
    st.builds(
        Target,
        id=st.just(""),
        url=urls,
        labels=st.dictionaries(names, values, max_size=4),
        auth=st.none() | names,
        proxy=st.none() | names | st.just("socks5h://10.0.0.1:1080"),
    ),
    st.none() | values.filter(bool),
)
def test_a_formatted_target_reads_back(target: Target, identity: str | None) -> None:
    target = Target(identity or target.url, target.url, target.labels, target.auth, target.proxy)
    row = row_of(format_target(target))
    assert [found for found, _ in targets_of(row, scheme="http", expansion=10)] == [target]


@given(st.text(max_size=60))
def test_any_line_is_a_row_or_an_inventory_error(text: str) -> None:
    try:
        row = parse_line(text)
        targets = list(targets_of(row, scheme="https", expansion=100)) if row else []
    except InventoryError as error:
        assert "\x1b" not in str(error)
        return
    for target, _ in targets:
        again = row_of(format_target(target))
        assert [found.url for found, _ in targets_of(again, scheme="https", expansion=1)] == [target.url]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("127.31.1.[44,130]:8443, 127.31.2.3:8443", ["127.31.1.44", "127.31.1.130", "127.31.2.3"]),
        ("10.0.0.2,10.0.0.3,", ["10.0.0.2", "10.0.0.3"]),
        ("[a-b], [2001:db8::1]:8443", ["a", "b", "[2001:db8::1]"]),
    ],
)
def test_a_line_may_list_hosts_as_reports_print_them(
    read_text: Callable[..., Any], text: str, urls: list[str]
) -> None:
    reading = read_text(f"# from a report\n{text}\n")
    assert [url.removeprefix("https://").removesuffix(":8443") for url in reading.urls] == urls
    assert reading.errors == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bmc1, bmc2 site=a", "<stdin>:1: expected name=value, found 'bmc2'"),
        ("10.0.0.2,10.0.0.3 site=a", "<stdin>:1: not one address: '10.0.0.2,10.0.0.3'"),
        ("bmc1, ansible host", "<stdin>:1: expected name=value, found 'host'"),
    ],
)
def test_labels_stand_beside_one_address_only(read_text: Callable[..., Any], text: str, message: str) -> None:
    assert message in read_text(text).messages[0]


def test_the_columns_of_a_table_are_told_as_the_file_has_them(
    read: Callable[..., Any], write: Callable[..., str]
) -> None:
    with pytest.raises(InventoryError) as raised:
        read(write("cmdb.csv", "Hostname;iDRAC IP;Serial Number\nsrv1;10.0.0.1;A\n"))
    assert raised.value.hint == (
        "call the column that holds it host, or url; there are Hostname, iDRAC IP, Serial Number"
    )


@pytest.mark.parametrize("name", ["hosts.json", "hosts.yaml"])
def test_a_list_of_plain_hosts_says_what_to_write(
    read: Callable[..., Any], write: Callable[..., str], name: str
) -> None:
    reading = read(write(name, '["10.0.0.1"]\n'))
    assert reading.targets == []
    assert "plain hosts go into a text file, one per line" in str(reading.errors[0])


@pytest.mark.parametrize(
    ("name", "text"), [("hosts.yaml", "all: {hosts: {bmc1: }}"), ("hosts", "[all]\nbmc1")]
)
def test_an_inventory_of_ansible_says_how_it_is_read(
    read: Callable[..., Any], write: Callable[..., str], name: str, text: str
) -> None:
    path = write(name, text)
    with pytest.raises(InventoryError) as raised:
        read(path)
    assert raised.value.hint == f"let Ansible read it: ansible:{path}"
