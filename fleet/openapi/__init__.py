"""API descriptions to operations: no sockets, no HTTP client; documents come from a reader."""

from typing import TYPE_CHECKING, Any

from fleet.openapi.cache import decode as decode_tree
from fleet.openapi.cache import digest
from fleet.openapi.cache import encode as encode_tree
from fleet.openapi.document import Document, load
from fleet.openapi.dump import dump_yaml
from fleet.openapi.forms import Part
from fleet.openapi.load import locate, parse
from fleet.openapi.model import (
    Answer,
    Body,
    Encoding,
    Flow,
    Link,
    Media,
    Parameter,
    Requirement,
    SecurityScheme,
    Server,
    ServerVariable,
    Tag,
)
from fleet.openapi.operation import Call, Operation
from fleet.openapi.params import ParameterError
from fleet.openapi.refs import Library, Parse, Place, Reader
from fleet.openapi.replies import read_json
from fleet.openapi.security import (
    NOTHING,
    Additions,
    alternatives,
    check_credential,
    client_credentials,
    satisfy,
)
from fleet.openapi.yaml12 import load_yaml
from fleet.openapi.yamltags import (
    TagUse,
    YAML12Loader,
    YAMLCompatibilityLoader,
    YamlReader,
    reading_with,
    tags_used,
)

if TYPE_CHECKING:
    from fleet.openapi.difference.change import Change
    from fleet.openapi.difference.compare import compare
    from fleet.openapi.items import ItemReader
    from fleet.openapi.rewrite.choice import Choice
    from fleet.openapi.rewrite.convert import Conversion, convert
    from fleet.openapi.rewrite.fixups import Fixup, repair
    from fleet.openapi.rewrite.reduce import Reduction, reduce, reduced
    from fleet.openapi.rules.finding import Finding
    from fleet.openapi.rules.official import official_schemas
    from fleet.openapi.rules.review import review
    from fleet.openapi.runtime import Exchanged, evaluate
    from fleet.openapi.samples import sample, shape_of
    from fleet.openapi.sequential import item_reader
    from fleet.openapi.shapes import TYPES, Shape
    from fleet.openapi.types import SchemaModel, SchemaRoot, SchemaType, Types, untyped

__all__ = [
    "NOTHING",
    "TYPES",
    "Additions",
    "Answer",
    "Body",
    "Call",
    "Change",
    "Choice",
    "Conversion",
    "Document",
    "Encoding",
    "Exchanged",
    "Finding",
    "Fixup",
    "Flow",
    "ItemReader",
    "Library",
    "Link",
    "Media",
    "Operation",
    "Parameter",
    "ParameterError",
    "Parse",
    "Part",
    "Place",
    "Reader",
    "Reduction",
    "Requirement",
    "SchemaModel",
    "SchemaRoot",
    "SchemaType",
    "SecurityScheme",
    "Server",
    "ServerVariable",
    "Shape",
    "Tag",
    "TagUse",
    "Types",
    "YAML12Loader",
    "YAMLCompatibilityLoader",
    "YamlReader",
    "alternatives",
    "check_credential",
    "client_credentials",
    "compare",
    "convert",
    "decode_tree",
    "digest",
    "dump_yaml",
    "encode_tree",
    "evaluate",
    "item_reader",
    "load",
    "load_yaml",
    "locate",
    "official_schemas",
    "parse",
    "read_json",
    "reading_with",
    "reduce",
    "reduced",
    "repair",
    "review",
    "sample",
    "satisfy",
    "shape_of",
    "tags_used",
    "untyped",
]

_LAZY = {  # what a scan never asks for
    "Change": "fleet.openapi.difference.change",
    "Choice": "fleet.openapi.rewrite.choice",
    "compare": "fleet.openapi.difference.compare",
    "Finding": "fleet.openapi.rules.finding",
    "Exchanged": "fleet.openapi.runtime",
    "ItemReader": "fleet.openapi.items",
    "Conversion": "fleet.openapi.rewrite.convert",
    "convert": "fleet.openapi.rewrite.convert",
    "Fixup": "fleet.openapi.rewrite.fixups",
    "Reduction": "fleet.openapi.rewrite.reduce",
    "SchemaModel": "fleet.openapi.types",
    "SchemaRoot": "fleet.openapi.types",
    "SchemaType": "fleet.openapi.types",
    "Types": "fleet.openapi.types",
    "evaluate": "fleet.openapi.runtime",
    "item_reader": "fleet.openapi.sequential",
    "official_schemas": "fleet.openapi.rules.official",
    "reduce": "fleet.openapi.rewrite.reduce",
    "reduced": "fleet.openapi.rewrite.reduce",
    "TYPES": "fleet.openapi.shapes",
    "Shape": "fleet.openapi.shapes",
    "repair": "fleet.openapi.rewrite.fixups",
    "sample": "fleet.openapi.samples",
    "shape_of": "fleet.openapi.samples",
    "review": "fleet.openapi.rules.review",
    "untyped": "fleet.openapi.types",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module  # noqa: PLC0415

        found = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
