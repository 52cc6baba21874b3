"""What looks like an address or a secret leaves a text, whatever stands around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.redacted import ADDRESS, SECRET, redacted

LOCALS = st.text("abcxyz019.!#$&*+/?^_`{}~%-", min_size=1, max_size=40)
AROUND = st.text(" <>()[],;:=@'\n\tax9é", max_size=20)


@pytest.mark.parametrize(
    "text",
    [
        "refused dora.secret@council.example: no such person",
        "RCPT TO:<dora.secret@council.example> 550",
        "user=dora.secret@council.example&x=1",
        '"dora secret"@council.example',
        "dora.secret%40council.example",
        "dora.secret=40council.example",
        "dora.secret＠council.example",
        "@@dora.secret@council.example",
        "dora%secret@council.example",
        "dörä.secret@cöuncil.example",
        "dora.secret@",
        "Key (sender)=(dora.secret@council.example) already exists",
    ],
)
def test_S75_an_address_is_taken_out(text: str) -> None:
    assert ADDRESS in redacted(text)
    assert "secret" not in redacted(text)


@pytest.mark.parametrize(
    "secret",
    [
        "live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
        "9f" * 32,
        "eyJhbGciOiJIUzI1NiJ9eyJpc3MiOiIxIn0",
        "Zm9vYmFyYmF6MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
        "at2jh5xleiw7uiral-at2jh5xleiw7uiral",
    ],
)
def test_S75_a_key_is_taken_out(secret: str) -> None:
    assert redacted(f"it is '{secret}'.") == f"it is '{SECRET}'."


@pytest.mark.parametrize(
    "text",
    [
        "the store is locked: will be tried again",
        "TimeoutError at session.py:212",
        "GOV.UK Notify refuses us (403): check notify.api_key_file, notify.base_url and the clock.",
        "/var/lib/mailgate/releases/2026/keys cannot be read",
        "MG-7K3F-99 at 127.0.0.1:8025, 100% of 40 mails",
        "/srv/test_new_rules_come_into_force0/releases-2026-11-22-000001/config/rules/more.yml:2:5",
        "Donaudampfschifffahrtsgesellschaftskapitaen",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redacted(text) == text


def test_E225_a_token_is_shown_by_its_ends() -> None:
    assert redacted("7k3f99-4-at2jh5xleiw7uiral") == "7k3f99-4-a…al"
    assert redacted("mg.7k3f99.4.at2jh5xleiw7uiral was replayed") == "mg.7k3f99.4.a…al was replayed"


@given(AROUND, LOCALS, AROUND)
def test_S75_no_address_survives_whatever_stands_around_it(before: str, local: str, after: str) -> None:
    assert f"{local}@council.example" not in redacted(f"{before}{local}@council.example{after}")


@given(st.sampled_from(("a", "a@", "%40", '"', "a-", "@＠", "1 ", "=4")))
def test_a_long_text_takes_a_time_that_grows_with_its_length(piece: str) -> None:
    assert len(redacted(piece * 200_000)) <= 200_000 * len(ADDRESS)
