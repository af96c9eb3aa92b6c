"""Frozen values keep what a frozen dataclass promises."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from fleet.frozen import frozen

T = TypeVar("T")


@frozen
class Ours(Generic[T]):
    """A value."""

    MOST: ClassVar[int] = 3

    name: T
    size: int = 1
    seen: list[int] = field(default_factory=list, compare=False)
    secret: str = field(default="s", repr=False)
    double: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", 2 * self.size)


@dataclass(frozen=True, slots=True)
class Theirs(Generic[T]):
    """The same by the standard library."""

    MOST: ClassVar[int] = 3

    name: T
    size: int = 1
    seen: list[int] = field(default_factory=list, compare=False)
    secret: str = field(default="s", repr=False)
    double: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", 2 * self.size)


@frozen(kw_only=True)
class Longer(Ours[str]):
    """One that inherits."""

    more: str
    last: str = "z"


@frozen
class Single:
    """One field, and a comparison of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Single) and other.name.lower() == self.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())


@frozen
class Empty:
    """No field at all."""


@pytest.mark.parametrize(
    "tell",
    [
        lambda made: repr(made("a", 2)).replace("Theirs", "Ours"),
        lambda made: asdict(made("a", size=2)),
        lambda made: replace(made("a"), size=5).double,
        lambda made: hash(made("a", 2)),
        lambda made: made("a", seen=[1]) == made("a", seen=[2]),
        lambda made: made("a") == made("b"),
        lambda made: made("a") == "a",
        lambda made: made("a").seen is made("a").seen,
        lambda made: made.__match_args__,
        lambda made: made.__slots__,
        lambda made: [(one.name, one.type, one.kw_only) for one in fields(made)],
        lambda made: str(inspect.signature(made)),
        lambda made: pickle.loads(pickle.dumps(made("a", 2))) == made("a", 2),
        lambda made: copy.deepcopy(made("a", seen=[1])).seen,
    ],
)
def test_a_value_does_what_a_frozen_dataclass_does(tell: Any) -> None:
    assert tell(Ours) == tell(Theirs)


@pytest.mark.parametrize("made", [Ours, Theirs])
def test_nothing_can_be_assigned_or_deleted(made: Any) -> None:
    value = made("a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'size'"):
        value.size = 3
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'size'"):
        del value.size
    with pytest.raises((FrozenInstanceError, TypeError)):
        value.other = 3


@pytest.mark.parametrize("made", [Ours, Theirs])
def test_what_is_missing_or_too_much_is_said_as_python_says_it(made: Any) -> None:
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument: 'name'"):
        made()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        made("a", other=1)


def test_a_value_that_inherits_has_the_fields_of_both() -> None:
    value = Longer("a", more="m")
    assert (value.name, value.size, value.more, value.last, value.double) == ("a", 1, "m", "z", 2)
    assert value != Longer("a", more="n")
    with pytest.raises(TypeError):
        Longer("a", 1, "m")


def test_methods_of_its_own_stay() -> None:
    assert Single("A") == Single("a")
    assert len({Single("A"), Single("a")}) == 1
    assert repr(Single("A")) == "Single(name='A')"
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())


@frozen(slots=False)
class Told:
    """A class whose subclasses are told something."""

    word: ClassVar[str] = ""
    at: int = 1

    def __init_subclass__(cls, *, word: str = "") -> None:
        cls.word = word

    @cached_property
    def twice(self) -> int:
        return 2 * self.at


@frozen(slots=False)
class Telling(Told, word="w"):
    """One that inherits."""

    more: list[int] = field(default_factory=list)


def test_without_slots_classes_are_made_once_and_properties_cached() -> None:
    value = Telling(3, [4])
    assert (Telling.word, value.at, value.more, value.twice, value.twice) == ("w", 3, [4], 6, 6)
    assert value == Telling(3, [4])
    assert repr(value) == "Telling(at=3, more=[4])"
    assert replace(value, at=5).twice == 10
    assert pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(FrozenInstanceError):
        value.at = 4
