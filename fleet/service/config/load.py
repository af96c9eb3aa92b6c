"""Reads a service's configuration: errors are placed at file, line and column."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from fleet.config import placed
from fleet.errors import ConfigError
from fleet.openapi import parse
from fleet.service.config.model import ServiceConfig

MAX_BYTES = 8 * 1024 * 1024  # of a configuration


def load_config(path: Path) -> ServiceConfig:
    """The configuration at a path. Blocks. Raises ConfigError (and SpecError for what is no YAML)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the configuration cannot be read: {error.strerror or error}", file=str(path)
        ) from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the configuration is larger than {MAX_BYTES >> 20} MiB", file=str(path))
    text = data.decode("utf-8", "replace")
    tree = parse(text, str(path))
    if not isinstance(tree, dict):
        raise ConfigError("a configuration is a mapping of sections", file=str(path), line=1, column=1)
    kept = {key: value for key, value in tree.items() if not str(key).startswith("x-")}
    try:
        config = ServiceConfig.model_validate(kept)
    except ValidationError as wrong:
        raise placed(wrong, ServiceConfig, kept, file=str(path), text=text, error=ConfigError) from None
    config._path = path.absolute()
    return config
