"""From a real Dovecot's folder to one ticket each, whatever happens on the way (docs/email.md T2)."""

import time
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Thread

import pytest
from sqlalchemy import text

from mailgate.app import context_of, make_ready
from mailgate.errors import GiveUp, Refused, SessionEnded, TryLater
from mailgate.ingest.imap import MailFolder
from mailgate.model.health import AccountHealth, AccountState
from mailgate.model.operator import Operator, Send
from mailgate.model.operator import Store as StoreSettings
from mailgate.store import imap as rows_of
from mailgate.store.engine import open_store
from mailgate.store.leases import release_leases
from mailgate.workers.intake import Intake
from mailgate.workers.loop import turn
from mailgate.workers.mailbox import MailboxReader
from tests.dovecot import PASSWORD, dovecot
from tests.make import HELPDESK, make_config

USERS = count(1)


class Crash(BaseException):
    """The process died here."""


class Hooked:
    """An open folder that calls a test's function before or after a step, and does not rest."""

    tells_news = False

    def __init__(self, folder, **hooks):
        self._folder, self._hooks = folder, hooks

    @property
    def place(self):
        return self._folder.place

    def list(self):
        return self._step("list")

    def fetch(self, uid):
        return self._step("fetch", uid)

    def file(self, uid, folder):
        return self._step("file", uid, folder)

    def wait(self, seconds, over):
        pass

    def close(self):
        self._folder.close()

    def _step(self, name, *arguments):
        self._hooks.get(f"before_{name}", lambda *_: None)(*arguments)
        answer = getattr(self._folder, name)(*arguments)
        return self._hooks.get(f"after_{name}", lambda found, *_: found)(answer, *arguments)


class Gate:
    """A store, its intake, and a reader of one folder that may be started again and again."""

    def __init__(self, folder, server):
        self.config = make_config().model_copy(
            update={
                "operator": Operator(
                    store=StoreSettings(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw"),
                    send=Send(via=f"maildir:{folder}/outbox"),
                    keys=f"{folder}/keys",
                )
            }
        )
        self.store = open_store(self.config.operator)
        make_ready(self.store, self.config)
        self.now = datetime.now(UTC)
        self.intake = Intake(self.store, context_of(self.config, self.store), lambda: self.now)
        self.server = server
        self.health = AccountHealth(HELPDESK)
        self.limit = 40 * 1024**2
        self.opened = 0
        self.room = True

    def reader(self, secret=PASSWORD, **hooks):
        """A reader as after a restart."""
        release_leases(self.store)
        return self.another_reader(secret, **hooks)

    def another_reader(self, secret=PASSWORD, **hooks):
        account = self.server.account()

        def connect():
            self.opened += 1
            return Hooked(MailFolder(account, lambda: secret), **hooks)

        return MailboxReader(
            account,
            self.store,
            connect,
            lambda: self.now,
            lambda: 0.0,
            Event(),
            self.health,
            limit=self.limit,
            has_room=lambda: self.room,
        )

    def look(self, reader):
        """One cycle; the reader opens the folder as it does when it runs."""
        reader._folder = reader._folder or reader._opened()
        return reader.look(reader._folder)

    def settle(self, reader=None):
        """Read, decide and file until there is nothing to do."""
        reader = reader or self.reader()
        for _ in range(20):
            busy = self.look(reader)
            if not turn(self.intake) and not busy:
                break
        reader.close()

    def rows(self, query):
        with self.store.read() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def tickets(self):
        return sorted(subject for (subject,) in self.rows("SELECT subject FROM tickets"))

    def folders(self):
        return self.server.counts("INBOX", "Processed", "Failed", "TooLarge")


@pytest.fixture(scope="module")
def dovecot_server():
    with dovecot() as running:
        yield running


@pytest.fixture
def server(dovecot_server):
    return dovecot_server.of(f"user{next(USERS)}@council.example")


@pytest.fixture
def gate(tmp_path, server):
    made = Gate(tmp_path, server)
    yield made
    made.store.close()


def mail(number: int = 1, body: str = "Please repair my screen.") -> bytes:
    return (
        f"Return-Path: <person{number}@council.example>\r\nFrom: <person{number}@council.example>\r\n"
        f"To: {HELPDESK}\r\nSubject: Screen {number}\r\nMessage-ID: <m{number}@council.example>\r\n"
        f"Date: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}\r\n\r\n{body} Number {number}.\r\n"
    ).encode()


def crash(*_):
    raise Crash


# ---- the state machine


def test_E43_a_mail_becomes_a_ticket_and_only_then_leaves_the_folder(gate, server):
    server.deliver(mail())
    reader = gate.reader()
    gate.look(reader)
    gate.look(reader)
    assert (gate.folders(), gate.tickets(), gate.health.waiting) == ({"INBOX": 1}, [], 1)
    turn(gate.intake)
    gate.look(reader)
    assert (gate.folders(), gate.tickets(), gate.health.waiting) == ({"Processed": 1}, ["Screen 1"], 0)
    assert gate.health.state is AccountState.READING
    assert gate.rows("SELECT sender, source FROM raw_mails") == [("person1@council.example", "imap")]
    assert gate.rows("SELECT stage, mail_id FROM imap_mails") == [("filed", 1)]


def dying_after(function):
    """*function*, and then the process dies."""

    def dying(*arguments):
        function(*arguments)
        raise Crash

    return dying


CRASHES = {
    "1 list": {"after_list": crash},
    "2 fetch": {"after_fetch": crash},
    "4 ticket": {"before_file": crash},
    "5 move": {"after_file": crash},
}


@pytest.mark.parametrize("hooks", CRASHES.values(), ids=CRASHES)
def test_E43_a_crash_after_any_step_leaves_one_ticket_and_the_mail_in_Processed(gate, server, hooks):
    server.deliver(mail(1), mail(2))
    with pytest.raises(Crash):
        gate.settle(gate.reader(**hooks))
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1", "Screen 2"], {"Processed": 2})


@pytest.mark.parametrize("step", ["take", "filed"])
def test_E43_a_crash_after_a_commit_leaves_one_ticket_and_the_mail_in_Processed(gate, server, step, monkeypatch):
    server.deliver(mail(1), mail(2))
    real = getattr(rows_of, step)
    monkeypatch.setattr(rows_of, step, dying_after(real))
    with pytest.raises(Crash):
        gate.settle()
    monkeypatch.setattr(rows_of, step, real)
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1", "Screen 2"], {"Processed": 2})


def test_E40_a_mail_that_somebody_has_read_is_taken_and_stays_as_read_as_it_was(gate, server):
    server.deliver(mail(1), flags="\\Seen")
    server.deliver(mail(2))
    gate.settle()
    assert gate.tickets() == ["Screen 1", "Screen 2"]
    with server.client() as client:
        client.select("Processed", readonly=True)
        assert client.search(None, "SEEN")[1] == [b"1"]


def test_E45_other_uids_for_the_same_mail_open_no_second_ticket(gate, server):
    server.deliver(mail(1), mail(2))
    reader = gate.reader()
    gate.look(reader)
    turn(gate.intake)
    before = reader._folder.place.uidvalidity
    reader.close()
    time.sleep(1.1)  # Dovecot's numbers are seconds
    server.renumber()
    mails = server.root / "mail" / server.user
    first = min((mails / "cur").iterdir())
    (mails / "new" / "regenerated").write_bytes(b"X-Regenerated: yes\r\n" + first.read_bytes())  # E54
    first.unlink()
    gate.settle()
    assert gate.rows(f"SELECT count(*) FROM imap_mails WHERE uidvalidity > {before}") == [(2,)]
    assert gate.rows("SELECT DISTINCT stage FROM imap_mails") == [("filed",)]
    assert (gate.tickets(), gate.folders()) == (["Screen 1", "Screen 2"], {"Processed": 2})


def test_a_mail_that_somebody_moves_back_is_filed_again_without_a_second_ticket(gate, server):
    server.deliver(mail())
    gate.settle()
    with server.client() as client:
        client.select("Processed")
        client.copy("1", "INBOX")
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1"], {"Processed": 2})


def test_two_readers_of_one_folder_make_one_ticket_a_mail(gate, server):
    server.deliver(*map(mail, range(20)))
    readers = [gate.reader() for _ in range(2)]
    for reader in readers:
        reader._lease.keep = lambda: True  # each was stopped for longer than its lease, and knows of nothing
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(gate.settle, reader) for reader in readers]:
            done.result(60)
    gate.settle()
    assert len(gate.tickets()) == len(set(gate.tickets())) == 20
    assert gate.folders().keys() == {"Processed"}  # Dovecot copies a mail that two sessions move at once


def test_of_two_nodes_one_reads_a_folder_until_it_stops(gate, server):
    server.deliver(*map(mail, range(5)))
    first, second = gate.reader(), gate.another_reader()
    for reader in (first, second):
        reader._stop.wait = lambda _: None
    for _ in range(3):
        first.turn()
        second.turn()
        turn(gate.intake)
    assert (gate.opened, gate.health.state) == (1, AccountState.ELSEWHERE)
    assert (len(gate.tickets()), gate.folders()) == (5, {"Processed": 5})
    first.close()
    second.turn()
    assert (gate.opened, gate.health.state) == (2, AccountState.READING)
    second.close()


def test_a_node_whose_lease_was_taken_meanwhile_moves_nothing(gate, server):
    server.deliver(mail())
    reader = gate.reader()
    gate.look(reader)
    turn(gate.intake)
    reader._lease.keep = lambda: False
    with pytest.raises(SessionEnded):
        gate.look(reader)
    reader.close()
    assert gate.folders() == {"INBOX": 1}


def test_a_backlog_of_300_is_taken_one_by_one(gate, server):
    server.deliver(*map(mail, range(300)))
    gate.settle()
    assert set(Counter(gate.tickets()).values()) == {1}
    assert gate.folders() == {"Processed": 300}


# ---- what the server does to us


def kicked(server):
    def kick(*arguments):
        server.kick()
        return arguments[0] if arguments else None

    return kick


@pytest.mark.parametrize("step", ["after_list", "before_fetch", "before_file", "after_file"])
def test_a_connection_that_the_server_drops_is_opened_again(gate, server, step):
    server.deliver(mail())
    reader = gate.reader(**{step: kicked(server)})
    for _ in range(4):
        reader.turn()
        turn(gate.intake)
    reader.close()
    assert gate.opened > 1
    gate.now += timedelta(minutes=20)
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1"], {"Processed": 1})


def test_a_mail_at_which_the_server_hangs_up_does_not_stop_the_others(gate, server):
    server.deliver(*map(mail, range(3)))
    first = min((server.root / "mail" / server.user / "new").iterdir())
    first.write_bytes(first.read_bytes()[:50])  # shorter than its name says: Dovecot drops whoever asks for it
    reader = gate.reader()
    for _ in range(5):
        reader.turn()
        turn(gate.intake)
    reader.close()
    assert gate.tickets() == ["Screen 1", "Screen 2"]
    assert gate.folders() == {"INBOX": 1, "Processed": 2}


def never():
    return False


def opened(server, **settings):
    return MailFolder(server.account(**settings), lambda: PASSWORD)


def test_E48_a_server_that_drops_an_idle_connection_is_noticed(server):
    folder = opened(server)
    Thread(target=lambda: (time.sleep(0.3), server.kick())).start()
    began = time.monotonic()
    with pytest.raises(TryLater):
        folder.wait(30, never)
    assert time.monotonic() - began < 10
    folder.close()


def test_E47_a_new_mail_ends_the_rest(server):
    folder = opened(server)
    Thread(target=lambda: (time.sleep(0.3), server.deliver(mail()))).start()
    folder.wait(30, never)
    assert folder.list() == [1]
    folder.close()


def test_a_stop_ends_the_rest(server):
    folder, stop = opened(server), Event()
    Thread(target=lambda: (time.sleep(0.1), stop.set())).start()
    began = time.monotonic()
    folder.wait(30, stop.is_set)
    assert time.monotonic() - began < 5
    folder.close()


def test_E52_a_mail_that_somebody_takes_away_is_no_error(gate, server):
    server.deliver(mail(1), mail(2))

    def steal(uid):
        if uid == 1 and server.counts("INBOX") == {"INBOX": 2}:
            with server.client() as client:
                client.select("INBOX")
                client.store("1", "+FLAGS", "\\Deleted")
                client.expunge()

    gate.settle(gate.reader(before_fetch=steal))
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 2"], {"Processed": 1})
    assert gate.rows("SELECT stage FROM imap_mails WHERE mail_id IS NULL") == [("filed",)]


PLACEHOLDER = (
    b"From: Microsoft Exchange Server\r\nTo: " + HELPDESK.encode() + b"\r\nSubject: Retrieval using the IMAP4 "
    b"protocol failed for the following message: 752\r\n\r\nThe server couldn't retrieve the following message.\r\n"
)


def nothing(*_):
    return None


@pytest.mark.parametrize("hooks", [{}, {"after_fetch": nothing}], ids=["placeholder", "no data"])
def test_E53_what_is_not_handed_over_is_asked_for_five_times_more_and_then_told(gate, server, hooks):
    server.deliver(PLACEHOLDER)
    start, tries = gate.now, []
    reader = gate.reader(before_fetch=lambda *_: tries.append(gate.now - start), **hooks)
    for minute in range(62):
        gate.now = start + timedelta(minutes=minute)
        gate.look(reader)
        turn(gate.intake)
        assert (gate.tickets() == []) == (minute < 60)
    assert tries == [timedelta(minutes=minutes) for minutes in (0, 4, 12, 24, 40, 60)]
    assert (gate.tickets(), gate.folders()) == (["A mail that could not be read"], {"Failed": 1})
    ((reason,),) = gate.rows("SELECT reason FROM spool")
    assert "Failed" in reason


def test_a_mail_that_is_handed_over_in_the_end_becomes_its_ticket(gate, server):
    server.deliver(mail())
    gate.look(gate.reader(after_fetch=nothing))
    gate.now += timedelta(minutes=5)
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1"], {"Processed": 1})


def test_a_server_that_hands_over_nothing_at_all_is_not_the_mails_fault(gate, server):
    server.deliver(*map(mail, range(12)))
    with pytest.raises(TryLater, match="no mail at present"):
        gate.look(gate.reader(after_fetch=nothing))
    assert gate.rows("SELECT * FROM imap_mails") == []


# ---- large mails


def large(size: int) -> bytes:
    line = b"x" * 76 + b"\r\n"
    return (
        b"From: <jo@council.example>\r\nTo: " + HELPDESK.encode() + b"\r\nSubject: Plan of the site\r\n"
        b"Message-ID: <plan@council.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nPlease repair the wall of B12345.\r\n"
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\n"
        + line * (size // len(line))
        + b"--b--\r\n"
    )


def test_E50_a_mail_of_30_MB_comes_in_slices_byte_for_byte(gate, server):
    raw = large(30_000_000)
    server.deliver(raw)
    gate.settle()
    ((in_row, name),) = gate.rows("SELECT content, location FROM raw_mails")
    assert (bytes(in_row), gate.store.objects.read(name)) == (b"", raw)
    assert (gate.tickets(), gate.folders()) == (["Plan of the site"], {"Processed": 1})


def test_R3_a_mail_of_35_MB_is_fetched_in_memory_for_a_few_slices(gate, server):
    server.deliver(large(35_000_000))
    reader = gate.reader()
    gate.look(reader)  # opens the folder
    gate.rows("DELETE FROM imap_mails RETURNING uid")
    tracemalloc.start()
    try:
        gate.look(reader)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
    finally:
        tracemalloc.stop()
    reader.close()


def test_a_large_mail_that_comes_twice_is_kept_once(gate, server):
    server.deliver(large(400_000))
    gate.look(gate.reader())
    server.renumber()
    gate.settle()
    ((name,),) = gate.rows("SELECT location FROM raw_mails")
    assert [kept for kept, _ in gate.store.objects.kept()] == [name]


def test_a_large_mail_of_which_the_server_keeps_the_end_is_asked_for_again(gate, server):
    server.deliver(large(3 * 1024**2))

    def broken(fetched, _):
        return replace(fetched, rest=broken_off())

    def broken_off():
        yield b"x"
        raise GiveUp

    gate.look(gate.reader(after_fetch=broken))
    assert gate.rows("SELECT stage, attempts FROM imap_mails") == [("unread", 1)]
    assert list(gate.store.objects.kept()) == []
    gate.now += timedelta(minutes=5)
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Plan of the site"], {"Processed": 1})


def test_a_store_that_is_away_in_the_middle_of_a_large_mail_is_not_the_mails_fault(gate, server):
    server.deliver(large(3 * 1024**2))
    reader = gate.reader()

    def away():
        raise TryLater("the store is away")

    asked = iter([True, True, False])
    reader._lease.keep = lambda: next(asked) or away()
    with pytest.raises(TryLater, match="the store"):
        gate.look(reader)
    assert gate.rows("SELECT * FROM imap_mails") == []
    assert list(gate.store.objects.kept()) == []


def test_a_disk_that_is_nearly_full_leaves_mail_in_its_folder_until_there_is_room(gate, server):
    server.deliver(mail(1))
    gate.settle()
    server.deliver(mail(2))
    gate.room = False
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1"], {"INBOX": 1, "Processed": 1})
    gate.room = True
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1", "Screen 2"], {"Processed": 2})


def test_E50_a_mail_that_is_too_large_becomes_a_ticket_with_its_text(gate, server):
    gate.limit = 2 * 1024**2
    server.deliver(large(2_400_000))
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Plan of the site"], {"TooLarge": 1})
    ((said, key),) = gate.rows("SELECT text, value FROM messages JOIN ticket_keys USING (ticket_id)")
    assert said.startswith("[This mail is larger than 2 MiB")
    assert "Please repair the wall" in said
    assert (key, "xxx" in said) == ("B12345", False)


@pytest.mark.parametrize("over", [0, 1])
def test_E50_the_limit_is_only_passed_by_more_than_a_tenth(gate, server, over):
    raw = large(3 * 1024**2)
    server.deliver(raw)
    gate.limit = next(size for size in range(len(raw) * 10 // 11 - 2, len(raw)) if size + size // 10 >= len(raw)) - over
    gate.look(gate.reader())
    assert gate.rows("SELECT stage FROM imap_mails") == [("too_large" if over else "stored",)]


def test_E50_the_limit_holds_where_the_server_underestimates_a_mail(gate, server):
    gate.limit = 2 * 1024**2
    server.deliver(large(3 * 1024**2))
    gate.settle(gate.reader(after_fetch=lambda fetched, _: fetched and replace(fetched, said_size=1000)))
    assert (gate.folders(), list(gate.store.objects.kept())) == ({"TooLarge": 1}, [])


def test_a_mail_as_long_as_a_slice_is_whole(server):
    raw = (large(1024**2) + b"x" * 1024**2)[: 1024**2]
    server.deliver(raw)
    folder = opened(server)
    fetched = folder.fetch(1)
    assert (fetched.beginning, b"".join(fetched.rest)) == (raw, b"")
    folder.close()


# ---- filing


def without(*names):
    return lambda real: tuple(name for name in real if name not in names)


@pytest.fixture
def lacking(monkeypatch):
    """A server without some of its capabilities."""
    from imapclient import IMAPClient

    real = IMAPClient.capabilities

    def lack(*names):
        monkeypatch.setattr(IMAPClient, "capabilities", lambda self: without(*names)(real(self)))

    return lack


def test_E44_without_MOVE_a_mail_is_copied_and_expunged_by_its_number(gate, server, lacking):
    lacking(b"MOVE")
    server.deliver(mail(1), mail(2), flags="\\Deleted")  # marked by somebody else
    gate.settle()
    assert (gate.tickets(), gate.folders()) == (["Screen 1", "Screen 2"], {"Processed": 2})


def test_E44_without_a_safe_way_to_file_nothing_is_begun(server, lacking):
    lacking(b"MOVE", b"UIDPLUS")
    with pytest.raises(Refused, match="without loss"):
        opened(server)


def test_E44_a_folder_that_somebody_removed_is_made_again(gate, server):
    server.deliver(mail(1))
    reader = gate.reader()
    gate.look(reader)
    turn(gate.intake)
    gate.look(reader)
    with server.client() as client:
        client.delete("Processed")
    server.deliver(mail(2))
    for _ in range(3):
        gate.look(reader)
        turn(gate.intake)
    assert gate.folders() == {"Processed": 1}


def test_E44_what_cannot_be_moved_stays_and_is_tried_again(gate, server):
    server.deliver(mail(1), mail(2))
    reader = gate.reader(after_file=lambda moved, uid, _: moved and uid != 1)
    gate.settle(reader)
    assert gate.rows("SELECT uid FROM imap_mails WHERE stage = 'stored'") == [(1,)]
    gate.settle()
    assert (len(gate.tickets()), gate.folders()) == (2, {"Processed": 2})


def test_the_folders_stand_where_the_server_keeps_an_accounts_folders(tmp_path):
    with dovecot(prefix="INBOX.") as server:
        gate = Gate(tmp_path, server)
        server.deliver(mail())
        gate.settle()
        assert gate.folders() == {"Processed": 1}
        gate.store.close()


# ---- failures


def test_E57_a_refused_login_is_said_once_and_shown_in_the_health(gate, capsys):
    reader = gate.reader(secret="wrong")
    reader._stop.wait = lambda pause: pauses.append(pause)
    pauses: list[float] = []
    for _ in range(3):
        reader.turn()
    assert gate.health.state is AccountState.REFUSED
    assert "secret_file" in gate.health.error
    assert pauses == [30, 60, 120]


def test_E80_a_mail_arrived_when_its_server_took_it(gate, server):
    server.deliver(mail())
    gate.now += timedelta(days=2)
    gate.settle()
    ((arrived,),) = gate.rows("SELECT received_at FROM raw_mails")
    assert gate.now - datetime.fromtimestamp(arrived / 1e6, UTC) > timedelta(days=1.9)
