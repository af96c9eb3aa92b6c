"""A package is entered through its front door: `from fleet.openapi import Document`, no inner module."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent.name for path in (ROOT / "fleet").glob("*/__init__.py"))


@cache
def imports_of(path: Path) -> tuple[tuple[int, str], ...]:
    """Each import of a source file: line and dotted module name."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "." * node.level
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def home_of(path: Path) -> str:
    """The package of fleet that a source file lives in, or its own module name."""
    inside = path.relative_to(ROOT / "fleet").parts
    return inside[0].removesuffix(".py")


@pytest.mark.parametrize("home", sorted({home_of(path) for path in (ROOT / "fleet").rglob("*.py")}))
def test_other_packages_are_entered_by_the_front_door(home: str) -> None:
    trespasses = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sorted((ROOT / "fleet").rglob("*.py"))
        if home_of(path) == home
        for line, module in imports_of(path)
        if module.startswith(".")
        or (
            (parts := module.split("."))[0] == "fleet"
            and len(parts) > 2
            and parts[1] in PACKAGES
            and parts[1] != home
        )
    ]
    assert trespasses == [], "import from the package itself, by its full name"


@pytest.mark.parametrize("package", PACKAGES)
def test_front_doors_show_what_they_promise(package: str) -> None:
    module = importlib.import_module(f"fleet.{package}")
    promised = getattr(module, "__all__", None)
    assert promised is not None, f"fleet/{package}/__init__.py has no __all__"
    assert len(promised) == len(set(promised))
    missing = [name for name in promised if not hasattr(module, name)]
    assert not missing


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_hides_what_its_front_door_loads_lazily(package: str) -> None:
    """A module that is imported becomes an attribute of its package: the name would mean either."""
    folder = ROOT / "fleet" / package
    door = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    at_once = {
        alias.asname or alias.name
        for node in door.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    inside = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.glob("*/")}
    assert sorted({*importlib.import_module(f"fleet.{package}").__all__} & inside - at_once) == []


ONLY_IMPORTERS = {
    "httpx": {"client"},
    "httpx_socks": {"client"},
    "python_socks": {"client"},
    "httptools": {"client", "sim"},
    "prometheus_client": {"observe", "service"},
    "structlog": {"observe"},
    "jmespath": {"pipeline"},
    "jsonschema_rs": {"openapi"},
    "tiny_proxy": {"sim"},
    "click": {"cli"},
    "duckdb": {"query"},
    "rich": {"cli", "observe"},
    "yaml": {"openapi"},
    "zstandard": {"sinks", "engine"},
}


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTERS))
def test_each_library_has_its_importers(library: str) -> None:
    importers = {
        home_of(path)
        for path in (ROOT / "fleet").rglob("*.py")
        for _, module in imports_of(path)
        if module.split(".")[0] == library
    }
    assert importers <= ONLY_IMPORTERS[library], f"{library} is imported outside {ONLY_IMPORTERS[library]}"
