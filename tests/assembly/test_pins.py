"""The pin file reads back what was written, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.assembly import pins_text, read_pins
from fleet.errors import ConfigError

PIN, OTHER = "0a" * 32, "F0" * 32


def test_what_was_written_is_read(tmp_path: Path) -> None:
    place = tmp_path / "pins.txt"
    pins = {"rack7-u12": OTHER.lower(), "https://10.0.0.2:8443": PIN}
    place.write_text(pins_text(pins))
    assert read_pins(str(place)) == pins
    assert place.read_text().splitlines()[1].startswith("https://")


def test_comments_blanks_and_prefixes_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "pins.txt"
    file.write_text(f"# mine\n\n  a   sha256:{OTHER}  # rack 7\n")
    assert read_pins(str(file)) == {"a": OTHER.lower()}


@pytest.mark.parametrize("line", ["a", f"a {PIN[:-1]}", f"a b {PIN}", f"a md5:{PIN}"])
def test_a_line_that_is_no_pin_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "pins.txt"
    file.write_text(f"a {PIN}\n{line}\n")
    with pytest.raises(ConfigError, match=r"pins\.txt:2: not a pin"):
        read_pins(str(file))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the pin file"):
        read_pins(str(tmp_path / "absent"))
