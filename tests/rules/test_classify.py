"""Which task: most hits, then the usual category, the longer phrase, the earlier place."""

import pytest

from mailgate.rules.classify import classify
from tests.rules.desk import COURTS, UNIT, make_config


def task(text: str, subject: str = "", mailbox: str | None = UNIT, old: bool = False) -> str | None:
    return classify(subject, text, mailbox, make_config(), old).task


def test_most_hits_win() -> None:
    assert task("a warrant, a PSR and again a PSR") == "court.report"


def test_the_subject_counts_double_but_not_that_of_an_earlier_mail() -> None:
    assert task("PSR, warrant", "warrant") == "court.warrant"
    assert task("PSR and PSR", "warrant", old=True) == "court.report"
    assert task("PSR, PSR", "warrant warrant", old=False) == "court.warrant"


def test_a_tie_goes_to_the_usual_category() -> None:
    assert task("breach papers for the warrant", mailbox=COURTS) == "court.warrant"


def test_then_to_the_longer_phrase() -> None:
    assert task("Please rescind the warning letter") == "letters.withdraw"


def test_then_to_the_earlier_place() -> None:
    assert task("an appeal or a warrant") == "court.appeal"
    assert task("a warrant or an appeal") == "court.warrant"


def test_any_phrase_beats_the_usual_category() -> None:
    assert task("breach papers please", mailbox=COURTS) == "letters.breach"


def test_without_a_phrase_it_is_other_or_nothing() -> None:
    assert task("hello", mailbox=COURTS) == "court.other"
    assert task("hello", mailbox=UNIT) is None
    assert task("hello", mailbox=None) is None


@pytest.mark.parametrize("marks", [("- ", "- "), ("* ", "* "), ("1. ", "2. "), ("1) ", "2) "), ("a) ", "b) ")])
def test_items_that_name_different_tasks_are_requests_of_their_own(marks: tuple[str, str]) -> None:
    text = f"Can you do\n{marks[0]}a warrant for X372915\n{marks[1]}a warning letter\nfor X118365\n\nthanks for the PSR"
    found = classify("", text, UNIT, make_config())
    assert [item.task for item in found.items] == ["court.warrant", "letters.warning"]
    assert "X118365" in found.items[1].text
    assert "X372915" not in found.around
    assert "thanks" in found.around


@pytest.mark.parametrize(
    "text", ["a warrant and a warning letter", "- a warrant\n- by Friday", "- a warrant\n- another warrant"]
)
def test_anything_else_is_one_request(text: str) -> None:
    assert classify("", text, UNIT, make_config()).items == ()


def test_the_trace_names_the_phrase_the_place_and_what_came_close() -> None:
    best, close = classify("Warrants", "the PSR", UNIT, make_config()).matches
    assert (best.name, best.words, best.where) == ("court.warrant", "warrant", 'subject: "Warrants"')
    assert (close.name, close.words, close.where) == ("court.report", "PSR", 'text: "PSR"')


@pytest.mark.parametrize(
    ("text", "subject", "mailbox", "lost", "why"),
    [
        ("a warrant, a PSR, a PSR", "", UNIT, "court.warrant", "came close with 1: counts less than 2"),
        ("I have a PSR. The warrant is out.", "", UNIT, "court.report", "came close with 0.5: counts less than 1"),
        ("Please send a warrant. A PSR and a PSR.", "", UNIT, "court.report", "as much, but is not asked for"),
        ("a PSR, breach papers", "", COURTS, "letters.breach", "as much, but the mailbox is for the other"),
        ("an appeal, a court result", "", UNIT, "court.appeal", "as much, but its phrase is shorter"),
        ("Please send a PSR.", "Warrant", UNIT, "court.report", "as much, but does not stand in the subject"),
        ("a PSR or a warrant", "", UNIT, "court.warrant", "as much, but stands further down"),
        ("rescind the warning letter", "", UNIT, "letters.warning", 'nothing: "rescind the warning" is longer'),
        ("Please do not send the warrant. A PSR.", "", UNIT, "court.warrant", "not wanted"),
    ],
)
def test_the_trace_says_why_what_came_close_lost(text: str, subject: str, mailbox: str, lost: str, why: str) -> None:
    matches = classify(subject, text, mailbox, make_config()).matches
    assert matches[0].name != lost
    assert next(match.effect for match in matches if match.name == lost).endswith(why)


def test_what_is_mentioned_in_passing_is_said_to_be() -> None:
    aside = classify("", "I have a PSR. The warrant is out.", UNIT, make_config()).matches[1]
    assert aside.where == 'text: "PSR" (mentioned in passing)'


def test_a_sentence_that_asks_counts_double() -> None:
    assert task("An appeal is out. Please issue a warrant.") == "court.warrant"
    assert task("An appeal and an appeal and an appeal. Please issue a warrant.") == "court.appeal"


def test_what_is_mentioned_in_passing_counts_half() -> None:
    assert task("I have sent the breach papers. The appeal is today.") == "court.appeal"


def test_of_two_phrases_that_share_words_the_longer_counts() -> None:
    assert task("rescind the warning letter", "Warning letter") == "letters.warning"
    assert task("please rescind the warning letter", "Warning letter") == "letters.withdraw"


@pytest.mark.parametrize("text", ["Please do NOT send the warning letter", "The warning letter is not needed"])
def test_what_is_not_wanted_is_not_asked_for(text: str) -> None:
    found = classify("", text, UNIT, make_config())
    assert (found.task, found.refused) == (None, ("letters.warning",))
    assert found.matches[-1].effect == "not wanted"


def test_what_is_wanted_instead_is() -> None:
    found = classify("", "Please do not send the warning letter, send the breach papers", UNIT, make_config())
    assert found.task == "letters.breach"


def test_the_words_of_a_phrase_count_in_other_forms_and_another_order() -> None:
    assert task("Could you write the letter of warning? There is an appeal.") == "letters.warning"
    assert task("Could you write the letter of warning? The appeal please.") == "court.appeal"


def test_one_word_is_enough_only_where_it_is_asked_for() -> None:
    config = make_config(
        categories={"court": {"tasks": {"appeal": {"words": ["overturn"]}, "fine": {"words": ["money"]}}}}
    )
    assert classify("", "Could it be overturned?", COURTS, config).task == "court.appeal"
    assert classify("", "It was overturned.", COURTS, config).task == "court.other"


def test_a_word_that_two_tasks_have_settles_neither() -> None:
    found = classify("", "Could you see to the papers of the letter?", UNIT, make_config())
    assert found.task is None
    assert {"letters.warning", "letters.breach"} <= {match.name for match in found.matches}
    assert all("too near" in match.effect for match in found.matches[1:])


def test_words_of_another_team_count_half() -> None:
    assert task("Please say whether they are breaching", mailbox=COURTS) == "court.other"
    assert task("Please tell us of the breach papers", mailbox=COURTS) == "letters.breach"


def test_a_phrase_that_is_named_comes_before_words_that_are_as_many() -> None:
    assert task("Could the warning go out? The PSR.", "The letter") == "letters.warning"
    assert task("The warning. Please issue the warrant.", "The letter", mailbox=COURTS) == "court.warrant"


def test_what_the_mail_states_speaks_for_the_tasks_that_need_it() -> None:
    config = make_config()
    found = classify("", "Could we have the letter or the papers?", UNIT, config, stated=("failure-dates",))
    assert (found.task, "states: failure-dates" in found.matches[0].where) == ("letters.breach", True)


def test_what_only_states_a_need_of_another_task_is_in_passing() -> None:
    config = make_config(
        information={"measure": {"ask": "which", "words": ["recalls"]}},
        categories={
            "custody": {"tasks": {"recall": {"recognise": ["recall"]}}},
            "figures": {"tasks": {"report": {"recognise": ["figures for"], "needs": ["measure"]}}},
        },
    )
    assert classify("", "Please give us the recalls. Just figures for the team", None, config).task == "figures.report"
