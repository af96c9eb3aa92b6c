"""What is asked of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fleet.compare.rules import Rule
from fleet.frozen import frozen

BY = "model"  # what makes peers, if not told otherwise

Condition = Callable[[Mapping[str, Any]], bool]


@frozen(kw_only=True)
class Question:
    """What to compare. `where` is asked of each target's `scope`, `condition` is its text; no `steps` are all
    steps; `by` is what makes peers."""

    steps: Sequence[str] = ()
    rules: Sequence[Rule] = ()
    by: str = BY
    where: Condition | None = None
    condition: str | None = None
