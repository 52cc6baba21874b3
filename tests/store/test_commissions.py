"""Commissions over a store: one request to three units, what comes back, and the whole that goes back once."""

import zipfile
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from mailgate import decide, understand
from mailgate.app import context_of
from mailgate.model.decision import Action, Order
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.model.people import Person
from mailgate.store import commissions, history, known, people
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from mailgate.store.tables import outbox, outbox_mails, tickets
from mailgate.tickets.commission import Send
from mailgate.workers.commissions import Compiling
from mailgate.workers.digests import Digests
from mailgate.workers.order import give
from mailgate.workers.sweep import Sweep
from tests.conversation import Conversation, text_of
from tests.make import SERVICE, STRANGER, make_config

HQ = "rowan.hart@hq.council.example"
LENA = "lena.brook@council.example"  # leads the desk, which puts the returns together
NORA, SAUL, WIM = (f"{name}@council.example" for name in ("nora.vane", "saul.ferry", "wim.drake"))
HEAD = "hana.head@council.example"
UNITS = {"North": NORA, "South": SAUL, "West": WIM}
DEADLINE = datetime(2026, 12, 4, 17, 0, tzinfo=UTC)  # a Friday
ANSWER_BY = datetime(2026, 12, 2, 17, 0, tzinfo=UTC)
ASKED = "Please tell us how many machines you have. Deadline: Friday 4 December 2026 at 5pm."


def service() -> dict[str, Any]:
    units = {name.lower(): {"lead": lead.partition("@")[0], "units": [name]} for name, lead in UNITS.items()}
    survey = {"recognise": ["survey"], "without": ["asset"], "needs": ["deadline"], "sla": "by-deadline"}
    rule = {"when": {"from": "*@hq.council.example"}, "then": {"task": "hardware.survey", "start": "commission"}}
    hardware = SERVICE["categories"]["hardware"]
    deadline = {"ask": "the deadline", "date": True, "lead": ["deadline", "due", "by"]}
    return {
        "teams": {**SERVICE["teams"], **units},
        "sla": {**SERVICE["sla"], "by-deadline": {"reply": "1 working day", "finish": "the deadline in the mail"}},
        "information": {**SERVICE["information"], "deadline": deadline},
        "categories": {"hardware": {**hardware, "tasks": {**hardware["tasks"], "survey": survey}}},
        "commands": {**SERVICE["commands"], "extend": ["#extend"], "reopen": ["reopen"]},
        "digests": {"daily": {"at": "8am", "to": ["team lead"]}},
        "rules": [{"name": "HQ asks", **rule}],
        "commissions": {
            "ask": list(UNITS),
            "answer_by": "2 working days before the deadline",
            "remind": ["3 working days before", "1 working day before"],
            "chase_overdue": "every working day, to the team and the head of unit",
            "compiled_by": "desk",
        },
    }  # fmt: skip


class Round(Conversation):
    """A commission from HQ, and everybody who has to do with it."""

    def begins(self) -> Settled:
        return self.hears(ASKED, HQ, subject="Machine survey")

    def compiles(self) -> None:
        Compiling(self.store, self.context, lambda: self.now).turn()

    def sweeps(self) -> None:
        Sweep(self.store, self.context, lambda: self.now, lambda: True).turn()

    def sent(self, message: str, to: str | None = None) -> list[Outbound]:
        """What the outbox has, the oldest first."""
        query = select(outbox_mails).where(outbox_mails.c.message == message).order_by(outbox_mails.c.id)
        with self.store.read() as connection:
            found = connection.execute(query).all()
        names = ("message", "recipient", "sender", "subject", "message_id", "content", "cause", "serial", "automatic")
        mails = [Outbound(**{name: row._mapping[name] for name in names}) for row in found]
        return [mail for mail in mails if to in (None, mail.recipient)]

    def asks(self, unit: str) -> Outbound:
        """The mail by which the unit is asked."""
        return self.sent("commission", UNITS[unit])[0]

    def answers(self, unit: str, text: str, **more: Any) -> Settled:
        return self.hears(text, more.pop("sender", UNITS[unit]), self.asks(unit), **more)

    def unit(self, name: str) -> dict[str, Any]:
        """The ticket of a unit."""
        with self.store.read() as connection:
            ref = connection.scalar(select(tickets.c.ref).where(tickets.c.unit == name))
        return self.ticket(ref)

    @property
    def whole(self) -> dict[str, Any]:
        with self.store.read() as connection:
            ref = connection.scalar(select(tickets.c.ref).where(tickets.c.starts == "commission"))
        return self.ticket(ref)

    def due(self, name: str) -> datetime:
        return datetime.fromisoformat(self.unit(name)["due_at"])

    def states(self) -> dict[str, str]:
        return {child["unit"]: child["state"] for child in self.whole["children"]}


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Round:
    config = make_config(**service()).model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [Person(HEAD, "Hana Head", "head of unit", "North"), Person(WIM, "Wim", "lead", "West")])
    return Round(store, context_of(config, store))


def cells(mail: Outbound) -> dict[str, list[list[str]]]:
    """Each sheet of the workbook in *mail*, as a program that opens it sees the rows."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    book = zipfile.ZipFile(BytesIO(attached(mail)[".xlsx"]))
    assert not [name for name in book.namelist() if b"<f>" in book.read(name)], "a formula"
    shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    strings = ["".join(each.itertext()) for each in shared.findall("m:si", space)]
    names = [
        each.attrib["name"]
        for each in ElementTree.fromstring(book.read("xl/workbook.xml")).iter()
        if each.tag.endswith("}sheet")
    ]
    found = {}
    for number, name in enumerate(names, start=1):
        rows = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")).findall(".//m:row", space)
        values = [[cell.find("m:v", space) for cell in row.findall("m:c", space)] for row in rows]
        found[name] = [[strings[int(value.text)] for value in row if value is not None] for row in values]
    return found


def attached(mail: Outbound) -> dict[str, bytes]:
    """The files of *mail* by the endings of their names."""
    parsed = message_from_bytes(mail.content, policy=policy.default)
    files = {part.get_filename(): part.get_payload(decode=True) for part in parsed.iter_attachments()}
    return {"." + name.rpartition(".")[2]: content for name, content in files.items()}


def with_file(talk: Round, unit: str, text: str, name: str, content: bytes) -> Settled:
    """The unit's answer with a file."""
    mail = message_from_bytes(talk.mail(text, UNITS[unit], talk.asks(unit)), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    mail.add_attachment(content, maintype="text", subtype="csv", filename=name)
    talk.arrives(mail.as_bytes(), UNITS[unit])
    (settled,) = talk.works()
    return settled


# ---- asking


def test_one_mail_asks_every_unit_in_a_thread_of_its_own(talk: Round) -> None:
    begun = talk.begins()
    assert len(begun.references) == 4
    assert talk.whole["team"] == "desk"
    assert datetime.fromisoformat(talk.whole["due_at"]) == DEADLINE
    for unit, reader in UNITS.items():
        (mail,) = talk.sent("commission", reader)
        assert talk.due(unit) == ANSWER_BY
        assert "2 December 2026 at 5pm" in mail.subject
        assert "how many machines you have" in text_of(mail)
        head = message_from_bytes(mail.content)
        assert head["In-Reply-To"] is None
        assert f"[{talk.unit(unit)['ref']}]" in head["Subject"]
    assert [mail.recipient for mail in talk.sent("received")] == [HQ]
    assert talk.states() == dict.fromkeys(UNITS, "waited for")


def test_the_form_to_fill_in_goes_with_the_request(talk: Round) -> None:
    mail = message_from_bytes(talk.mail(ASKED, HQ, subject="Machine survey"), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    mail.add_attachment(b"unit,machines", maintype="text", subtype="csv", filename='fo"rm.csv')
    talk.arrives(mail.as_bytes(), HQ)
    talk.works()
    assert attached(talk.asks("North")) == {".csv": b"unit,machines"}


def test_nobody_is_asked_by_a_sender_that_is_not_proved(talk: Round) -> None:
    talk.arrives(talk.mail(ASKED, HQ, subject="Machine survey"), HQ, vouched=False)
    (settled,) = talk.works()
    assert len(settled.references) == 1
    assert not talk.sent("commission")


# ---- returns


def test_a_return_is_taken_and_the_last_one_counts(talk: Round) -> None:
    talk.begins()
    first = talk.answers("North", "Machines: 14")
    assert first.decision.outcome.intent == "commission_return"
    assert [(mail.message, mail.recipient) for mail in first.outbound] == [("return_taken", NORA)]
    assert talk.unit("North")["status"] == "done"
    talk.answers("South", "Nil return, thanks.")
    talk.now = ANSWER_BY.replace(hour=18)
    late = talk.answers("West", "We have 3 machines.")
    assert "It came after it was due" in text_of(late.outbound[0])
    talk.answers("North", "Sorry, a mistake.\nMachines: 15")
    assert talk.states() == {"North": "late", "South": "nil return", "West": "late"}
    talk.compiles()
    (mail,) = talk.sent("compiled")
    assert mail.recipient == LENA
    sheets = cells(mail)
    assert sheets["Returns"][0] == ["Unit", "State", "Received", "From", "Machines", "Answer", "Files"]
    assert [row[:2] for row in sheets["Returns"][1:]] == [["North", "late"], ["South", "nil return"], ["West", "late"]]
    assert "15" in sheets["Returns"][1]
    assert [row[0] for row in sheets["History"][1:]] == ["North", "South", "West", "North"]
    returns = [event["data"] for event in talk.unit("North")["events"] if event["what"] == "return"]
    assert [(each["nth"], each["late"]) for each in returns] == [(1, False), (2, True)]


@pytest.mark.parametrize("sender", [STRANGER, SAUL, "nora.vane@mail.example"])
def test_E3_words_of_somebody_else_who_knows_the_thread_are_no_return(talk: Round, sender: str) -> None:
    talk.begins()
    settled = talk.answers("North", "Machines: 999", sender=sender)
    assert settled.decision.action is Action.FOLLOW_UP
    assert settled.decision.returned is None
    assert {(mail.message, mail.recipient) for mail in settled.outbound} == {("news", NORA)}
    assert talk.unit("North")["status"] == "new"
    assert "doubtful return" in [event["what"] for event in talk.unit("North")["events"]]
    assert talk.states()["North"] == "waited for"


def test_a_forged_return_of_the_unit_itself_is_doubtful(talk: Round) -> None:
    talk.begins()
    talk.arrives(talk.mail("Machines: 999", NORA, talk.asks("North")), NORA, vouched=False)
    talk.works()
    assert talk.states()["North"] == "waited for"


def test_a_stranger_who_only_knows_the_reference_opens_a_request_of_its_own(talk: Round) -> None:
    talk.begins()
    settled = talk.hears("Machines: 999", STRANGER, subject=talk.asks("North").subject)
    assert settled.decision.returned is None
    assert talk.states()["North"] == "waited for"


def test_a_colleague_of_the_unit_may_answer_in_the_thread_of_whoever_asked(talk: Round) -> None:
    begun = talk.begins()
    answered = talk.hears(
        "Nil return for West.", WIM, in_reply_to=begun.reading.message.message_id, subject="Re: Survey"
    )
    assert answered.decision.returned is not None
    assert answered.decision.returned.child.unit == "West"
    assert talk.states()["West"] == "nil return"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Nil return", "nil return"),
        ("There is nothing to report for us.\n\nNora", "nil return"),
        ("This is not a nil return: we have 3.", "returned"),
        ("Nil return, but see the two we scrapped.", "returned"),
        ("Could we have more time, until Thursday?", "waited for"),
        ("Does this include printers?", "waited for"),
        ("A question from us: can we have more time?", "waited for"),
        ("Any update?", "waited for"),
        ("Thanks", "waited for"),
        ("Done", "waited for"),
        ("I'll take it", "waited for"),
    ],
)
def test_what_counts_as_a_return(talk: Round, text: str, state: str) -> None:
    talk.begins()
    talk.answers("North", text)
    assert talk.states()["North"] == state


@pytest.mark.parametrize("text", ["Could we have more time, until Thursday?", "Does this include printers?"])
def test_those_who_put_the_returns_together_hear_what_a_unit_asks(talk: Round, text: str) -> None:
    talk.begins()
    talk.answers("North", text)
    (news,) = talk.sent("news", LENA)
    assert f"North: {text}" in text_of(news)


# ---- reminders and chasing


def test_a_unit_is_reminded_and_chased_until_it_answers(talk: Round) -> None:
    talk.begins()
    talk.answers("West", "Nil return")
    told = []
    for day in (*range(24, 31), *range(1, 6)):
        talk.now = datetime(2026, 11 if day > 20 else 12, day, 18, 0, tzinfo=UTC)
        before = len(talk.sent("commission_reminder"))
        talk.sweeps()
        if new := talk.sent("commission_reminder")[before:]:
            told.append((talk.now.day, sorted(mail.recipient.partition(".")[0] for mail in new)))
    assert told == [
        (27, ["nora", "saul"]),  # three working days before Wednesday 2 December at 5pm
        (1, ["nora", "saul"]),
        (2, ["hana", "hana", "nora", "saul"]),
        (3, ["hana", "hana", "nora", "saul"]),
        (4, ["hana", "hana", "nora", "saul"]),
    ]
    chasing = talk.sent("commission_reminder", NORA)[-1]
    assert "Your return is overdue" in chasing.subject
    talk.hears("Machines: 2", NORA, chasing)
    assert talk.states()["North"] == "late"


def test_more_time_begins_the_reminders_anew(talk: Round) -> None:
    begun = talk.begins()
    for at in (datetime(2026, 11, 27, 18, tzinfo=UTC), datetime(2026, 12, 1, 18, tzinfo=UTC)):
        talk.now = at
        talk.sweeps()
    assert len(talk.sent("commission_reminder", NORA)) == 2
    talk.hears("The deadline is now Friday 11 December 2026 at 5pm.", HQ, begun.outbound[0])
    talk.now = datetime(2026, 12, 4, 18, tzinfo=UTC)
    talk.sweeps()
    assert len(talk.sent("commission_reminder", NORA)) == 3


# ---- more time


def test_more_time_for_one_unit_by_reply_and_back(talk: Round) -> None:
    talk.begins()
    (told,) = talk.sent("new", LENA) or talk.sent("assigned", LENA)
    extended = talk.hears("Extend North to Thursday 3 December", LENA, told)
    assert talk.due("North") == datetime(2026, 12, 3, 17, 0, tzinfo=UTC)
    assert talk.due("South") == ANSWER_BY
    (changed,) = (mail for mail in extended.outbound if mail.message == "changed")
    assert [mail.recipient for mail in talk.sent("commission_changed")] == [NORA]
    talk.later(minutes=1)
    talk.hears("Undo", LENA, changed)
    assert talk.due("North") == ANSWER_BY


@pytest.mark.parametrize("sender", [NORA, HQ, STRANGER])
def test_nobody_else_gives_more_time(talk: Round, sender: str) -> None:
    talk.begins()
    talk.answers("North", "Extend North to Thursday 3 December", sender=sender)
    assert talk.due("North") == ANSWER_BY


def test_more_time_never_moves_the_outside_deadline(talk: Round) -> None:
    talk.begins()
    (told,) = talk.sent("new", LENA) or talk.sent("assigned", LENA)
    settled = talk.hears("Extend North to Monday 7 December", LENA, told)
    assert talk.due("North") == ANSWER_BY
    assert [mail.message for mail in settled.outbound] == ["refused"]
    assert datetime.fromisoformat(talk.whole["due_at"]) == DEADLINE


# ---- the whole


def compiled(talk: Round) -> Outbound:
    talk.begins()
    talk.answers("North", "Machines: 14")
    talk.answers("South", "Nil return")
    talk.answers("West", "Machines: 3")
    talk.compiles()
    return talk.sent("compiled")[-1]


def test_only_what_a_person_approved_goes_back_and_once(talk: Round) -> None:
    mail = compiled(talk)
    assert not talk.sent("commission_return")
    talk.compiles()
    assert len(talk.sent("compiled")) == 1
    approved = talk.hears("Approved, thanks", LENA, mail)
    assert approved.decision.action is Action.COMMAND
    for _ in range(2):
        talk.compiles()
    (back,) = talk.sent("commission_return")
    assert back.recipient == HQ
    opening = talk.whole["messages"][0]["message_id"]
    assert message_from_bytes(back.content)["In-Reply-To"] == opening
    assert cells(back)["Returns"] == cells(mail)["Returns"]
    assert talk.whole["status"] == "done"
    with talk.store.read() as connection:
        for ref in (talk.whole["ref"], *(child["ref"] for child in talk.whole["children"])):
            assert history.verify(connection, ref) is None


def test_a_correction_after_approval_is_a_new_version_to_approve(talk: Round) -> None:
    talk.hears("approve", LENA, compiled(talk))
    talk.compiles()
    talk.later(hours=1)
    talk.answers("West", "Sorry, it is four.\nMachines: 4")
    talk.compiles()
    assert talk.whole["status"] == "open"
    second = talk.sent("compiled")[1]
    assert "version 2" in second.subject
    assert len(talk.sent("commission_return")) == 1
    talk.hears("approve", LENA, second)
    talk.compiles()
    assert [mail.cause for mail in talk.sent("commission_return")] == ["version 1", "version 2"]


def test_a_return_between_the_whole_and_its_approval_makes_a_new_version(talk: Round) -> None:
    first = compiled(talk)
    talk.answers("West", "Machines: 4")
    refused = talk.hears("approve", LENA, first)
    assert [mail.message for mail in refused.outbound] == ["refused"]
    talk.compiles()
    assert not talk.sent("commission_return")
    assert [mail.cause for mail in talk.sent("compiled")] == ["version 1", "version 2"]


def test_the_compiler_corrects_by_reply(talk: Round) -> None:
    corrected = talk.hears("Correct West: Machines: 5", LENA, compiled(talk))
    assert corrected.decision.returned is not None
    talk.compiles()
    assert "5" in cells(talk.sent("compiled")[1])["Returns"][3]
    talk.hears("Correct West: nil return", LENA, talk.sent("compiled")[1])
    talk.compiles()
    assert cells(talk.sent("compiled")[2])["Returns"][3][1] == "nil return"


@pytest.mark.parametrize("sender", [NORA, HQ, STRANGER])
def test_nobody_else_approves(talk: Round, sender: str) -> None:
    talk.hears("approve", sender, compiled(talk))
    talk.compiles()
    assert not talk.sent("commission_return")


@pytest.mark.parametrize("text", ["West looks wrong to me.", "Not approved", "Approve?"])
def test_what_is_no_approval_reaches_nobody_outside(talk: Round, text: str) -> None:
    settled = talk.hears(text, LENA, compiled(talk))
    talk.compiles()
    assert HQ not in [mail.recipient for mail in settled.outbound]
    assert not talk.sent("commission_return")


def test_who_never_answers_is_shown_as_outstanding(talk: Round) -> None:
    talk.begins()
    talk.answers("North", "Machines: 14")
    talk.compiles()
    assert not talk.sent("compiled")
    talk.now = ANSWER_BY
    talk.compiles()
    (mail,) = talk.sent("compiled")
    assert "There is no return from: South, West" in text_of(mail)
    talk.hears("approve", LENA, mail)
    talk.compiles()
    assert talk.unit("South")["status"] == "done"
    assert talk.states() == {"North": "returned", "South": "outstanding", "West": "outstanding"}


# ---- whoever asked


def test_another_deadline_moves_the_units_with_it(talk: Round) -> None:
    begun = talk.begins()
    talk.answers("West", "Nil return")
    talk.hears("The deadline is now Tuesday 8 December 2026.", HQ, begun.outbound[0])
    assert datetime.fromisoformat(talk.whole["due_at"]) == DEADLINE.replace(day=8)
    assert talk.due("North") == talk.due("South") == ANSWER_BY.replace(day=4)
    assert talk.due("West") == ANSWER_BY
    assert sorted(mail.recipient for mail in talk.sent("commission_changed")) == [NORA, SAUL]


def test_the_units_end_with_the_whole_and_come_back_with_it(talk: Round) -> None:
    begun = talk.begins()
    talk.answers("West", "Nil return")
    cancelled = talk.hears("This is no longer needed", HQ, begun.outbound[0])
    assert talk.whole["status"] == "cancelled"
    assert [talk.unit(unit)["status"] for unit in UNITS] == ["cancelled", "cancelled", "done"]
    assert sorted(mail.recipient for mail in talk.sent("commission_changed")) == [NORA, SAUL]
    talk.later(minutes=5)
    back = next(mail for mail in cancelled.outbound if mail.recipient == HQ)
    talk.hears("We do need it after all.", HQ, back)
    assert [talk.unit(unit)["status"] for unit in UNITS] == ["open", "open", "done"]


def test_a_deadline_that_was_asked_for_gives_the_units_theirs(talk: Round) -> None:
    begun = talk.hears("Survey: please tell us how many machines you have.", HQ, subject="Machine survey")
    (asked,) = (mail for mail in begun.outbound if mail.recipient == HQ)
    assert asked.message == "more_needed"
    assert talk.unit("North")["due_at"] is None
    talk.hears("By Friday 4 December 2026.", HQ, asked)
    assert talk.due("North") == ANSWER_BY
    assert talk.whole["missing"] == []
    talk.now = ANSWER_BY.replace(hour=18)
    talk.sweeps()
    assert talk.sent("commission_reminder", NORA)


def test_what_the_operator_orders_of_the_whole_is_carried_to_the_units(talk: Round) -> None:
    talk.begins()
    for order, status in (("cancel", "cancelled"), ("reopen", "open")):
        give(talk.store, talk.context, talk.whole["ref"], Order(order), talk.now)
        assert [talk.unit(unit)["status"] for unit in UNITS] == [status] * 3
        talk.later(minutes=1)
    assert len(talk.sent("commission_changed", NORA)) == 2


# ---- looking


def test_a_manager_sees_how_far_it_is(talk: Round) -> None:
    talk.begins()
    talk.answers("North", "Machines: 14")
    talk.now = ANSWER_BY.replace(hour=18)
    page = Digests(talk.store, talk.context, lambda: talk.now).page(LENA, "daily")
    assert f"{talk.whole['ref']}: due 4 December 2026 at 5pm; 1 of 3 units have answered; overdue: South, West" in page


def test_what_was_decided_can_be_decided_again(talk: Round) -> None:
    talk.begins()
    talk.answers("North", "Machines: 14")
    with talk.store.read() as connection:
        *_, last = known.mails(connection, DEADLINE.replace(year=2020), 0, 10**6)
    again = decide.decide(understand.reread(last.reading, talk.config), talk.config, last.facts)
    assert again.returned is not None


# ---- attacks


def test_S63_no_cell_of_the_whole_is_a_formula(talk: Round) -> None:
    talk.begins()
    talk.answers("North", "=cmd|'/c calc'!A1: =1+1\n@SUM: @SUM(A1)\nMachines: =HYPERLINK(\"http://x\")")
    talk.answers("South", "+44 20 7946 0000 and -1")
    talk.answers("West", "Nil return")
    talk.compiles()
    sheets = cells(talk.sent("compiled")[0])
    every = [cell for rows in sheets.values() for row in rows for cell in row]
    assert not [cell for cell in every if cell[:1] in "=+-@"]
    assert any("HYPERLINK" in cell for cell in every)


def test_S55_files_of_units_lead_nowhere_and_none_is_lost(talk: Round) -> None:
    talk.begins()
    with_file(talk, "North", "Attached.", "../../etc/passwd", b"a")
    with_file(talk, "South", "Attached.", "C:\\evil\\..\\figures.csv", b"b")
    with_file(talk, "West", "Attached.", "figures.csv", b"c")
    talk.compiles()
    archive = zipfile.ZipFile(BytesIO(attached(talk.sent("compiled")[0])[".zip"]))
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "North - passwd": b"a",
        "South - figures.csv": b"b",
        "West - figures.csv": b"c",
    }
    assert not [name for name in archive.namelist() if "/" in name or "\\" in name]


def test_two_who_look_at_once_send_nothing_twice(talk: Round) -> None:
    talk.hears("approve", LENA, compiled(talk))
    with talk.store.read() as connection:
        before = commissions.underway(connection)
    talk.compiles()
    (found,) = before
    Compiling(talk.store, talk.context, lambda: talk.now)._take(found, Send(1), talk.now)
    assert len(talk.sent("commission_return")) == 1


def test_what_is_sent_waits_in_the_outbox_as_everything_else(talk: Round) -> None:
    talk.hears("approve", LENA, compiled(talk))
    talk.compiles()
    with talk.store.read() as connection:
        query = select(outbox.c.state).join(outbox_mails).where(outbox_mails.c.message == "commission_return")
        assert list(connection.scalars(query)) == ["ready"]
