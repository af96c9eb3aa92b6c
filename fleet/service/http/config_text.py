"""The configuration as it is in force, for people; secrets have names in it, and no values."""

from __future__ import annotations

import orjson

from fleet.service.jobs.ready import Ready


def shown_config(ready: Ready) -> str:
    """As JSON, which YAML contains; every default is filled in. No secret is in it: a configuration names
    secrets and holds none, and the webhook's address, which may be one, is cut after its host."""
    shown = ready.config.model_dump(mode="json", by_alias=True)
    notify = shown.get("notify")
    if notify is not None:
        scheme, _, rest = notify["url"].partition("://")
        host, slash, _ = rest.partition("/")
        notify["url"] = f"{scheme}://{host}{slash and '/<hidden>'}"
        notify["headers"] = dict.fromkeys(notify["headers"], "<hidden>")
    text = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
    return f"# {ready.config.path}\n{text}\n"
