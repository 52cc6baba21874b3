"""HQ asks three units over real SMTP connections, and gets one return back, though the gateway is killed in between."""

import shutil
import smtplib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from mailgate.store.sqlite import library
from tests.gateway import ROOT, Gateway, gateway, wait_until
from tests.journeys.test_three_people import Post, post, text_of

HQ = "rowan.achterberg@hq.justice.example"
COMMISSIONS = "northmere.commissions@justice.example"
KWAME, SUNITA, LOWRI = (f"{name}@justice.example" for name in ("kwame.ashdown", "sunita.marlowe", "lowri.pennant"))
PETRA = "petra.lansdowne@justice.example"  # leads those who put the returns together
ASKED = "A return is needed from you"


def configuration(folder: Path) -> Path:
    """The shipped service, which asks three of its units."""
    copy = folder / "config"
    shutil.copytree(ROOT / "config", copy)
    said = (copy / "commissions.yml").read_text()
    (copy / "commissions.yml").write_text(said.replace("Castlereach, Dunholme", "Castlereach"))
    return copy


def asks(office: Post) -> str:
    """HQ's mail with the form to fill in; its Message-ID."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = HQ, COMMISSIONS, "COMMISSION 26/118 - stand-downs"
    mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), "<hq-118@hq.justice.example>"
    deadline = datetime.now(UTC) + timedelta(days=14)
    mail.set_content(f"Please tell us how many sessions were stood down. Deadline: {deadline:%d %B %Y}.")
    mail.add_attachment(b"form", maintype="application", subtype="octet-stream", filename="form.xlsx")
    with smtplib.SMTP("127.0.0.1", office.port) as client:
        client.send_message(mail, HQ, [COMMISSIONS])
    return str(mail["Message-ID"])


def is_late(running: Gateway, unit: str) -> None:
    """The time of *unit* is over."""
    past = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1_000_000)
    connection = library().connect(str(running.database), timeout=30)
    with closing(connection), connection:
        connection.execute("UPDATE tickets SET due_at = ? WHERE unit = ?", (past, unit))


def killed(running: Gateway, *arguments: str) -> None:
    """Gone without a word once it is idle, and started again: what is due is done at the start."""
    wait_until(running.is_idle)
    running.kill()
    running.start(*arguments)


def test_a_commission_from_the_request_to_the_return(tmp_path: Path) -> None:
    config = str(configuration(tmp_path))
    with (
        post() as (office, port),
        gateway(tmp_path, MAILGATE_SEND__VIA=f"smtp://127.0.0.1:{port}", MAILGATE_CONFIG=config) as running,
    ):
        office.port = running.port
        opening = asks(office)
        kwame, sunita, lowri = (office.heard(reader, ASKED) for reader in (KWAME, SUNITA, LOWRI))
        assert [part.get_filename() for part in kwame.iter_attachments()] == ["form.xlsx"]
        assert "stood down" in text_of(kwame)
        office.heard(HQ, "We have received your request")

        office.write(KWAME, "Sessions: 14", kwame)
        office.heard(KWAME, "We have the return")
        office.write(SUNITA, "Nil return, we had none.", sunita)
        assert "nil return" in text_of(office.heard(SUNITA, "We have the return"))
        killed(running)
        assert not [mail for mail in office.mails if PETRA in mail["To"] and "To approve" in mail["Subject"]]

        killed(running, "--role", "smtp,worker")  # nobody looks for what is late until the return is here
        is_late(running, "Castlereach")
        office.write(LOWRI, "Sessions: 3", lowri)
        assert "after it was due" in text_of(office.heard(LOWRI, "We have the return"))
        killed(running)
        assert "Sessions: 3" in text_of(office.heard(PETRA, "version 1"))

        office.write(LOWRI, "Sorry, it was four.\nSessions: 4", lowri)
        office.heard(LOWRI, "We have the return")
        killed(running)
        whole = office.heard(PETRA, "version 2")
        assert "Sessions: 4" in text_of(whole)
        assert not [mail for mail in office.mails if "Our return" in mail["Subject"]]

        office.write(PETRA, "Approved, thanks", whole)
        wait_until(lambda: running.rows("SELECT serial FROM events WHERE what = 'approved'"))
        killed(running)
        back = office.heard(HQ, "Our return")
        assert back["In-Reply-To"] == opening
        assert "This is version 2" in text_of(back)
        assert [part.get_filename().rpartition(".")[2] for part in back.iter_attachments()] == ["xlsx"]
        killed(running)
        assert not [mail for mail in office.mails if "Our return" in mail["Subject"]]
        (ref,) = (row[0] for row in running.rows("SELECT ref FROM tickets WHERE starts = 'commission'"))
        shown = running.command("ticket", "show", str(ref)).stdout.decode()
        for line in ("Aldermoor", "Brackenford", "nil return", "late"):
            assert line in shown
        assert running.rows("SELECT DISTINCT status FROM tickets") == [("done",)]
