"""What goes by GOV.UK Notify beside or instead of our own mail, and what it says."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.decision import Reply
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound, SendState, Way
from mailgate.notify.alerts import outgoing, plain, values_of
from mailgate.notify.compose import Context
from mailgate.notify.standin import api_key, template_id
from mailgate.notify.texts import FREE_TEXT, TEXTS
from tests.notify.test_compose import NOW, make_about, make_config, make_context

READER, TELEPHONE = "lena.brook@council.example", "07700900123"
ALL_IDS = {key: template_id(key) for key in TEXTS}
WITH_KEY = Operator.model_validate({"notify": {"api_key": api_key()}})


def context(operator: Operator = WITH_KEY, **alerts: Any) -> Context:
    said = {"templates": ALL_IDS, "texts_to": {READER: TELEPHONE}} | alerts
    config = make_config(alerts=said).model_copy(update={"operator": operator})
    return make_context(config)


def sent(message: str, where: Context, to: str = READER, **about: Any) -> list[Outbound]:
    return list(outgoing(Reply(message, to), make_about(**about), where))


def ways(message: str, where: Context, to: str = READER) -> list[tuple[str, str, str]]:
    return [(mail.way, mail.message, mail.recipient) for mail in sent(message, where, to)]


def test_each_way_that_tell_names_has_an_outgoing_mail_of_its_own() -> None:
    told = {"done": ["mail", "notify"], "received": ["notify"]}
    assert ways("done", context(tell=told)) == [("mail", "done", READER), ("notify", "done", READER)]
    assert ways("received", context(tell=told)) == [("notify", "received", READER)]


def test_a_breach_is_texted_to_those_who_asked_and_to_nobody_else() -> None:
    assert ("text", "breached_text", TELEPHONE) in ways("breached", context())
    assert [way for way, _, _ in ways("breached", context(), "omar.finch@council.example")] == ["mail", "notify"]


@pytest.mark.parametrize(
    "where",
    [context(tell={"received": ["notify"]}, templates={}), context(Operator(), tell={"received": ["notify"]})],
    ids=["no template", "no key"],
)
def test_where_nothing_can_go_by_notify_the_mail_goes_in_any_case(where: Context) -> None:
    assert ways("received", where) == [("mail", "received", READER)]


def test_a_message_that_tell_does_not_name_is_mail_alone() -> None:
    assert ways("reopened", context()) == [("mail", "reopened", READER)]


def test_an_alert_is_one_row_however_often_it_is_decided_and_says_nothing_personal_about_itself() -> None:
    (first,) = sent("received", context(tell={"received": ["notify"]}))
    (again,) = sent("received", context(tell={"received": ["notify"]}))
    (other,) = sent("received", context(tell={"received": ["notify"]}), cause="<another@mail.example>")
    assert (first.message_id, first.cause) == (again.message_id, again.cause)
    assert first.message_id != other.message_id
    assert "lena" not in first.message_id
    assert (first.serial, first.sender) == (0, "")


def test_a_mailbox_that_observes_alerts_nobody() -> None:
    assert {mail.state for mail in sent("done", context(), state=SendState.OBSERVED)} == {SendState.OBSERVED}


@pytest.mark.parametrize("key", TEXTS)
def test_every_field_of_every_text_has_a_value_that_notify_takes(key: str) -> None:
    """It refuses a message with one that is missing, and fails over one to be sanitised that is no text."""
    about = replace(make_about(), due_at=None, missing=(), team="")
    values = values_of(key, Reply("received", READER), about, context())
    assert set(values) == set(TEXTS[key].fields)
    assert all(isinstance(value, str) for value in values.values())
    assert [name for name, value in values.items() if not value] == []
    shown = re.sub(r"\(\((\w+)\)\)", lambda field: values[field[1]], TEXTS[key].subject + TEXTS[key].body)
    assert "((" not in shown


def test_how_much_time_is_left_is_said_in_the_two_largest_units() -> None:
    def said(field: str, **due: float) -> str:
        about = make_about(due_at=NOW + timedelta(**due), at=NOW)
        key = "at_risk" if field == "time_left" else "breached"
        return values_of(key, Reply(key, READER), about, context())[field]

    assert said("time_left", days=2, hours=3, minutes=4) == "2 days 3 hours"
    assert said("time_left", hours=1, minutes=1) == "1 hour 1 minute"
    assert said("time_left", minutes=-5) == "0 minutes"
    assert said("overdue_by", minutes=-45) == "45 minutes"


HOSTILE = [
    "[Confirm your bank details](https://evil.example)",
    "https://evil.example",
    "<https://evil.example>",
    "line one\r\nBcc: x@y",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_R22_S48_no_value_of_ours_makes_a_link(value: str) -> None:
    said = plain(value)
    assert not re.search(r"://|\]\(|[\r\n<>\[\]]", said)
    about = make_about(team=value, task=value, missing=(value,))
    for key in TEXTS:
        reply = Reply("received", READER, fields=dict.fromkeys(("priority", "sla_name", "assignee"), value))
        values = values_of(key, reply, about, context())
        assert [name for name, each in values.items() if re.search(r"://|\]\(|[\r\n]", each)] == []


def test_what_is_sent_is_the_values_alone() -> None:
    (alert,) = sent("received", context(tell={"received": ["notify"]}))
    values = json.loads(alert.content)
    assert values["reference"] == "MG-7K3F-99"
    assert set(values) == set(TEXTS["received"].fields)
    assert alert.subject == "[MG-7K3F-99] We have received your request"
    assert alert.way is Way.NOTIFY


def test_the_fields_that_notify_has_to_sanitise_exist() -> None:
    assert {field for text in TEXTS.values() for field in text.fields} >= FREE_TEXT
