"""YAML with its places: what is read back, and what laying one mapping over another means."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules import located
from mailgate.rules.located import Node, changes, mapping, overlay, read

names = st.text("abc", min_size=1, max_size=2)
words = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=8)
values = st.recursive(words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
mappings = st.dictionaries(names, values, max_size=4)


def node(value: Any) -> Node:
    source = read(json.dumps(value, ensure_ascii=False), "a.yml")
    assert source.root is not None
    return source.root


@given(mappings)
def test_what_is_written_is_what_is_read(value: dict[str, Any]) -> None:
    assert node(value).plain == value


@given(mappings)
def test_nothing_laid_over_or_under_changes_nothing(value: dict[str, Any]) -> None:
    assert overlay(node(value), mapping("b.yml")).plain == value
    assert overlay(mapping("b.yml"), node(value)).plain == value
    assert overlay(node(value), node(value)).plain == value
    assert not list(changes(node(value), node(value)))


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Everything in *value* that is no mapping with entries, by its path."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {there: leaf for name, inner in value.items() for there, leaf in leaves(inner, (*path, name)).items()}


@given(mappings, mappings)
def test_every_value_of_the_upper_wins_and_the_rest_of_the_lower_stays(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    merged = leaves(overlay(node(lower), node(upper)).plain)
    above = {path: leaf for path, leaf in leaves(upper).items() if leaf != {}}
    assert above.items() <= merged.items()
    untouched = {
        path: leaf
        for path, leaf in leaves(lower).items()
        if path and not any(path[: len(other)] == other or other[: len(path)] == path for other in leaves(upper))
    }
    assert untouched.items() <= merged.items()


def test_a_value_knows_its_line_and_column_and_those_of_its_name() -> None:
    root = read("a: 1\nlonger:\n  - x\n  - y: z\n", "a.yml").root
    assert root is not None
    found = root.nearest(("longer", 1, "y"))
    assert (str(found.place), found.place.column, found.key.column) == ("a.yml:4", 8, 5)


def test_text_stays_what_was_written() -> None:
    root = read('a: 007\nb: no\nc: "null"\nd: null\ne: ~\nf:\ng: 2026-12-28\n', "a.yml").root
    assert root is not None
    assert root.plain == {"a": "007", "b": "no", "c": "null", "d": None, "e": None, "f": None, "g": "2026-12-28"}


def test_half_a_character_is_refused_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [problem.line for problem in read('a: x\nb: "\\ud800"', "a.yml").problems] == [2]
    monkeypatch.setattr(located, "_PARSER", yaml.SafeLoader)  # as where there is no libyaml
    assert [str(problem) for problem in read('a: "\\ud800"', "a.yml").problems] == [
        "a.yml:1:4  this holds half a character; write the whole one"
    ]
