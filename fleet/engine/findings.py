"""When failed targets are more than a person is willing to accept."""

from __future__ import annotations


def fails(rule: str, *, failed: int, reached: int) -> bool:
    """Whether `failed` targets of `reached` (those not skipped) are findings by a rule: `none`, `any`,
    `all`, a number, or a share like `5%`."""
    if failed == 0 or rule == "none":
        return False
    if rule == "any":
        return True
    if rule == "all":
        return failed >= reached
    if rule.endswith("%"):
        return failed * 100 >= float(rule[:-1]) * reached
    return failed >= int(rule)
