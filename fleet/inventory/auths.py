"""The file of `--auths`: credentials and proxies apart from any spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from fleet.errors import ConfigError, SpecError
from fleet.guess import closest
from fleet.inventory.model import (
    AppRoleModel,
    AuthModel,
    AuthsFile,
    ExecModel,
    KubernetesModel,
    ProxyModel,
    VaultModel,
    VaultSecretModel,
)
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
    """What the unknown key at a place was probably meant to be, or what may stand there."""
    known: Iterable[str] = _model_at(where[:-1]).model_fields
    near = closest(str(where[-1]), known)
    return f"did you mean {near}?" if near else f"the keys are: {', '.join(known)}"


def _model_at(where: list[str | int]) -> type[BaseModel]:
    """The section that a place is in."""
    sections: Mapping[tuple[str | int, ...], type[BaseModel]] = {
        ("auths",): AuthModel,
        ("auths", "exec"): ExecModel,
        ("auths", "vault"): VaultSecretModel,
        ("proxies",): ProxyModel,
        ("vault",): VaultModel,
        ("vault", "approle"): AppRoleModel,
        ("vault", "kubernetes"): KubernetesModel,
    }
    named = where[:1] in (["auths"], ["proxies"])
    return sections.get(tuple(where[:1] + where[2:] if named else where), AuthsFile)
