"""Security requirements: which credentials a call needs, and what they add to it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from fleet.errors import ConfigError
from fleet.openapi import styles
from fleet.openapi.model import Requirement, SecurityScheme
from fleet.secret import Secret

CredentialValue: TypeAlias = str | Secret | tuple[str | Secret, str | Secret]


@dataclass(frozen=True, slots=True)
class Additions:
    """What credentials add to a request. `sensitive` names the headers among them, in lower case."""

    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    cookies: tuple[tuple[str, str], ...] = ()
    sensitive: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Additions({', '.join(sorted(self.sensitive)) or ('query' if self.query else 'nothing')})"


NOTHING = Additions()


def satisfy(
    requirements: Iterable[Requirement] | None,
    schemes: Mapping[str, SecurityScheme],
    credentials: Mapping[str, Any],
) -> Additions | None:
    """What the first alternative that the credentials satisfy adds to a request.

    Alternatives count in the document's order; "nothing needed" counts last, so that credentials that were
    given are used. No requirements at all is nothing to add. None when no alternative is satisfied.
    Raises `ConfigError` when every alternative needs a scheme that this engine cannot do: such a call
    never goes out anonymously.
    """
    listed = tuple(requirements or ())
    if not listed:
        return NOTHING
    for alternative in listed:
        if alternative and all(name in credentials for name in alternative):
            return _additions([(schemes[name], credentials[name]) for name in alternative])
    if () in listed:
        return NOTHING
    if not any(all(n in schemes and schemes[n].supported for n in names) for names in listed):
        raise ConfigError(f"this call needs {alternatives(listed, schemes)}, which is not supported")
    return None


def alternatives(requirements: Iterable[Requirement], schemes: Mapping[str, SecurityScheme]) -> str:
    """Requirements in words: `basicAuth (basic), or user and password (apiKey)`."""
    return ", or ".join(
        " and ".join(f"{name} ({schemes[name].kind if name in schemes else 'undefined'})" for name in names)
        or "nothing"
        for names in requirements
    )


def check_credential(name: str, value: Any, schemes: Mapping[str, SecurityScheme]) -> CredentialValue:
    """The credential as it is kept. Raises `ConfigError` naming the scheme and what it takes."""
    scheme = schemes.get(name)
    if scheme is None:
        close = get_close_matches(name, schemes, 1)
        known = ", ".join(sorted(schemes)) or "none"
        raise ConfigError(
            f"the description has no security scheme {name!r}; it has: {known}",
            hint=f"did you mean {close[0]!r}?" if close else None,
        )
    if not scheme.supported:
        raise ConfigError(f"the security scheme {name!r} ({scheme.kind}) is not supported")
    if scheme.kind == "basic":
        fits = (
            isinstance(value, tuple | list)
            and len(value) == 2
            and all(isinstance(v, str | Secret) for v in value)
        )
        if not fits or ":" in styles.scalar(value[0]):
            raise ConfigError(
                f"the security scheme {name!r} (basic) takes (user, password), the user without ':'"
            )
        checked: CredentialValue = (value[0], value[1])
    elif not isinstance(value, str | Secret) or not value:
        takes = "a token" if scheme.kind == "bearer" else "a key"
        raise ConfigError(f"the security scheme {name!r} ({scheme.kind}) takes {takes}, as text")
    else:
        checked = value
    if scheme.kind == "bearer" or scheme.location == "header":
        try:
            styles.header_text(styles.scalar(checked))
        except ValueError:
            raise ConfigError(
                f"the value for {name!r} holds control characters, or more than Latin-1"
            ) from None
    return checked


def _additions(chosen: list[tuple[SecurityScheme, Any]]) -> Additions:
    headers: list[tuple[str, str]] = []
    query: list[str] = []
    cookies: list[tuple[str, str]] = []
    for scheme, value in chosen:
        if scheme.kind == "basic":
            pair = f"{styles.scalar(value[0])}:{styles.scalar(value[1])}".encode()
            headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
            continue
        text = styles.scalar(value)
        if scheme.kind == "bearer":
            headers.append(("Authorization", f"Bearer {text}"))
        elif scheme.location == "header":
            headers.append((scheme.parameter, text))
        elif scheme.location == "query":
            query.append(f"{styles.percent_name(scheme.parameter)}={styles.percent(text)}")
        else:
            cookies.append((scheme.parameter, styles.percent(text)))
    names = [name.lower() for name, _ in headers]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"{' and '.join(s.name for s, _ in chosen)} need the same header: it cannot be sent twice"
        )
    sensitive = frozenset(names) | ({"cookie"} if cookies else frozenset())
    return Additions(tuple(headers), "&".join(query), tuple(cookies), sensitive)
