"""When the certificates that targets showed end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from fleet.inventory import Folder
from fleet.report.groups import named, short_name
from fleet.report.model import Certificates, Expiry

MAX_DAYS = 60  # different days told apart of those that count
MAX_HOST_SETS = 4  # host sets named of one day
MAX_VERSIONS = 10


class Expiries:
    """Counts certificates; `within` days from `now` is soon."""

    def __init__(self, now: datetime, within: int) -> None:
        self._today = now.astimezone(UTC).date()
        self._within = within
        self._seen = self._expired = self._soon = self._unsigned = 0
        self._versions: Counter[str] = Counter()
        self._days: dict[date, tuple[Folder, list[int]]] = {}

    def add(self, target: str, facts: Mapping[str, Any]) -> None:
        """Count one target's certificate, if its facts say when it ends."""
        self._unsigned += facts.get("self_signed") is True
        version = facts.get("version")
        if isinstance(version, str) and (version in self._versions or len(self._versions) < MAX_VERSIONS):
            self._versions[version] += 1
        try:
            end = datetime.fromisoformat(str(facts.get("not_after"))).date()
        except ValueError:
            return
        self._seen += 1
        left = (end - self._today).days
        if left > self._within:
            return
        self._expired += left < 0
        self._soon += left >= 0
        if end in self._days or len(self._days) < MAX_DAYS:
            folder, count = self._days.setdefault(end, (Folder(), [0]))
            folder.add(short_name(target))
            count[0] += 1

    def result(self) -> Certificates:
        """The earliest days first."""
        return Certificates(
            seen=self._seen,
            expired=self._expired,
            soon=self._soon,
            within=self._within,
            unsigned=self._unsigned,
            versions=dict(self._versions.most_common()),
            expiries=tuple(self._expiry(day) for day in sorted(self._days)),
        )

    def _expiry(self, day: date) -> Expiry:
        folder, count = self._days[day]
        hosts, unnamed = named(folder, MAX_HOST_SETS)
        left = (day - self._today).days
        return Expiry(day=day.isoformat(), days=left, targets=count[0], hosts=hosts, unnamed=unnamed)
