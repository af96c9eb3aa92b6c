"""API descriptions to operations: no sockets, no HTTP client; documents come from a reader."""

from fleet.openapi.cache import decode as decode_tree
from fleet.openapi.cache import digest
from fleet.openapi.cache import encode as encode_tree
from fleet.openapi.document import Document, load
from fleet.openapi.dump import dump_yaml
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
from fleet.openapi.review import Finding, review
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

__all__ = [
    "NOTHING",
    "Additions",
    "Answer",
    "Body",
    "Call",
    "Document",
    "Encoding",
    "Finding",
    "Flow",
    "Library",
    "Link",
    "Media",
    "Operation",
    "Parameter",
    "ParameterError",
    "Parse",
    "Place",
    "Reader",
    "Requirement",
    "SecurityScheme",
    "Server",
    "ServerVariable",
    "Tag",
    "TagUse",
    "YAML12Loader",
    "YAMLCompatibilityLoader",
    "YamlReader",
    "alternatives",
    "check_credential",
    "client_credentials",
    "decode_tree",
    "digest",
    "dump_yaml",
    "encode_tree",
    "load",
    "load_yaml",
    "locate",
    "parse",
    "read_json",
    "reading_with",
    "review",
    "satisfy",
    "tags_used",
]
