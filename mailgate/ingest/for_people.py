"""The HTML of a mail as a person may be shown it: cleaned, with nothing in it that is fetched from anywhere (R23)."""

import nh3

from mailgate.ingest.content import html_of
from mailgate.ingest.tree import read_tree

_TAGS = frozenset(
    {"a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strike", "strong"}
    | {"sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"}
)
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}


def html_for_people(raw: bytes) -> str:
    """The HTML parts of the mail *raw*, cleaned; "" where it has none.

    No script, style, form, picture or frame is left, and no link but to http, https and mailto with its host in it:
    nh3 by itself keeps ``href="//evil.example"`` (R23).
    """
    return nh3.clean(
        html_of(read_tree(raw).root),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
