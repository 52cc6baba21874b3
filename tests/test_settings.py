"""The configuration: what is read, and how every mistake in it is shown."""

import os
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mailgate.errors import MailgateError
from mailgate.model.config import Config, Mode, Service
from mailgate.model.operator import Operator
from mailgate.model.spans import Opening, Span, Unit
from mailgate.settings import ConfigError, folders_from, load, template_folders

SHIPPED = Path(__file__).parent.parent / "config"
SMALL = """\
teams: { desk: { lead: sam@example.org } }
mailboxes: { help@example.org: { team: desk } }
"""


def write(folder: Path, **files: str) -> Path:
    """A configuration folder with *files*, "rules_court" standing for rules/court.yml."""
    for name, text in files.items():
        path = folder / f"{name.replace('rules_', 'rules/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def mistakes(folder: Path, **environ: str) -> list[str]:
    """The mistakes in *folder*, with paths from there on."""
    with pytest.raises(ConfigError) as error:
        load([folder], environ)
    return [str(problem).removeprefix(f"{folder}/") for problem in error.value.problems]


def loaded(folder: Path, *more: Path, **environ: str) -> Config:
    return load([folder, *more], environ)


# ---- what ships


@pytest.fixture(scope="module")
def shipped() -> Config:
    return load([SHIPPED], {})


def test_the_shipped_example_means_what_it_says(shipped: Config) -> None:
    service = shipped.service
    assert (service.region, service.reference, service.send_from) == (
        "Northmere",
        "MG",
        "tickets@mailgate.justice.example",
    )
    assert (shipped.key_name, service.identifiers["crn"].not_after) == ("crn", ("Staff no",))
    assert next(iter(service.priorities.items())) == ("urgent", "urgent")
    assert str(service.sla["statutory"].finish) == "1 calendar month"
    assert service.sla["by-deadline"].finish.unit is Unit.DEADLINE
    assert service.mailboxes["dunholme.admin@justice.example"].mode is Mode.OBSERVE
    assert service.teams["custody-admin"].calendar == "custody-duty"
    assert service.teams["aldermoor-pod-1"].units == ("Aldermoor",)
    assert (len(service.mailboxes), len(service.teams), len(service.categories), len(service.rules)) == (13, 13, 10, 6)
    assert service.messages.quiet_for == ("low",)
    assert shipped.operator.smtp.vouches == ("127.0.0.1", "::1")


def test_the_shipped_tasks_need_prioritise_and_recognise_what_the_example_says(shipped: Config) -> None:
    category, recall = shipped.task("custody.recall")
    assert (category.needs, recall.needs, recall.priority, recall.sla) == (
        ("crn",),
        ("manager-approval",),
        "urgent",
        "immediate",
    )
    assert "fixed term recall" in recall.recognise
    assert shipped.task("performance.report")[1].without == ("crn",)
    assert shipped.task("court.other")[1].needs == ()


def test_all_information_that_a_shipped_task_needs_can_be_recognised(shipped: Config) -> None:
    for name, entry in shipped.service.information.items():
        recognised = entry.words or entry.pattern or entry.date or name in shipped.service.identifiers
        assert recognised, name


def test_the_shipped_rules_stand_in_their_order(shipped: Config) -> None:
    first, *_, last = shipped.service.rules
    assert (first.when, first.then.priority) == ({"hearing-date": "within 2 working days"}, "urgent")
    assert (last.then.task, last.then.stop) == ("performance.hq-commission", True)


# ---- files


def test_rules_follow_one_another_in_order_of_file_name(tmp_path: Path) -> None:
    rule = "rules: [{{ name: {}, when: {{ subject: x }}, then: {{ tag: y }} }}]"
    write(tmp_path, a=SMALL, rules_b=rule.format("second"), rules_a=rule.format("first"), z=rule.format("third"))
    assert [rule.name for rule in loaded(tmp_path).service.rules] == ["first", "second", "third"]


def test_a_key_in_two_files_is_a_mistake_at_both_places(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL, b="region: x\nteams: {}\n")
    assert mistakes(tmp_path) == [
        f'a.yml:1:1  "teams" also stands in {tmp_path}/b.yml:2; it may stand in one file only',
        f'b.yml:2:1  "teams" also stands in {tmp_path}/a.yml:1; it may stand in one file only',
    ]


def test_a_folder_without_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='there is no configuration here; "mailgate init"'):
        load([tmp_path / "nowhere"], {})


def test_comments_alone_are_allowed_but_an_empty_file_is_not(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL, b="# nothing yet\n")
    assert loaded(tmp_path).service.teams
    write(tmp_path, c="")
    assert mistakes(tmp_path) == ["c.yml:1:1  this file is empty; write something or remove it"]


def test_what_is_not_utf8_is_shown_at_its_character(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL)
    (tmp_path / "b.yml").write_bytes("# caf\u00e9\nregion: caf".encode() + b"\xe9\n")
    assert mistakes(tmp_path) == ["b.yml:2:12  this character is not UTF-8; save the file as UTF-8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region: [a, b", "a.yml:1:9  this cannot be read as YAML"),
        ("region: a\n\tteams: b", "a.yml:2:1  this cannot be read as YAML"),
        ("region: a\x07b", "a.yml:1:10  this character cannot stand in a YAML file"),
        ("- region", "a.yml:1:1  expected lines of the form name: value, beginning at the left margin"),
        ("region: a\n---\nteams: b", "a.yml:2:1  expected one document"),
        ("? [a]\n: b\n", "a.yml:1:3  expected a name before the colon"),
    ],
)
def test_what_is_no_yaml_is_shown_where_it_stops_being_it(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(write(tmp_path, a=text))[0].startswith(expected)


def test_S50_python_tags_are_refused_with_their_line(tmp_path: Path) -> None:
    write(tmp_path, a="region: x\nreference: !!python/object/apply:os.system [touch /tmp/owned]\n")
    expected = "a.yml:2:12  the tag !!python/object/apply:os.system is not allowed; write a plain value"
    assert expected in mistakes(tmp_path)


def test_S51_bombs_are_refused(tmp_path: Path) -> None:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    write(tmp_path, laughs=laughs, large="region: x\n" + "#" * 10_000_000, deep="a: " + "[" * 1000 + "]" * 1000)
    assert mistakes(tmp_path) == [
        "deep.yml:1:54  this is nested more than 50 levels deep",
        "large.yml:1:1  this file is larger than 1 MiB; split it",
        "laughs.yml:2:10  *a0 refers to another value; write that value here again",
    ]


def test_S51_of_endless_mistakes_the_first_hundred_are_shown(tmp_path: Path) -> None:
    many = "".join(f"key{number}: 1\n" for number in range(300))
    with pytest.raises(ConfigError) as error:
        load([write(tmp_path, a=many)], {})
    assert len(error.value.problems) == 100


def test_S54_links_and_files_that_anybody_may_change_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL, b="region: x\n")
    (tmp_path / "b.yml").chmod(0o646)
    (tmp_path / "c.yml").symlink_to(tmp_path / "a.yml")
    os.mkfifo(tmp_path / "d.yml")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules").chmod(0o777)
    assert mistakes(tmp_path) == [
        'b.yml:1:1  everybody can change this file; run "chmod o-w" on it',
        "c.yml:1:1  cannot be read: this is a symbolic link; put the file itself here",
        "d.yml:1:1  cannot be read: this is not a file",
        'rules  everybody can put files here; run "chmod o-w" on this folder',
    ]


# ---- mistakes of the service


def test_a_mistake_of_each_kind_is_shown_with_its_place_all_in_one_run(tmp_path: Path) -> None:
    write(
        tmp_path,
        categories="""\
categories:
  court:
    needs: [coutr]
    tasks:
      result: { recognise: [court result, " "], framework: reducable, priorty: high }
      result: {}
information:
  court: { ask: the court, pattern: "(?=x)", count: many }
""",
        rules_court="""\
rules:
  - name: Hearing
    when: { markng: OFFICIAL, any: [{ task: court.reslt }] }
    then: { task: !!python/name:os.system court.result, stop: perhaps }
""",
        teams="teams: { desk: {} }\nmailboxes: { help@example.org: { team: dsk, mode: [live] } }\n",
    )
    assert mistakes(tmp_path) == [
        'categories.yml:3:13  unknown information "coutr"; did you mean "court"?',
        "categories.yml:5:43  an empty phrase would fit every mail; write words or take it out",
        'categories.yml:5:60  expected "mandatory", "reducible" or "pausable", found "reducable"',
        'categories.yml:5:71  unknown key "priorty"; did you mean "priority"?',
        'categories.yml:6:7  "result" is given twice; the first is on line 5',
        "categories.yml:8:37  this regular expression cannot be used: invalid perl operator: (?=",
        'categories.yml:8:53  expected a whole number, found "many"',
        'rules/court.yml:3:13  unknown condition "markng"; did you mean "marking"?',
        'rules/court.yml:3:45  unknown task "court.reslt"; did you mean "court.result"?',
        "rules/court.yml:4:19  the tag !!python/name:os.system is not allowed; write a plain value",
        'rules/court.yml:4:63  expected yes or no, found "perhaps"',
        'teams.yml:2:40  unknown team "dsk"; did you mean "desk"?',
        'teams.yml:2:51  expected "live", "observe" or "off", found a list',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reference: mg1", '1:12  expected two to five capital letters, such as "MG", found "mg1"'),
        ("domains: [Example.org]", "1:11  expected a domain in small letters"),
        ("teams: { a: { units: { b: c } } }", '1:22  expected "all" or a list, found lines of the form name: value'),
        ("teams: { a: { lead: sam } }", '1:21  "sam" needs "domains"'),
        ("teams: { a: { cover: b } }", '1:22  unknown team "b"; expected "a"'),
        ("teams: { a: { calendar: office } }", '1:25  unknown calendar "office"; there is no "calendars" yet'),
        ("mailboxes: { help: { usually: a } }", '1:14  "team" is missing here'),
        ("mailboxes: { a@b: {} }", '1:14  expected an address such as help@example.org, found "a@b"'),
        (f"mailboxes: {{ {'a' * 35}@b.org: {{}} }}", f'1:14  "{"a" * 35}" must have no "+" and at most 34 characters'),
        ("send_from: a+b@c.org", '1:12  "a+b" must have no "+" and at most 34 characters'),
        ("send_from: a@b.org", '1:1  "defaults" needs a "team"'),
        ("sla: { quick: { reply: 4 hors, finish: 1 day } }", "1:24  expected a length of time such as"),
        ("calendars: { a: { hours: Moonday 9am to 5pm } }", "1:26  expected opening hours such as"),
        (
            "calendars: { a: { hours: Monday 9am to 5pm, also_closed: [x] } }",
            "1:59  expected a date such as 2026-12-28",
        ),
        ("calendars: { a: { hours: Monday 9am to 5pm, time_zone: ../x } }", "1:56  expected a time zone such as"),
        ("calendars:\n  a:", "2:3  expected lines of the form name: value, found nothing"),
        ("identifiers: { a: { pattern: x, key: yes }, b: { pattern: y, key: yes } }", "1:62  only one identifier"),
        ("identifiers: { a: { pattern: x, belongs_to: b } }", '1:45  unknown identifier "b"; expected "a"'),
        ("identifiers: { a: { pattern: 'x*' } }", "1:30  this regular expression fits even an empty text"),
        ("priorities: { high: quick }", '1:21  unknown service level "quick"; there is no "sla" yet'),
        ("messages: { received: templates/none.md }", '1:23  there is no template "templates/none.md"'),
        ("messages: { received: ../x.md }", "1:23  expected a path below the configuration's folder"),
        ("messages: { quiet_for: low }", '1:24  unknown priority "low"'),
        ("commands: { dun: [x] }", '1:13  unknown command "dun"'),
        ("capacity_levels: { red: { pausabel: {} } }", '1:27  unknown name "pausabel"; did you mean "pausable"?'),
        ("rules: [{ name: a, when: { not: x }, then: {} }]", "1:33  expected conditions of the form name: value"),
        ("rules: [{ name: a, when: { header: x }, then: {} }]", "1:36  expected a header and its value"),
        ("rules: [{ name: a, when: { subject: /(/ }, then: {} }]", "1:37  this regular expression cannot be used"),
        ("rules: [{ name: a, when: { has: b }, then: {} }]", '1:33  unknown information "b"'),
        ("rules: [{ name: a, when: {}, then: { priority: at least b } }]", '1:48  unknown priority "b"'),
    ],
)
def test_each_mistake_says_what_was_expected(tmp_path: Path, text: str, expected: str) -> None:
    assert any(found.startswith(f"a.yml:{expected}") for found in mistakes(write(tmp_path, a=text)))


def test_conditions_may_name_information_and_identifiers(tmp_path: Path) -> None:
    text = """\
identifiers: { crn: { pattern: "[A-Z][0-9]{6}" } }
information: { hearing-date: { ask: when, date: yes } }
rules:
  - name: soon
    when: { hearing-date: within 2 working days, not: { crn: yes }, all: [{ has: crn }, { subject: a }] }
    then: { tag: soon }
"""
    rule = loaded(write(tmp_path, a=SMALL, b=text)).service.rules[0]
    assert rule.when["not"] == {"crn": True}


# ---- the operator's part


def test_the_environment_sets_any_single_value(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=SMALL,
        mailgate="store: { url: sqlite:///a.db }\n"
        "imap: [{ mailbox: help@example.org, host: b, user: c, secret_file: d }]\nlmtp:\n",
    )
    operator = loaded(
        tmp_path,
        MAILGATE_STORE__URL="sqlite:///b.db",
        MAILGATE_SMTP__MAX_SIZE="1 MiB",
        MAILGATE_IMAP__0__PORT="143",
        MAILGATE_LMTP__LISTEN="unix:/run/lmtp",
        MAILGATE_WEB__LISTEN="",
        MAILGATE_KEYS="/keys",
        MAILGATE_NOTIFY__API_KEY="hush",
        MAILGATE_CONFIG="elsewhere",
        OTHER__NAME="x",
    ).operator
    assert (operator.store.url, operator.smtp.max_size, operator.imap[0].port) == ("sqlite:///b.db", 1024**2, 143)
    assert (operator.lmtp.listen, operator.web.listen, operator.keys) == ("unix:/run/lmtp", None, "/keys")
    assert operator.notify.api_key == "hush"
    assert "hush" not in repr(operator)


def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL)
    found = mistakes(tmp_path, MAILGATE_WORKERS__PROCESSES="many", MAILGATE_STOER__URL="x", MAILGATE_IMAP__0__PORT="1")
    assert found == [
        "MAILGATE_IMAP__0__PORT  there is no such setting",
        'MAILGATE_STOER__URL  there is no such setting; did you mean "MAILGATE_STORE__URL"?',
        'MAILGATE_WORKERS__PROCESSES  expected a whole number, found "many"',
    ]


@pytest.mark.parametrize(
    ("smtp", "expected"),
    [
        ("relays: 10.0.0.0/33", '1:17  expected an IP address or a network such as 192.0.2.0/24, found "10.0.0.0/33"'),
        ("vouches: [relay.example]", "1:19  expected an IP address or a network such as"),
        ("tls: { certificate: a.pem }", '1:9  "key" is missing here'),
        ("limits: { idle_seconds: 0 }", '1:33  expected a number above 0, found "0"'),
        ("limits: { idle_seconds: long }", '1:33  expected a number, found "long"'),
        ("limits: { recipients: 0 }", '1:31  expected a number of at least 1, found "0"'),
        ("limits: { recipient: 5 }", '1:19  unknown key "recipient"; did you mean "recipients"?'),
    ],
)
def test_each_mistake_about_the_smtp_door_says_what_was_expected(tmp_path: Path, smtp: str, expected: str) -> None:
    write(tmp_path, a=SMALL, mailgate=f"smtp: {{ {smtp} }}\n")
    [found] = mistakes(tmp_path)
    assert found.startswith(f"mailgate.yml:{expected}")


def test_the_smtp_door_is_set_from_the_environment(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL)
    set_here = {"TLS__CERTIFICATE": "a.pem", "TLS__KEY": "a.key", "TLS__REQUIRED": "yes", "LIMITS__RECIPIENTS": "5"}
    smtp = loaded(tmp_path, **{f"MAILGATE_SMTP__{name}": value for name, value in set_here.items()}).operator.smtp
    assert smtp.tls is not None
    assert (smtp.tls.certificate, smtp.tls.key, smtp.tls.required, smtp.limits.recipients) == (
        "a.pem",
        "a.key",
        True,
        5,
    )


def test_secrets_do_not_stand_in_the_file(tmp_path: Path) -> None:
    write(tmp_path, a=SMALL, mailgate="store: { url: postgresql+psycopg://a:b@c/d }\nnotify: { api_key: x }\n")
    assert mistakes(tmp_path) == [
        "mailgate.yml:1:15  a password does not belong here; set the whole value as MAILGATE_STORE__URL",
        "mailgate.yml:2:11  a key does not belong here; name its file in api_key_file or set MAILGATE_NOTIFY__API_KEY",
    ]


# ---- a base and what is laid over it


def test_the_values_of_an_overlay_win_key_by_key_and_its_rules_come_last(tmp_path: Path) -> None:
    rule = "rules: [{{ name: {}, when: {{ subject: x }}, then: {{ tag: y }} }}]\n"
    base = write(tmp_path / "base", a=SMALL + "region: all\ndomains: [a.org, b.org]\n" + rule.format("base"))
    top = write(
        tmp_path / "top",
        a="region: north\ndomains: [c.org]\nteams: { desk: { label: The desk }, crew: {} }\n" + rule.format("top"),
        mailgate="web: { listen: null }\n",
    )
    config = loaded(base, top)
    assert (config.service.region, config.service.domains) == ("north", ("c.org",))
    assert (config.service.teams["desk"].lead, config.service.teams["desk"].label) == ("sam@example.org", "The desk")
    assert [rule.name for rule in config.service.rules] == ["base", "top"]
    assert config.changed == (
        "region: north, was all",
        "domains: [c.org], was [a.org, b.org]",
        "teams.desk.label: The desk (added)",
        "teams.crew: {} (added)",
        "rules: 1 added",
        "mailgate.yml.web: {listen: nothing} (added)",
    )


def test_folders_come_from_the_options_then_the_environment_then_the_default() -> None:
    assert folders_from([Path("a"), Path("b")], {"MAILGATE_CONFIG": "c"}) == (Path("a"), Path("b"))
    assert folders_from([], {"MAILGATE_CONFIG": "c"}) == (Path("c"),)
    assert folders_from([], {}) == (Path("config"),)
    with pytest.raises(MailgateError, match="twice at most"):
        folders_from([Path("a")] * 3, {})


def test_templates_are_looked_up_in_the_overlay_the_base_and_the_package(tmp_path: Path) -> None:
    base, top = write(tmp_path / "base", a=SMALL), write(tmp_path / "top", a="region: x\n")
    folders = template_folders(loaded(base, top))
    assert folders[:2] == (top, base)
    assert (folders[2] / "settings.py").is_file()


# ---- laws


def test_the_version_follows_the_content_alone(tmp_path: Path) -> None:
    one = loaded(write(tmp_path / "one", a=SMALL))
    two = loaded(
        write(tmp_path / "two", m=SMALL.splitlines()[1], t="# why\n" + SMALL.splitlines()[0].replace(" ", "  "))
    )
    other = loaded(write(tmp_path / "other", a=SMALL.replace("sam", "jo")))
    assert one.version == two.version != other.version
    assert len(one.version) == 12


@given(st.integers(0, 99_999), st.sampled_from([unit for unit in Unit if unit is not Unit.DEADLINE]))
def test_a_length_of_time_reads_back_as_it_is_written(count: int, unit: Unit) -> None:
    assert Span.parse(str(Span(count, unit))) == Span(count, unit)


minutes = st.integers(0, 24 * 60 - 1)


@given(st.integers(0, 6), st.integers(0, 6), minutes, minutes)
def test_opening_hours_read_back_as_they_are_written(one: int, other: int, opens: int, closes: int) -> None:
    if opens == closes:
        return
    first, last = sorted((opens, closes))
    days = frozenset(range(min(one, other), max(one, other) + 1))
    opening = Opening(days, time(*divmod(first, 60)), time(*divmod(last, 60)))
    assert Opening.parse(str(opening)) == opening


# ---- its document


SCALARS = ("Span", "Opening", "When", "Longer", "Period", "AfterClosing", "ThenNumbers")


def models(kind: type[BaseModel]) -> set[str]:
    """The names of all keys in *kind* and the models in it."""
    names = set(kind.model_fields)
    for name, definition in kind.model_json_schema()["$defs"].items():
        names |= set() if name in SCALARS else set(definition.get("properties", {}))
    return names


def test_every_key_is_named_in_the_document() -> None:
    document = (SHIPPED.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [name for name in sorted(models(Service) | models(Operator)) if f"`{name}`" not in document]
    assert not missing


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ("mailbox: halp@example.org, host: b", '"halp@example.org"; did you mean "help@example.org"?'),
        ("mailbox: help@example.org, host: b, ssl: no", '"ssl: no" is allowed only where host is this machine'),
        ("mailbox: help@example.org, host: b, auth: xoauth2", "needs tenant and client_id"),
        ("mailbox: help@example.org, host: b, poll_seconds: 0", "expected a number of at least 1"),
    ],
)
def test_a_mistake_in_an_account_to_fetch_from_is_told(tmp_path: Path, said: str, mistake: str) -> None:
    write(tmp_path, a=SMALL, mailgate=f"imap: [{{ {said}, user: c, secret_file: d }}]\n")
    (found,) = mistakes(tmp_path)
    assert mistake in found
