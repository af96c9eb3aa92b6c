"""Trees to YAML that every version of YAML reads alike."""

from __future__ import annotations

from typing import Any

import yaml

from fleet.openapi.reading.yaml12 import plain_value


class _Quoting(yaml.SafeDumper):
    """Quotes what YAML 1.2 would not read as text (PyYAML does so for 1.1), and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> Any:
        quoted = not isinstance(plain_value(text), str)
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Quoting.add_representer(str, _Quoting.represent_text)


def dump_yaml(tree: Any) -> str:
    """A tree as YAML, keys in their order. `load_yaml` gives the same tree back."""
    return str(yaml.dump(tree, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=100))
