"""What a fault may change about a host: one method or attribute for each moment of a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.certificates import Recipe
from fleet.sim.reply import Asked, Reply, Script
from fleet.sim.sessions import SessionRules
from fleet.sim.unserved import Listens

Normal = Callable[[], Reply]


@frozen(slots=False)
class Behaviour:
    """One way to misbehave. Subclasses override what they change; their fields are its parameters.

    `kind` is the failure that a scanner should record for a host that does this to every request, None when a
    scanner should cope. `name` is that kind, with a variant after a colon where one kind has several
    causes; `aliases` are plain words for it. The three are given with the class:
    `class Hang(Behaviour, name="timeout.request", kind=...)`; a class without a name is only derived from.
    """

    name: ClassVar[str]
    kind: ClassVar[FailureKind | None]
    aliases: ClassVar[tuple[str, ...]]

    listens: ClassVar[Listens] = "yes"
    plain: ClassVar[bool] = False  # speaks plain HTTP even where the fleet speaks TLS
    address: str = ""  # of the host that misbehaves; set when the fault is assigned

    def __init_subclass__(
        cls, *, name: str = "", kind: FailureKind | None = None, aliases: tuple[str, ...] = ()
    ) -> None:
        cls.name, cls.kind, cls.aliases = name, kind, aliases

    @classmethod
    def only_answers(cls) -> bool:
        """Whether it shows in answers alone: a host that serves already can begin with it, and end."""
        return (
            cls.answer is not Behaviour.answer
            and not cls.plain
            and cls.listens == "yes"
            and all(
                getattr(cls, name) is getattr(Behaviour, name)
                for name in ("greet", "recipe", "rules", "connections")
            )
        )

    def cause(self, *, secure: bool) -> FailureKind | None:
        """The failure kind that it should cause on a fleet that speaks TLS, or does not."""
        return self.kind

    def greet(self) -> Script | None:
        """What happens right after accept instead of TLS and HTTP; None: nothing special."""
        return None

    def recipe(self, recipe: Recipe) -> Recipe:
        """What the host's certificate and TLS are like."""
        return recipe

    def rules(self, rules: SessionRules) -> SessionRules:
        """How the host keeps sessions."""
        return rules

    def connections(self) -> int | None:
        """How many connections at once the host bears; None: any number."""
        return None

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        """What the host answers; `normal()` does what it would have done, side effects included."""
        return normal()
