"""YAML as values that know where they stand, so that a mistake can be shown to whoever made it.

Every scalar stays the text that somebody wrote, and a model turns "yes" or "3" into what it
asks for: nothing is guessed on the way (YAML 1.2 has no "yes" anyway). Anchors may be
written but not referred to, so that no file can be larger than it looks (S51).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import AliasEvent, DocumentStartEvent, MappingStartEvent, MarkedYAMLError, ScalarEvent, SequenceStartEvent
from yaml.reader import ReaderError

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: twenty times as fast
_DEPTH = 50
_MOST_VALUES = 50_000  # in one file: 2,000 rules are 30,000
_MOST_PROBLEMS = 100
_LONGEST_SHOWN = 80
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake and where it stands; line and column count from 1, and are 0 for what has none."""

    file: str
    line: int
    column: int
    text: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.where}  {self.text}"


@dataclass(frozen=True, slots=True)
class Place:
    """A file (or a variable of the environment), line and column."""

    file: str
    line: int = 0
    column: int = 0

    def problem(self, text: str) -> Problem:
        return Problem(self.file, self.line, self.column, text)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(slots=True)
class Node:
    """A value at *place*; *key* is where the name of a mapping's entry stands, else its own place."""

    value: "str | list[Node] | dict[str, Node] | None"
    place: Place
    key: Place

    @property
    def entries(self) -> "dict[str, Node]":
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def plain(self) -> Any:
        """The value without its places."""
        match self.value:
            case dict(entries):
                return {name: node.plain for name, node in entries.items()}
            case list(items):
                return [node.plain for node in items]
            case scalar:
                return scalar

    def scalars(self) -> "Iterator[Node]":
        """Every value in it that holds no others."""
        match self.value:
            case dict() | list():
                inner = self.value.values() if isinstance(self.value, dict) else self.value
                for node in inner:
                    yield from node.scalars()
            case _:
                yield self

    def nearest(self, path: Sequence[str | int]) -> "Node":
        """The node at *path*, or the last one on the way; a step that leads nowhere is skipped."""
        node = self
        for step in path:
            node = node._step(step) or node
        return node

    def each(self, pattern: Sequence[str]) -> "Iterator[Node]":
        """Every node at *pattern*, where "*" is any entry or item; a lone scalar is a list of one."""
        if not pattern:
            yield self
            return
        first, *rest = pattern
        match self.value:
            case dict(entries):
                found = list(entries.values()) if first == "*" else [entries[first]] if first in entries else []
            case list(items) if first == "*":
                found = items
            case str() if first == "*":
                found = [Node(self.value, self.place, self.place)]
            case _:
                found = []
        for node in found:
            yield from node.each(rest)

    def _step(self, step: str | int) -> "Node | None":
        match self.value:
            case dict(entries):
                return entries.get(str(step))
            case list(items) if isinstance(step, int) and step < len(items):
                return items[step]
        return None


def mapping(file: str) -> Node:
    """An empty mapping, for what nobody wrote."""
    return Node({}, Place(file), Place(file))


@dataclass(slots=True)
class Source:
    """What one file says: *root* is None where it could not be read at all."""

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)


def read(text: str, file: str) -> Source:
    """The one document in *text*, with its mistakes: syntax, tags, aliases, keys given twice (S50, S51)."""
    reader = _Reader(file)
    source = Source(problems=reader.problems)
    try:
        source.root = reader.document(text)
    except _Unreadable as error:
        reader.problems.append(error.problem)
    except MarkedYAMLError as error:
        why = f"this cannot be read as YAML: {error.problem or error.context}"
        reader.problems.append(_where(error, text, file).problem(why))
    except ReaderError as error:  # a control character: it gives its offset alone
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        reader.problems.append(Problem(file, line, column, "this character cannot stand in a YAML file"))
    return source


def _where(error: MarkedYAMLError, text: str, file: str) -> Place:
    """Where it stops being YAML; behind the end, where what has no end was begun, else the last line."""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark and mark.index < len(text)]
    return Place(file, marks[0].line + 1, marks[0].column + 1) if marks else Place(file, text.count("\n") + 1, 1)


class _Unreadable(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Reader:
    """Builds nodes from the events of the YAML parser."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._values = 0

    def document(self, text: str) -> Node:
        self._events = iter(yaml.parse(text, Loader=_PARSER))
        found: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if found is not None:
                    raise _Unreadable(self._place(event).problem("expected one document; take out the line ---"))
                found = self._node(next(self._events), 0)
        return found or mapping(self.file)  # comments alone say nothing, and that is allowed

    def _node(self, event: Any, depth: int, key: Place | None = None) -> Node:
        place = self._place(event)
        if isinstance(event, AliasEvent):
            raise _Unreadable(place.problem(f"*{event.anchor} refers to another value; write that value here again"))
        if depth > _DEPTH:
            raise _Unreadable(place.problem(f"this is nested more than {_DEPTH} levels deep"))
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _Unreadable(place.problem(f"this file has more than {_MOST_VALUES} values; split it"))
        if len(self.problems) >= _MOST_PROBLEMS:
            raise _Unreadable(place.problem("there are too many mistakes before this to read on"))
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.append(place.problem(f"the tag {shown} is not allowed; write a plain value"))
        if isinstance(event, MappingStartEvent):
            return Node(self._entries(depth), place, key or place)
        if isinstance(event, SequenceStartEvent):
            return Node(list(self._items(depth)), place, key or place)
        is_null = event.value in _NULLS and event.implicit[0] and event.style in (None, "")
        if any("\ud800" <= character <= "\udfff" for character in event.value):
            self.problems.append(place.problem("this holds half a character; write the whole one"))
        if is_null:  # nothing at all stands nowhere: its name is what can be shown
            return Node(None, key or place, key or place)
        return Node(event.value, place, key or place)

    def _items(self, depth: int) -> Iterator[Node]:
        while not _ends(event := next(self._events)):
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not _ends(event := next(self._events)):
            name = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1, name.place)
            if not isinstance(event, ScalarEvent):
                self.problems.append(name.place.problem("expected a name before the colon, found a list or a mapping"))
            elif (first := entries.get(event.value)) is not None:
                text = f'"{event.value}" is given twice; the first is on line {first.key.line}'
                self.problems.append(name.place.problem(text))
            else:
                entries[event.value] = value
        return entries

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)


def _ends(event: Any) -> bool:
    return type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent")


def join(files: Sequence[Node], folder: str) -> Source:
    """The files of one *folder* as one: ``rules`` follow one another, any other key stands once."""
    joined = mapping(folder)
    problems: list[Problem] = []
    for name, node in (entry for file in files for entry in file.entries.items()):
        first = joined.entries.get(name)
        if first is None:
            joined.entries[name] = node
        elif name == "rules" and isinstance(first.value, list) and isinstance(node.value, list):
            joined.entries[name] = Node([*first.value, *node.value], first.place, first.key)
        else:
            problems.append(first.key.problem(f'"{name}" also stands in {node.key}; it may stand in one file only'))
            problems.append(node.key.problem(f'"{name}" also stands in {first.key}; it may stand in one file only'))
    return Source(joined, problems)


def overlay(base: Node, top: Node) -> Node:
    """*base* with the values of *top* in front of its own: key by key, lists as a whole, ``rules`` after its rules."""
    merged = _laid_over(base, top)
    base_rules, top_rules = base.entries.get("rules"), top.entries.get("rules")
    if base_rules and top_rules and isinstance(base_rules.value, list) and isinstance(top_rules.value, list):
        merged.entries["rules"] = Node([*base_rules.value, *top_rules.value], base_rules.place, base_rules.key)
    return merged


def _laid_over(base: Node, top: Node) -> Node:
    if not isinstance(base.value, dict) or not isinstance(top.value, dict):
        return top
    both = {name: _laid_over(node, top.value[name]) if name in top.value else node for name, node in base.value.items()}
    return Node(both | {name: node for name, node in top.value.items() if name not in both}, top.place, top.key)


def changes(base: Node, top: Node, path: str = "") -> Iterator[str]:
    """What *top*, laid over *base*, changes or adds, in the order of *top*: "region: Southmarch, was Northmere"."""
    for name, node in top.entries.items():
        here = f"{path}.{name}" if path else name
        old = base.entries.get(name)
        if here == "rules" and isinstance(node.value, list):
            yield f"rules: {len(node.value)} added"
        elif old is None:
            yield f"{here}: {_short(node.plain)} (added)"
        elif isinstance(old.value, dict) and isinstance(node.value, dict):
            yield from changes(old, node, here)
        elif old.plain != node.plain:
            yield f"{here}: {_short(node.plain)}, was {_short(old.plain)}"


def _short(value: Any) -> str:
    """*value* on one line, as somebody might have written it, up to the length of one."""
    match value:
        case list():
            text = f"[{', '.join(map(_short, value))}]"
        case dict():
            text = f"{{{', '.join(f'{name}: {_short(each)}' for name, each in value.items())}}}"
        case _:
            text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
