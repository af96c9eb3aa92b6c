"""An inventory that is read again: what came, what went, and what stays when nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Answer, Asked, serving

from fleet.errors import InventoryError
from fleet.inventory import FollowedInventory, InventoryOptions


class Discovery:
    """A list of targets that a test changes."""

    def __init__(self, *targets: str) -> None:
        self.targets = list(targets)
        self.labels: dict[str, str] = {}
        self.broken = False

    def __call__(self, asked: Asked) -> Answer:
        if self.broken:
            return 503, b""
        return 200, [{"targets": self.targets, "labels": self.labels}]


def test_a_followed_inventory_says_what_came_and_what_went() -> None:
    discovery = Discovery("10.0.0.1", "10.0.0.2")
    with serving(discovery) as site:
        followed = FollowedInventory([f"http_sd:{site.url}"])
        first = followed.refresh()
        assert first.added == ("https://10.0.0.1", "https://10.0.0.2")
        assert str(first) == "2 targets, 2 added"
        assert not followed.refresh()
        discovery.targets = ["10.0.0.2", "10.0.0.3"]
        second = followed.refresh()
        assert (second.added, second.removed) == (("https://10.0.0.3",), ("https://10.0.0.1",))
        assert list(followed.targets) == ["https://10.0.0.2", "https://10.0.0.3"]
        discovery.labels = {"site": "b"}
        third = followed.refresh()
        assert third.changed == ("https://10.0.0.2", "https://10.0.0.3")
        assert followed.targets["https://10.0.0.2"].labels == {"site": "b"}


def test_a_source_that_fails_keeps_what_it_gave_and_the_others_go_on(write: Callable[..., str]) -> None:
    discovery = Discovery("10.0.0.1")
    path = write("hosts.txt", "10.0.1.1\n")
    with serving(discovery) as site:
        followed = FollowedInventory([path, f"http_sd:{site.url}"])
        followed.refresh()
        discovery.broken = True
        write("hosts.txt", "# moved\n10.0.1.1\n10.0.1.2\n")
        found = followed.refresh()
    assert found.added == ("https://10.0.1.2",)
    assert found.changed == (), "a line that moved is the same target"
    assert found.removed == ()
    assert ["answered with 503" in str(error) for error in found.stale] == [True]
    assert "not refreshed: http_sd:" in str(found)
    assert "https://10.0.0.1" in followed.targets


def test_a_file_that_is_gone_or_broken_changes_nothing(write: Callable[..., str], tmp_path: Path) -> None:
    path = write("hosts.txt", "10.0.1.1\n")
    followed = FollowedInventory([path], InventoryOptions(strict=True))
    before = followed.refresh()
    targets = followed.targets
    Path(path).unlink()
    gone = followed.refresh()
    write("hosts.txt", "10.0.1.300\n")
    broken = followed.refresh()
    for found, why in ((gone, "no such file"), (broken, "10.0.1.300")):
        assert not found
        assert found.total == before.total == 1
        assert why in str(found.stale[0])
    assert followed.targets is targets
    write("hosts.txt", "")
    assert followed.refresh().removed == ("https://10.0.1.1",), "an empty list is a list"


def test_a_first_reading_that_fails_is_an_error() -> None:
    with pytest.raises(InventoryError, match=r"connect\.refused"):
        FollowedInventory(["http_sd:http://127.0.0.1:1/"]).refresh()


def test_bad_entries_are_named_and_counted(write: Callable[..., str]) -> None:
    path = write("hosts.txt", "10.0.0.1\n" + "10.0.0.300\n" * 30)
    found = FollowedInventory([path]).refresh()
    assert (found.total, found.rejected, len(found.complaints)) == (1, 30, 20)
    assert "hosts.txt:2" in str(found.complaints[0])


def test_who_iterates_is_not_disturbed(write: Callable[..., Any]) -> None:
    path = write("hosts.txt", "10.0.0.1\n10.0.0.2\n")
    followed = FollowedInventory([path])
    followed.refresh()
    walk = iter(followed.targets.values())
    next(walk)
    write("hosts.txt", "10.0.0.9\n")
    followed.refresh()
    assert next(walk).url == "https://10.0.0.2"
