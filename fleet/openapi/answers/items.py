"""One item after the other: what every reader of a sequence is."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.errors import RequestFailed
from fleet.openapi.answers.replies import read_json
from fleet.outcome import FailureKind

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"


class ItemReader:
    """Reads one sequence: `feed` it what arrives, then `finish`; both give items as they are complete.

    `limit` is in bytes, for what one item takes on its way. Both are generators that raise `RequestFailed`
    where an item is broken (`body.not_json`, `body.too_deep`, `protocol.truncated`, `protocol.framing`) or
    too large (`body.too_large`): after the items before it, whatever pieces the bytes came in. `skipped`
    counts what was passed over, `last_id` and `retry` (milliseconds) are an event stream's last words on
    reconnecting.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.skipped = 0
        self.last_id = ""
        self.retry: int | None = None

    def feed(self, data: bytes) -> Iterator[object]:
        """The items that are complete with these bytes."""
        raise AssertionError  # every kind has its own

    def finish(self) -> Iterator[object]:
        """What the end of the answer completes. Raises `RequestFailed` where an item is cut off."""
        return iter(())

    def fits(self, size: int) -> None:
        """Raises `RequestFailed` (`body.too_large`) for an item of more bytes than the limit."""
        if size > self._limit:
            message = f"an item of more than {self._limit:,} bytes"
            raise RequestFailed(FailureKind.BODY_TOO_LARGE, message)


def one_value(text: bytes) -> object:
    """The one JSON value of a text, read as leniently as whole bodies are."""
    value, forgiven = read_json(text, exact=True)
    if not {"concatenated", "trailing_bytes"}.isdisjoint(forgiven):
        raise RequestFailed(FailureKind.BODY_NOT_JSON, "an item is more than one JSON value")
    return value
