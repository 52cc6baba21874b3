"""The mistakes that the models find, in the words of whoever edits the file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mailgate.rules.located import Node, Problem

_EXPECTED = {
    "bool": "yes or no",
    "int": "a whole number",
    "float": "a number",
    "string": "words",
    "tuple": "a list",
    "date": "a date such as 2026-12-28",
    "mapping": "lines of the form name: value",
    "dict": "lines of the form name: value",
    "model": "lines of the form name: value",
}

_MOST_NAMES = 500  # to compare a word with each of 10,000 takes so long that nobody waits for a hundred mistakes (S51)


def suggestion(word: str, names: Iterable[str], *, cutoff: float = 0.5) -> str:
    """ "; did you mean ...?" with the nearest of *names*, or what there is to choose from, or nothing."""
    names = list(names)
    likely = names if len(names) <= _MOST_NAMES else [name for name in names if name[:2] == word[:2]]
    near = get_close_matches(word, likely[:_MOST_NAMES], n=1, cutoff=cutoff)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; expected {_choice(names)}" if 0 < len(names) <= 12 else ""


def problems(error: ValidationError, kind: type[BaseModel], root: Node) -> Iterator[Problem]:
    """Every mistake of *error*, found by *kind* in *root*, once for each place."""
    expected: dict[tuple[str, int, int], list[tuple[Node, str]]] = {}
    for found in error.errors(include_url=False):
        path = found["loc"]
        node = root.nearest(path)
        match found["type"], path:
            case "extra_forbidden", (*above, name):
                valid = field_names(kind, above)
                yield node.key.problem(f'unknown key "{name}"{suggestion(str(name), valid)}')
            case "missing", (*_, name):
                yield node.key.problem(f'"{name}" is missing here')
            case "value_error", _:
                yield node.place.problem(_with_found(str(found["ctx"]["error"]), node))
            case _, (*_, name, "[key]"):
                known = _literals(found["ctx"].get("expected", ""))
                yield node.key.problem(f'unknown name "{name}"{suggestion(str(name), known)}')
            case _:
                place = node.place
                expected.setdefault((place.file, place.line, place.column), []).append((node, _wanted(found)))
    for wanted in expected.values():  # a union reports each of its kinds: one sentence for all
        node = wanted[0][0]
        kinds = " or ".join(dict.fromkeys(text for _, text in wanted))
        yield node.place.problem(_with_found(f"expected {kinds}", node))


def field_names(kind: Any, path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may stand at *path* in the model *kind*; none where any name may."""
    for step in path:
        kind = _inner(kind, step)
    model = _model_in(kind)
    return tuple(model.model_fields) if model else ()


def _inner(kind: Any, step: str | int) -> Any:
    """The type one *step* further in."""
    model = _model_in(kind)
    if model is not None:
        field = model.model_fields.get(str(step))
        return field.annotation if field else None
    for choice in _choices(kind):
        origin, inner = get_origin(choice), get_args(choice)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return inner[1]
        if origin is tuple:
            return inner[0]
    return None


def _model_in(kind: Any) -> type[BaseModel] | None:
    return next(
        (choice for choice in _choices(kind) if isinstance(choice, type) and issubclass(choice, BaseModel)), None
    )


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Annotated:
        return _choices(get_args(kind)[0])
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _wanted(found: Any) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "literal_error" | "enum":
            return _choice(_literals(context["expected"]))
        case "greater_than_equal":
            return f"a number of at least {context['ge']}"
        case "greater_than":
            return f"a number above {context['gt']:g}"
        case "less_than_equal":
            return f"a number of at most {context['le']}"
        case other:
            return _EXPECTED.get(other.partition("_")[0], str(found["msg"]))


def _literals(expected: str) -> list[str]:
    """The names in pydantic's "'a', 'b' or 'c'"."""
    return expected.split("'")[1::2]


def _choice(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _with_found(text: str, node: Node) -> str:
    match node.value:
        case _ if not text.startswith("expected"):
            return text
        case None:
            found = "nothing"
        case str(words):
            found = f'"{words if len(words) <= 60 else words[:57] + "..."}"'
        case list():
            found = "a list"
        case _:
            found = "lines of the form name: value"
    return f"{text}, found {found}"
