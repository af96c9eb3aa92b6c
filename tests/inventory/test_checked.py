"""What is in order needs no pydantic, and is what pydantic would have made of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fleet.errors import ConfigError
from fleet.inventory import AuthModel, AuthsFile, VaultModel, load_auths
from fleet.inventory.credentials.checked import plainly

WHOLE: dict[str, Any] = {
    "auths": {
        "lab": {"username": "root", "password": "env:LAB", "match": {"site": ["lab", "test*"]}},
        "racks": {"username": "env:USER", "password": "file:racks", "match": "host=10.0.0.0/24,rack!="},
        "cloud": {"token": "prompt", "schemes": {"apiKey": "$CREDENTIALS_DIRECTORY/key"}, "default": True},
        "helper": {"exec": ["./give", "{host}"], "username": "root"},
        "asked": {"exec": {"command": ["give"], "timeout": "5s", "keep": "1h", "env": ["HOME"]}},
        "stored": {"vault": "bmc/racks", "match": ["site=a", "site=b"]},
        "each": {"vault": {"path": "bmc/{host}", "fields": {"username": "user"}, "version": 3}},
    },
    "proxies": {"dc1": {"url": "socks5h://proxy:1080", "username": "scan", "password": "env:PROXY"}},
    "vault": {"address": "https://vault:8200", "approle": {"role_id": "env:ROLE", "secret_id": "file:id"}},
}

ODD = st.sampled_from(
    [None, "", "root", "env:", "env:LAB", "10s", 1, 0, True, 2.5, [], [""], ["a"], [1], {}, {"a": "env:B"},
     {"site": "a"}, {1: "env:B"}, "https://h:1", "socks5://p:1", "a\n", "a b"]
)  # fmt: skip


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [*found, *(place for key, part in parts for place in places(part, (*path, key)))]


def changed(tree: Any, path: tuple[Any, ...], how: Callable[[Any, Any], None]) -> Any:
    """A copy of the tree with the part at a path changed."""
    copied = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(path) == 1:
        how(copied, path[0])
    else:
        copied[path[0]] = changed(tree[path[0]], path[1:], how)
    return copied


def by_pydantic(tree: Any) -> AuthsFile | None:
    try:
        made: AuthsFile = TypeAdapter(AuthsFile).validate_python(tree)
    except ValidationError:
        return None
    return made


def test_a_file_in_order_is_what_pydantic_makes_of_it() -> None:
    made = plainly(AuthsFile, WHOLE)
    assert made is not None
    assert made == by_pydantic(WHOLE)


@given(
    st.sampled_from(places(WHOLE)), ODD, st.sampled_from(["put", "drop", "rename", "add"]), st.text("a.:\n")
)
def test_nothing_is_in_order_that_pydantic_refuses(
    path: tuple[Any, ...], odd: Any, action: str, name: str
) -> None:
    def change(part: Any, key: Any) -> None:
        if action == "put" or isinstance(part, list):
            part[key] = odd
        elif action == "add":
            part[name] = odd
        elif action == "drop":
            del part[key]
        else:
            part[name] = part.pop(key)

    tree = changed(WHOLE, path, change)
    made = plainly(AuthsFile, tree)
    assert made is None or made == by_pydantic(tree)


def test_a_value_checks_itself_however_it_is_made() -> None:
    for make in (
        lambda: AuthModel(username="root"),
        lambda: AuthModel(username="", password="env:LAB"),
        lambda: AuthModel(token=7),  # type: ignore[arg-type]
        lambda: VaultModel(address="vault:8200", token="env:TOKEN"),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            make()


def test_a_glob_that_is_no_text_is_a_fault_at_its_place(write: Callable[..., str]) -> None:
    path = write("auths.yaml", "auths:\n  lab: {token: prompt, match: {site: [{a: b}]}}\n")
    with pytest.raises(ConfigError) as caught:
        load_auths(path)
    said = "auths.lab.match: a condition, a list of them, or a mapping of names to globs"
    assert str(caught.value) == f"{path}:2:24: {said}"


def test_a_file_in_order_is_read_without_pydantic(write: Callable[..., str]) -> None:
    program = """
import sys
from fleet.inventory import load_auths
load_auths(sys.argv[1])
print("pydantic" in sys.modules)
"""
    path = write("auths.yaml", "auths: {lab: {username: root, password: 'env:LAB', match: site=lab}}")
    told = subprocess.check_output([sys.executable, "-c", program, path], text=True)
    assert told.strip() == "False"
