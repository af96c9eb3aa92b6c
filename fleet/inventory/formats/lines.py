"""Bytes of a source into numbered, decoded, bounded lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from fleet.errors import InventoryError
from fleet.inventory.report import Report

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_lines(stream: BinaryIO, *, file: str, limit: int, report: Report) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without their ends. A line that is too long, or is not UTF-8, is reported.

    Raises InventoryError when the source is not text at all (UTF-16).
    """
    number = 0
    too_long = False
    for chunk in iter(partial(stream.readline, limit), b""):
        raw = chunk
        ended = raw.endswith(b"\n")
        if too_long:  # the rest of a line that has been reported
            too_long = not ended
            continue
        number += 1
        if number == 1:
            if raw.startswith(_UTF16):
                raise InventoryError("the file is UTF-16", file=file, hint="save it as UTF-8")
            raw = raw.removeprefix(_BOM)
        if not ended and len(raw) >= limit:
            too_long = True
            report(InventoryError(f"the line is longer than {limit} bytes", file=file, line=number))
            continue
        try:
            yield number, raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            if raw.lstrip().startswith(b"#"):  # a comment: nothing in it is meant
                yield number, "#"
                continue
            column = error.start + 1
            hint = "save the file as UTF-8"
            report(InventoryError("the line is not UTF-8", file=file, line=number, column=column, hint=hint))
