"""What a scan shows while it runs and after: metrics, logs, progress, the tally behind the summary.

Everything here listens to `fleet.event`; nothing here knows the engine. The names load when first used:
`safe` must not cost a command the import of a metrics or a terminal library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.observe.exposition import (
        MetricsServer,
        last_success,
        render,
        write_for_all,
        write_metrics_file,
    )
    from fleet.observe.log_listener import LogListener
    from fleet.observe.logs import Logger, configure_logging
    from fleet.observe.metrics import Metrics
    from fleet.observe.outbox import Outbox
    from fleet.observe.progress import Progress
    from fleet.observe.pushgateway import Pushgateway, parse_group
    from fleet.observe.redact import Redactor
    from fleet.observe.standing import Standing, clock
    from fleet.observe.tally import KindCount, StepCount, Tally
    from fleet.observe.text import safe, safe_block

__all__ = [
    "KindCount",
    "LogListener",
    "Logger",
    "Metrics",
    "MetricsServer",
    "Outbox",
    "Progress",
    "Pushgateway",
    "Redactor",
    "Standing",
    "StepCount",
    "Tally",
    "clock",
    "configure_logging",
    "last_success",
    "parse_group",
    "render",
    "safe",
    "safe_block",
    "write_for_all",
    "write_metrics_file",
]

_HOMES = {
    "KindCount": "tally",
    "LogListener": "log_listener",
    "Metrics": "metrics",
    "MetricsServer": "exposition",
    "Outbox": "outbox",
    "Progress": "progress",
    "Pushgateway": "pushgateway",
    "Logger": "logs",
    "Redactor": "redact",
    "Standing": "standing",
    "StepCount": "tally",
    "Tally": "tally",
    "clock": "standing",
    "configure_logging": "logs",
    "last_success": "exposition",
    "parse_group": "pushgateway",
    "render": "exposition",
    "safe": "text",
    "safe_block": "text",
    "write_for_all": "exposition",
    "write_metrics_file": "exposition",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
