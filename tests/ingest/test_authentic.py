from datetime import UTC, datetime

import pytest

from mailgate.ingest.authentic import verdict
from mailgate.model.config import Config, Service
from mailgate.model.message import Address, Envelope, Message, Verdict

OURS = Config(version="1", service=Service(domains=("council.example",)))
AT = datetime(2026, 11, 21, tzinfo=UTC)
EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=mail.example; dkim=pass (signature was verified) "
    "header.d=mail.example;dmarc={} action=none header.from=mail.example;compauth={} reason=100"
)


def judged(sender: str, results: str = "", vouched: bool = True, **facts: object) -> Verdict:
    headers = {"authentication-results": (results,)} if results else {}
    message = Message("<1@x>", from_=Address(sender), headers=headers, **facts)  # type: ignore[arg-type]
    return verdict(message, Envelope(sender, (), AT, vouched=vouched), OURS)


def test_mail_of_our_own_from_a_vouched_peer_is_internal() -> None:
    assert judged("ann@council.example") is Verdict.INTERNAL
    assert judged("ann@x.council.example") is Verdict.INTERNAL
    assert judged("jo@mail.example") is Verdict.NONE


def test_nothing_is_believed_of_a_peer_that_is_not_vouched() -> None:
    assert judged("ann@council.example", vouched=False) is Verdict.NONE
    assert judged("jo@mail.example", EXCHANGE.format("pass", "pass"), vouched=False) is Verdict.NONE


@pytest.mark.parametrize(
    ("dmarc", "compauth", "expected"),
    [
        ("pass", "pass", Verdict.PASS),
        ("fail", "fail", Verdict.FAIL),
        ("none", "fail", Verdict.FAIL),
        ("none", "none", Verdict.NONE),
    ],
)
def test_E182_exchanges_results_are_read(dmarc: str, compauth: str, expected: Verdict) -> None:
    assert judged("jo@mail.example", EXCHANGE.format(dmarc, compauth)) is expected


def test_E180_a_pass_for_another_domain_is_none() -> None:
    assert judged("boss@council.example", EXCHANGE.format("pass", "pass")) is Verdict.NONE


def test_a_result_inside_a_comment_counts_for_nothing() -> None:
    assert judged("jo@mail.example", "mx; spf=none (dmarc=pass header.from=mail.example)") is Verdict.NONE


def test_E77_an_ambiguous_sender_or_a_second_header_is_none() -> None:
    assert judged("ann@council.example", from_ok=False) is Verdict.NONE
    assert judged("ann@council.example", defects=("duplicate-header",)) is Verdict.NONE


def fetched(sender: str, vouched: bool = True, **headers: tuple[str, ...]) -> Verdict:
    named = {name.replace("_", "-"): values for name, values in headers.items()}
    message = Message("<1@x>", from_=Address(sender), headers=named)
    return verdict(message, Envelope(sender, (), AT, source="imap", vouched=vouched), OURS)


def test_E180_what_exchange_marks_as_internal_is_a_colleagues() -> None:
    assert fetched("ann@council.example", x_ms_exchange_organization_authas=("Internal",)) is Verdict.INTERNAL


@pytest.mark.parametrize("said", [("Anonymous",), ("Internal", "Anonymous"), ("Internal", "Internal"), ()])
def test_E184_our_domain_alone_proves_nothing_in_a_mailbox(said: tuple[str, ...]) -> None:
    assert fetched("ann@council.example", x_ms_exchange_organization_authas=said) is Verdict.NONE


def test_E180_a_mailbox_that_is_not_believed_proves_nothing() -> None:
    headers = {"x_ms_exchange_organization_authas": ("Internal",)}
    assert fetched("ann@council.example", vouched=False, **headers) is Verdict.NONE


def test_E180_over_smtp_the_mark_of_exchange_is_text_anyone_can_write() -> None:
    message = Message(
        "<1@x>", from_=Address("jo@mail.example"), headers={"x-ms-exchange-organization-authas": ("Internal",)}
    )
    assert verdict(message, Envelope("jo@mail.example", (), AT, vouched=True), OURS) is Verdict.NONE


@pytest.mark.parametrize(("dmarc", "compauth", "expected"), [("pass", "pass", "pass"), ("fail", "none", "fail")])
def test_E182_mail_from_outside_is_judged_by_exchanges_results(dmarc: str, compauth: str, expected: str) -> None:
    results = (EXCHANGE.format(dmarc, compauth), "dmarc=pass header.from=mail.example")
    said = {"x_ms_exchange_organization_authas": ("Anonymous",), "authentication_results": results}
    assert fetched("jo@mail.example", **said) == expected
