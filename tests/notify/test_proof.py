"""What ``template check`` finds."""

from pathlib import Path

from mailgate.model.config import Config
from mailgate.notify.files import read_templates
from mailgate.notify.proof import mistakes, notes
from mailgate.notify.samples import in_language
from mailgate.notify.template import Source
from tests.make import make_config

SHIPPED = Path(__file__).parent.parent.parent / "mailgate"
CONFIG = make_config()


def sources(config: Config = CONFIG, **changed: str) -> dict[str, Source]:
    found = read_templates(config, [SHIPPED], welsh=True)
    return found | {name: Source(f"{name}.md", text) for name, text in changed.items()}


def test_what_ships_has_no_mistakes() -> None:
    assert mistakes(CONFIG, sources()) == ()


def test_a_subject_that_would_be_cut_is_a_mistake() -> None:
    long = "---\nsubject: " + "We have your request " * 5 + "\n---\n# A\n"
    (found,) = mistakes(CONFIG, sources(received=long))
    assert found[0] == "received.md"
    assert found[1] == (2, 'the subject in "en+cy" is longer than 120 characters, and would be cut')


def test_a_mistake_stops_the_search_for_holes_in_that_template_alone() -> None:
    wrong = {"received": "---\nsubject: A\n---\n# {{ nobody }}\n", "done": "---\nsubject: A\n---\n# {{ task }}\n"}
    found = mistakes(CONFIG, sources(**wrong))
    assert [(file, mistake.line, mistake.text.partition(":")[0].partition(";")[0]) for file, mistake in found] == [
        ("received.md", 4, 'unknown field "nobody"'),
        ("done.md", 4, '"task" may have no value'),
    ]


def test_notes_name_drafts_and_what_goes_out_in_english() -> None:
    said = list(notes(CONFIG, sources()))
    assert any(note.endswith("cy/received.md  draft: a translator has to read this") for note in said)
    assert '"alert" has no template in Welsh: it goes out in English' in said
    assert not any('"welsh"' in note for note in said)


def test_notes_name_words_without_welsh_and_welsh_without_words() -> None:
    config = make_config(welsh={"the room": "yr ystafell", "the rom": "yr ystafell"})
    assert list(notes(config, sources()))[-1] == '"welsh" has "the rom", which no mail says; nearest is "the room"'
    said = list(notes(in_language(config, "en+cy"), sources()))
    assert '"welsh" does not have "Repair": it stays in English' in said
    assert not any('"the room": it stays' in note for note in said)
