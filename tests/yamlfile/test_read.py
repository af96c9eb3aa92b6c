"""A YAML file of an operator becomes a model, or an error that says file, line, column and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from fleet.errors import ConfigError, InventoryError
from fleet.yamlfile import parse_file, read_yaml

CANARY = "canary-3f9c"
NAME = r"^[a-z]+$"


class Shelf(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    width: int
    books: Mapping[Annotated[str, Field(pattern=NAME)], str] = Field(default_factory=dict)


def said(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, "shelf", limit=1 << 20).fit(
            Shelf, shape="a mapping with width:", patterns={NAME: "a name is small letters"}
        )
    assert CANARY not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}:").removeprefix(f"{path.parent}/").strip()


def test_a_file_becomes_a_model(tmp_path: Path) -> None:
    path = tmp_path / "shelf.yaml"
    for text in ("width: 3\nbooks: {a: b}\n", '\ufeff{"width": 3, "books": {"a": "b"}}'):
        path.write_text(text, encoding="utf-8")
        shelf = read_yaml(path, "shelf").fit(Shelf, shape="a mapping with width:")
        assert (shelf.width, shelf.books) == (3, {"a": "b"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1\n", "1:1: not a mapping with width:"),
        ("", "1:1: the shelf is empty"),
        (
            "width: 1\nbooks:\na: b\n",
            "2:1: books: must be a mapping\n  it is empty: indent what belongs to it; and",
        ),
        (f"width: {CANARY}\n", "1:1: width: must be a whole number"),
        (
            "wdith: 3\n",
            "1:1: wdith: unknown key 'wdith'\n  did you mean 'width'?; and 1 more fault in this file",
        ),
        ("width: 1\nbooks: {A: b}\n", "2:9: books.A: a name is small letters"),
        ("books: {}\n", "1:1: the key 'width' is missing"),
        ("a: [\n", "2:1: not valid YAML"),
        ("<!doctype html>", "this is an HTML or XML page, and no shelf"),
        ("x" * (1 << 20) + "y", "the shelf is larger than 1 MiB"),
    ],
)
def test_what_is_wrong_is_placed(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "shelf.yaml"
    path.write_text(text)
    assert says in said(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert said(tmp_path / "none.yaml") == "the shelf cannot be read: No such file or directory"
    assert "cannot be read: Is a directory" in said(tmp_path)


def test_a_part_of_a_file_keeps_its_place() -> None:
    file = parse_file(b"shelves:\n- {width: 1}\n- {width: no}\n- 7\n", "s.yaml", "list", error=InventoryError)
    assert file.fit(Shelf, shape="a shelf", under=("shelves", 0)).width == 1
    with pytest.raises(InventoryError, match=r"^s.yaml:3:4: shelves.1.width: must be a whole number$"):
        file.fit(Shelf, shape="a shelf", under=("shelves", 1))
    with pytest.raises(InventoryError, match=r"^s.yaml:4:3: shelves.2: not a shelf$"):
        file.fit(Shelf, shape="a shelf", under=("shelves", 2))
