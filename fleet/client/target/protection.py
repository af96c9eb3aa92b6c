"""Whether credentials may be sent to a target: what protects them on the way, and what the policy allows."""

from __future__ import annotations

from fleet.client.endpoint import Endpoint
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Tls
from fleet.target import Target


def unprotected(target: Target, endpoint: Endpoint, tls: Tls) -> RequestFailed | None:
    """Why no credentials are sent there: anybody in between could read them, and the policy does not allow
    that. None where they may be sent."""
    if not endpoint.tls:
        if tls.allow_plaintext_credentials:
            return None
        why = f"{target.id} is plain HTTP: credentials are sent there only with --allow-plaintext-credentials"
    elif tls.mode == "insecure" and not tls.allow_unverified_credentials:
        why = (
            f"the certificate of {target.id} is not verified: credentials are sent there only where that is"
            " allowed, or with a pin (fleet tls learn)"
        )
    else:
        return None
    return RequestFailed(FailureKind.AUTH_UNPROTECTED, why)
