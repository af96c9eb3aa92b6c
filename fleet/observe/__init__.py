"""What a scan shows while it runs and after: metrics, logs, progress, the tally behind the summary.

Everything here listens to `fleet.event`; nothing here knows the engine. The names load when first used:
`safe` must not cost a command the import of a metrics or a terminal library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.observe.exchanges import ExchangeCounts
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
    "ExchangeCounts",
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

load_lazily(
    __name__,
    {
        "exchanges": ("ExchangeCounts",),
        "exposition": ("MetricsServer", "last_success", "render", "write_for_all", "write_metrics_file"),
        "log_listener": ("LogListener",),
        "logs": ("Logger", "configure_logging"),
        "metrics": ("Metrics",),
        "outbox": ("Outbox",),
        "progress": ("Progress",),
        "pushgateway": ("Pushgateway", "parse_group"),
        "redact": ("Redactor",),
        "standing": ("Standing", "clock"),
        "tally": ("KindCount", "StepCount", "Tally"),
        "text": ("safe", "safe_block"),
    },
)
