"""What the values of a spec file are: plain and frozen. pydantic checks them when a file is read anew.

Annotations are texts that nothing evaluates until then, so that a spec that was checked before needs no
pydantic. That is why modules of sections import what only annotations name for the type checker alone, from
the module `keys` beside them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_type_hints

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema

T = TypeVar("T", bound="Section")


def _described(schema: dict[str, Any], section: type[Section]) -> None:
    schema["description"] = inspect.getdoc(section)


class Section:
    """Every unknown key is an error, and a key that is a word of Python may be given by either name."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "populate_by_name": True,
        "json_schema_extra": _described,
    }

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """From the first check on, the fields of a section know their types."""
        named = {name: held for module in _keys_of(cls) for name, held in vars(module).items()}
        types = get_type_hints(cls, localns=named, include_extras=True)
        for one in fields(cls):  # type: ignore[arg-type]  # every section is a dataclass
            one.type = types[one.name]
        return handler(source)


def _keys_of(section: type[Section]) -> Iterator[ModuleType]:
    """The modules `keys` that lie beside those of a class and of what it inherits from."""
    for own in reversed(section.__mro__[:-1]):
        yield import_module(f"{own.__module__.rpartition('.')[0]}.keys")


def check(section: type[T], tree: object) -> T:
    """The tree as a section. Raises pydantic's ValidationError."""
    kind: Any = section
    made: TypeAdapter[T] = adapter(kind)
    return made.validate_python(tree)


@cache
def adapter(section: type[Section]) -> TypeAdapter[Any]:
    """What checks sections of this class, and has their JSON Schema."""
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(section)
