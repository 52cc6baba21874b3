"""Who may call: keys, and the tokens that are signed with them (docs/notify.md section 3)."""

import re
from collections.abc import Mapping
from typing import Any

import jwt

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
KEYS = {
    "live": "3d844edf-8d35-48ac-975b-e847b4f122b0",
    "team": "1a2f6c1e-7b1d-4d27-8d0c-0f2a2f0f6f11",
    "test": "9b1d8f57-70a1-4a3e-9a7e-6c5e2e3d4f22",
}
SKEW_SECONDS = 30
CLOCK = "Error: Your system clock must be accurate to within 30 seconds"


class Refusal(Exception):
    """An answer that is none of success: status, name and message as Notify gives them."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def api_key(kind: str = "live") -> str:
    return f"{kind}-{SERVICE}-{KEYS[kind]}"


def kind_of_key(bears: str, now_seconds: float) -> str:
    """ "live", "team" or "test": the key that signed what the header Authorization *bears*. Refusal for any other."""
    if not bears:
        raise Refusal(401, "AuthError", "Unauthorized: authentication token must be provided")
    scheme, _, token = bears.partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "AuthError", "Unauthorized: authentication bearer scheme must be used")
    claims = _claims(token)
    kind = next((kind for kind, secret in KEYS.items() if _is_signed(token, secret)), None)
    if kind is None or "iat" not in claims:
        raise Refusal(403, "AuthError", "Invalid token: API key not found")
    if abs(now_seconds - int(claims["iat"])) > SKEW_SECONDS + 1:
        raise Refusal(403, "AuthError", CLOCK)
    return kind


def _is_signed(token: str, secret: str) -> bool:
    try:
        jwt.decode(token, secret, algorithms=["HS256"], options={"verify_iat": False})
    except jwt.PyJWTError:
        return False
    return True


def _claims(token: str) -> Mapping[str, Any]:
    """What *token* says, whoever signed it."""
    try:
        head = jwt.get_unverified_header(token)
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Refusal(403, "AuthError", "Invalid token: make sure your API token matches the example") from error
    if head.get("alg") != "HS256":
        raise Refusal(403, "AuthError", "Invalid token: algorithm used is not HS256")
    if "iss" not in claims:
        raise Refusal(403, "AuthError", "Invalid token: iss field not provided")
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(claims["iss"])):
        raise Refusal(403, "AuthError", "Invalid token: service id is not the right data type")
    if claims["iss"] != SERVICE:
        raise Refusal(403, "AuthError", "Invalid token: service not found")
    return claims
