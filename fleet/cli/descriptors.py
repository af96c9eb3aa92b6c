"""File descriptors of a process that keeps many connections: a service, a simulated fleet."""

from __future__ import annotations


def raise_descriptor_limit() -> None:
    """As many as the system allows this process."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
