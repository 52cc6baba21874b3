from datetime import UTC, datetime

import pytest

from mailgate.ingest.authentic import verdict
from mailgate.model.config import Config, Service
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.operator import Operator, Smtp

OURS = Config(version="1", service=Service(domains=("council.example",)))
AT = datetime(2026, 11, 21, tzinfo=UTC)
EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=mail.example; dkim=pass (signature was verified) "
    "header.d=mail.example;dmarc={} action=none header.from=mail.example;compauth={} reason=100"
)


TENANT = "11111111-2222-3333-4444-555555555555"


def judged(sender: str, *results: str, vouched: bool = True, authserv_id: str = "mx", **facts: object) -> Verdict:
    """Of a mail that a relay handed over which writes *authserv_id* into its results."""
    headers = {"authentication-results": results} if results else {}
    message = Message("<1@x>", from_=Address(sender), headers=headers, **facts)  # type: ignore[arg-type]
    config = behind(authserv_id=authserv_id or None)
    return verdict(message, Envelope(sender, (), AT, vouched=vouched), config)


def behind(**smtp: object) -> Config:
    return OURS.model_copy(update={"operator": Operator(smtp=Smtp.model_validate(smtp))})


def test_mail_of_our_own_from_a_vouched_peer_is_internal() -> None:
    assert judged("ann@council.example") is Verdict.INTERNAL
    assert judged("ann@x.council.example") is Verdict.INTERNAL
    assert judged("jo@mail.example") is Verdict.NONE


def test_nothing_is_believed_of_a_peer_that_is_not_vouched() -> None:
    assert judged("ann@council.example", vouched=False) is Verdict.NONE
    assert judged("jo@mail.example", EXCHANGE.format("pass", "pass"), vouched=False) is Verdict.NONE


def test_E93_the_mail_in_a_journal_report_is_never_believed() -> None:
    assert judged("ann@council.example", defects=("journalled",)) is Verdict.NONE


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
    assert connected("jo@mail.example", authentication_results=(EXCHANGE.format(dmarc, compauth),)) is expected


def test_E180_a_pass_for_another_domain_is_none() -> None:
    results = (EXCHANGE.format("pass", "pass"),)
    assert connected("boss@council.example", authentication_results=results) is Verdict.NONE


PASS = "dmarc=pass header.from=mail.example"


def test_E180_of_another_relays_results_those_in_its_name_count() -> None:
    assert judged("jo@mail.example", f"mx 1; spf=fail; {PASS}") is Verdict.PASS
    assert judged("jo@mail.example", "MX (ours); dmarc = pass header.from = mail.example") is Verdict.PASS
    assert judged("jo@mail.example", f"elsewhere; {PASS}", "mx; dmarc=fail") is Verdict.FAIL
    assert judged("jo@mail.example", "mx; dmarc=none", f"mx; {PASS}") is Verdict.NONE


@pytest.mark.parametrize("name", ["elsewhere", "mx.evil", "(mx)", '"mx"', "", "x mx"])
def test_S37_a_stranger_cannot_prove_himself(name: str) -> None:
    assert judged("jo@mail.example", f"{name}; {PASS}") is Verdict.NONE
    assert judged("ann@council.example", f"{name}; dmarc=fail") is Verdict.INTERNAL  # as without that header


def test_E183_results_of_nobody_knows_whom_never_help_a_sender() -> None:
    assert judged("jo@mail.example", f"mx; {PASS}", authserv_id="") is Verdict.NONE
    ours = "mx; dmarc={} header.from=council.example"
    assert judged("ann@council.example", ours.format("pass"), authserv_id="") is Verdict.NONE
    assert judged("ann@council.example", ours.format("fail"), authserv_id="") is Verdict.FAIL


@pytest.mark.parametrize(
    "hidden",
    [
        "({})",
        "((x) {})",
        "(x; {})",
        '"{}"',
        '"x\\"; {}"',
        "(\\); {})",
        "({}",
        "x.{}",
        "spf=pass {}",
        "smtp.mailfrom=a={}",
    ],
)
def test_what_others_may_have_written_into_the_results_counts_for_nothing(hidden: str) -> None:
    assert judged("jo@mail.example", f"mx; spf=none {hidden.format(PASS)}") is Verdict.NONE
    assert judged("jo@mail.example", f"mx; dmarc=pass header.from=evil.example {hidden.format(PASS)}") is Verdict.NONE


def connected(sender: str, tenant: tuple[str, ...] = (TENANT,), vouched: bool = True, **headers: object) -> Verdict:
    """Of a mail that a connector of Exchange handed over."""
    named = {name.replace("_", "-"): values for name, values in headers.items()}
    if tenant:
        named["x-ms-exchange-crosstenant-id"] = tenant
    message = Message("<1@x>", from_=Address(sender), headers=named)  # type: ignore[arg-type]
    return verdict(message, Envelope(sender, (), AT, vouched=vouched), behind(tenant=TENANT.upper()))


INSIDE = {"x_ms_exchange_crosstenant_authas": ("Internal",)}


def test_E181_mail_of_our_tenant_that_exchange_calls_internal_is_a_colleagues() -> None:
    assert connected("ann@council.example", **INSIDE) is Verdict.INTERNAL
    assert connected("ann@council.example", x_ms_exchange_crosstenant_authas=("Anonymous",)) is Verdict.NONE


@pytest.mark.parametrize("tenant", [(), ("99999999-2222-3333-4444-555555555555",), (TENANT, TENANT), (TENANT + ",",)])
def test_E181_mail_of_another_tenant_or_of_two_proves_nothing(tenant: tuple[str, ...]) -> None:
    said = {**INSIDE, "authentication_results": (EXCHANGE.format("pass", "pass"),)}
    assert connected("ann@council.example", tenant, **said) is Verdict.NONE
    assert connected("jo@mail.example", tenant, **said) is Verdict.NONE


def test_E181_without_a_vouched_peer_the_tenants_number_is_text_anyone_can_write() -> None:
    assert connected("ann@council.example", vouched=False, **INSIDE) is Verdict.NONE
    assert connected("ann@council.example", x_ms_exchange_crosstenant_authas=("Internal", "Internal")) is Verdict.NONE


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
