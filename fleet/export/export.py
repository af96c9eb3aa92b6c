"""A run beside NetBox, from the run directory to the preview."""

from __future__ import annotations

from pathlib import Path

from anyio import to_thread

from fleet.export.compare import Comparison
from fleet.export.known import read_known
from fleet.export.mapping import NetBoxMapping
from fleet.export.netbox import RETRY, NetBoxAccess, netbox_at
from fleet.export.preview import PREVIEW_VERSION, Preview
from fleet.export.seen import repeated_serials
from fleet.policy import Retry
from fleet.report import head_of, last_outcomes


async def preview_netbox(
    run: Path, mapping: NetBoxMapping, access: NetBoxAccess, api: Path, *, retry: Retry = RETRY
) -> Preview:
    """What differs between a run and a NetBox; nothing is written there. `api` is the description of what is
    asked of it. Raises UsageError, and SinkError where the run cannot be read."""
    head, journal = await to_thread.run_sync(head_of, run)
    async with netbox_at(access, api, retry=retry) as netbox:
        await netbox.version()
        known = await read_known(netbox, roles=[item.role for item in mapping.items])
        repeated = await to_thread.run_sync(lambda: repeated_serials(last_outcomes(run, journal), mapping))
        found = Comparison(known, mapping, repeated)
        await found.run(await to_thread.run_sync(last_outcomes, run, journal), netbox)
        url = netbox.url
    changes = found.changes
    return Preview(
        v=PREVIEW_VERSION,
        run=head["run"] or run.name,
        netbox=url,
        summary={
            "targets": found.counts["targets"],
            "devices": found.counts["devices"],
            "devices_in_netbox": known.count,
            "changes": len(changes),
            "deletions": len(found.deletions),
            "unknown": len(found.unknown),
            "problems": len(found.problems),
        },
        changes=changes,
        deletions=tuple(found.deletions),
        unknown=tuple(found.unknown),
        problems=tuple(found.problems),
    )
