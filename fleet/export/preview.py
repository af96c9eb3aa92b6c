"""The preview as a value: what another tool may apply to NetBox, and what nobody should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fleet.frozen import frozen
from fleet.report import Documented, published_schema

PREVIEW_VERSION = 1


@frozen(kw_only=True)
class ProposedChange(Documented):
    """One object to create, change or delete."""

    action: Literal["create", "update", "delete"]
    """what to do: POST, PATCH or DELETE"""
    endpoint: str
    """the list of its kind: /api/dcim/devices/"""
    id: int | None
    """which object of it; null for one to create"""
    match: Mapping[str, Any]
    """how it was found, or is found again; one that was changed after `last_updated` is to be read anew"""
    before: Mapping[str, Any]
    """the fields that differ, as NetBox has them"""
    after: Mapping[str, Any]
    """the same fields as they should be: the body to send"""
    target: str | None
    """the target of the run that this comes from; null for what several need"""
    why: str
    """a sentence for whoever decides"""


@frozen(kw_only=True)
class Unknown(Documented):
    """What the run could not see: no change is proposed, and absence means nothing."""

    target: str
    """the target"""
    endpoint: str | None
    """the kind of object in NetBox that it would be, where one is known"""
    id: int | None
    """the object in NetBox"""
    why: str
    """which step is not complete, and why"""


@frozen(kw_only=True)
class Problem(Documented):
    """What a person has to decide first."""

    target: str | None
    """the target, or null where several are concerned"""
    why: str
    """what is in the way"""


@frozen(kw_only=True)
class Preview(Documented):
    """What differs between a run and NetBox."""

    v: int
    """the version of this form"""
    run: str
    """the run"""
    netbox: str
    """the URL of NetBox"""
    summary: Mapping[str, int]
    """how many targets and devices were compared, and how many entries the lists below have"""
    changes: tuple[ProposedChange, ...]
    """what to create and to update, in an order that can be applied: what others refer to comes first"""
    deletions: tuple[ProposedChange, ...]
    """parts that NetBox has and a complete step did not see: apart, so that nobody applies them unseen"""
    unknown: tuple[Unknown, ...]
    """targets and objects of which this run says nothing"""
    problems: tuple[Problem, ...]
    """what was left out, and why"""


def preview_schema() -> dict[str, Any]:
    """The JSON Schema of `Preview.to_json`."""
    return published_schema(Preview, "netbox-preview", PREVIEW_VERSION)
