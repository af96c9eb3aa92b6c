"""`fleet sim`: a simulated fleet on 127/8, to try things on and to test against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.descriptors import raise_descriptor_limit
from fleet.cli.options.sections import SectionedCommand
from fleet.cli.options.values import Duration

if TYPE_CHECKING:
    from fleet.sim import SimOptions, SimulatedFleet

_FILE = click.Path(dir_okay=False, path_type=Path)


def _auth(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    user, colon, password = value.partition(":")
    if not colon or not user:
        raise click.BadParameter("write USER:PASS")
    return user, password


@click.command("sim", cls=SectionedCommand, short_help="Simulate a fleet of hosts on 127/8, faults included.")
@click.option(
    "--hosts", metavar="N", type=click.IntRange(1, 1_000_000), default=10, show_default=True, help="How many."
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of all hosts. [default: any free]",
)
@click.option("--tls", is_flag=True, help="Speak TLS, with certificates of the simulator's own CA.")
@click.option(
    "--first-address",
    metavar="ADDRESS",
    default="127.1.0.1",
    show_default=True,
    help="Addresses count up from here.",
)
@click.option("--write-hosts", type=_FILE, help="Write an inventory of the hosts.")
@click.option("--write-ca", type=_FILE, help="Write the CA's certificate (PEM), for --cacert.")
@click.option(
    "--tree",
    "trees",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve a Redfish mockup directory; several are dealt out in turn. [default: a built-in tree]",
)
@click.option("--faults", type=_FILE, help="Rules for hosts that misbehave (YAML or JSON).")
@click.option("--list-faults", is_flag=True, help="List the faults and the failure kinds that they cause.")
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Which hosts percentages in --faults pick.",
)
@click.option("--auth", callback=_auth, metavar="USER:PASS", help="Ask for this throw-away credential.")
@click.option(
    "--sessions",
    metavar="N",
    type=click.IntRange(0),
    default=16,
    show_default=True,
    help="Sessions per host.",
)
@click.option(
    "--lockout",
    metavar="N",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Bad logins until a host locks; 0: never.",
)
@click.option("--latency", metavar="TIME", type=Duration(), help="Wait before each answer.")
@click.option(
    "--expand/--no-expand", default=True, show_default=True, help="Whether the built-in tree offers $expand."
)
@click.option(
    "--socks",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="Also serve SOCKS5 on this port of 127.0.0.1.",
)
@click.option(
    "--socks-limit",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Connections that the proxy bears; it drops the rest. [default: any number]",
)
def sim(
    write_hosts: Path | None,
    write_ca: Path | None,
    faults: Path | None,
    list_faults: bool,
    latency: float | None,
    **options: Any,
) -> None:
    """Simulate a fleet of Redfish hosts, each at its own loopback address.

    Prints one line when all of it is ready, serves until SIGTERM or SIGINT, and counts what it was asked:
    the control address in that line answers /counts, /totals, /hosts, /expected?host= and POST /reset. POST
    /switch?host=&fault=[&path=] has a host begin to misbehave, without fault= end. POST /vary?host=&bios=9.1
    has it show another value than /expected tells of it, without any its own again.

    \b
      fleet sim --hosts 1000 --port 8443 --tls --write-hosts hosts.txt --write-ca ca.pem
      fleet scan hosts.txt --spec redfish --cacert ca.pem
    """
    if list_faults:
        _list_faults()
        return
    import asyncio

    from fleet.sim import SimOptions, read_faults

    asyncio.run(
        _serve(
            SimOptions(
                faults=read_faults(faults) if faults else (),
                latency=latency or 0.0,
                **options,
            ),
            write_hosts,
            write_ca,
        )
    )


async def _serve(options: SimOptions, write_hosts: Path | None, write_ca: Path | None) -> None:
    import asyncio
    import gc
    import signal

    from fleet.errors import ConfigError
    from fleet.sim import SimulatedFleet

    raise_descriptor_limit()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    fleet = SimulatedFleet(options)
    try:
        await fleet.__aenter__()
    except OSError as problem:
        raise ConfigError(f"cannot listen on port {options.port}: {problem.strerror}") from problem
    try:
        await asyncio.to_thread(_write, fleet, write_hosts, write_ca)
        gc.collect()
        gc.freeze()  # what lives until the end is not looked at again by every collection
        click.echo(ready_line(fleet))
        await stop.wait()
    finally:
        await fleet.__aexit__(None, None, None)


def ready_line(fleet: SimulatedFleet) -> str:
    """The one line that says that everything listens, and where."""
    line = (
        f"ready hosts={len(fleet.hosts)} first={fleet.options.first_address} port={fleet.port} "
        f"scheme={fleet.scheme} control={fleet.control_url}"
    )
    return f"{line} socks={fleet.socks_url}" if fleet.socks_url else line


def _write(fleet: SimulatedFleet, hosts: Path | None, ca: Path | None) -> None:
    from fleet.errors import ConfigError

    contents = {hosts: "".join(f"{entry.line}\n" for entry in fleet.entries).encode(), ca: fleet.ca_pem}
    for path, content in contents.items():
        if path is not None:
            try:
                path.write_bytes(content)
            except OSError as problem:
                raise ConfigError(f"cannot write: {problem.strerror}", file=str(path)) from problem


def _list_faults() -> None:
    from fleet.sim import BEHAVIOURS

    for behaviour in BEHAVIOURS:
        says = " ".join((behaviour.__doc__ or "").split())
        aliases = f" ({', '.join(behaviour.aliases)})" if behaviour.aliases else ""
        click.echo(f"{behaviour.name}{aliases}\n    {says}")
