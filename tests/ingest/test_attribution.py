"""Lines that say who wrote what is quoted, as mail programs word them (E105)."""

import pytest

from mailgate.ingest.attribution import bare, ending_at

ANN = "Ann Other <ann@mail.example>"
WITH_ADDRESS_OR_TIME = [
    f"On Sat, 21 Nov 2026 at 10:15, {ANN} wrote:",
    f"On Sat, Nov 21, 2026 at 10:15\u202fAM {ANN} wrote:",
    "On 21 Nov 2026, at 10:15, Ann Other wrote:",
    "On 21/11/2026 10:15, Ann Other wrote:",
    "On Saturday, November 21, 2026 at 10:15 AM, Ann\nOther\n<ann@mail.example>\nwrote:",
    'On 21 Nov 2026 10:15, "Ann Other" <ann@mail.example<mailto:ann@mail.example>> wrote:',
    "At 2026-11-21 10:15:00, Ann Other wrote:",
    f"{ANN} wrote:",
    f"Am Sa., 21. Nov. 2026 um 10:15 Uhr schrieb {ANN}:",
    "Am Sa., 21. Nov. 2026 um 10:15 Uhr schrieb Ann Other <\nann@mail.example>:",
    "Am 21.11.26 um 10:15 schrieb Ann Other:",
    f"{ANN} schrieb am Sa., 21.\nNov. 2026 um 10:15 Uhr:",
    f"Le sam. 21 nov. 2026 à 10:15, {ANN} a écrit\xa0:",
    "Le 21/11/2026 à 10h15, Ann Other a écrit :",
    f"El sáb, 21 nov 2026 a las 10:15, {ANN} escribió:",
    "El sáb., 21 nov. 2026 a las 10:15, Ann Other (<ann@mail.example>) escribió:",
    f"Em sáb., 21 de nov. de 2026 às 10:15, {ANN} escreveu:",
    f"{ANN} escreveu no dia sábado, 21/11/2026 à(s) 10:15:",
    f"Il giorno sab 21 nov 2026 alle ore 10:15 {ANN} ha scritto:",
    f"Op za 21 nov. 2026 om 10:15 schreef {ANN}:",
    f"Op 21 nov. 2026, om 10:15 heeft {ANN} het\nvolgende geschreven:",
    f"Den lör 21 nov. 2026 kl 10:15 skrev {ANN}:",
    f"lör 21 nov. 2026 kl. 10:15 skrev {ANN}:",
    f"Den lør. 21. nov. 2026 kl. 10.15 skrev {ANN}:",
    "la 21. marrask. 2026 klo 10.15 Ann Other (ann@mail.example) kirjoitti:",
    f"sob., 21 lis 2026 o 10:15 {ANN} napisał(a):",
    "W dniu 21.11.2026 o 10:15, Ann Other pisze:",
    f"so 21. 11. 2026 v 10:15 odesílatel {ANN} napsal:",
    "Dne 21. 11. 26 v 10:15 Ann Other napsal(a):",
    "Ar 21/11/2026 10:15, ysgrifennodd Ann Other:",
    f"Ar Sad, 21 Tach 2026 am 10:15, ysgrifennodd {ANN}:",
    f"сб, 21 нояб. 2026 г. в 10:15, {ANN}:",
    f"2026年11月21日(土) 10:15 {ANN}:",
    f"{ANN} 于2026年11月21日周六 10:15写道：",
    f"2026년 11월 21일 (토) 오전 10:15, {ANN}님이 작성:",
    f"{ANN} ezt írta (időpont: 2026. nov. 21., Szo, 10:15):",
    f"{ANN}, 21 Kas 2026 Cmt, 10:15 tarihinde şunu yazdı:",
    f"2026-11-21 10:15 GMT+01:00 {ANN}:",
    '21.11.2026, 10:15, "Ann Other" <ann@mail.example>:',
    f"---- On Sat, 21 Nov 2026 10:15:00 +0000 {ANN} wrote ----",
    "-----Ann Other/COUNCIL wrote: -----",
]
OVER_A_QUOTATION_ONLY = [
    "Ann Other wrote on 21/11/2026 10:15:",
    "Ann Other wrote:",
    f"Quoting {ANN}:",
]
NEVER = [
    "On Monday she told me this:",
    "I rang Ann (ann@mail.example) and she said:",
    "Please send it to Ann <ann@mail.example> by 10:15 on 21 November 2026, with:",
    "The figures for 2026 are these:",
    "Meeting on 21 November 2026 at 10:15:",
    "CRN:",
]


def begins(line: str, above: str, below: str) -> int | None:
    lines = [above, *line.split("\n"), *below.split("\n")]
    last = line.count("\n") + 1
    return ending_at(lines, last, bare(lines[last]))


@pytest.mark.parametrize("line", WITH_ADDRESS_OR_TIME)
@pytest.mark.parametrize("below", ["> old", "\nold words"])
@pytest.mark.parametrize("above", ["", "That is all.", "2. The second thing"])
def test_E105_an_attribution_is_found_from_its_first_line(line: str, above: str, below: str) -> None:
    assert begins(line, above, below) == 1


@pytest.mark.parametrize("line", OVER_A_QUOTATION_ONLY)
def test_E105_a_line_that_says_less_needs_a_quotation_below_it(line: str) -> None:
    assert begins(line, "", "> old") == 1
    assert begins(line, "", "\nold words") is None


@pytest.mark.parametrize("line", NEVER)
@pytest.mark.parametrize("below", ["> old", "my own words"])
def test_E3_a_persons_line_with_a_colon_is_no_attribution(line: str, below: str) -> None:
    assert begins(line, "Hello", below) is None


def test_E105_a_date_without_a_time_must_stand_apart() -> None:
    assert begins("On Nov 26, 2026 you wrote:", "", "\nold words") == 1
    assert begins("On Nov 26, 2026 you wrote:", "", "my own words") is None


def test_E105_a_date_and_a_name_alone_are_gmails() -> None:
    assert begins("2026-11-21 10:15 GMT+01:00 Ann Other", "", "\nold") == 1
    assert begins("2026-11-21 10:15 Ann Other", "", "\nold") is None
