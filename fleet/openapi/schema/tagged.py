"""Discriminators where a schema is judged exactly: a tag that is another branch's rules a branch out.

OpenAPI lets a discriminator select the branch of a `oneOf`. Branches of such unions often accept one
another's objects, or lead back to the union by `allOf`: without the tag nothing would be exactly one.
"""

from __future__ import annotations

from typing import Any

MAX_TAGS = 200  # of one union; each branch is told those of all others


def tagged(node: dict[str, Any], branches: list[Any]) -> list[Any]:
    """The compiled branches of the `oneOf` of `node`, each refusing the tags that are another's.

    Tags are the names in the discriminator's `mapping` and those of referenced schemas. A value without a
    tag, or with one that nobody has, is judged as if there were no discriminator.
    """
    discriminator = node.get("discriminator")
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    if not isinstance(name, str) or not isinstance(discriminator, dict):
        return branches
    owners = _owners(discriminator.get("mapping"), node["oneOf"])
    if len(owners) > MAX_TAGS:
        return branches
    return [
        {"allOf": [branch, _without(name, [tag for tag, owner in owners.items() if owner != index])]}
        for index, branch in enumerate(branches)
    ]


def _without(name: str, tags: list[str]) -> Any:
    return (
        {"not": {"type": "object", "required": [name], "properties": {name: {"enum": tags}}}}
        if tags
        else True
    )


def _owners(mapping: Any, branches: list[Any]) -> dict[str, int]:
    """Tags to the branch that each belongs to."""
    refs = [entry.get("$ref") if isinstance(entry, dict) else None for entry in branches]
    names = [ref.rpartition("/")[2] if isinstance(ref, str) else None for ref in refs]
    owners: dict[str, int] = {}
    for tag, target in mapping.items() if isinstance(mapping, dict) else ():
        known = refs if target in refs else names
        if isinstance(target, str) and target in known:
            owners[str(tag)] = known.index(target)
    for index, named in enumerate(names):
        if named is not None:
            owners.setdefault(named, index)
    return owners
