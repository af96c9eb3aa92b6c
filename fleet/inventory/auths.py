"""The file of `--auths`: credentials and proxies apart from any spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from fleet.errors import ConfigError, SpecError
from fleet.guess import closest
from fleet.inventory.model import AuthModel, AuthsFile, ProxyModel
from fleet.openapi import load_yaml, locate

MAX_FILE = 1024 * 1024  # bytes


def load_auths(path: Path | str) -> AuthsFile:
    """Read a file with `auths:` and `proxies:`. Raises ConfigError with file, line and column."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_FILE:
        raise ConfigError(f"longer than {MAX_FILE} bytes", file=str(path))
    try:
        value = load_yaml(data, source=str(path))
    except SpecError as error:
        raise ConfigError(
            error.message, file=error.file, line=error.line, column=error.column, hint=error.hint
        ) from None
    if not isinstance(value, dict):
        raise ConfigError("not a mapping with auths: or proxies:", file=str(path))
    try:
        return AuthsFile.model_validate(value)
    except ValidationError as error:
        raise _config_error(error, data, str(path)) from None


def _config_error(error: ValidationError, data: bytes, file: str) -> ConfigError:
    """The first complaint, with its place. What was found is never repeated: it may be a secret."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    where = [step for step in first["loc"] if step != "[key]"]
    line, column = locate(data, where)
    path = ".".join(str(step) for step in where)
    message = first["msg"]
    hint = None
    if first["type"] == "extra_forbidden":
        message = "unknown key"
        hint = _closest(where)
    elif first["type"] == "string_pattern_mismatch":
        message = "a name is letters, digits, `_`, `.` and `-`"
    return ConfigError(
        f"{path}: {message}" if path else message, file=file, line=line, column=column, hint=hint
    )


def _closest(where: list[str | int]) -> str | None:
    models: Mapping[object, type[BaseModel]] = {"auths": AuthModel, "proxies": ProxyModel}
    model = models.get(where[0], AuthsFile) if len(where) > 2 else AuthsFile
    known: Iterable[str] = model.model_fields
    near = closest(str(where[-1]), known)
    return f"did you mean {near}?" if near else f"the keys are: {', '.join(known)}"
