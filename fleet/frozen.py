"""Frozen values: what `dataclass(frozen=True, slots=True)` promises, for less.

The standard library writes six methods for each such class and compiles them, some four million instructions:
a sixth of a start. Here only `__init__` is compiled, and all values share the other five. It fills the
slots by their descriptors, in half the time that `object.__setattr__` takes by name.

Fields, defaults, `field`, `fields`, `replace` and `asdict` are those of `dataclasses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool = False, slots: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, kw_only: bool = False, slots: bool = True
) -> type[T] | Callable[[type[T]], type[T]]:
    """A class of frozen values in slots, equal where their fields are, made of the fields it declares.

    With `kw_only` they are given by name. Without `slots` they stand in a dictionary, for classes that have
    cached properties, or an `__init_subclass__` that is told something: slots make a class a second time. A
    class that inherits from one of these is one of these itself.
    """

    def made(plain: type[T]) -> type[T]:
        fielded = dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
        return _with_methods(fielded(plain))

    return made if cls is None else made(cls)


def _with_methods(made: type[T]) -> type[T]:
    """Methods that the class has itself stay; a comparison of its own takes no hash away."""
    own = {name for name, held in vars(made).items() if held is not None}
    for name, method in _METHODS.items():
        if name not in own:
            setattr(made, name, method)
    for name, make in (("_compared", _compared_of), ("__init__", _init_of)):
        if name not in own:
            setattr(made, name, make(made))
    return made


def _init_of(made: Any) -> Callable[..., None]:
    """The function that fills the slots. Names of fields are identifiers, or the class were none."""
    namespace: dict[str, Any] = {"_factory": _Factory.IS_CALLED}
    positional, named, body = ["self"], list[str](), list[str]()
    for one in fields(made):
        taken = one.name if one.init else f"_default_{one.name}"
        if one.default is not MISSING:
            namespace[f"_default_{one.name}"] = one.default
        elif one.default_factory is not MISSING:
            namespace[f"_default_{one.name}"] = one.default_factory
            called = f"_default_{one.name}()"
            taken = f"{called} if {one.name} is _factory else {one.name}" if one.init else called
        elif not one.init:
            continue  # `__post_init__` gives it
        slot = getattr(made, one.name, None)
        if isinstance(slot, MemberDescriptorType):
            namespace[f"_set_{one.name}"] = slot.__set__
            body.append(f" _set_{one.name}(self, {taken})")
        else:
            body.append(f" self.__dict__[{one.name!r}] = {taken}")
        if one.init:
            (named if one.kw_only else positional).append(f"{one.name}{_default_in_head(one)}")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    head = ", ".join((*positional, *(["*", *named] if named else [])))
    exec(f"def __init__({head}):\n" + "\n".join(body or [" pass"]), namespace)  # noqa: S102  (as dataclass does)
    init: Callable[..., None] = namespace["__init__"]
    init.__annotations__ = {one.name: one.type for one in fields(made) if one.init} | {"return": None}
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__module__ = made.__module__
    return init


class _Factory:
    """Stands in a signature for a default that is made anew each time."""

    IS_CALLED: _Factory

    def __repr__(self) -> str:
        return "<factory>"


_Factory.IS_CALLED = _Factory()


def _default_in_head(one: Field[Any]) -> str:
    if one.default is not MISSING:
        return f"=_default_{one.name}"
    return "=_factory" if one.default_factory is not MISSING else ""


def _compared_of(made: Any) -> Callable[[Any], Any]:
    """What of a value is compared and hashed."""
    names = [one.name for one in fields(made) if one.compare]
    if len(names) > 1:
        return attrgetter(*names)
    return staticmethod(lambda value: tuple(getattr(value, name) for name in names))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    return self._compared(self) == self._compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _setattr(self: Any, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for one, held in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, held)


_METHODS: Mapping[str, Callable[..., Any]] = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
