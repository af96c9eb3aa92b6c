"""The whole spec file: the language of `fleet.pipeline`, and where the description and the names are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from fleet.config.extend import Extended
from fleet.inventory import AuthModel, ProxyModel
from fleet.pipeline import Model, PipelineSpec, Place

if TYPE_CHECKING:
    from fleet.openapi import Fixup

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class InfoSpec(Model):
    """What the spec is called."""

    title: str = Field(min_length=1, description="What people call it.")
    version: str = Field(default="0", description="The version of this file.")
    description: str | None = Field(default=None, description="For people who read the spec.")


def _as_pointer(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("a JSON pointer begins with '/', or is empty for the whole document")
    return value


Pointer = Annotated[str, AfterValidator(_as_pointer)]
_ACTIONS = ("drop", "rename", "set", "add", "nullable", "headers", "answers")


class FixupSpec(Model):
    """One repair of the description, made while it is read."""

    at: Pointer = Field(
        default="",
        description="A JSON pointer to what is repaired; * in a step is any text, ** any number of steps. "
        "Default: the whole document.",
    )
    documents: str = Field(
        default="",
        description="The documents that it is about: a glob on the end of their URI. Default: all.",
    )
    drop: tuple[str, ...] = Field(default=(), description="Keys to remove.")
    rename: dict[str, str] = Field(default_factory=dict, description="Keys to rename: from, to.")
    set: dict[str, Any] = Field(default_factory=dict, description="Keys to write, present or not.")
    add: dict[str, Any] = Field(default_factory=dict, description="Keys to write where they are absent.")
    nullable: bool = Field(
        default=False, description="The schema may be null; this works beside a $ref as well."
    )
    headers: dict[str, str | dict[str, Any]] = Field(
        default_factory=dict,
        description="Headers that an answer has and does not declare: a type, or a header object.",
    )
    answers: dict[Annotated[str, Field(pattern=r"^([1-5](\d\d|XX)|default)$")], dict[str, Any]] = Field(
        default_factory=dict,
        description="Statuses that an operation answers with and does not declare, as under `responses`.",
    )
    reason: str = Field(default="", description="Why, for people who read the spec.")

    @model_validator(mode="after")
    def _does_something(self) -> FixupSpec:
        if not any(getattr(self, action) for action in _ACTIONS):
            raise ValueError(f"nothing is done: one of {', '.join(_ACTIONS)} is needed")
        return self

    @property
    def fixup(self) -> Fixup:
        """The repair itself."""
        from fleet.openapi import Fixup  # noqa: PLC0415  (only where a spec has one)

        return Fixup(**{name: getattr(self, name) for name in type(self).model_fields})


class SpecFile(PipelineSpec):
    """A spec file, read. Made by `load_spec`, which also says where it came from."""

    fleet: Literal["1"] = Field(description="The version of the spec language.")
    extends: str | None = Field(
        default=None,
        description="A spec, a path relative to this file or a built-in, to which this one adds: entries of "
        "sections replace those of the same name, null takes one away, lists are joined.",
    )
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
    fixups: tuple[FixupSpec, ...] = Field(
        default=(), description="Repairs of the description, in this order, made before it is read."
    )
    auths: dict[Name, AuthModel] = Field(default_factory=dict, description="Credentials by name.")
    proxies: dict[Name, ProxyModel] = Field(default_factory=dict, description="Proxies by name.")

    _whole: Extended | None = PrivateAttr(default=None)
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def path(self) -> Path | None:
        """The file it was read from; None for one made in memory."""
        return self._whole.own.path if self._whole is not None else None

    @property
    def bases(self) -> tuple[Path, ...]:
        """The files that it extends, the nearest first."""
        return self._whole.bases if self._whole is not None else ()

    @property
    def text(self) -> str:
        """The file's text, as it was read."""
        return self._whole.own.text if self._whole is not None else ""

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
        base = self.path.parent if self.path is not None else Path.cwd()
        return str((base / place).resolve()) + ("/" if place.endswith("/") else "")

    def place(self, path: tuple[str | int, ...]) -> Place:
        """File, line and column of what stands at `path`; for `compile_plan(..., locate=spec.place)`."""
        return self._whole.place(path) if self._whole is not None else (None, None, None)
