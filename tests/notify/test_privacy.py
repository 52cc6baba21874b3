"""The privacy table of docs/domain.md section 9, with canaries: what a reader may not see is in no part of a mail."""

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from mailgate.model.config import Config, Writing
from mailgate.model.decision import Reply
from mailgate.model.facts import Listed, Listing
from mailgate.model.sending import Audience, Privacy
from mailgate.notify.alerts import values_of
from mailgate.notify.compose import About, Context, Source, compose, prepare, render
from mailgate.notify.fields import COMMON, LAYOUT, OF_TICKETS, OWN, allowed
from mailgate.notify.files import read_templates
from mailgate.notify.labels import mail_label
from mailgate.notify.privacy import LINES
from mailgate.notify.samples import KEYS, in_language
from mailgate.notify.texts import TEXTS
from mailgate.settings import load
from tests.make import HELPDESK, NOW, make_config, make_ticket

ROOT = Path(__file__).parent.parent.parent
SHIPPED = load([ROOT / "config"], {}).service.privacy
MESSAGES = sorted(OWN.keys() - {LAYOUT})
TASK, KEY, CAUSE, NOTE = "Canary task", "K987654", "canary-of-the-spool", "Canary from a mail"
REQUEST, WORKER = "Canary in a request", "canary.worker@council.example"
TEAM, COLLEAGUES, PARTNERS, PUBLIC = Audience
READERS = {
    TEAM: "cleo@council.example",
    COLLEAGUES: "ann@council.example",
    PARTNERS: "jo@town.example.gov.uk",
    PUBLIC: "mallory@mail.example",
}
# Who may see which canary, in the subject and in the rest: docs/domain.md section 9.
IN_SUBJECT = {TEAM: {TASK, KEY}, COLLEAGUES: {TASK}, PARTNERS: {TASK}, PUBLIC: set()}
IN_BODY = {TEAM: {TASK, KEY}, COLLEAGUES: {TASK, KEY}, PARTNERS: {TASK}, PUBLIC: set()}
EVERY = {TASK, KEY, CAUSE, NOTE, REQUEST}
WITH_REQUEST = {"assigned", "new", "news", "commission"}


def config_with(privacy: Privacy = SHIPPED) -> Config:
    return make_config(privacy=privacy.model_dump() | {"neutral": {}}, welsh={"the room": "yr ystafell"})


def context_of(config: Config, language: Writing = "en", *, greedy: bool = False) -> Context:
    """With the templates that ship or, *greedy*, with some that ask for all there is."""
    config = in_language(config, language)
    sources = read_templates(config, [ROOT / "mailgate"])
    if greedy:
        sources |= {name: greedy_template(name) for name in sources if name != LAYOUT}
    return prepare(config, KEYS, "loop", sources)


def greedy_template(name: str) -> Source:
    fields = " ".join(f"{{{{ {field} }}}}" for field in sorted(allowed(name.removeprefix("cy/"), "asset")))
    front = "---\nsubject: S {{ task }} {{ asset }} {{ key }}\n---\n"
    return Source(name, f"{front}# H {fields}\n\nP {fields}\n\n- I {fields}\n")


SAID = dict.fromkeys(("words", "facts", "asked_by"), REQUEST)


def make_reply(audience: Audience, message: str) -> Reply:
    return Reply(message, READERS[audience], internal=audience in (TEAM, COLLEAGUES), fields={"note": NOTE} | SAID)


def make_about(audience: Audience, **changes: object) -> About:
    usual: dict[str, object] = {"serial": 1, "mailbox": HELPDESK, "at": NOW, "received_at": NOW, "cause": CAUSE}
    usual |= {"task": TASK, "key": KEY, "to_team": audience is TEAM, "missing": ("the room",), "due_at": NOW}
    return About(ref="MG-7K3F-99", **(usual | changes))  # type: ignore[arg-type]


def sent_to(audience: Audience, message: str, context: Context, **about: object) -> dict[str, str]:
    """The mail in the parts where something could show."""
    sent = compose(make_reply(audience, message), make_about(audience, **about), context)
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (part.get_content() for part in mail.iter_parts())
    others = " ".join(f"{name}: {value}" for name, value in mail.items() if name != "Subject")
    return {"subject": f"{sent.subject} {mail['Subject']}", "text": text, "html": html, "headers": others}


def in_body(audience: Audience, message: str) -> set[str]:
    """What a request says stands in the mails by which its team gets it, and nowhere else."""
    return IN_BODY[audience] | ({REQUEST} if audience is TEAM and message in WITH_REQUEST else set())


def canaries(said: str) -> set[str]:
    return {canary for canary in EVERY if canary in said}


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("message", ["worklist", "open_requests", "found"])
def test_a_list_says_of_each_ticket_what_a_mail_about_it_would(
    message: str, audience: Audience, restricted: bool
) -> None:
    ticket = make_ticket(keys=(KEY,), task="hardware.repair", assignee=REQUEST, show_to="named" if restricted else None)
    reply = replace(make_reply(audience, message), listing=Listing((Listed(ticket, 1),)))
    context = context_of(config_with(), greedy=False)
    fields = " ".join(f"{{{{ each.{name} }}}}" for name in sorted(OF_TICKETS))
    said = f"{{% for each in tickets %}}\n{fields}\n{{% endfor %}}"
    source = Source(message, f"---\nsubject: S\n---\n# H\n\n{said}\n")
    sources = read_templates(context.config, [ROOT / "mailgate"]) | {message: source}
    text = render(reply, make_about(audience), prepare(context.config, KEYS, "loop", sources)).text
    hidden = restricted and audience is not TEAM
    assert (KEY in text) is (audience in (TEAM, COLLEAGUES) and not hidden)
    assert (REQUEST in text) is (audience is TEAM)
    assert ("Repair" in text) is (audience is not PUBLIC and not hidden)


LANGUAGES: tuple[Writing, ...] = get_args(Writing)
GREEDY = {language: context_of(config_with(), language, greedy=True) for language in LANGUAGES}
SHIPS = {language: context_of(config_with(), language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("message", MESSAGES)
def test_whoever_reads_whatever_message_sees_what_the_table_allows(
    message: str, audience: Audience, language: Writing
) -> None:
    shown = sent_to(audience, message, GREEDY[language])
    assert canaries(shown["subject"]) == IN_SUBJECT[audience]
    assert canaries(shown["text"]) == canaries(shown["html"]) == in_body(audience, message)
    assert canaries(shown["headers"]) == set()
    ours = sent_to(audience, message, SHIPS[language])
    assert canaries(ours["subject"]) <= IN_SUBJECT[audience]
    assert canaries(ours["text"]) == canaries(ours["html"]) <= in_body(audience, message)
    assert canaries(ours["headers"]) == set()


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("key", TEXTS)
def test_what_goes_by_notify_says_no_more_than_the_table_allows_and_text_messages_least(
    key: str, audience: Audience
) -> None:
    about = make_about(audience)
    said = " ".join(values_of(key, make_reply(audience, "received"), about, SHIPS["en"]).values())
    has_task = "task" in TEXTS[key].fields and audience is not PUBLIC
    assert canaries(said) == ({TASK} if has_task else set())
    assert TEXTS[key].kind == "email" or not has_task


@pytest.mark.parametrize("audience", Audience)
def test_of_a_restricted_ticket_only_its_team_sees_more_than_the_public(audience: Audience) -> None:
    shown = sent_to(audience, "received", GREEDY["en"], restricted=True)
    expected = {TASK, KEY} if audience is TEAM else set()
    assert canaries(shown["subject"]) == canaries(shown["text"]) == canaries(shown["html"]) == expected


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("message", ["at_risk", "breached"])
def test_who_has_a_restricted_ticket_is_for_its_team_alone(message: str, audience: Audience, restricted: bool) -> None:
    about, hidden = make_about(audience, restricted=restricted), restricted and audience is not TEAM
    reply = replace(make_reply(audience, message), fields={"assignee": WORKER})
    for context in (GREEDY["en"], SHIPS["en"]):
        mail = render(reply, about, context)
        assert (WORKER in mail.text) is (reply.internal and not hidden)
        assert WORKER not in mail.subject
    by_notify = [values_of(key, reply, about, SHIPS["en"])["assignee"] for key in (message, f"{message}_text")]
    assert set(by_notify) == ({WORKER} if reply.internal and not hidden else {"not shown here"})


def test_whoever_the_configuration_does_not_name_sees_nothing() -> None:
    nobody = Privacy.model_validate({"may_see": {"task": [], "key": [], "key_in_subject": ["team"]}})
    context = context_of(config_with(nobody), greedy=True)
    for audience in Audience:
        assert canaries(" ".join(sent_to(audience, "received", context).values())) == set()


def test_who_may_see_the_key_in_a_subject_has_to_be_allowed_to_see_it_at_all() -> None:
    odd = Privacy.model_validate({"may_see": {"key": ["team"], "key_in_subject": ["team", "public"]}})
    context = context_of(config_with(odd), greedy=True)
    assert KEY not in sent_to(PUBLIC, "received", context)["subject"]
    assert KEY in sent_to(TEAM, "received", context)["subject"]


def test_without_partners_every_outsider_is_the_public() -> None:
    nobody = Privacy.model_validate({"may_see": {"task": ["partners"]}})
    context = context_of(config_with(nobody), greedy=True)
    assert TASK not in sent_to(PARTNERS, "received", context)["text"]


def test_every_field_has_a_line_in_the_table() -> None:
    assert COMMON.union(*(own for message, own in OWN.items() if message != LAYOUT)) | OF_TICKETS == set(LINES)


def test_the_shipped_table_is_that_of_the_domain() -> None:
    assert SHIPPED.may_see.task == (TEAM, COLLEAGUES, PARTNERS)
    assert SHIPPED.may_see.key == (TEAM, COLLEAGUES)
    assert SHIPPED.may_see.key_in_subject == (TEAM,)


def test_no_task_is_called_by_what_no_mail_may_say() -> None:
    """Offence, sentence, order type, programme, health, risk, MAPPA, victim: in mails to nobody."""
    config = load([ROOT / "config"], {})
    tasks = [f"{name}.{task}" for name, found in config.service.categories.items() for task in (*found.tasks, "other")]
    said = {task: mail_label(config, task).lower() for task in tasks}
    telling = ("mappa", "programme", "treatment", "death", "recall", "warrant", "parole", "psr", "crs", "rar", "risk")
    assert {task: label for task, label in said.items() if any(word in label.split() for word in telling)} == {}
