"""One file: its bytes, its tree, and a model of it; whatever is wrong is placed at file, line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fleet.errors import ConfigError, PlacedError, SpecError
from fleet.frozen import frozen
from fleet.guess import closest
from fleet.openapi import locate, parse

MAX_FILE_BYTES = 1024 * 1024  # of one file that a person writes

Model = TypeVar("Model")


@frozen
class YamlFile:
    """A file as it was read. `what` is what messages call it; `error` is the class of all that is raised."""

    name: str
    what: str
    data: bytes
    tree: Any
    error: type[PlacedError]

    def fit(
        self,
        model: type[Model],
        *,
        shape: str,
        under: Sequence[str | int] = (),
        patterns: Mapping[str, str] | None = None,
    ) -> Model:
        """The part of the tree under a path (the whole, as a rule) as a model.

        A model is one of pydantic, or a dataclass that it can check. `shape` says in words what it is when it
        is a mapping; `patterns` are as in `first_complaint`. Raises `error`, which repeats no value of the
        file: one that is misplaced may be a secret.
        """
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415  (of the trees alone there are readers, too)

        from fleet.yamlfile.complaint import first_complaint  # noqa: PLC0415

        part = self.tree
        for step in under:
            part = part[step]
        where = ".".join(map(str, under))
        if not isinstance(part, Mapping):
            wrong_shape = f"the {self.what} is empty" if part is None and not under else f"not {shape}"
            raise self.complaint(f"{where}: not {shape}" if where else wrong_shape, under)
        try:
            return TypeAdapter(model).validate_python(part)
        except ValidationError as wrong:
            found = first_complaint(wrong, model, part, patterns=patterns)
        path = (*under, *found.path)
        where = ".".join(map(str, path))
        raise self.complaint(f"{where}: {found.message}" if where else found.message, path, found.hint)

    def complaint(self, message: str, path: Sequence[str | int] = (), hint: str | None = None) -> PlacedError:
        """An error about what stands at a path of keys and indexes."""
        line, column = locate(self.data, path)
        return self.error(message, file=self.name, line=line, column=column, hint=hint)


def read_yaml(
    path: Path | str, what: str, *, error: type[PlacedError] = ConfigError, limit: int = MAX_FILE_BYTES
) -> YamlFile:
    """The YAML or JSON file at a path, of at most `limit` bytes; `what` is what it is to people, as in "the
    mapping cannot be read". Blocks. Raises `error`: unreadable, too large, not one document of YAML."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except OSError as problem:
        why = problem.strerror or problem
        hint = _neighbour(Path(path)) if isinstance(problem, FileNotFoundError) else None
        raise error(f"the {what} cannot be read: {why}", file=name, hint=hint) from None
    if len(data) > limit:
        raise error(f"the {what} is larger than {limit >> 20} MiB", file=name)
    return parse_file(data, name, what, error=error)


def _neighbour(path: Path) -> str | None:
    """A file beside it with nearly that name, whatever its ending."""
    try:
        names = {entry.stem: entry.name for entry in sorted(path.parent.iterdir())}
    except OSError:
        return None
    near = closest(path.stem, names)
    return f"did you mean {path.parent / names[near]}?" if near else None


def parse_file(data: bytes, name: str, what: str, *, error: type[PlacedError] = ConfigError) -> YamlFile:
    """The same of bytes that were read already, from a file of that name."""
    if data.lstrip()[:1] == b"<":
        raise error(f"this is an HTML or XML page, and no {what}", file=name)
    try:
        tree = parse(data, name)
    except SpecError as wrong:
        raise error(wrong.message, file=name, line=wrong.line, column=wrong.column, hint=wrong.hint) from None
    return YamlFile(name, what, data, tree, error)
