"""The functions that expressions may call: JMESPath's own, and comparisons of versions."""

from __future__ import annotations

from typing import Any

from jmespath import functions

from fleet.pipeline.language.versions import compare_versions

_TEXT: Any = {"types": ["string"]}
_TWO_TEXTS = (_TEXT, _TEXT)


class Functions(functions.Functions):  # type: ignore[misc, unused-ignore]  # jmespath ships no types of its own
    """JMESPath's functions plus `version_lt/le/eq/ne/ge/gt`, `lower`, `upper`, `trim` and `last_segment`.

    A value of another type is a type error, which an expression turns into "no value".
    """

    @functions.signature(*_TWO_TEXTS)
    def _func_version_lt(self, left: str, right: str) -> bool:
        return compare_versions(left, right) < 0

    @functions.signature(*_TWO_TEXTS)
    def _func_version_le(self, left: str, right: str) -> bool:
        return compare_versions(left, right) <= 0

    @functions.signature(*_TWO_TEXTS)
    def _func_version_eq(self, left: str, right: str) -> bool:
        return compare_versions(left, right) == 0

    @functions.signature(*_TWO_TEXTS)
    def _func_version_ne(self, left: str, right: str) -> bool:
        return compare_versions(left, right) != 0

    @functions.signature(*_TWO_TEXTS)
    def _func_version_ge(self, left: str, right: str) -> bool:
        return compare_versions(left, right) >= 0

    @functions.signature(*_TWO_TEXTS)
    def _func_version_gt(self, left: str, right: str) -> bool:
        return compare_versions(left, right) > 0

    @functions.signature(_TEXT)
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @functions.signature(_TEXT)
    def _func_upper(self, text: str) -> str:
        return text.upper()

    @functions.signature(_TEXT)
    def _func_trim(self, text: str) -> str:
        return text.strip()

    @functions.signature(_TEXT)
    def _func_last_segment(self, uri: str) -> str:
        """What tells a resource from its siblings: the last part of its path, or of its fragment."""
        return uri.partition("?")[0].rstrip("/").rpartition("/")[2]


def arities() -> dict[str, tuple[int, bool]]:
    """Of each function: how many arguments it takes, and whether more may follow."""
    table: dict[str, Any] = Functions.FUNCTION_TABLE
    return {
        name: (len(entry["signature"]), bool(entry["signature"] and entry["signature"][-1].get("variadic")))
        for name, entry in table.items()
    }
