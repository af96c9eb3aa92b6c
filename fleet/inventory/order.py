"""Another order for targets: that of digests of their ids, as `choice` chooses by them."""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice

from fleet.errors import InventoryError
from fleet.inventory.choice import MAX_HELD, rank
from fleet.target import Target


def shuffled(targets: Iterator[Target], seed: int, *, held: int = MAX_HELD) -> Iterator[Target]:
    """The same targets in an order that their ids and the seed decide.

    All of them are read before the first one comes. Up to `held` are sorted in memory; more are sorted by a
    database in a temporary file (some 200 bytes a target, below $TMPDIR), so that memory stays the same for a
    million. Raises InventoryError when that file cannot be written.
    """
    first = list(islice(targets, held + 1))
    if len(first) <= held:
        first.sort(key=lambda target: rank(target.id, seed, "order"))
        yield from first
        return
    try:
        yield from _sorted_on_disk(chain(first, targets), first.clear, seed)
    except sqlite3.Error as error:
        raise InventoryError(
            f"the targets cannot be shuffled: {error}", hint="a temporary file is needed: see $TMPDIR"
        ) from error


def _sorted_on_disk(targets: Iterator[Target], written: Callable[[], None], seed: int) -> Iterator[Target]:
    rows = (
        (
            rank(target.id, seed, "order"),
            marshal.dumps(
                (target.id, target.url, dict(target.labels), target.auth, target.proxy, target.origin)
            ),
        )
        for target in targets
    )
    # An empty name is a file that only this connection knows, and that is gone with it.
    with closing(sqlite3.connect("", check_same_thread=False, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE held (rank INTEGER, target BLOB)")
        database.execute("BEGIN")
        database.executemany("INSERT INTO held VALUES (?, ?)", rows)
        database.execute("COMMIT")
        written()
        for (packed,) in database.execute("SELECT target FROM held ORDER BY rank"):
            yield Target(*marshal.loads(packed))  # noqa: S302 (written above, by this process)
