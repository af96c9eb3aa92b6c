"""Security requirements: which credentials a call needs, and what they add to it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, TypeAlias

from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.guess import closest
from fleet.openapi.calls import oauth2, styles
from fleet.openapi.model import Requirement, SecurityScheme
from fleet.secret import Secret

CredentialValue: TypeAlias = str | Secret | tuple[str | Secret, ...]

_PAIR = "(user, password), the user without ':'"
_PAIRS = {"basic", "http digest"}
_TOKENS = {"bearer", "oauth2", "openIdConnect"}
_ANONYMOUS = {"basic", "bearer", "apiKey", "http digest"}  # schemes that a call may be tried without


@frozen
class Additions:
    """What credentials add to a request. `sensitive` names the headers among them, in lower case.

    `handshakes` are the credentials that no request can carry by itself (http digest, OAuth2's
    grants, mutual TLS): whoever sends it has to speak with the peer first.
    """

    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    cookies: tuple[tuple[str, str], ...] = ()
    sensitive: frozenset[str] = frozenset()
    handshakes: tuple[tuple[SecurityScheme, Any], ...] = ()

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
    Raises `ConfigError` when every alternative needs a scheme that this engine cannot do, or one that makes
    no sense to leave out (OAuth2, OpenID Connect, mutual TLS): such a call never goes out anonymously.
    """
    listed = tuple(requirements or ())
    if not listed:
        return NOTHING
    for alternative in listed:
        if alternative and all(name in credentials for name in alternative):
            return _additions([(schemes[name], credentials[name]) for name in alternative])
    if () in listed:
        return NOTHING
    kinds = [{schemes[name].kind if name in schemes else "" for name in names} for names in listed]
    if not any(needed <= _ANONYMOUS for needed in kinds):
        doable = any(needed <= _ANONYMOUS | _TOKENS | {"mutualTLS"} for needed in kinds)
        why = "give it with authenticate()" if doable else "which is not supported"
        raise ConfigError(f"this call needs {alternatives(listed, schemes)}: {why}")
    return None


def alternatives(requirements: Iterable[Requirement], schemes: Mapping[str, SecurityScheme]) -> str:
    """Requirements in words: `basicAuth (basic), or user and password (apiKey)`."""
    return ", or ".join(
        " and ".join(
            f"{name} ({schemes[name].kind if name in schemes else 'not declared'})" for name in names
        )
        or "nothing"
        for names in requirements
    )


def check_credential(name: str, value: Any, schemes: Mapping[str, SecurityScheme]) -> CredentialValue:
    """The credential as it is kept. Raises `ConfigError` naming the scheme and what it takes."""
    scheme = schemes.get(name)
    if scheme is None:
        near = closest(name, schemes)
        known = ", ".join(sorted(schemes)) or "none"
        raise ConfigError(
            f"the description has no security scheme {name!r}; it has: {known}",
            hint=f"did you mean {near!r}?" if near else None,
        )
    checked, takes = _checked(scheme, value)
    if checked is None:
        raise ConfigError(f"the security scheme {name!r} ({scheme.kind}) takes {takes}")
    if isinstance(checked, str | Secret) and (scheme.kind in _TOKENS or scheme.location == "header"):
        try:
            styles.header_value(styles.header_text(styles.scalar(checked)))
        except ValueError:
            raise ConfigError(
                f"the value for {name!r} holds control characters, spaces around it, or more than Latin-1"
            ) from None
    return checked


def _checked(scheme: SecurityScheme, value: Any) -> tuple[CredentialValue | None, str]:
    """The value as it is kept, or None; and what the scheme takes, in words."""
    parts = tuple(value) if isinstance(value, tuple | list) else ()
    text = value if isinstance(value, str | Secret) and value else None
    if scheme.kind in _PAIRS:
        fits = len(parts) == 2 and all(isinstance(part, str | Secret) for part in parts)
        return (parts if fits and ":" not in styles.scalar(parts[0]) else None), _PAIR
    if scheme.kind == "mutualTLS":
        paths = tuple(str(part) if isinstance(part, PurePath) else part for part in parts)
        fits = len(paths) in {2, 3} and all(isinstance(part, str | Secret) and part for part in paths)
        return (paths if fits else None), "(certificate file, key file) or (..., key password)"
    if scheme.kind == "oauth2":
        return oauth2.checked(scheme, value)
    if scheme.kind in _TOKENS:
        return text, "a token, as text"
    if scheme.kind == "apiKey":
        return text, "a key, as text"
    raise ConfigError(f"the security scheme {scheme.name!r} ({scheme.kind}) is not supported")


def _additions(chosen: list[tuple[SecurityScheme, Any]]) -> Additions:
    headers: list[tuple[str, str]] = []
    query: list[str] = []
    cookies: list[tuple[str, str]] = []
    handshakes = tuple(
        (scheme, value) for scheme, value in chosen if scheme.kind != "basic" and isinstance(value, tuple)
    )
    for scheme, value in chosen:
        if scheme.kind == "basic":
            pair = f"{styles.scalar(value[0])}:{styles.scalar(value[1])}".encode()
            headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
            continue
        if isinstance(value, tuple):
            continue
        text = styles.scalar(value)
        if scheme.kind in _TOKENS:
            headers.append(("Authorization", f"Bearer {text}"))
        elif scheme.location == "header":
            headers.append((scheme.parameter, text))
        elif scheme.location == "query":
            query.append(f"{styles.percent_name(scheme.parameter)}={styles.percent(text)}")
        else:
            cookies.append((scheme.parameter, styles.percent(text)))
    headers = list(dict.fromkeys(headers))  # one token that several schemes ask for is sent once
    names = [name.lower() for name, _ in headers]
    names += ["authorization" for scheme, _ in handshakes if scheme.kind != "mutualTLS"]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"{' and '.join(s.name for s, _ in chosen)} need the same header: it cannot be sent twice"
        )
    sensitive = frozenset(names) | ({"cookie"} if cookies else frozenset())
    return Additions(tuple(headers), "&".join(query), tuple(cookies), sensitive, handshakes)
