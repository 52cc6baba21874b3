"""GOV.UK Notify through its real client, against the stand-in: every row of docs/notify.md section 6, every fault."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import requests

from mailgate.errors import BadTemplate, GiveUp, NotNow, Refused, TryLater, Uncertain
from mailgate.model.outbound import Attempt, Way
from mailgate.notify.govuk import Govuk, checked_key
from mailgate.notify.standin import FAULTS, KEYS, PAGE, SERVICE, StandIn, api_key, template_id
from mailgate.notify.texts import TEXTS, is_fatal, mistakes

FAULTS_ARE_TESTED_IN = ("notify/test_govuk.py", "workers/test_alerts_by_notify.py")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
VALUES = {
    "received": {"received_on": "today", "reply_by": "tomorrow", "team_name": "Desk"},
    "late": {"status": "in progress", "update_text": "We are late.", "next_update_by": "soon", "team_name": "Desk"},
    "breached_text": {"due_at": "today", "assignee": "nobody yet"},
}
IDS = {key: template_id(key) for key in TEXTS}


@pytest.fixture
def there():
    with StandIn() as running:
        yield running


def channel(there: StandIn, way: Way = Way.NOTIFY, kind: str = "live", **changes) -> Govuk:
    values = {"templates": IDS, "clock": lambda: NOW, "chance": lambda: 0.5, "timeout_seconds": 2.0}
    key, url = changes.pop("key", api_key(kind)), changes.pop("base_url", there.url)
    return Govuk(way, key, url, "abc123", **(values | changes))


def attempt(message: str = "received", to: str = "ann@council.example", number: int = 7, **values: object) -> Attempt:
    said = {"reference": "MG-7K3F-99"} | VALUES.get(message, {}) | values
    return Attempt(
        id=number, token="t", attempts=1, sender="", recipient=to, message_id="", content=json.dumps(said).encode(),
        message=message,
    )  # fmt: skip


def test_an_email_is_taken_under_our_reference(there):
    name = channel(there).send(attempt())
    (sent,) = there.sent
    assert (sent["id"], sent["reference"]) == (name, "abc123-7-received")
    assert sent["subject"] == "[MG-7K3F-99] We have received your request"


def test_a_text_message_is_taken(there):
    channel(there, Way.TEXT).send(attempt("breached_text", "07700900123"))
    assert there.sent[0]["body"].startswith("Overdue: MG-7K3F-99 was due by today.")


# ---------------------------------------------------------------- section 6, row by row


@pytest.mark.parametrize(
    ("sent", "change", "expected"),
    [
        (attempt(to="a@b"), {}, GiveUp),  # 400 ValidationError
        (attempt(), {"templates": IDS | {"received": "nonsense"}}, GiveUp),  # not a UUID
        (attempt("breached_text", "020 7946 0000"), {"way": Way.TEXT}, GiveUp),  # 400 InvalidPhoneError
        (attempt(), {"templates": IDS | {"received": template_id("none")}}, BadTemplate),  # 400 BadRequestError
        (attempt("late"), {"templates": IDS | {"late": IDS["breached_text"]}}, BadTemplate),  # of another type
        (attempt(reply_by=None), {}, BadTemplate),  # missing personalisation
    ],
)
def test_a_400_is_for_good(there, sent, change, expected):
    with pytest.raises(GiveUp) as refused:
        channel(there, **change).send(sent)
    assert type(refused.value) is expected
    assert there.sent == []


def test_a_template_that_was_archived_is_seen_and_refused(there):
    there.templates.archived.add(IDS["received"])
    assert channel(there).template(IDS["received"])["type"] == "email"
    with pytest.raises(BadTemplate):
        channel(there).send(attempt())


def test_a_team_key_refuses_others(there):
    there.templates.team = frozenset({"lead@council.example"})
    with pytest.raises(BadTemplate):
        channel(there, kind="team").send(attempt())
    channel(there, kind="team").send(attempt(to="lead@council.example"))


@pytest.mark.parametrize("key", ["x-" + SERVICE + "-" + KEYS["live"][:-1] + "f", f"x-{KEYS['test']}-{KEYS['live']}"])
def test_a_key_that_is_refused_is_for_people_and_no_try(there, key):
    with pytest.raises(NotNow) as refused:
        channel(there, key=key).send(attempt())
    assert refused.value.for_people


def test_a_wrong_clock_is_for_people(there):
    there.faults = ["clock"]
    with pytest.raises(NotNow, match="clock") as refused:
        channel(there).send(attempt())
    assert refused.value.for_people


def test_a_wrong_path_is_for_people(there):
    with pytest.raises(NotNow) as refused:
        channel(there).template("no-such-template")
    assert refused.value.for_people


def test_too_fast_waits_for_seconds_and_too_many_until_midnight_utc(there):
    there.bucket, there.refill = 0, 0
    with pytest.raises(NotNow) as slower:
        channel(there).send(attempt())
    assert (slower.value.seconds, slower.value.for_people) == (3.0, False)
    there.bucket, there.daily = 10, 0
    with pytest.raises(NotNow) as enough:
        channel(there).send(attempt())
    assert (enough.value.seconds, enough.value.for_people) == (timedelta(hours=14).total_seconds(), True)


@pytest.mark.parametrize("fault", ["401", "404"])
def test_what_only_people_can_mend_uses_no_try(there, fault):
    there.faults = [fault]
    with pytest.raises(NotNow, match=fault) as refused:
        channel(there).send(attempt())
    assert refused.value.for_people
    assert there.sent == []


def test_a_message_that_a_proxy_finds_too_large_is_given_up(there):
    there.faults = ["413"]
    with pytest.raises(GiveUp, match="413") as refused:
        channel(there).send(attempt())
    assert type(refused.value) is GiveUp


@pytest.mark.parametrize("fault", ["drop", "stall", "502", "503", "504", "not json"])
def test_what_had_been_taken_before_the_answer_was_lost_is_found_by_reference(there, fault):
    there.faults = [fault]
    govuk = channel(there)
    with pytest.raises(Uncertain):
        govuk.send(attempt())
    assert govuk.find(attempt()) == there.sent[0]["id"]
    assert len(there.sent) == 1


def test_a_500_is_uncertain_and_nothing_is_found(there):
    there.faults = ["500"]
    govuk = channel(there)
    with pytest.raises(Uncertain):
        govuk.send(attempt())
    assert govuk.find(attempt()) is None
    there.faults = []
    with pytest.raises(Uncertain):
        govuk.send(attempt("late", update_text=["a list"]))  # a value that cannot be sanitised: 500 each time


def test_nobody_there_is_uncertain_to_a_send_and_later_to_a_probe(there):
    govuk = channel(there, base_url="http://127.0.0.1:1")
    with pytest.raises(Uncertain):
        govuk.send(attempt())
    with pytest.raises(TryLater):
        govuk.probe()


def test_a_key_of_another_type_finds_nothing(there):
    channel(there).send(attempt())
    assert channel(there, kind="test").find(attempt()) is None


# ---------------------------------------------------------------- before any call


@pytest.mark.parametrize("key", ["", "short", f"name-{SERVICE}", f"{SERVICE}-{KEYS['live']}"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(Refused, match="api_key_file"):
        checked_key(key)


def test_the_line_end_of_the_keys_file_is_no_part_of_it():
    assert checked_key(api_key() + "\n") == api_key()


def test_a_text_message_over_918_characters_is_never_sent(there):
    with pytest.raises(GiveUp, match="918"):
        channel(there, Way.TEXT).send(attempt("breached_text", "07700900123", assignee="x" * 900))
    assert there.requests == 0


def test_a_message_without_a_template_is_given_up(there):
    with pytest.raises(GiveUp, match=r"alerts\.templates"):
        channel(there, templates={}).send(attempt())


# ---------------------------------------------------------------- what it says later


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("ann@council.example", "delivered"),
        ("temp-fail@simulator.notify", "temporary-failure"),
        ("perm-fail@simulator.notify", "permanent-failure"),
    ],
)
def test_the_status_is_asked_by_id(there, to, status):
    govuk = channel(there)
    name = govuk.send(attempt(to=to))
    there.report(name)
    assert govuk.status(name) == status


def test_what_notify_does_not_know_has_no_status_and_smoke_tests_are_never_found(there):
    govuk = channel(there)
    smoke = attempt(to="simulate-delivered@notifications.service.gov.uk")
    assert govuk.status(govuk.send(smoke)) is None
    assert govuk.find(smoke) is None
    assert there.sent == []


# ---------------------------------------------------------------- the texts


def test_the_texts_of_the_stand_in_are_ours_and_a_change_is_told(there):
    govuk = channel(there)
    assert [mistakes(key, govuk.template(IDS[key])) for key in TEXTS] == [()] * len(TEXTS)
    found = dict(govuk.template(IDS["received"]))
    assert [is_fatal(each) for each in mistakes("received", found | {"body": "Hello."})] == [False]
    more = found | {"personalisation": {**found["personalisation"], "new": {}}}
    assert mistakes("received", more) == ("it asks for ((new)), which we do not send",)
    assert is_fatal(mistakes("breached_text", found)[0])


def test_S48_no_link_is_made_of_a_sentence_that_somebody_could_have_shaped(there):
    channel(there).send(attempt("late", update_text="[Confirm your bank details](https://evil.example)"))
    body = there.sent[0]["body"]
    assert "](" not in body
    assert "https://" not in body


# ---------------------------------------------------------------- the stand-in itself


def call(there: StandIn, headers: dict[str, str]) -> tuple[int, str]:
    answer = requests.get(f"{there.url}/v2/templates", headers=headers, timeout=5)
    error = answer.json().get("errors", [{}])[0]
    return answer.status_code, error.get("message", "")


def bearer(claims: dict[str, object], secret: str = KEYS["live"], algorithm: str = "HS256") -> dict[str, str]:
    return {"Authorization": "Bearer " + jwt.encode(claims, secret, algorithm)}


def test_the_stand_in_checks_tokens_as_notify_does(there):
    now = int(time.time())
    assert call(there, {}) == (401, "Unauthorized: authentication token must be provided")
    assert call(there, {"Authorization": "Basic x"})[0] == 401
    assert call(there, bearer({"iss": SERVICE, "iat": now}))[0] == 200
    assert call(there, bearer({"iss": SERVICE, "iat": now - 29}))[0] == 200
    assert "clock" in call(there, bearer({"iss": SERVICE, "iat": now - 40}))[1]
    assert "clock" in call(there, bearer({"iss": SERVICE, "iat": now + 40}))[1]
    assert "API key not found" in call(there, bearer({"iss": SERVICE, "iat": now}, KEYS["live"][::-1]))[1]
    assert "API key not found" in call(there, bearer({"iss": SERVICE}))[1]
    assert "algorithm" in call(there, bearer({"iss": SERVICE, "iat": now}, KEYS["live"] * 2, "HS512"))[1]
    assert "service not found" in call(there, bearer({"iss": KEYS["test"], "iat": now}))[1]
    assert "data type" in call(there, bearer({"iss": "x", "iat": now}))[1]
    assert "make sure" in call(there, {"Authorization": "Bearer nonsense"})[1]


def test_the_stand_in_shows_a_page_at_a_time_the_newest_first(there):
    there.bucket = None
    for number in range(PAGE + 1):
        there.send("email", "live", {"email_address": "a@b.example", "template_id": IDS["duplicate"],
                                     "personalisation": {"reference": str(number), "team_name": "x"}})  # fmt: skip
    found = list(channel(there)._client.get_all_notifications_iterator())
    assert len(found) == PAGE + 1
    assert found[0]["subject"] == f"[{PAGE}] We already have your request"


def test_every_fault_of_the_stand_in_has_a_test():
    tests = "".join((Path(__file__).parent.parent / file).read_text() for file in FAULTS_ARE_TESTED_IN)
    assert [fault for fault in FAULTS if f'"{fault}"' not in tests] == []


def test_the_bucket_of_the_stand_in_fills_up_again(there):
    there.bucket, there.refill = 0, 10_000
    time.sleep(0.01)
    channel(there).send(attempt())
    assert len(requests.get(f"{there.url}/dev/sent", timeout=5).json()) == 1


def test_faults_are_asked_for_over_the_wire(there):
    requests.post(f"{there.url}/dev/faults", json=["500"], timeout=5)
    with pytest.raises(Uncertain):
        channel(there).send(attempt())
