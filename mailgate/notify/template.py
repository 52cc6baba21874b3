"""One template: Markdown with a subject, checked and turned into text and HTML once.

A template can do nothing but show the fields of its message, choose by them and repeat:
whatever a mail says, it is text (S47).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import NamedTuple, TypeGuard

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from mailgate.model.sending import Language
from mailgate.notify import fields, layout
from mailgate.notify.fields import LAYOUT, Values


class Mistake(NamedTuple):
    """What is wrong in a template, and on which line of it."""

    line: int
    text: str


class Source(NamedTuple):
    """A template as it was read: *file* is how messages name it."""

    file: str
    text: str


class Parts(NamedTuple):
    """A template taken apart; *above*: how many lines stand above *body*. No mail shows what *draft* says."""

    subject: str
    draft: str
    above: int
    body: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message in one of the languages of its mail."""

    language: Language
    subject: Template
    text: Template
    html: Template


class Frame:
    """The layout: what stands around the contents of every page."""

    def __init__(self, text: str) -> None:
        self._template = _HTML.from_string(_unix(text).replace(_CONTENT, "{{ content }}"))

    def around(self, pages: Iterable[str], values: Values) -> str:
        """The page with *pages*, HTML that is filled in, one below the other."""
        return self._template.render(values, content=_RULE.join(map(Markup, pages)))


_FRONT = re.compile(r"---\nsubject: *(?P<subject>\S.*)\n(?:draft: *(?P<draft>\S.*)\n)?---\n")
_CONTENT = "<!-- content -->"
_RULE = Markup('\n<hr style="margin:24px 0 24px 0">\n')
_ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.For, nodes.Const,
    nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.CondExpr,
)  # fmt: skip


def _environment(autoescape: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=autoescape, undefined=StrictUndefined, cache_size=0)
    environment.globals.clear()  # no template may use them, and each mail would copy them
    return environment


_PLAIN = _environment(autoescape=False)
_HTML = _environment(autoescape=True)


def parts(text: str) -> Parts | None:
    """What the template *text* consists of; None where it does not begin as a template does."""
    text = _unix(text)
    front = _FRONT.match(text)
    if front is None:
        return None
    return Parts(front["subject"], front["draft"] or "", front[0].count("\n"), text[front.end() :])


def check_template(name: str, text: str, key_name: str = "") -> tuple[Mistake, ...]:
    """What is wrong in the template *text* of *name*; *key_name* names the case.

    *name* is that of a message, with "cy/" before it for the one in Welsh, or "layout".
    """
    message = fields.message_of(name)
    allowed = fields.allowed(message, key_name)
    if message == LAYOUT:
        found = list(_field_mistakes(_unix(text), allowed, 0))
        return tuple(found if _CONTENT in text else [*found, Mistake(1, f"the layout has no {_CONTENT}")])
    taken = parts(text)
    if taken is None:
        return (Mistake(1, 'a template begins with a line "---", a line "subject: …" and a line "---"'),)
    found = [*_field_mistakes(taken.subject, allowed, 1), *_field_mistakes(taken.body, allowed, taken.above)]
    found += [Mistake(line + taken.above, sentence) for line, sentence in layout.mistakes(taken.body)]
    return tuple(sorted(found))


def _field_mistakes(source: str, allowed: frozenset[str], lines_before: int) -> Iterator[Mistake]:
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        yield Mistake(lines_before + error.lineno, error.message or "this is not a template")
        return
    unknown = meta.find_undeclared_variables(tree) - allowed
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name in unknown:
            nearest = get_close_matches(node.name, sorted(allowed), 1, 0.5)
            hint = f'; nearest is "{nearest[0]}"' if nearest else f"; there are: {', '.join(sorted(allowed))}"
            yield Mistake(lines_before + node.lineno, f'unknown field "{node.name}"{hint}')
        elif _is_of_a_row(node, allowed):
            if node.attr not in _OF_ROWS:
                hint = f"there are: {', '.join(sorted(_OF_ROWS))}"
                yield Mistake(lines_before + node.lineno, f'what is listed has no "{node.attr}"; {hint}')
        elif not isinstance(node, _ALLOWED_NODES):
            words = "a template can show a field, and use if and for; nothing else"
            yield Mistake(lines_before + (node.lineno or 1), words)


def _is_of_a_row(node: nodes.Node, allowed: frozenset[str]) -> TypeGuard[nodes.Getattr]:
    """Whether it is a field of what a list is gone through for: ``each.reference``."""
    return isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name not in allowed


_OF_ROWS = fields.OF_TICKETS.union(*fields.ROWS.values())


# ------------------------------------------------------------------ what may be missing

_SHOWN = re.compile(r"\{\{.*?\}\}")
_HOLE = re.compile("\x01(\\w+)\x02(\\d+)\x03")


class _Missing(str):
    """A field without a value that gives itself away where it is shown all the same."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


def holes(name: str, text: str, key_name: str = "") -> tuple[Mistake, ...]:
    """Where the template *text*, in itself without mistakes, shows a field that has no value.

    It is filled in with each field missing by itself and with all of them, each time for
    colleagues and others, in time and late.
    """
    taken, message = parts(text), fields.message_of(name)
    if message == LAYOUT or taken is None:
        return ()
    lines = [(2, taken.subject), *enumerate(taken.body.splitlines(), taken.above + 1)]
    marked = "\n".join(_SHOWN.sub(f"\\g<0>\x02{at}\x03", line) for at, line in lines)
    template = _PLAIN.from_string(marked)
    found = {
        Mistake(int(at), f'"{field}" may have no value: show it inside {{% if {field} %}} … {{% endif %}}')
        for values in _fillings(message, key_name)
        for field, at in _HOLE.findall(template.render(values))
    }
    return tuple(sorted(found))


def _fillings(message: str, key_name: str) -> Iterator[Values]:
    names = fields.allowed(message, key_name) - fields.SWITCHES - fields.LISTS - fields.ROWS.keys() - {fields.TICKETS}
    keys = {"key", "key_label", fields.key_field(key_name)}
    optional = names - fields.NEVER_EMPTY
    together = [keys, *({name} for name in sorted(optional - keys)), optional, set()]
    filled: Values = dict.fromkeys(names, "x") | {name: ["x"] for name in fields.LISTS}
    filled |= {name: [dict.fromkeys(row, "x")] for name, row in fields.ROWS.items()}
    filled[fields.TICKETS] = [dict.fromkeys(fields.OF_TICKETS, "x")]
    for missing, internal, late in product(together, (True, False), (True, False)):
        empty = {name: _Missing(f"\x01{name}") for name in missing}
        yield filled | empty | {"internal": internal, "late": late}


# ------------------------------------------------------------------ text and HTML


def compiled(text: str, language: Language, below: int) -> Prepared:
    """The template *text*, which has no mistakes; *below* counts the languages above it in the mail."""
    taken = parts(text)
    assert taken is not None  # check_template saw to it
    return Prepared(
        language=language,
        subject=_PLAIN.from_string(taken.subject),
        text=_PLAIN.from_string(layout.to_text(taken.body)),
        html=_HTML.from_string(layout.to_html(taken.body, language if below else "", below)),
    )


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")
