"""What a source argument is, and the formats of files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory import InventoryOptions, read_targets, rereadable
from fleet.inventory.formats.file_sd import read_json_groups
from fleet.target import Target

Read = Callable[..., Any]
Write = Callable[..., str]


def test_files_arguments_and_standard_input_are_read_together(read: Read, write: Write) -> None:
    path = write("hosts.txt", "h1\n")
    reading = read([path, "-", "h3:8443 site=a", "10.0.0.1-2"], stdin=BytesIO(b"h2\n"))
    assert [(target.url, target.origin) for target in reading.targets] == [
        ("https://h1", f"{path}:1"),
        ("https://h2", "<stdin>:1"),
        ("https://h3:8443", "arguments"),
        ("https://10.0.0.1", "arguments"),
        ("https://10.0.0.2", "arguments"),
    ]
    assert reading.targets[2].labels == {"site": "a"}


def test_a_file_that_is_not_there_is_an_error_before_anything_is_read(
    read: Read, write: Write, tmp_path: Path
) -> None:
    path = write("hosts.txt", "h1\n")
    with pytest.raises(InventoryError) as caught:
        read([path, str(tmp_path / "host.txt")])
    assert str(caught.value) == (f"no such file: '{tmp_path}/host.txt'\n  did you mean {tmp_path}/hosts.txt?")


@pytest.mark.parametrize(
    "source", ["nowhere.csv", "./hosts", "/no/such/hosts", "lists/dc1", "hosts.yaml", "~/hosts"]
)
def test_what_looks_like_a_file_is_not_taken_for_a_host(read: Read, source: str) -> None:
    with pytest.raises(InventoryError, match="no such file"):
        read(source)


@pytest.mark.parametrize("source", ["bmc[1-3", "h x", "", "root:hunter2@h", "10.0.0.5/24", "bmc[1-99999999]"])
def test_a_bad_argument_is_fatal_at_once(source: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read_targets(["h1", source], report=lambda error: pytest.fail(str(error)))
    assert caught.value.file == "arguments"
    assert "hunter2" not in str(caught.value)


def test_directories_and_unreadable_files_are_refused(read: Read, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="is a directory"):
        read(str(tmp_path))


def test_a_pipe_is_read_like_a_file(read: Read) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"h1\nh2\n")
    os.close(writer)
    try:
        assert not rereadable(f"/dev/fd/{reader}")
        assert read(f"/dev/fd/{reader}").urls == ["https://h1", "https://h2"]
    finally:
        os.close(reader)


def test_what_can_be_read_twice_is_neither_input_nor_pipe(write: Write) -> None:
    assert rereadable(write("hosts.txt", "h1\n"))
    assert rereadable("10.0.0.0/24")
    assert not rereadable("-")


def test_csv_columns_are_address_reserved_names_and_labels(read: Read, write: Write) -> None:
    path = write(
        "hosts.csv",
        "\ufeffHost,Port,scheme,ID,auth,proxy,site,Asset Tag\r\n"
        "10.0.0.1,,,,,,a,\r\n"
        '10.0.0.2,8443,http,rack1,lab,dc1,"b, c","A ""7"""\r\n'
        "\r\n"
        "# a remark\r\n"
        "2001:db8::1,8443\r\n"
        "bmc[1-2],,,,,,d\r\n",
    )
    assert read(path).targets == [
        Target("https://10.0.0.1", "https://10.0.0.1", {"site": "a"}, origin=f"{path}:2"),
        Target(
            "rack1",
            "http://10.0.0.2:8443",
            {"site": "b, c", "Asset_Tag": 'A "7"'},
            "lab",
            "dc1",
            f"{path}:3",
        ),
        Target("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", {}, origin=f"{path}:6"),
        Target("https://bmc1", "https://bmc1", {"site": "d"}, origin=f"{path}:7"),
        Target("https://bmc2", "https://bmc2", {"site": "d"}, origin=f"{path}:7"),
    ]


def test_csv_may_hold_urls_semicolons_or_tabs(read: Read, write: Write) -> None:
    semicolons = read(write("a.csv", "url;site;ip\nhttps://h1/x;a;10.0.0.1\n"))
    assert semicolons.urls == ["https://h1/x"]
    assert semicolons.targets[0].labels == {"site": "a", "ip": "10.0.0.1"}
    assert read(write("a.tsv", "host\tsite\nh1\ta b\n")).targets[0].labels == {"site": "a b"}


def test_bad_rows_of_a_table_are_reported(read: Read, write: Write) -> None:
    path = write("h.csv", 'host,port,site\nh1,x,a\nh2,1,a,b\n,1,a\nh3:2,1\n"h4"x,1\nh5:1,1,"a\nb"\nh6\n')
    reading = read(path)
    assert reading.urls == ["https://h6"]
    assert reading.messages == [
        f"{path}:2: the port is not a number from 1 to 65535",
        f"{path}:3: 4 cells under 3 column names",
        f"{path}:4: the address is missing",
        f"{path}:5: two ports: 2 in the address, 1 beside it",
        f"{path}:6: not a row of a CSV table: ',' expected after '\"'",
        f"{path}:7: the value of 'site' holds a control character",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("name,site", "the header has no column for the address"),
        ("host,password", "an inventory holds no secrets: password= is refused"),
        ("host,a,a", "two columns are named 'a'"),
        ("host,7a", "not a label name: '7a'"),
        ('host,"a', "not a row of a CSV table: unexpected end of data"),
    ],
)
def test_a_header_that_cannot_be_used_says_why(read: Read, write: Write, header: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(write("h.csv", f"\n{header}\nh1,hunter2\n"))
    assert (caught.value.message, caught.value.line) == (message, 2)


def test_each_json_line_is_a_target_with_labels(read: Read, write: Write) -> None:
    path = write(
        "h.jsonl",
        '{"host":"h1","port":8443,"site":"a","spare":true,"none":null}\n'
        "\n"
        '{"url":"https://h2/x","id":"two","labels":{"site":"b"},"auth":"lab"}\n'
        "[1]\n{\n"
        '{"host":"h3","labels":[]}\n'
        '{"host":"h4","labels":{"x":{"y":1}}}\n'
        '{"host":"h5","labels":"x"}\n',
    )
    reading = read(path)
    assert reading.targets == [
        Target("https://h1:8443", "https://h1:8443", {"site": "a", "spare": "true"}, origin=f"{path}:1"),
        Target("two", "https://h2/x", {"site": "b"}, "lab", origin=f"{path}:3"),
        Target("https://h3", "https://h3", {}, origin=f"{path}:6"),
    ]
    assert reading.messages == [
        f"{path}:4: the line is not a JSON object",
        f"{path}:5: the line is not JSON",
        f"{path}:7: the value of 'x' is not a plain value",
        f"{path}:8: labels is not an object",
    ]


GROUPS = [
    {
        "targets": ["10.0.0.1:8443", "bmc[1-2]"],
        "labels": {"site": "a", "__scheme__": "http", "__param_auth": "lab", "__meta_rack": "7"},
    },
    {
        "targets": ["h1"],
        "labels": {"id": "one", "proxy": "dc1", "__metrics_path__": "/x", "__param_module": "m"},
    },
    {"targets": []},
    {"targets": ["h2"]},
]
EXPECTED = [
    ("http://10.0.0.1:8443", {"site": "a", "__meta_rack": "7"}, "lab", None),
    ("http://bmc1", {"site": "a", "__meta_rack": "7"}, "lab", None),
    ("http://bmc2", {"site": "a", "__meta_rack": "7"}, "lab", None),
    ("https://h1", {"__param_module": "m"}, None, "dc1"),
    ("https://h2", {}, None, None),
]


@pytest.mark.parametrize("indent", [None, 2])
def test_file_sd_in_json_gives_targets_with_labels(read: Read, write: Write, indent: int | None) -> None:
    reading = read(write("sd.json", json.dumps(GROUPS, indent=indent)))
    assert [(t.url, t.labels, t.auth, t.proxy) for t in reading.targets] == EXPECTED
    assert reading.targets[3].id == "one"
    if indent:
        lines = [
            n for n, line in enumerate(json.dumps(GROUPS, indent=indent).split("\n"), 1) if line == "  {"
        ]
        found = [int(target.origin.rpartition(":")[2]) for target in reading.targets]
        assert found == [lines[0], lines[0], lines[0], lines[1], lines[3]]


def test_file_sd_in_yaml_gives_targets_with_labels(read: Read, write: Write) -> None:
    path = write(
        "sd.yml",
        "- targets: ['10.0.0.1:8443', 'bmc[1-2]']\n"
        "  labels: {site: a, __scheme__: http, __param_auth: lab, __meta_rack: 7}\n"
        "- targets: [h1]\n"
        "  labels: {id: one, proxy: dc1, __metrics_path__: /x, __param_module: m}\n"
        "- targets: []\n"
        "- {targets: [h2]}\n",
    )
    reading = read(path)
    assert [(t.url, t.labels, t.auth, t.proxy) for t in reading.targets] == EXPECTED
    assert read(write("empty.yaml", "")).targets == []


def test_bad_groups_are_reported(read: Read, write: Write) -> None:
    groups = [
        {"targets": "h1"},
        {"targets": ["a", "b"], "labels": {"id": "x"}},
        {"targets": ["c"], "labels": ["x"]},
        {"targets": ["d"], "labels": {"__scheme__": "ftp"}},
        {"targets": [1, "e"]},
        {"targets": ["f"], "labels": {"a": {}}},
        {"targets": ["g"], "labels": {"password": "hunter2"}},
    ]
    path = write("sd.json", "[" + ",\n".join(json.dumps(group) for group in groups) + "]\n")
    reading = read(path)
    assert reading.urls == ["https://e"]
    assert reading.messages == [
        f"{path}:1: a group is an object with a list of targets",
        f"{path}:2: id=x names one target, its group has 2",
        f"{path}:3: the labels of a group are not an object",
        f"{path}:4: __scheme__ 'ftp' is not one of https, http",
        f"{path}:5: a target is not a string",
        f"{path}:6: the value of 'a' is not a plain value",
        f"{path}:7: an inventory holds no secrets: password= is refused",
    ]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('{"targets": []}', "not a list of {targets, labels} groups", 1),
        ('[{"targets": []}', "expected a comma or the end of the list", 1),
        ('[{"targets": []},\n]', "not JSON: Expecting value", 2),
        ('[{"targets": []}\n{"targets": []}]', "expected a comma or the end of the list", 2),
        ('[\n\n{"targets": [}]', "not JSON: Expecting value", 3),
        ("[]\n[]", "there is something after the list", 2),
        ("[" * 100_000, "the file is nested too deep", 1),
    ],
)
def test_what_is_not_a_list_of_groups_says_where(
    read: Read, write: Write, text: str, message: str, line: int
) -> None:
    with pytest.raises(InventoryError) as caught:
        read(write("sd.json", text))
    assert (caught.value.message, caught.value.line) == (message, line)


def test_yaml_that_is_no_list_or_no_yaml_says_so(read: Read, write: Write) -> None:
    with pytest.raises(InventoryError, match="neither a list"):
        read(write("sd.yaml", "a: 1\n"))
    with pytest.raises(InventoryError, match="not valid YAML"):
        read(write("bad.yaml", "- [\n"))


class Trickle(BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1 if size else 0)


@given(st.lists(st.dictionaries(st.just("targets"), st.lists(st.text(max_size=3)), min_size=1), max_size=4))
def test_json_groups_survive_any_cut(groups: list[dict[str, list[str]]]) -> None:
    data = json.dumps(groups, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if "\ud800" <= max(data.decode("utf-8", "surrogatepass"), default="") <= "\udfff":
        return
    rows = read_json_groups(
        Trickle(data), file="f", limit=1 << 20, report=lambda error: pytest.fail(str(error))
    )
    assert [row.address for row in rows] == [text for group in groups for text in group["targets"]]


def test_one_group_has_a_limit() -> None:
    data = b'[{"targets": ["' + b"x" * 300_000
    with pytest.raises(InventoryError, match="one group is longer than 100000 bytes, or not JSON"):
        list(read_json_groups(BytesIO(data), file="f", limit=100_000, report=lambda error: None))


def test_reading_is_lazy() -> None:
    class Counting(BytesIO):
        lines = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.lines += 1
            return super().readline(size)

    stream = Counting(b"".join(b"h%d\n" % number for number in range(1000)))
    targets = read_targets(["-"], options=InventoryOptions(stdin=stream, limit=5), report=pytest.fail)
    assert stream.lines == 0
    assert len(list(targets)) == 5
    assert stream.lines == 5
