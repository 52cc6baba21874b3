"""What was erased stands in no file any more, stays erased after a restore, and leaves what others asked for."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from mailgate.errors import Refused, TryLater
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.ticket import Change, Event
from mailgate.store import cases, erasure, history, holds, spool
from mailgate.store.engine import Store, open_store
from mailgate.store.erasing import Target
from mailgate.store.schema import upgrade
from mailgate.store.tables import events, messages, outbox_mails, participants, people, raw_mails, tickets
from mailgate.store.together import Forgotten
from mailgate.tickets.token import Keys
from mailgate.tickets.tombstone import Erased
from tests.store import made

ANN, BEN, LEN = made.ANN, "ben.carter@council.example", "lena.brook@council.example"
KEYS = Keys("a", {"a": b"a" * 32})
NAME, WORDS, KEY = "Annabel Otherling", "wherefore xylophone", "A12345"
CANARIES = (ANN, NAME, WORDS, KEY, "zeppelin certificate")
PERSON, CASE = Target(Erased.PERSON, ANN), Target(Erased.CASE, KEY)


def mail(sender: str, name: str, words: str, attached: bytes = b"") -> bytes:
    """A mail with its words in base64 and a file, as clients write them."""
    parts = [b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(words.encode())]
    if attached:
        parts.append(
            b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(attached)
        )
    head = f'From: "{name}" <{sender}>\r\nSubject: {words[:20]}\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n'
    return head.encode() + b"".join(b"--xx\r\n" + part + b"\r\n" for part in parts) + b"--xx--\r\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Callable[[], list[bytes]]]]:
    """A store of its own, and all that stands in its files."""
    raw = tmp_path / "raw"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_database")
    else:
        url = f"sqlite:///{tmp_path}/db/mailgate.db"
    store = open_store(Operator(store=StoreSettings(url=url, raw=str(raw))))
    upgrade(store)

    def files() -> list[bytes]:
        if request.param == "sqlite":
            return [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
        with store.read() as connection:
            data = Path(connection.execute(text("SELECT current_setting('data_directory')")).scalar_one())
            number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar()
        folder = data / "base" / str(number)
        return [file.read_bytes() for each in (folder, raw) for file in each.rglob("*") if file.is_file()]

    yield store, files
    store.close()


def spooled(store: Store, sender: str, raw: bytes, *, large: bool = False) -> spool.Spooled:
    """A claimed mail; a *large* one is an object."""
    envelope = made.envelope(sender)
    key = spool.ingest_key(envelope, raw)
    content: Any = raw
    if large:
        writing = store.objects.begin()
        writing.write(raw)
        writing.finish(f"{key}-{'0' * 16}")
        content = spool.Stored(f"{key}-{'0' * 16}", len(raw))
    with store.write() as tx:
        spool.put(tx, [(key, envelope, content)])
    (claimed,) = spool.claim(store, 1, 60)
    return claimed


def filled(store: Store) -> None:
    """Ann's request about a case, with a large file; Ben's about something else, to which Ann adds a word."""
    raw = mail(ANN, NAME, f"{WORDS} {KEY}", b"%PDF zeppelin certificate")
    what = made.reading(
        ANN, subject=WORDS, text=f"{WORDS} {KEY}", reply_text=WORDS, keys=(KEY,), fields={"asset": (KEY,)}
    )
    opening = made.new_ticket(spooled(store, ANN, raw, large=True), "MG-AAAA-AA", what, subject=WORDS)
    told = replace(made.outbound("MG-AAAA-AA", ANN, content=raw), subject=WORDS, cause=opening.spooled.key)
    made.applied(store, replace(opening, outbound=(told,)))
    asked = mail(BEN, "Ben", f"a wall socket, says {ANN}")
    seen = made.reading(BEN, subject="a socket", text=f"a wall socket, says {ANN}", reply_text="a wall socket")
    made.applied(store, made.new_ticket(spooled(store, BEN, asked), "MG-BBBB-BB", seen, subject="a socket"))
    added = made.reading(ANN, text=WORDS, reply_text=WORDS)
    ticket = made.ticket(store, "MG-BBBB-BB")
    noted = Event("follow-up", "sender", {}, {"from": ANN})
    change = Change(ticket, watcher=ANN)
    own = spooled(store, ANN, mail(ANN, NAME, WORDS))
    made.applied(store, made.follow_up(own, ticket, added, changes=(change,), events=(noted,)))
    with store.write() as tx:
        tx.execute(people.insert(), {"address": ANN, "name": NAME, "role": "agent", "unit": "Depot", "team": ""})


def written(store: Store) -> None:
    """Have PostgreSQL write what it has in memory, so that the files can be searched before."""
    with store.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("CHECKPOINT")


def said(files: list[bytes]) -> set[str]:
    """Which canaries stand in *files*, as they are or anywhere in base64."""
    return {word for word in CANARIES for each in files if any(form in each for form in forms(word.encode()))}


def forms(word: bytes) -> list[bytes]:
    """*word* itself, and the middle of it behind none, one and two other bytes in base64."""
    coded = (base64.b64encode(b"\0" * before + word)[4 if before else 0 : -4] for before in range(3))
    return [word, *coded]


def test_F14_an_erased_person_stands_in_no_file(place: Any) -> None:
    store, files = place
    filled(store)
    written(store)
    assert said(files()) == set(CANARIES)
    certificate = erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    assert said(files()) == set()
    assert certificate.refs == ("MG-AAAA-AA",)
    assert certificate.counts["mails"] == 2
    assert certificate.counts["large_mails"] == 1
    assert not said([json.dumps(certificate.as_json(), default=str).encode()])


def test_what_others_asked_for_stays_without_the_address(place: Any) -> None:
    store, _ = place
    filled(store)
    erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    with store.read() as connection:
        ticket = connection.execute(select(tickets).where(tickets.c.ref == "MG-BBBB-BB")).one()
        mails = connection.execute(
            select(messages).where(messages.c.ticket_id == ticket.id).order_by(messages.c.id)
        ).all()
        taking_part = connection.scalars(select(participants.c.address)).all()
        raw = connection.scalar(select(raw_mails.c.content).where(raw_mails.c.id == ticket.opened_by))
    assert (ticket.subject, ticket.requester, ticket.status) == ("a socket", BEN, "new")
    assert [row.reply_text for row in mails] == ["a wall socket", ""]
    assert mails[0].text == "a wall socket, says [erased]"
    assert taking_part == [BEN]
    assert raw == b""  # its words stood behind base64


def test_the_figures_of_an_erased_request_stay(place: Any) -> None:
    store, _ = place
    filled(store)
    erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    with store.read() as connection:
        ticket = connection.execute(select(tickets).where(tickets.c.ref == "MG-AAAA-AA")).one()
        assert (ticket.status, ticket.team, ticket.office, ticket.closed_at) == ("cancelled", "desk", "Depot", made.NOW)
        assert (ticket.requester, ticket.subject, ticket.keys, ticket.fields) == ("", "", [], {})
        assert ticket.forgotten == Forgotten.PEOPLE
        assert connection.execute(select(people)).all() == []
        assert {case.ref for case in cases.still_open(connection, made.CONFIG)} == {"MG-BBBB-BB"}


def test_the_chains_of_hashes_stay_whole(place: Any) -> None:
    store, _ = place
    filled(store)
    erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    with store.read() as connection:
        for ref in ("MG-AAAA-AA", "MG-BBBB-BB"):
            assert history.verify(connection, ref) is None
        last = connection.execute(select(events).order_by(events.c.ticket_id, events.c.serial.desc())).first()
    assert (last.what, json.loads(last.data)) == ("erased", {"what": "person"})


def test_an_erased_case_takes_its_tickets_and_leaves_the_person(place: Any) -> None:
    store, files = place
    filled(store)
    erasure.erase(store, CASE, KEYS, "lena", made.NOW)
    assert said(files()) == {ANN, NAME, WORDS}  # what Ann wrote to Ben's ticket
    with store.read() as connection:
        assert connection.execute(select(outbox_mails).where(outbox_mails.c.recipient == ANN)).all() == []


def test_a_number_of_a_case_vanishes_from_what_is_about_something_else(place: Any) -> None:
    store, files = place
    filled(store)
    seen = made.reading(BEN, subject="stock", text="also a 12 345, see A12345", reply_text="see A12345")
    raw = b"Subject: stock\r\n\r\nalso A12345\r\n"
    made.applied(store, made.new_ticket(spooled(store, BEN, raw), "MG-CCCC-CC", seen, subject="stock of A12345"))
    erasure.erase(store, CASE, KEYS, "lena", made.NOW)
    assert KEY not in said(files())
    with store.read() as connection:
        found = connection.execute(select(messages, raw_mails.c.content.label("raw")).join(
            raw_mails, raw_mails.c.id == messages.c.id).where(messages.c.subject == "stock")).one()  # fmt: skip
        assert connection.scalar(select(tickets.c.subject).where(tickets.c.ref == "MG-CCCC-CC")) == "stock of [erased]"
    assert (found.text, found.reply_text) == ("also [erased], see [erased]", "see [erased]")
    assert found.raw == b"Subject: stock\r\n\r\nalso ------\r\n"


def test_erasing_a_ticket_leaves_what_else_its_mail_asked_for(place: Any) -> None:
    store, _ = place
    filled(store)
    with store.write() as tx:
        first = tx.execute(select(tickets).where(tickets.c.ref == "MG-AAAA-AA")).one()
        other = tickets.c.ref == "MG-BBBB-BB"
        tx.execute(tickets.update().where(other).values(opened_by=first.opened_by))
    erasure.erase(store, Target(Erased.TICKET, "MG-BBBB-BB"), KEYS, "lena", made.NOW)
    with store.read() as connection:
        opening = connection.execute(select(messages).where(messages.c.id == first.opened_by)).one()
        left = connection.execute(select(tickets).where(tickets.c.ref == "MG-AAAA-AA")).one()
        gone = connection.execute(select(tickets).where(other)).one()
    assert (opening.text, left.subject, left.keys) == (f"{WORDS} {KEY}", WORDS, [KEY])
    assert (gone.subject, gone.requester, gone.status) == ("", "", "cancelled")


def test_G10_what_was_erased_stays_erased_after_a_restore(tmp_path: Path) -> None:
    def at(folder: str) -> Store:
        place = StoreSettings(url=f"sqlite:///{tmp_path}/{folder}/mailgate.db", raw=str(tmp_path / "raw"))
        return open_store(Operator(store=place))

    store = at("live")
    upgrade(store)
    filled(store)
    store.scrub()
    (tmp_path / "restored").mkdir()
    shutil.copy(tmp_path / "live/mailgate.db", tmp_path / "restored/mailgate.db")
    copied = {file.name: file.read_bytes() for file in (tmp_path / "raw").iterdir() if file.is_file()}
    erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    store.close()
    for name, content in copied.items():
        (tmp_path / "raw" / name).write_bytes(content)
    restored = at("restored")
    with pytest.raises(Refused, match="the key ka is not in the folder of keys"):
        erasure.forget_again(restored, {"b": b"b" * 32}, made.NOW)
    assert erasure.forget_again(restored, KEYS.secrets, made.NOW) == 1
    assert erasure.forget_again(restored, KEYS.secrets, made.NOW) == 0
    restored.close()
    everything = [
        file.read_bytes() for place in ("restored", "raw") for file in (tmp_path / place).rglob("*") if file.is_file()
    ]
    assert said(everything) == set()


def test_new_mail_of_an_erased_person_is_taken(place: Any) -> None:
    store, _ = place
    filled(store)
    erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    made.opened(store, "MG-DDDD-DD", made.reading(ANN, text="new words", reply_text="new words"))
    assert erasure.forget_again(store, KEYS.secrets, made.NOW) == 0
    assert made.ticket(store, "MG-DDDD-DD").requester == ANN


def test_what_is_held_is_not_erased_and_the_reason_is_told(place: Any) -> None:
    store, files = place
    filled(store)
    before = len(said(files()))
    holds.hold(store, KEY, "a claim", "lena", made.NOW)
    for target in (PERSON, CASE, Target(Erased.TICKET, "MG-AAAA-AA")):
        with pytest.raises(Refused, match="MG-AAAA-AA is kept by a legal hold of A12345"):
            erasure.erase(store, target, KEYS, "lena", made.NOW)
    assert len(said(files())) == before
    assert list(store.objects.buried()) == []


def test_files_that_were_in_use_are_written_anew_by_the_same_command(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, files = place
    filled(store)

    def busy() -> None:
        raise TryLater("it is in use")

    with monkeypatch.context() as patch:
        patch.setattr(store, "scrub", busy)
        first = erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    assert (first.left, first.counts["mails"]) == ("it is in use", 2)
    again = erasure.erase(store, PERSON, KEYS, "lena", made.NOW)
    assert (again.left, again.tombstone, dict(again.counts)) == ("", first.tombstone, {})
    assert said(files()) == set()


def test_nothing_is_promised_about_whom_nobody_knows(place: Any) -> None:
    store, _ = place
    with pytest.raises(Refused, match="nothing is held about this person"):
        erasure.erase(store, Target(Erased.PERSON, "nobody@council.example"), KEYS, "lena", made.NOW)
    assert list(store.objects.buried()) == []
