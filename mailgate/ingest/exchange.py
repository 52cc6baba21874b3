"""Access tokens for mailboxes in Exchange Online, for an application that acts by itself (E55)."""

from collections.abc import Callable

import requests
from jwt import PyJWTError
from msal import ConfidentialClientApplication
from msal.exceptions import MsalServiceError

from mailgate.errors import Refused, TryLater

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "https://outlook.office365.com/.default"
TIMEOUT_SECONDS = 30.0
_OF_THEIRS = frozenset({"temporarily_unavailable", "server_error"})


def token_source(
    tenant: str, client_id: str, credential: Callable[[], str], authority: str = AUTHORITY
) -> Callable[[], str]:
    """A function that gives a valid token; it asks the authority only when the last one is about to end.

    *credential* is read anew for each application: a client's secret or, better, its private key
    and certificate, both as PEM. TryLater where the authority does not answer, Refused, with what
    to do, where it refuses.
    """
    application: ConfidentialClientApplication | None = None

    def token() -> str:
        nonlocal application
        try:
            application = application or ConfidentialClientApplication(
                client_id,
                authority=f"{authority}/{tenant}",
                client_credential=_credential(credential()),
                timeout=TIMEOUT_SECONDS,
                instance_discovery=False,
            )
            answer = application.acquire_token_for_client([SCOPE])
        except (requests.RequestException, MsalServiceError) as error:
            raise TryLater("the authority that gives access tokens does not answer") from error
        except (ValueError, PyJWTError) as error:  # a tenant that does not exist, a key that is none or not RSA
            raise Refused("no access token can be asked for: check tenant, client_id and secret_file") from error
        if "access_token" not in answer:
            application = None  # so that a changed secret is read
            raise _refused(answer)
        return str(answer["access_token"])

    return token


def _credential(text: str) -> object:
    if "PRIVATE KEY-----" in text:
        return {"private_key": text, "public_certificate": text}
    return text


def _refused(answer: dict[str, object]) -> Refused | TryLater:
    """What the authority's refusal means; its codes and its number for support, never the token or the secret."""
    code, number = answer.get("error"), answer.get("correlation_id")
    numbers = answer.get("error_codes")
    aadsts = f" AADSTS{numbers[0]}" if isinstance(numbers, list) and numbers else ""
    said = f"({code}{aadsts}, correlation id {number})"
    if code in _OF_THEIRS:
        return TryLater(f"the authority that gives access tokens is out of order {said}")
    return Refused(f"no access token is given: check tenant, client_id and secret_file; see docs/exchange.md {said}")
