"""Alerts by GOV.UK Notify: e-mails and text messages (docs/notify.md).

Its errors become our words here, by status and name, never by their text: that may change, and it may quote
what we sent. There is no key that makes a repeated send harmless, so whatever may have been taken is asked for by
our reference before it is sent again.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from mailgate.errors import BadTemplate, GiveUp, MailgateError, NotNow, Refused, TryLater, Uncertain
from mailgate.model.outbound import Attempt, Doubt, Pace, Way
from mailgate.notify.texts import FREE_TEXT, LONGEST_TEXT, TEXTS

TIMEOUT_SECONDS = 30.0
RATE = Pace("notify", seconds=0.1, burst=10)  # their bucket holds 1,000 and gets 50 a second: stay far below
TOO_FAST_SECONDS = (1.0, 5.0)
REPAIR_SECONDS = 300.0
SMOKE = re.compile(r"simulate-delivered(-[23])?@notifications\.service\.gov\.uk|0770090(0000|0111|0222)")
_KEY = re.compile(
    r"\S+-(?P<service>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)

logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL)  # it logs what we sent


class Govuk:
    """One *way* (e-mail or text), for one thread. *environment* begins our references.

    *templates* has ids by key, and others may take its place at any time.
    """

    longest_seconds = 2 * TIMEOUT_SECONDS  # the client's limit is for connecting, and again for each read
    doubt = Doubt.ASK
    pace = RATE

    def __init__(
        self,
        way: Way,
        key: str,
        base_url: str,
        environment: str,
        templates: Mapping[str, str],
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._way = way
        self._environment = environment
        self.templates = templates
        self._clock = clock
        self._chance = chance
        made: Any = NotificationsAPIClient  # its functions have no types
        self._client = made(checked_key(key), base_url=base_url, timeout=timeout_seconds)

    def send(self, attempt: Attempt) -> str:
        """Notify's id of the message it took."""
        values: dict[str, str] = json.loads(attempt.content)
        name = attempt.message
        template = self.templates.get(name)
        if template is None:
            raise GiveUp(f'There is no template for "{name}": put its id under alerts.templates.')
        common = {"template_id": template, "personalisation": values, "reference": self.reference(attempt)}
        with self._translated():
            if self._way is Way.TEXT:
                check_length(name, values)
                taken = self._client.send_sms_notification(attempt.recipient, **common)
            else:
                free = [field for field in values if field in FREE_TEXT]
                taken = self._client.send_email_notification(attempt.recipient, **common, sanitise_content_for=free)
        return _id_of(taken)

    def find(self, attempt: Attempt) -> str | None:
        """The id of a message that was taken under our reference; smoke tests are never kept, so none is found."""
        if SMOKE.fullmatch(attempt.recipient):
            return None
        with self._translated():
            found = self._client.get_all_notifications(reference=self.reference(attempt))
        known = found.get("notifications") if isinstance(found, dict) else None
        if not isinstance(known, list):
            raise Uncertain("GOV.UK Notify's answer cannot be understood.")
        return _id_of(known[-1]) if known else None

    def status(self, notify_id: str) -> str | None:
        """What became of a message; None where Notify does not know it any more."""
        try:
            with self._translated():
                return str(self._client.get_notification_by_id(notify_id)["status"])
        except NotNow as error:
            if _status(error.__cause__) == 404:
                return None
            raise

    def template(self, template_id: str) -> Mapping[str, Any]:
        """A template as it is kept there."""
        with self._translated():
            found: Mapping[str, Any] = self._client.get_template(template_id)
        return found

    def probe(self) -> None:
        for template in list(self.templates.values())[:1]:
            try:
                self.template(template)
            except Uncertain as error:
                raise TryLater(str(error)) from error

    def reference(self, attempt: Attempt) -> str:
        """Ours for ever, without anything personal, and never a bare UUID (those break their list)."""
        return f"{self._environment}-{attempt.id}-{attempt.message}"

    def settle(self) -> None:
        """Its answers were the last word."""

    def close(self) -> None:
        """Hang up."""
        self._client.request_session.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise self._meaning(error) from error

    def _meaning(self, error: APIError) -> MailgateError:
        """docs/notify.md section 6. A failure without an answer looks like a 503, so that is asked first."""
        status, name = error.status_code, error_name(error)
        if error.response is None or isinstance(error, InvalidResponse) or status >= 500:
            code = "" if error.response is None else f" ({status})"
            return Uncertain(f"GOV.UK Notify gave no clear answer{code}: it is asked before anything is sent again.")
        if status == 429 and name == "TooManyRequestsError":
            return NotNow("The daily limit of GOV.UK Notify is reached.", self._until_midnight(), for_people=True)
        if status == 429:
            least, most = TOO_FAST_SECONDS
            return NotNow("GOV.UK Notify wants it slower.", least + (most - least) * self._chance())
        if status in (401, 403, 404):
            text = f"GOV.UK Notify refuses us ({status}): check notify.api_key_file, notify.base_url and the clock."
            return NotNow(text, REPAIR_SECONDS, for_people=True)
        if status == 400 and name == "BadRequestError":
            return BadTemplate(f"GOV.UK Notify refused it ({status} {name}): run mailgate notify templates.")
        return GiveUp(f"GOV.UK Notify refused it ({status} {name}).")

    def _until_midnight(self) -> float:
        """Their day ends at midnight UTC."""
        now = self._clock()
        tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (tomorrow - now).total_seconds()


def checked_key(key: str) -> str:
    """*key* without the line's end of the file it came from; Refused where it is none (the client does not look)."""
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise Refused("the key of GOV.UK Notify is not one: it looks like NAME-UUID-UUID; see notify.api_key_file")
    return key


def check_length(name: str, values: Mapping[str, str]) -> None:
    """GiveUp where a text message would be longer than Notify takes."""
    text = re.sub(r"\(\((\w+)\)\)", lambda field: values.get(field[1], ""), TEXTS[name].body)
    if len(text) > LONGEST_TEXT:
        raise GiveUp(f"The text message would be longer than {LONGEST_TEXT} characters.")


def error_name(error: APIError) -> str:
    """The first error's name, such as "RateLimitError"; "" where there is none."""
    said = error.message
    first = said[0] if isinstance(said, list) and said else {}
    return str(first.get("error", "")) if isinstance(first, dict) else ""


def _status(error: BaseException | None) -> int | None:
    return error.status_code if isinstance(error, APIError) else None


def _id_of(taken: object) -> str:
    if not isinstance(taken, dict) or not isinstance(taken.get("id"), str):
        raise Uncertain("GOV.UK Notify's answer cannot be understood: it is asked before anything is sent again.")
    return str(taken["id"])
