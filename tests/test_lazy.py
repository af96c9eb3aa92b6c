"""Names of a front door are imported from their home when they are first used, and not before."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

DOOR = """
from fleet.lazy import load_lazily
here = 1
load_lazily(__name__, {"rooms.first": ("one", "two"), "second": ("three",)})
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package with a door, whose rooms say when they are imported."""
    rooms = tmp_path / "house_of_test" / "rooms"
    rooms.mkdir(parents=True)
    (rooms.parent / "__init__.py").write_text(DOOR)
    (rooms / "__init__.py").touch()
    (rooms / "first.py").write_text("one, two, hidden = object(), object(), object()\n")
    (rooms.parent / "second.py").write_text("import house_of_test.nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("house_of_test")
    for name in [name for name in sys.modules if name.startswith("house_of_test")]:
        del sys.modules[name]


def test_a_name_brings_its_home_and_stays(house: ModuleType) -> None:
    assert house.here == 1
    assert "house_of_test.rooms.first" not in sys.modules
    one = house.one
    assert one is sys.modules["house_of_test.rooms.first"].one
    assert vars(house)["one"] is one
    assert "two" not in vars(house)


def test_names_are_listed_before_they_are_asked_for(house: ModuleType) -> None:
    assert {"here", "one", "two", "three"} <= {*dir(house)}
    assert "house_of_test.rooms" not in sys.modules


@pytest.mark.parametrize("name", ["hidden", "four", "__path__x"])
def test_other_names_are_not_there(house: ModuleType, name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'house_of_test' has no attribute '{name}'"):
        getattr(house, name)


def test_a_home_that_cannot_be_imported_says_why(house: ModuleType) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"house_of_test\.nowhere"):
        _ = house.three
