"""``mailgate sla due``: the table of docs/domain.md section 6, how an answer came about, and questions by the line."""

import io
import json

import pytest

CALENDARS = {
    "office": {"hours": "Monday to Friday, 9am to 5pm", "holidays": "england-and-wales"},
    "custody-duty": {
        "hours": ["Monday to Friday 8am to 8pm", "Saturday 9am to 1pm"],
        "holidays": "england-and-wales",
    },
}
TABLE = [
    ("office", "2026-12-24T16:00", "2 working hours", "2026-12-29T10:00:00+00:00"),
    ("office", "2026-12-24T16:00", "1 working day", "2026-12-29T17:00:00+00:00"),
    ("office", "2026-12-04T17:00", "4 working hours", "2026-12-07T13:00:00+00:00"),
    ("office", "2026-12-05T08:14", "1 working day", "2026-12-08T17:00:00+00:00"),
    ("office", "2027-03-25T15:00", "4 working hours", "2027-03-30T11:00:00+01:00"),
    ("custody-duty", "2026-12-11T19:30", "2 working hours", "2026-12-12T10:30:00+00:00"),
    ("office", "2026-12-18T17:00", "2 working days before", "2026-12-16T17:00:00+00:00"),
]


@pytest.fixture
def sla(mailgate):
    service = json.loads((mailgate.config / "service.yml").read_text())
    (mailgate.config / "service.yml").write_text(json.dumps({**service, "calendars": CALENDARS}))
    return lambda *words: mailgate("sla", "due", *words)


@pytest.mark.parametrize(("calendar", "at", "allow", "due"), TABLE)
def test_the_table_of_the_domain(sla, calendar, at, allow, due):
    code, said, _ = sla("--calendar", calendar, "--at", at, "--allow", allow, "--json")
    assert (code, json.loads(said)["due"]) == (0, due)


def test_an_answer_says_how_it_came_about(sla):
    _, said, _ = sla("--at", "2026-12-23T17:00", "--allow", "9 working hours")
    assert said.splitlines() == [
        "Tuesday 29 December 2026 at 10am (2026-12-29T10:00:00+00:00)",
        "",
        "Wednesday 23 December 2026: arrives at 5pm, outside working time: the clock starts on Thursday at 9am",
        "Thursday 24 December 2026: 9am to 5pm, 8 hours so far",
        "Friday 25 December 2026: Christmas Day",
        "Saturday 26 December 2026: a Saturday",
        "Sunday 27 December 2026: a Sunday",
        "Monday 28 December 2026: Boxing Day (observed)",
        "Tuesday 29 December 2026: 9am to 10am, 9 hours so far",
    ]


@pytest.mark.parametrize(
    ("allow", "last"),
    [
        ("2 working days", "Thursday 17 December 2026: working day 2"),
        ("2 working days before", "Friday 11 December 2026: working day 2"),
        ("1 calendar month", "Tuesday 15 December 2026: counted from 9.30am, day and night"),
        ("40 working days", "Friday 12 February 2027: working day 40"),
    ],
)
def test_days_are_counted_for_the_reader(sla, allow, last):
    _, said, _ = sla("--at", "2026-12-15T09:30", "--allow", allow)
    assert said.splitlines()[-1] == last


def test_a_day_of_closing_is_named_by_the_configuration(sla, mailgate):
    closed = {**CALENDARS["office"], "also_closed": ["2026-12-16"]}
    service = json.loads((mailgate.config / "service.yml").read_text())
    (mailgate.config / "service.yml").write_text(json.dumps({**service, "calendars": {"office": closed}}))
    assert (
        "Wednesday 16 December 2026: closed as the configuration says"
        in sla("--at", "2026-12-15T09:30", "--allow", "1 working day")[1]
    )


def test_each_line_of_questions_gets_one_answer(sla, monkeypatch):
    asked = [json.dumps({"calendar": calendar, "at": at, "allow": allow}) for calendar, at, allow, _ in TABLE]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(asked)))
    code, said, _ = sla("-", "--json")
    assert code == 0
    assert [json.loads(line) for line in said.splitlines()] == [{"due": due} for *_, due in TABLE]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "this is no JSON"),
        ("[1]", "expected an object"),
        ('{"calendar": "office", "at": 5, "allow": "1 working day"}', "expected an object"),
        ('{"calendar": "home", "at": "2026-12-24T16:00", "allow": "1 working day"}', 'no calendar "home"'),
        ('{"calendar": ["x"], "at": "2026-12-24T16:00", "allow": "1 working day"}', "no calendar"),
        ('{"calendar": "office", "at": "Christmas", "allow": "1 working day"}', '"Christmas" is no time'),
        ('{"calendar": "office", "at": "2026-12-24T16:00", "allow": "soon"}', "expected a length of time"),
        ('{"calendar": "office", "at": "2026-12-24T16:00", "allow": "the deadline in the mail"}', "stated by a mail"),
        ('{"calendar": "office", "at": "9999-12-31T16:00", "allow": "1 working day"}', "out of range"),
        ('{"calendar": "office", "at": "0001-01-01T00:00+09:00", "allow": "1 day"}', "too far away"),
    ],
)
def test_a_bad_line_is_one_error_and_the_next_is_answered(sla, monkeypatch, line, why):
    good = '{"calendar": "office", "at": "2026-12-24T16:00", "allow": "2 working hours"}'
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n{good}\n"))
    code, said, _ = sla("-", "--json")
    wrong, right = map(json.loads, said.splitlines())
    assert code == 0
    assert why in wrong["error"]
    assert right == {"due": TABLE[0][3]}


@pytest.mark.parametrize(
    "words",
    [
        ("--at", "2026-12-24T16:00"),
        ("--at", "2026-12-24T16:00", "--allow", "soon"),
        ("--at", "2026-12-24T16:00", "--allow", "1 day", "--calendar", "home"),
        ("questions.txt",),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(sla, words):
    code, _, errors = sla(*words)
    assert code == 2
    assert errors.startswith("mailgate: ")
