"""What properties and types are called in Python.

The attribute of a property is its JSON name, changed only where Python or pydantic need it:

1. characters that no identifier may hold become `_`; leading `_` go (`@odata.id` is `odata_id`);
2. what is empty then, or begins with a digit, gets `field_` before it (`2fa` is `field_2fa`);
3. a keyword, and a name that every model has already (`copy`, `json`, `model_config`), gets `_` behind it;
4. a name that another property has already gets `_` behind it until it is free. Properties whose JSON name
   is a fit attribute keep it; the others follow in the order of the schema.

The JSON name stays the alias, and `model["@odata.id"]` is the same value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from keyword import iskeyword

_NOT_IN_NAMES = re.compile(r"\W")
_WORD = re.compile(r"[^\W_]+")
MAX_NAME = 200  # characters of a name that is made up here; JSON names have no limit


def attribute_names(properties: Iterable[str], taken: frozenset[str]) -> dict[str, str]:
    """JSON names to attributes, in the given order. `taken` are the names that every model has."""
    wanted = {name: _attribute(name, taken) for name in properties}
    used = {name for name, attribute in wanted.items() if name == attribute}
    for name, attribute in wanted.items():
        if name != attribute:
            free = attribute
            while free in used:
                free += "_"
            used.add(free)
            wanted[name] = free
    return wanted


def _attribute(name: str, taken: frozenset[str]) -> str:
    # Python reads identifiers in their NFKC form: what is written in a source must find the attribute.
    made = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFKC", name)).lstrip("_")[:MAX_NAME]
    if not made.isidentifier():
        made = f"field_{made}"
    return f"{made}_" if iskeyword(made) or made in taken else made


def class_name(*parts: str) -> str:
    """A class for what these words are about: `("Pet", "home address")` is `PetHomeAddress`."""
    words = [word for part in parts for word in _WORD.findall(unicodedata.normalize("NFKC", part))]
    made = "".join(word[0].upper() + word[1:] for word in words)[:MAX_NAME]
    return made if made.isidentifier() else f"Type{made}" if f"Type{made}".isidentifier() else "Type"


def type_name(name: str) -> str:
    """The class of a named schema: its own name where it is one (`User_v1`)."""
    made = unicodedata.normalize("NFKC", name)
    return made if made.isidentifier() and not iskeyword(made) and len(made) <= MAX_NAME else class_name(name)
