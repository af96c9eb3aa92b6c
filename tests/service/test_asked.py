"""Inventories that are asked for while a service runs: what comes and goes is taken up, a failure is not."""

from __future__ import annotations

import json
from typing import Any

from served import Workshop, until


async def test_targets_come_and_go_and_a_source_that_fails_keeps_what_it_gave(workshop: Workshop) -> None:
    lines = (workshop.folder / "hosts.txt").read_text().splitlines()
    folder = workshop.folder
    program = workshop.write("list.sh", f"#!/bin/sh\ncd {folder}\ntest ! -e broken && cat listed.txt\n")
    program.chmod(0o700)
    workshop.write("listed.txt", "\n".join(lines[:2]))
    config = workshop.config.replace("[hosts.txt]", "['exec:./list.sh']")
    async with workshop.serving("refresh: 100ms\n" + config) as served:

        async def members() -> list[Any]:
            return [target for group in await served.get("/sd") for target in group["targets"]]

        assert len(await members()) == 2
        workshop.write("listed.txt", "\n".join(lines[1:4]))

        async def taken_up() -> bool:
            return len(await members()) == 3

        await until(taken_up)
        (changed,) = served.said("inventory.changed")
        assert (changed["added"], changed["removed"]) == (2, 1)
        workshop.write("broken", "")

        async def noticed() -> list[Any]:
            return served.said("inventory.stale")

        stale = (await until(noticed))[0]
        assert stale["job"] == "health"
        assert "exec:" in json.dumps(stale)
        assert len(await members()) == 3
        assert await served.metric("fleet_service_config_last_reload_successful") == 1
