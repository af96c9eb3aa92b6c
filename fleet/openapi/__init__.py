"""API descriptions to operations: no sockets, no HTTP client; documents come from a reader.

  reading     bytes to trees: YAML 1.2, JSON, tags, the cache, references
  lower       each version of OpenAPI to the one `Document` (model, document, operation, route)
  calls       values to bytes: parameters, bodies, credentials, servers
  answers     bytes to values: JSON as devices send it, headers, sequences
  schema      JSON Schema, compiled: what a value breaks
  types       pydantic types of schemas
  rules       what is wrong with a description
  difference  what changed between two; shapes and samples show what one asks for
  rewrite     reduce, convert, repair

Everything that a scan does not need is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily
from fleet.openapi.answers.replies import read_json
from fleet.openapi.calls.call import Call
from fleet.openapi.calls.forms import Part
from fleet.openapi.calls.oauth2 import PasswordGrant, client_credentials, password_flow
from fleet.openapi.calls.params import ParameterError
from fleet.openapi.calls.security import (
    NOTHING,
    Additions,
    alternatives,
    check_credential,
    satisfy,
)
from fleet.openapi.document import Document, load
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
    is_json,
)
from fleet.openapi.operation import Operation
from fleet.openapi.reading.cache import decode as decode_tree
from fleet.openapi.reading.cache import digest
from fleet.openapi.reading.cache import encode as encode_tree
from fleet.openapi.reading.load import locate, parse
from fleet.openapi.reading.refs import Library, Parse, Place, Reader
from fleet.openapi.reading.yaml12 import load_yaml
from fleet.openapi.schema import Keyword
from fleet.openapi.unknown import unknown_operation

if TYPE_CHECKING:
    from fleet.openapi.answers.items import ItemReader
    from fleet.openapi.answers.sequential import item_reader
    from fleet.openapi.calls.runtime import Exchanged, evaluate
    from fleet.openapi.difference.change import Change
    from fleet.openapi.difference.compare import compare
    from fleet.openapi.reading.dump import dump_yaml
    from fleet.openapi.reading.yamltags import (
        TagUse,
        YAML12Loader,
        YAMLCompatibilityLoader,
        YamlReader,
        reading_with,
        tags_used,
    )
    from fleet.openapi.rewrite.choice import Choice
    from fleet.openapi.rewrite.convert import Conversion, convert
    from fleet.openapi.rewrite.fixups import Fixup, repair
    from fleet.openapi.rewrite.reduce import Reduction, reduce, reduced
    from fleet.openapi.rules.finding import Finding
    from fleet.openapi.rules.official import official_schemas
    from fleet.openapi.rules.review import review
    from fleet.openapi.samples import sample, shape_of
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
    "Keyword",
    "Library",
    "Link",
    "Media",
    "Operation",
    "Parameter",
    "ParameterError",
    "Parse",
    "Part",
    "PasswordGrant",
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
    "is_json",
    "item_reader",
    "load",
    "load_yaml",
    "locate",
    "official_schemas",
    "parse",
    "password_flow",
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
    "unknown_operation",
    "untyped",
]

load_lazily(
    __name__,
    {
        "answers.items": ("ItemReader",),
        "answers.sequential": ("item_reader",),
        "calls.runtime": ("Exchanged", "evaluate"),
        "difference.change": ("Change",),
        "difference.compare": ("compare",),
        "reading.dump": ("dump_yaml",),
        "reading.yamltags": (
            "TagUse",
            "YAML12Loader",
            "YAMLCompatibilityLoader",
            "YamlReader",
            "reading_with",
            "tags_used",
        ),
        "rewrite.choice": ("Choice",),
        "rewrite.convert": ("Conversion", "convert"),
        "rewrite.fixups": ("Fixup", "repair"),
        "rewrite.reduce": ("Reduction", "reduce", "reduced"),
        "rules.finding": ("Finding",),
        "rules.official": ("official_schemas",),
        "rules.review": ("review",),
        "samples": ("sample", "shape_of"),
        "shapes": ("Shape", "TYPES"),
        "types": ("SchemaModel", "SchemaRoot", "SchemaType", "Types", "untyped"),
    },
)
