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
    tag, or with one that nobody has, belongs to the branch of `defaultMapping` (3.2); where there is none, it
    is judged as if there were no discriminator.
    """
    discriminator = node.get("discriminator")
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    if not isinstance(name, str) or not isinstance(discriminator, dict):
        return branches
    owners = _owners(discriminator.get("mapping"), node["oneOf"])
    if len(owners) > MAX_TAGS:
        return branches
    default = _meant(discriminator.get("defaultMapping"), node["oneOf"])
    made = []
    for index, branch in enumerate(branches):
        own = [tag for tag, owner in owners.items() if owner == index]
        others = [tag for tag, owner in owners.items() if owner != index]
        rule = _with(name, own) if default not in {None, index} else _without(name, others)
        made.append({"allOf": [branch, rule]})
    return made


def _with(name: str, tags: list[str]) -> Any:
    return {"not": {"not": {"type": "object", "required": [name], "properties": {name: {"enum": tags}}}}}


def _without(name: str, tags: list[str]) -> Any:
    return (
        {"not": {"type": "object", "required": [name], "properties": {name: {"enum": tags}}}}
        if tags
        else True
    )


def _meant(target: Any, branches: list[Any]) -> int | None:
    """The branch that a mapping means by a reference or by a name."""
    refs = [entry.get("$ref") if isinstance(entry, dict) else None for entry in branches]
    known = refs if target in refs else _names(branches)
    return known.index(target) if isinstance(target, str) and target in known else None


def _names(branches: list[Any]) -> list[str | None]:
    refs = [entry.get("$ref") if isinstance(entry, dict) else None for entry in branches]
    return [ref.rpartition("/")[2] if isinstance(ref, str) else None for ref in refs]


def _owners(mapping: Any, branches: list[Any]) -> dict[str, int]:
    """Tags to the branch that each belongs to."""
    names = _names(branches)
    owners: dict[str, int] = {}
    for tag, target in mapping.items() if isinstance(mapping, dict) else ():
        if (owner := _meant(target, branches)) is not None:
            owners[str(tag)] = owner
    for index, named in enumerate(names):
        if named is not None:
            owners.setdefault(named, index)
    return owners
