"""The whole spec file: the language of `fleet.pipeline`, and where the description and the names are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr

from fleet.inventory import AuthModel, ProxyModel
from fleet.openapi import locate
from fleet.pipeline import Model, PipelineSpec, Place

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class InfoSpec(Model):
    """What the spec is called."""

    title: str = Field(min_length=1, description="What people call it.")
    version: str = Field(default="0", description="The version of this file.")
    description: str | None = Field(default=None, description="For people who read the spec.")


class SpecFile(PipelineSpec):
    """A spec file, read. Made by `load_spec`, which also says where it came from."""

    fleet: Literal["1"] = Field(description="The version of the spec language.")
    info: InfoSpec = Field(description="What the spec is called.")
    api: str = Field(
        min_length=1,
        description="The OpenAPI description: a path, relative to this file, or a URL.",
    )
    refs: dict[str, str] = Field(
        default_factory=dict,
        description="Where absolute $refs are read from: a prefix of them, and a directory or URL. "
        "Nothing else is fetched.",
    )
    auths: dict[Name, AuthModel] = Field(default_factory=dict, description="Credentials by name.")
    proxies: dict[Name, ProxyModel] = Field(default_factory=dict, description="Proxies by name.")

    _path: Path | None = PrivateAttr(default=None)
    _text: str = PrivateAttr(default="")
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def path(self) -> Path | None:
        """The file it was read from; None for one made in memory."""
        return self._path

    @property
    def text(self) -> str:
        """The file's text, as it was read."""
        return self._text

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should be told about how it was found."""
        return self._notes

    @property
    def api_source(self) -> str:
        """The description's absolute path, or its URL."""
        return self.beside(self.api)

    @property
    def ref_sources(self) -> dict[str, str]:
        """`refs` with absolute paths."""
        return {prefix: self.beside(place) for prefix, place in self.refs.items()}

    def beside(self, place: str) -> str:
        """A path of this file made absolute (a trailing slash is kept); a URL as it is."""
        if urlsplit(place).scheme in {"http", "https", "file"}:
            return place
        base = self._path.parent if self._path is not None else Path.cwd()
        return str((base / place).resolve()) + ("/" if place.endswith("/") else "")

    def place(self, path: tuple[str | int, ...]) -> Place:
        """File, line and column of what stands at `path`; for `compile_plan(..., locate=spec.place)`."""
        if self._path is None:
            return None, None, None
        line, column = locate(self._text, path)
        return str(self._path), line, column
