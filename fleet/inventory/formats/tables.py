"""Inventories with named columns: CSV, and one JSON object per line.

The columns that are not an address or a reserved name become labels. `host` (also `address`, `target`,
`ip`) or `url` is the address.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fleet.errors import InventoryError
from fleet.inventory.address import SCHEMES, shown
from fleet.inventory.formats.rows import Row, label_text, make_row, refuse_label
from fleet.inventory.report import Report, placed

ADDRESS_COLUMNS = ("url", "host", "address", "target", "ip")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9_]+")


def read_csv(
    lines: Iterable[tuple[int, str]], *, file: str, report: Report, tabs: bool = False
) -> Iterator[Row]:
    """Rows of a table with a header. Raises InventoryError for a header that cannot be used."""
    numbers = _Numbers(lines)
    header_line = next((text for text in numbers if text.strip() and text[0] != "#"), None)
    if header_line is None:
        return
    delimiter = "\t" if tabs else ";" if ";" in header_line and "," not in header_line else ","
    try:
        header = _header(next(csv.reader([header_line], delimiter=delimiter, strict=True)))
    except (InventoryError, csv.Error) as error:
        raise placed(_as_inventory_error(error), file, numbers.last) from None
    table = csv.reader(numbers, delimiter=delimiter, strict=True)
    while True:
        first = numbers.last + 1
        try:
            cells = next(table, None)
            if cells is None:
                return
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            row = _row(header, cells, file=file, line=first)
        except (InventoryError, csv.Error) as error:
            report(placed(_as_inventory_error(error), file, first))
            continue
        yield row


def read_jsonl(lines: Iterable[tuple[int, str]], *, file: str, report: Report) -> Iterator[Row]:
    """Rows of JSON objects, one per line. `labels` may be an object of its own; other values are labels."""
    for number, text in lines:
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            row = _json_row(text, file=file, line=number)
        except InventoryError as error:
            report(placed(error, file, number))
            continue
        yield row


class _Numbers:
    """The texts of numbered lines, remembering the number of the last one."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._lines = iter(lines)
        self.last = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last, text = next(self._lines)
        return text + "\n"


def _header(cells: Sequence[str]) -> list[str]:
    names: list[str] = []
    for cell in cells:
        name = cell.strip()
        known = name.lower() in (*ADDRESS_COLUMNS, "port", "scheme", "id", "auth", "proxy")
        name = name.lower() if known else _NOT_LABEL.sub("_", name).strip("_")
        if not known:
            refuse_label(name)
        if name in names:
            raise InventoryError(f"two columns are named {shown(name)}")
        names.append(name)
    if not any(name in ADDRESS_COLUMNS for name in names):
        raise InventoryError(
            "the header has no column for the address",
            hint=f"call the column that holds it host, or url; there are {_told(cells)}",
        )
    return names


def _told(cells: Sequence[str]) -> str:
    return shown(", ".join(cell.strip() for cell in cells), 160)[1:-1]


def _row(header: Sequence[str], cells: Sequence[str], *, file: str, line: int) -> Row:
    if len(cells) > len(header):
        raise InventoryError(f"{len(cells)} cells under {len(header)} column names")
    return row_from(
        {n: c.strip() for n, c in zip(header, cells, strict=False) if c.strip()}, file=file, line=line
    )


def row_from(columns: Mapping[str, str], *, file: str, line: int) -> Row:
    """A row from named values, the address among them. Raises InventoryError."""
    words = dict(columns)
    found = [name for name in ADDRESS_COLUMNS if name in words]
    if not found:
        raise InventoryError("the address is missing")
    name = found[0]
    address = words.pop(name)
    if len(found) > 1 and name != "url":  # beside a URL, the others are labels
        raise InventoryError(f"two addresses: {name} and {found[1]}")
    if name == "url" and "://" not in address:
        raise InventoryError(
            f"not a URL: {shown(address)}", hint="write https://..., or name the column host"
        )
    scheme, port = words.pop("scheme", None), words.pop("port", None)
    if scheme is not None and scheme.lower() not in SCHEMES:
        raise InventoryError(f"scheme {shown(scheme)} is not one of {', '.join(SCHEMES)}")
    if port is not None and not (
        port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536
    ):
        raise InventoryError("the port is not a number from 1 to 65535")
    if name != "url" and address.count(":") > 1 and "[" not in address and "://" not in address:
        address = f"[{address}]"  # a bare IPv6 address, which may have a port in its own column
    return make_row(
        address,
        words,
        file=file,
        line=line,
        scheme=scheme.lower() if scheme else None,
        port=int(port) if port else None,
    )


def _json_row(text: str, *, file: str, line: int) -> Row:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InventoryError("the line is not JSON") from None
    if not isinstance(value, dict):
        raise InventoryError("the line is not a JSON object")
    labels = value.pop("labels", None) or {}
    if not isinstance(labels, dict):
        raise InventoryError("labels is not an object")
    columns = {name: label_text(item, name) for name, item in {**labels, **value}.items() if item is not None}
    return row_from(columns, file=file, line=line)


def _as_inventory_error(error: InventoryError | csv.Error) -> InventoryError:
    if isinstance(error, InventoryError):
        return error
    what = str(error).replace("'\t'", "a tab")  # messages hold no control characters
    return InventoryError(f"not a row of a CSV table: {what}")
