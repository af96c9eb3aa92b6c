"""A service that scans by schedule, answers Prometheus, and keeps a history.

  config   what its file may say; jobs as options of scans
  store    the history: runs, the state of every target, what changed
  jobs     rounds and single probes; what they share and keep; who is told
  http     what is answered, and to whom

`Service` puts them together, `check` only looks whether that could be done.
"""

from fleet.service.config.load import load_config
from fleet.service.config.model import ServiceConfig
from fleet.service.config.schema import config_schema
from fleet.service.jobs.ready import make_ready
from fleet.service.service import Service, check

__all__ = ["Service", "ServiceConfig", "check", "config_schema", "load_config", "make_ready"]
