"""`fleet version`: what runs here, for a bug report."""

from __future__ import annotations

import click

import fleet
from fleet.cli.options.sections import SectionedCommand

_PARTS = ("anyio", "httptools", "httpx", "jsonschema-rs", "orjson", "pydantic", "python-socks")


@click.command(cls=SectionedCommand)
def version() -> None:
    """Show the versions of fleet and what it runs on."""
    import platform
    import ssl
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    click.echo(f"fleet {fleet.__version__}")
    click.echo(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    click.echo(ssl.OPENSSL_VERSION)
    for part in _PARTS:
        try:
            click.echo(f"{part} {installed(part)}")
        except PackageNotFoundError:
            click.echo(f"{part} missing")
