"""One bad file per rule: its first comment is the message that it must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.errors import ConfigError, InventoryError
from fleet.inventory import load_auths

INVALID = Path(__file__).parents[1] / "testdata" / "invalid"
CANARY = "canary-3f9c"


def cases(folder: str) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in sorted((INVALID / folder).iterdir())]


def expected(path: Path) -> str:
    """The whole first line of the message, with the file's place in front."""
    message = path.read_text().partition("\n")[0].removeprefix("# ")
    return f"{path}{':' if message[0].isdigit() else ': '}{message}"


@pytest.mark.parametrize("path", cases("inventory"))
def test_a_bad_inventory_gives_its_message(path: Path, read: Callable[..., Any]) -> None:
    try:
        errors = read(str(path)).errors
    except InventoryError as error:
        errors = [error]
    assert [str(error).partition("\n")[0] for error in errors] == [expected(path)]
    assert CANARY not in "".join(map(str, errors))
    with pytest.raises(InventoryError):
        read(str(path), strict=True)


@pytest.mark.parametrize("path", cases("auths"))
def test_a_bad_file_of_credentials_gives_its_message(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_auths(path)
    assert str(caught.value).partition("\n")[0] == expected(path)
    assert CANARY not in str(caught.value) + repr(caught.value)
