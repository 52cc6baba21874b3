"""How far each mail of a folder has come, on both engines."""

from datetime import timedelta

from mailgate.model.folder import Folder, Known, Stage
from mailgate.store import imap
from mailgate.store.spool import claim, set_aside
from tests.store.made import NOW, envelope

PLACE = Folder("helpdesk at mail.council.example:993", "INBOX", 7)
RAW = b"Subject: hello\r\n\r\nhello\r\n"


def test_a_mail_is_in_the_spool_as_soon_as_it_has_a_row(store):
    key = imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    assert imap.known(store, PLACE) == [Known(1, Stage.STORED)]
    assert [mail.key for mail in claim(store, 9, 60)] == [key]


def test_a_mail_that_is_taken_twice_is_one(store):
    for uid in (1, 1, 2):
        imap.take(store, PLACE, uid, Stage.STORED, envelope(), RAW)
    assert len(imap.known(store, PLACE)) == 2
    assert len(claim(store, 9, 60)) == 1


def test_what_is_decided_says_so(store):
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    (mail,) = claim(store, 9, 60)
    with store.write() as tx:
        set_aside(tx, mail, "why", "Error", NOW)
    assert imap.known(store, PLACE) == [Known(1, Stage.STORED, decided=True, in_quarantine=True)]


def test_what_was_missed_is_asked_for_again_but_never_forgotten_once_it_is_taken(store):
    imap.missed(store, PLACE, 1, 1, NOW)
    imap.missed(store, PLACE, 1, 2, NOW + timedelta(minutes=8))
    assert imap.known(store, PLACE) == [Known(1, Stage.UNREAD, 2, NOW + timedelta(minutes=8))]
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    imap.missed(store, PLACE, 1, 3, NOW)
    assert imap.known(store, PLACE) == [Known(1, Stage.STORED)]


def test_a_filed_mail_is_no_longer_in_the_folder_and_one_that_returns_is_new_work(store):
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    imap.filed(store, PLACE, [1])
    imap.filed(store, PLACE, [])
    assert imap.known(store, PLACE) == []
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    assert imap.known(store, PLACE) == [Known(1, Stage.STORED)]


def test_the_same_uid_elsewhere_is_another_mail(store):
    elsewhere = Folder("helpdesk at other.council.example:993", "INBOX", 7)
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    assert imap.known(store, elsewhere) == []


def test_E45_a_new_numbering_closes_the_rows_of_the_old(store):
    assert not imap.renumbered(store, PLACE)
    imap.take(store, PLACE, 1, Stage.STORED, envelope(), RAW)
    assert not imap.renumbered(store, PLACE)
    anew = Folder(PLACE.account, PLACE.name, 8)
    assert imap.renumbered(store, anew)
    assert imap.known(store, PLACE) == []
    imap.take(store, anew, 1, Stage.STORED, envelope(), RAW)
    assert not imap.renumbered(store, anew)
