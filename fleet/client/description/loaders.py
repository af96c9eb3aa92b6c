"""Loaders: where the documents of a description come from. Each is the confinement of what it reads.

A loader is called with a URI (an absolute path, or a URL) and gives bytes. It raises `NotOffered` for what
is not its business, and any other `SpecError` for what is, but cannot be had. Loaders are plain values:
they compare, print and pickle. Each may bring a YAML loader of its own as `yload`: `YAML12Loader` (the
default), `YAMLCompatibilityLoader`, `YAML12Loader.without("timestamp")`, a callable of bytes and a URI, or a
loader class of PyYAML. It reads what that loader supplies, and nothing else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from fleet.client.debug import document_downloaded
from fleet.errors import SpecError
from fleet.frozen import frozen

if TYPE_CHECKING:
    import yarl

    from fleet.client.calls.options import Verify
    from fleet.openapi import Parse, YamlReader

YamlLoading: TypeAlias = "YamlReader | Parse | type[Any]"
Loader: TypeAlias = Callable[[str], bytes]

MAX_BYTES = 64 * 1024 * 1024  # of one document


class Text(bytes):
    """The bytes of a document, with what its loader wants them read by."""

    yload: YamlLoading | None = None

    @classmethod
    def by(cls, data: bytes, yload: YamlLoading | None) -> bytes:
        """The bytes themselves where there is nothing to say."""
        if yload is None:
            return data
        made = cls(data)
        made.yload = yload
        return made


class NotOffered(SpecError):
    """The URI lies outside what the loader may read."""


@frozen
class NullLoader:
    """Reads nothing: a description of one document."""

    def __call__(self, uri: str) -> bytes:
        raise NotOffered("nothing beside the document itself may be read", file=uri)


@frozen
class FileSystemLoader:
    """Files under one directory, symbolic links resolved first: `..` and links do not lead out of it."""

    root: str | Path
    yload: YamlLoading | None = field(default=None, repr=False)

    def __call__(self, uri: str) -> bytes:
        if "://" in uri or uri.startswith("file:"):
            raise NotOffered(f"not a file under {self.root}", file=uri)
        document_downloaded(uri, self)
        return Text.by(read_confined(Path(self.root), Path(self.root) / uri, uri), self.yload)


@frozen
class PrefixLoader:
    """URLs under a prefix, read from a directory: one entry of a spec's `refs:`."""

    prefix: str
    root: str | Path
    yload: YamlLoading | None = field(default=None, repr=False)

    def __call__(self, uri: str) -> bytes:
        if not uri.startswith(self.prefix):
            raise NotOffered(f"not under {self.prefix}", file=uri)
        document_downloaded(uri, self)
        name = unquote(uri[len(self.prefix) :].partition("?")[0]).lstrip("/")
        return Text.by(read_confined(Path(self.root), Path(self.root) / name, uri), self.yload)


@frozen
class RedirectLoader:
    """Any URI, read from a directory by its last segment alone: a local copy, paths stripped."""

    root: str | Path
    yload: YamlLoading | None = field(default=None, repr=False)

    def __call__(self, uri: str) -> bytes:
        document_downloaded(uri, self)
        name = unquote(urlsplit(uri).path).rpartition("/")[2]
        return Text.by(read_confined(Path(self.root), Path(self.root) / name, uri), self.yload)


@frozen
class PackageLoader:
    """Resources of an installed package, under one of its folders."""

    package: str
    folder: str = ""
    yload: YamlLoading | None = field(default=None, repr=False)

    def __call__(self, uri: str) -> bytes:
        from importlib.resources import as_file, files  # noqa: PLC0415  (slow to import)

        if "://" in uri:
            raise NotOffered(f"not a resource of {self.package}", file=uri)
        document_downloaded(uri, self)
        with as_file(files(self.package).joinpath(self.folder)) as root:
            return Text.by(read_confined(root, root / uri.lstrip("/"), uri), self.yload)


@frozen
class WebLoader:
    """Documents of one origin, over HTTP. Redirects are followed within the origin only.

    A name that is neither a URL nor an absolute path is taken from `baseurl`, as a link would be. `verify` is
    true, false, a CA file or an SSLContext; `timeout` is for the whole download, in seconds. Answers of 400
    and above and HTML pages are refused with their status. The environment's proxies are not used.
    """

    baseurl: str | yarl.URL
    timeout: float = 30.0
    verify: Verify = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    yload: YamlLoading | None = field(default=None, repr=False)

    def __call__(self, uri: str) -> bytes:
        from fleet.client.description.download import download  # noqa: PLC0415  (httpx, only where something is fetched)

        base = str(self.baseurl)
        scheme, host, port = origin(base)
        if uri and not uri.startswith("/") and not urlsplit(uri).scheme:
            uri = urljoin(base, uri)
        if origin(uri) != (scheme, host, port):
            raise NotOffered(f"not of the origin {scheme}://{host}:{port}", file=uri)
        document_downloaded(uri, self)
        found = download(uri, timeout=self.timeout, verify=self.verify, headers=self.headers)
        return Text.by(found, self.yload)


@frozen
class ChainLoader:
    """The first of several loaders that has the document."""

    loaders: tuple[Loader, ...]

    def __init__(self, *loaders: Loader) -> None:
        object.__setattr__(self, "loaders", loaders)

    def __call__(self, uri: str) -> bytes:
        failed: SpecError | None = None
        for loader in self.loaders:
            try:
                return loader(uri)
            except SpecError as error:
                if failed is None or isinstance(failed, NotOffered):
                    failed = error
        if failed is None or isinstance(failed, NotOffered):
            raise NotOffered(
                "no loader offers this document: it is not beside the description, and no refs lead to it",
                file=uri,
            )
        raise failed


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL; the scheme's own port where none is written."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    except ValueError:
        raise SpecError("not a valid URL", file=url) from None
    return parts.scheme.lower(), parts.hostname or "", port


def read_confined(root: Path, path: Path, uri: str) -> bytes:
    """The bytes of a regular file that, links resolved, lies under `root`."""
    base = os.path.realpath(root)
    try:
        real = os.path.realpath(path, strict=True)
        if os.path.commonpath((base, real)) != base:
            raise NotOffered(f"outside {root}: references stay in the description's own directory", file=uri)
        handle = open_below(base, os.path.relpath(real, base))
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise SpecError("not a regular file", file=uri)
            if status.st_size > MAX_BYTES:
                raise SpecError(f"larger than {MAX_BYTES >> 20} MiB", file=uri)
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecError(f"cannot be read: {why}", file=uri) from None


def open_below(base: str, path: str) -> int:
    """A descriptor to read a file at a relative path below a folder, no part of which is a link any more:
    one that was put there since the links were resolved is refused. Raises OSError."""
    # A folder need not be readable to lead to a file; where there is no O_PATH it must be.
    through = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    *folders, name = Path(path).parts or (".",)
    folder = os.open(base, through)
    try:
        for part in folders:
            below = os.open(part, through, dir_fd=folder)
            os.close(folder)
            folder = below
        reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not hang us
        return os.open(name, reading, dir_fd=folder)
    finally:
        os.close(folder)
