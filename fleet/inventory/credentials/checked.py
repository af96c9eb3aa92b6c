"""What files say that name secrets: values that check themselves.

Nothing of such a file is kept anywhere, so that it is checked whenever it is read. Where all is in order, no
more than this module is needed. What is not is checked once more, by pydantic, which goes by the same
annotations: it knows every fault and its place, and makes the JSON Schema.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as hints_of

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

T = TypeVar("T")


class Rule:
    """A part of an annotation: what a value must be, before its type is looked at.

    `judge` gives the value, or what it stands for, and raises ValueError in words that repeat nothing of it.
    `schema` is added to the JSON Schema of the type; `written` are the types in which a person may write it,
    where they are others.
    """

    def __init__(
        self, judge: Callable[[Any], Any], schema: Mapping[str, Any] | None = None, written: Any = None
    ) -> None:
        self.judge: Callable[[Any], Any] = judge
        self.schema: Mapping[str, Any] = schema or {}
        self.written: Any = written

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic import BeforeValidator  # noqa: PLC0415
        from pydantic_core import PydanticCustomError  # noqa: PLC0415

        def judged(value: Any) -> Any:
            try:
                return self.judge(value)
            except ValueError as wrong:
                raise PydanticCustomError("rule", "{message}", {"message": str(wrong)}) from None

        kinds = {} if self.written is None else {"json_schema_input_type": self.written}
        return BeforeValidator(judged, **kinds).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(
        self, inner: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(inner), **self.schema}


def matching(pattern: str, words: str) -> Rule:
    """A text that a regular expression matches; `words` say what it wants."""
    wanted = re.compile(pattern)

    def judge(value: Any) -> Any:
        if isinstance(value, str) and wanted.fullmatch(value) is None:
            raise ValueError(words)
        return value

    return Rule(judge, {"pattern": pattern})


def short_form(key: str, written: Any) -> Rule:
    """A section may be written as the one key that it needs; `written` are the types of both."""
    return Rule(lambda value: {key: value} if isinstance(value, str | list) else value, written=written)


def _described(schema: dict[str, Any], kind: type[Checked]) -> None:
    schema["description"] = inspect.getdoc(kind)


class Checked:
    """A frozen value whose fields hold what their annotations promise, however it was made. Unknown keys are
    errors, and errors never repeat what was found.

    The metadata of a field are words of pydantic: `description`, `min_length`, `pattern` and `ge`.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "hide_input_in_errors": True,
        "json_schema_extra": _described,
    }

    def __post_init__(self) -> None:
        own: Any = type(self)
        kinds = _kinds(own)
        for one in fields(self):  # type: ignore[arg-type]  # every one of them is a dataclass
            value = _fitted(getattr(self, one.name), kinds[one.name])
            if value is not None and one.metadata:
                _hold(value, one.metadata)
            object.__setattr__(self, one.name, value)
        self._agree()

    def _agree(self) -> None:
        """Raises ValueError where fields do not go together."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        owner: Any = cls
        _kinds(owner)
        return handler(source)


def plainly(kind: type[T], tree: object) -> T | None:
    """The tree as a value of this kind; None where something is wrong with it, or merely unusual."""
    try:
        made: T = _fitted(tree, kind)
    except (ValueError, TypeError, RecursionError):
        return None
    return made


@cache
def _kinds(owner: Any) -> Mapping[str, Any]:
    """The types of its fields, which the fields know from then on."""
    types = hints_of(owner, include_extras=True)
    for one in fields(owner):
        one.type = types[one.name]
    return types


def _fitted(value: Any, kind: Any) -> Any:
    """The value as what the annotation says. Raises ValueError; TypeError where a mapping has other keys than
    its section."""
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *rules = get_args(kind)
        for rule in rules:
            value = rule.judge(value)
        return _fitted(value, inner)
    if origin is Union or origin is UnionType:
        return _one_of(value, get_args(kind))
    if origin is Mapping and isinstance(value, Mapping):
        key, held = get_args(kind)
        return {_fitted(name, key): _fitted(part, held) for name, part in value.items()}
    if origin is Sequence and isinstance(value, list | tuple):
        (held,) = get_args(kind)
        return type(value)([_fitted(part, held) for part in value])
    if origin is Literal and isinstance(value, str) and value in get_args(kind):
        return value
    if type(value) is kind:
        return value
    if origin is None and issubclass(kind, Checked) and isinstance(value, Mapping):
        return kind(**value)
    raise ValueError(f"must be {getattr(kind, '__name__', kind)}")


def _one_of(value: Any, kinds: Sequence[Any]) -> Any:
    """The value as the first of these that it is."""
    if value is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        try:
            return _fitted(value, kind)
        except (ValueError, TypeError):
            continue
    return _fitted(value, last)


def _hold(value: Any, said: Mapping[str, Any]) -> None:
    """Raises ValueError for what a type does not say."""
    if "min_length" in said and len(value) < said["min_length"]:
        raise ValueError("must not be empty")
    if "pattern" in said and re.fullmatch(said["pattern"], value) is None:
        raise ValueError(f"it must match {said['pattern']}")
    if "ge" in said and value < said["ge"]:
        raise ValueError(f"must be at least {said['ge']}")
