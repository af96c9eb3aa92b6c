"""What `make corpus` stands on, without its downloads: the list, the verification, the isolation."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import orjson
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules of `make corpus` are no package

from fetch import FetchError, Package, documents, fetched, listed
from samples import Samples
from touch import Touch

from fleet.openapi import Library, Place

DESCRIPTION = b'{"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}}'


def archive(into: Path, files: dict[str, bytes]) -> Package:
    """An archive that was downloaded before, and its entry."""
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    (into / "archives").mkdir()
    (into / "archives" / "p-1.tgz").write_bytes(made.getvalue())
    digest = sha256(made.getvalue()).hexdigest()
    return Package("npm", "p", "1", "p-1.tgz", digest, ("package/**/*.*",))


def test_the_list_names_each_archive_once_with_its_digest() -> None:
    packages = listed()
    assert len({package.archive for package in packages}) == len(packages) >= 40
    assert {package.registry for package in packages} == {"npm", "pypi"}
    assert all(len(package.sha256) == 64 and package.inside for package in packages)


def test_documents_are_the_files_that_name_a_version(tmp_path: Path) -> None:
    files = {
        "package/api.json": DESCRIPTION,
        "package/old.yaml": b"swagger: '2.0'\npaths: {}\n",
        "package/part.yaml": b"type: object\n",
        "package/index.js": DESCRIPTION,
        "package/../../out.json": DESCRIPTION,
    }
    package = archive(tmp_path, files)
    root = fetched(package, tmp_path)
    assert [path.name for path in documents(package, root)] == ["api.json", "old.yaml"]
    assert not (tmp_path.parent / "out.json").exists()


def test_an_archive_that_is_not_the_listed_one_is_refused_and_removed(tmp_path: Path) -> None:
    package = archive(tmp_path, {"package/api.json": DESCRIPTION})
    other = Package(package.registry, "p", "1", "p-1.tgz", "0" * 64, package.inside)
    with pytest.raises(FetchError, match=package.sha256):
        fetched(other, tmp_path)
    assert not (tmp_path / "archives" / "p-1.tgz").exists()
    assert not (tmp_path / "documents").exists()


def test_a_task_that_kills_its_process_is_a_result() -> None:
    code = (
        "import os; from isolate import each\n"
        "work = lambda task: os.abort() if task == 1 else {'task': task}\n"
        "print(sorted(repr(found) for found in each([0, 1, 2], work)))\n"
    )
    folder = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(
        sorted(map(repr, [(0, {"task": 0}), (1, {"died": "signal SIGABRT"}), (2, {"task": 2})]))
    )


def test_values_come_from_examples_then_from_types_and_end_in_recursive_schemas() -> None:
    tree = {
        "node": {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "minimum": 7},
                "name": {"type": "string", "example": "a"},
                "next": {"$ref": "#/node"},
            },
        }
    }
    library = Library()
    library.trees["/d"] = tree
    value = Samples(library).of(Place("/d", tree["node"]))
    assert (value["id"], value["name"], value["next"]["id"]) == (7, "a", 7)


def test_everything_can_be_done_with_a_description_that_is_in_order(tmp_path: Path) -> None:
    pet = {"type": "object", "properties": {"id": {"type": "integer", "example": 7}}, "required": ["id"]}
    named = {"schema": {"$ref": "#/components/schemas/Pet"}}
    answer = {"200": {"description": "", "content": {"application/json": named}}}
    query = {"name": "q", "in": "query", "schema": {"type": "string", "default": "a"}}
    item = {"get": {"operationId": "a", "parameters": [query], "responses": answer}}
    tree = {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "paths": {"/pets": item},
        "components": {"schemas": {"Pet": pet}},
    }
    path = tmp_path / "api.json"
    path.write_bytes(orjson.dumps(tree))
    result = Touch(tmp_path, path).everything()
    assert result["errors"] == {"defect": [], "spec": []}
    assert (result["operations"], result["counts"]["types"]) == (1, 1)
