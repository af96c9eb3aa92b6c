"""The pydantic classes that objects of a schema become.

They are pydantic's in what they promise (attributes, `model_dump`, `model_validate`, `model_fields`,
`model_copy`, serialisation inside other models), and made with as little as it allows: instances are filled
here, in one pass over what was sent, and nothing of a nested type is made before a value needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias, TypeVar, cast

from pydantic import BaseModel, GetCoreSchemaHandler, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, SchemaSerializer, SchemaValidator, core_schema

if TYPE_CHECKING:
    from fleet.openapi.types.plan import Plan

Shape: TypeAlias = Callable[[Any], Any]
"""A JSON value that was accepted, to its typed form."""

ReprArgs: TypeAlias = "Iterator[tuple[str | None, Any]]"
_set = object.__setattr__


class SchemaModel(
    BaseModel, extra="allow", serialize_by_alias=True, protected_namespaces=(), defer_build=True
):
    """An object of a schema.

    Properties are attributes (`fleet.openapi.types.names` says how they are called); `user["@odata.id"]`
    and `"name" in user` go by JSON name. Properties that the schema does not name are kept: they are
    attributes where their name allows it, and items always. An optional property that was not sent is its
    `default`, else None. `model_dump(exclude_unset=True)` is the JSON value that came in, by JSON names
    unless `by_alias=False`.

    Beyond item access it is no dict: `keys`, `items`, `values` and `get` are names that properties have.
    It equals the plain dict of the same JSON value, and `validate="off"` gives plain dicts in its place.

    `model_validate` accepts what the schema accepts of answers (a value that is no object stays what it is,
    where the schema lets it pass); the constructor takes attribute or JSON names and accepts what the
    schema accepts of bodies. Both raise pydantic's ValidationError.
    """

    if TYPE_CHECKING:  # pydantic would evaluate an annotation again for every class
        _plan: ClassVar[Plan]

    def __init__(self, /, **data: Any) -> None:
        plan = type(self)._plan
        plan.fill(self, plan.for_sending(data))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plan: Plan | None = getattr(cls, "_plan", None)
        return handler(source) if plan is None else judged(plan.validated)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """Its name and no more: the schema stands in its description."""
        return {"title": cls.__name__, "type": "object"}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Attributes are those of the schema."""

    def __getitem__(self, name: str) -> Any:
        attribute = self._plan.attributes.get(name)
        if attribute is None:
            return (self.__pydantic_extra__ or {})[name]
        if attribute not in self.__pydantic_fields_set__:
            raise KeyError(name)
        return self.__dict__[attribute]

    def __contains__(self, name: object) -> bool:
        attribute = self._plan.attributes.get(name) if isinstance(name, str) else None
        if attribute is None:
            return name in (self.__pydantic_extra__ or {})
        return attribute in self.__pydantic_fields_set__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, dict):
            return bool(self.model_dump(exclude_unset=True, by_alias=True) == other)
        if isinstance(other, SchemaModel):
            return type(self) is type(other) and dict(fields_of(self)) == dict(fields_of(other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __reduce__(self) -> NoReturn:
        refuse_pickle(self)

    def __repr_args__(self) -> ReprArgs:
        for name in type(self)._plan.attributes.values():
            if name in self.__pydantic_fields_set__ and name in self.__dict__:
                yield name, self.__dict__[name]
        yield from (self.__pydantic_extra__ or {}).items()


class SchemaRoot(RootModel[Any]):
    """A schema of anything but one kind of object: a list, a map, a text, a union. `root` is the typed value;
    items, length and attributes are those of `root`."""

    if TYPE_CHECKING:  # pydantic would evaluate an annotation again for every class
        _plan: ClassVar[Plan]

    def __init__(self, root: Any = None, /, **data: Any) -> None:
        plan = type(self)._plan
        plan.fill_root(self, plan.for_sending(data or root))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plan: Plan | None = getattr(cls, "_plan", None)
        return handler(source) if plan is None else judged(plan.validated_root)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"title": cls.__name__}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BaseModel):
            return type(self) is type(other) and bool(self.root == cast(Any, other).root)
        return bool(self.model_dump(exclude_unset=True, by_alias=True) == other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        refuse_pickle(self)

    def __getitem__(self, name: Any) -> Any:
        return self.root[name]

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    def __bool__(self) -> bool:
        return bool(self.root)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "root":
            raise AttributeError(name)
        return getattr(self.root, name)


SchemaType: TypeAlias = type[SchemaModel] | type[SchemaRoot]
"""The type of a schema: objects are models, anything else has a root."""


def refuse_pickle(model: BaseModel) -> NoReturn:
    """Types live with their description: another process has none of them. Raises TypeError."""
    raise TypeError(
        f"{type(model).__name__} is a type of a description and does not pickle: send its "
        "model_dump(mode='json', exclude_unset=True), and model_validate that where it arrives"
    )


def fields_of(model: SchemaModel) -> Iterator[tuple[str, Any]]:
    """JSON names and typed values of what is set, extra properties last."""
    values, known = model.__dict__, model.__pydantic_fields_set__
    for name, attribute in type(model)._plan.attributes.items():
        if attribute in known:
            yield name, values[attribute]
    yield from (model.__pydantic_extra__ or {}).items()


TAKEN = frozenset(dir(SchemaModel)) - {"__slots__"}
"""Names that every model has already."""

_Model = TypeVar("_Model", bound=BaseModel)
_META: Any = type(BaseModel)


def judged(validated: Callable[[Any], Any]) -> core_schema.PlainValidatorFunctionSchema:
    """The core schema of a type whose values are accepted and made by a function."""
    return core_schema.no_info_plain_validator_function(validated)


def new_class(parent: type[_Model], name: str, about: str) -> type[_Model]:
    """A class of pydantic's without fields yet; they cost five times as much when pydantic collects them."""
    names = {"__module__": __name__, "__qualname__": name, "__doc__": about or parent.__doc__}
    return cast("type[_Model]", _META(name, (parent,), names))


def finish(cls: type[BaseModel], fields: Mapping[str, FieldInfo], validated: Callable[[Any], Any]) -> None:
    """Gives a class its fields, its validator and its serializer."""
    known = judged(validated)
    known["metadata"] = {"pydantic_js_functions": [cls.__get_pydantic_json_schema__]}  # as pydantic leaves it
    made: dict[str, Any] = {
        "__pydantic_fields__": dict(fields),
        "__pydantic_core_schema__": known,
        "__pydantic_validator__": SchemaValidator(
            judged(validated), core_schema.CoreConfig(title=cls.__name__)
        ),
        "__pydantic_serializer__": SchemaSerializer(_dumped(cls, fields)),
        "__pydantic_complete__": True,
    }
    for name, value in made.items():
        setattr(cls, name, value)


def _dumped(cls: type[BaseModel], fields: Mapping[str, FieldInfo]) -> CoreSchema:
    anything = core_schema.any_schema()
    if issubclass(cls, RootModel):
        return core_schema.model_schema(cls, anything, root_model=True)
    named = {
        name: core_schema.model_field(anything, serialization_alias=field.alias)
        for name, field in fields.items()
    }
    inner = core_schema.model_fields_schema(named, model_name=cls.__name__, extra_behavior="allow")
    config = core_schema.CoreConfig(extra_fields_behavior="allow", serialize_by_alias=True)
    return core_schema.model_schema(cls, inner, config=config)


def filled(model: Any, values: dict[str, Any], extra: dict[str, Any] | None, known: set[str]) -> Any:
    """An instance with these attributes, as pydantic's own construction leaves it."""
    _set(model, "__dict__", values)
    _set(model, "__pydantic_fields_set__", known)
    _set(model, "__pydantic_extra__", extra)
    _set(model, "__pydantic_private__", None)
    return model


def field_info(annotation: Any, alias: str, node: Any, *, required: bool) -> FieldInfo:
    """What `model_fields` tells of a property."""
    node = node if isinstance(node, dict) else {}
    described = node.get("description")
    options: dict[str, Any] = {"alias": alias, "annotation": annotation}
    if isinstance(described, str):
        options["description"] = described
    if "default" in node and isinstance(node["default"], dict | list):
        default = node["default"]
        options["default_factory"] = lambda: deepcopy(default)
    elif not required:
        options["default"] = node.get("default")
    return FieldInfo(**options)
