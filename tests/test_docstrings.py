"""Whatever a user of the library can reach says what it promises."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest

FRONT_DOORS = ("fleet", "fleet.client", "fleet.openapi")
LEAVES = ("fleet.errors", "fleet.event", "fleet.outcome", "fleet.policy", "fleet.secret", "fleet.target")


def made_here(value: object) -> bool:
    return (inspect.isclass(value) or inspect.isroutine(value)) and (
        getattr(value, "__module__", None) or ""
    ).startswith("fleet")


def reachable(module_name: str) -> Iterator[tuple[str, object]]:
    """Classes and functions that a module shows, and the public methods and properties of these classes."""
    module = importlib.import_module(module_name)
    for name in getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")]):
        value = getattr(module, name)
        if not made_here(value):
            continue
        yield name, value
        for member in dir(value) if inspect.isclass(value) else ():
            found = inspect.getattr_static(value, member)
            if isinstance(found, classmethod | staticmethod):
                found = found.__func__
            if not member.startswith("_") and (isinstance(found, property) or made_here(found)):
                yield f"{name}.{member}", getattr(value, member) if inspect.isroutine(found) else found


def documented(value: object) -> bool:
    """Not by what a class inherits, nor by the signature that a dataclass or a tuple writes for itself."""
    if inspect.isclass(value):
        said = value.__dict__.get("__doc__") or ""
        return bool(said) and not said.startswith(f"{value.__name__}(")
    return bool(inspect.getdoc(value))


@pytest.mark.parametrize("module_name", [*FRONT_DOORS, *LEAVES])
def test_everything_reachable_is_documented(module_name: str) -> None:
    things = dict(reachable(module_name))
    assert things
    assert [name for name, value in things.items() if not documented(value)] == []
