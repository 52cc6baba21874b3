"""The directory, from YAML and CSV."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.errors import MailgateError
from mailgate.ingest.directory import read_people
from mailgate.model.people import Person

YAML = b"""# The people of a small help desk.
- {name: Jo Smith, address: Jo.Smith@Council.example, role: agent, unit: 'Floor 2, East', team: service-desk}
- name: Ann Other
  address: ann@council.example
  team:
"""
CSV = (
    '\ufeffName,Address,role,unit,team\r\nJo Smith,Jo.Smith@Council.example,agent,"Floor 2, East",service-desk\r\n'
    "Ann Other,ann@council.example\r\n,,,,\r\n"
).encode()
PEOPLE = (
    Person("jo.smith@council.example", "Jo Smith", "agent", "Floor 2, East", "service-desk"),
    Person("ann@council.example", "Ann Other"),
)


def problems_of(content: bytes, file: str) -> list[str]:
    with pytest.raises(MailgateError) as raised:
        read_people(content, file, ["service-desk", "field-team"])
    return str(raised.value).splitlines()


def test_yaml_and_csv_say_the_same() -> None:
    assert read_people(YAML, "people.yml", ["service-desk"]) == PEOPLE
    assert read_people(CSV, "people.CSV", ["service-desk"]) == PEOPLE


def test_every_mistake_of_a_yaml_file_is_told_at_once_with_its_place() -> None:
    content = b"""- {name: Jo, address: jo@council.example, tem: field-team}
- {name: Jo, address: JO@council.example}
- {name: Al, address: al at council, team: servicedesk}
- just text
- {address: x@council.example, role: [a]}
"""
    assert problems_of(content, "people.yml") == [
        'people.yml:1:43  unknown column "tem"; nearest is "team"',
        'people.yml:2:3  "jo@council.example" is given twice; the first is on line 1',
        'people.yml:3:3  "al at council" is not a mail address',
        'people.yml:3:3  unknown team "servicedesk"; nearest is "service-desk"',
        "people.yml:4:3  expected a person: name: …, address: …",
        'people.yml:5:38  expected text for "role"',
        "people.yml:5:3  this person has no name",
    ]


def test_every_mistake_of_a_csv_file_is_told_at_once_with_its_line() -> None:
    content = b"name,address,team\nJo,jo@council.example,field-tem\n,nobody,\nAl,al@council.example,,x\n"
    assert problems_of(content, "people.csv") == [
        'people.csv:2:1  unknown team "field-tem"; nearest is "field-team"',
        "people.csv:3:1  this person has no name",
        'people.csv:3:1  "nobody" is not a mail address',
        "people.csv:4:1  expected 3 values, found 4",
    ]


@pytest.mark.parametrize(
    ("content", "file", "words"),
    [
        (b"nme,address\n", "people.csv", 'unknown column "nme"; nearest is "name"'),
        (b"", "people.csv", 'there is no column "name"'),
        (b"name,name,address\n", "people.csv", "given twice"),
        (b'name,address\n"Jo,jo@council.example\n', "people.csv", "cannot be read as CSV"),
        (b"name,address\nJ\xf6,jo@council.example\n", "people.csv", 'save it as "CSV UTF-8"'),
        (b"name: Jo\n", "people.yml", "expected a list of people"),
        (b"- {name: Jo\n", "people.yml", "cannot be read as YAML"),
        (b"- !!python/object:os.system {name: Jo}\n", "people.yml", "the tag"),
        (b"", "people.yml", "expected a list of people"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_words(content: bytes, file: str, words: str) -> None:
    assert any(words in problem for problem in problems_of(content, file))


@given(st.binary(max_size=200), st.sampled_from(["people.csv", "people.yml"]))
def test_whatever_is_in_the_file_it_is_people_or_a_mistake(content: bytes, file: str) -> None:
    with suppress(MailgateError):
        people = read_people(b"name,address\n" + content if file.endswith("csv") else content, file)
        assert all(re.fullmatch(r"\S.*@\S+", person.address) for person in people)
