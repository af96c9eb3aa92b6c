"""The tree that is built in: one small server of our own, hand-written, with marks where hosts differ."""

from fleet.sim.builtin.tree import COUNTS, builtin_documents

__all__ = ["COUNTS", "builtin_documents"]
