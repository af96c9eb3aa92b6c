"""Reads a service's configuration: errors are placed at file, line and column."""

from __future__ import annotations

from pathlib import Path

from fleet.service.config.model import ServiceConfig
from fleet.yamlfile import read_yaml

MAX_CONFIG_BYTES = 8 * 1024 * 1024


def load_config(path: Path) -> ServiceConfig:
    """The configuration at a path. Blocks. Raises ConfigError."""
    file = read_yaml(path, "configuration", limit=MAX_CONFIG_BYTES)
    config = file.fit(ServiceConfig, shape="a mapping of sections")
    config._path = path.absolute()
    return config
