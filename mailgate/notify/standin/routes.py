"""The routes of docs/notify.md section 4."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mailgate.notify.standin.access import Refusal
from mailgate.notify.standin.known import Known, Reply, now
from mailgate.notify.standin.messages import Said, filled
from mailgate.notify.texts import Text

PAGE = 250

Groups = tuple[str, ...]
Query = Mapping[str, list[str]]
Handle = Callable[[Known, str, Groups, Query, Said], Reply]


def answer(knows: Known, kind: str, method: str, path: str, said: Said) -> Reply:
    """The answer to one call by a key of *kind*."""
    parts = urlsplit(path)
    for (wanted, pattern), handle in ROUTES.items():
        found = re.fullmatch(pattern, parts.path) if method == wanted else None
        if found:
            return handle(knows, kind, found.groups(), parse_qs(parts.query), said)
    raise Refusal(404, "NotFound", "The requested URL was not found on the server.")


def _email(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    return knows.send("email", kind, said)


def _sms(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    return knows.send("sms", kind, said)


def _one(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    found = next((each for each in knows.sent if each["id"] == groups[0]), None)
    if found is None:
        raise _unknown()
    return 200, found


def _list(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    """Newest first, a page at a time, and only what was sent with the same type of key."""
    wanted = {name: query[name][0] for name in ("reference", "status") if name in query}
    found = [each for each in reversed(knows.sent) if each["kind"] == kind]
    found = [each for each in found if all(each[name] == value for name, value in wanted.items())]
    if "older_than" in query:
        ids = [each["id"] for each in found]
        last = query["older_than"][0]
        found = found[ids.index(last) + 1 :] if last in ids else []
    page = found[:PAGE]
    links = {"current": f"{knows.url}/v2/notifications"}
    if page:  # of the last page too: what follows it is empty
        links["next"] = f"{knows.url}/v2/notifications?older_than={page[-1]['id']}"
    return 200, {"notifications": page, "links": links}


def _templates(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    wanted = query.get("type", [""])[0]
    texts = knows.templates.texts.items()
    return 200, {"templates": [_shown(name, text) for name, text in texts if wanted in ("", text.kind)]}


def _template(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    return 200, _shown(groups[0], _text(knows, groups[0]))


def _preview(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    text = _text(knows, groups[0])
    return 200, {"id": groups[0], "type": text.kind, "version": 1, "body": filled(text.body, said)}


def _received(knows: Known, kind: str, groups: Groups, query: Query, said: Said) -> Reply:
    return 200, {"received_text_messages": [], "links": {"current": f"{knows.url}/v2/received-text-messages"}}


_ID = "([0-9a-f-]{36})"
ROUTES: Mapping[tuple[str, str], Handle] = {
    ("POST", "/v2/notifications/email"): _email,
    ("POST", "/v2/notifications/sms"): _sms,
    ("GET", f"/v2/notifications/{_ID}"): _one,
    ("GET", "/v2/notifications"): _list,
    ("GET", "/v2/templates"): _templates,
    ("GET", f"/v2/template/{_ID}"): _template,
    ("GET", rf"/v2/template/{_ID}/version/\d+"): _template,
    ("POST", f"/v2/template/{_ID}/preview"): _preview,
    ("GET", "/v2/received-text-messages"): _received,
}


def _text(knows: Known, name: str) -> Text:
    if name not in knows.templates.texts:
        raise _unknown()
    return knows.templates.texts[name]


def _unknown() -> Refusal:
    return Refusal(404, "NoResultFound", "No result found")


def _shown(name: str, text: Text) -> dict[str, Any]:
    fields = {field: {"required": True} for field in text.fields}
    shown = {"id": name, "name": text.title, "type": text.kind, "version": 1, "personalisation": fields}
    return shown | {"body": text.body, "subject": text.subject or None, "created_at": now(), "created_by": "dev"}
