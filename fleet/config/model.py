"""The whole spec file: the language of `fleet.pipeline`, and where the description and the names are."""

from __future__ import annotations

from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from fleet.config.extend import Extended
from fleet.frozen import frozen
from fleet.pipeline import PipelineSpec, Place, Section

if TYPE_CHECKING:
    from pydantic import Field

    from fleet.config.keys import AnswerStatus, Name, Pointer
    from fleet.inventory import AuthModel, ProxyModel
    from fleet.openapi import Fixup

_ACTIONS = ("drop", "rename", "set", "add", "nullable", "headers", "answers")


@frozen(kw_only=True)
class InfoSpec(Section):
    """What the spec is called."""

    title: Annotated[str, Field(min_length=1, description="What people call it.")]
    version: Annotated[str, Field(description="The version of this file.")] = "0"
    description: Annotated[str | None, Field(description="For people who read the spec.")] = None


@frozen(kw_only=True)
class FixupSpec(Section):
    """One repair of the description, made while it is read."""

    at: Annotated[
        Pointer,
        Field(
            description="A JSON pointer to what is repaired; * in a step is any text, ** any number of "
            "steps. Default: the whole document."
        ),
    ] = ""
    documents: Annotated[
        str,
        Field(description="The documents that it is about: a glob on the end of their URI. Default: all."),
    ] = ""
    drop: Annotated[tuple[str, ...], Field(description="Keys to remove.")] = ()
    rename: Annotated[dict[str, str], Field(description="Keys to rename: from, to.")] = field(
        default_factory=dict
    )
    set: Annotated[dict[str, Any], Field(description="Keys to write, present or not.")] = field(
        default_factory=dict
    )
    add: Annotated[dict[str, Any], Field(description="Keys to write where they are absent.")] = field(
        default_factory=dict
    )
    nullable: Annotated[
        bool, Field(description="The schema may be null; this works beside a $ref as well.")
    ] = False
    headers: Annotated[
        dict[str, str | dict[str, Any]],
        Field(description="Headers that an answer has and does not declare: a type, or a header object."),
    ] = field(default_factory=dict)
    answers: Annotated[
        dict[AnswerStatus, dict[str, Any]],
        Field(
            description="Statuses that an operation answers with and does not declare, as under `responses`."
        ),
    ] = field(default_factory=dict)
    reason: Annotated[str, Field(description="Why, for people who read the spec.")] = ""

    def __post_init__(self) -> None:
        if not any(getattr(self, action) for action in _ACTIONS):
            raise ValueError(f"nothing is done: one of {', '.join(_ACTIONS)} is needed")

    @property
    def fixup(self) -> Fixup:
        """The repair itself."""
        from fleet.openapi import Fixup  # noqa: PLC0415  (only where a spec has one)

        return Fixup(**{one.name: getattr(self, one.name) for one in fields(self)})


@frozen(kw_only=True)
class Sections(PipelineSpec):
    """What a spec file says."""

    fleet: Annotated[Literal["1"], Field(description="The version of the spec language.")]
    extends: Annotated[
        str | None,
        Field(
            description="A spec, a path relative to this file or a built-in, to which this one adds: entries "
            "of sections replace those of the same name, null takes one away, lists are joined."
        ),
    ] = None
    info: Annotated[InfoSpec, Field(description="What the spec is called.")]
    api: Annotated[
        str,
        Field(min_length=1, description="The OpenAPI description: a path, relative to this file, or a URL."),
    ]
    refs: Annotated[
        dict[str, str],
        Field(
            description="Where absolute $refs are read from: a prefix of them, and a directory or URL. "
            "Nothing else is fetched."
        ),
    ] = field(default_factory=dict)
    fixups: Annotated[
        tuple[FixupSpec, ...],
        Field(description="Repairs of the description, in this order, made before it is read."),
    ] = ()
    auths: Annotated[dict[Name, AuthModel], Field(description="Credentials by name.")] = field(
        default_factory=dict
    )
    proxies: Annotated[dict[Name, ProxyModel], Field(description="Proxies by name.")] = field(
        default_factory=dict
    )


@frozen(kw_only=True)
class SpecFile(Sections):
    """A spec file, read. Made by `load_spec`: `whole` says where it came from, and `notes` what a person
    should be told about how it was found."""

    whole: Extended | None = None
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> Path | None:
        """The file it was read from; None for one made in memory."""
        return self.whole.own.path if self.whole is not None else None

    @property
    def bases(self) -> tuple[Path, ...]:
        """The files that it extends, the nearest first."""
        return self.whole.bases if self.whole is not None else ()

    @property
    def text(self) -> str:
        """The file's text, as it was read."""
        return self.whole.own.text if self.whole is not None else ""

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
        return self.whole.place(path) if self.whole is not None else (None, None, None)
