"""Which pages there are."""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version

from mailgate.errors import Refused
from mailgate.store.nodes import Node
from mailgate.store.schema import HEAD
from mailgate.web.health import health
from mailgate.web.server import Answer, Door, Page
from mailgate.web.sight import Observer
from mailgate.workers.receipts import Receipts, may_report, read_receipt

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def pages(observer: Observer) -> Mapping[str, Page]:
    def metrics_page() -> Answer:
        from mailgate.web.metrics import metrics  # only whoever is asked needs the library

        return Answer(metrics(observer), PROMETHEUS)

    def health_page() -> Answer:
        well, body = health(observer)
        return Answer.of(body, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)

    def info_page() -> Answer:
        return Answer.of(
            {
                "version": version("mailgate"),
                "config": observer.config.version,
                "schema": HEAD,
                "started_at": observer.started_at.isoformat(timespec="seconds"),
                "nodes": nodes if (nodes := observer.nodes()) is None else [*map(_node, nodes)],
            }
        )

    def ping_page() -> Answer:
        return Answer(b"pong\n")

    return {"/metrics": metrics_page, "/health": health_page, "/info": info_page, "/ping": ping_page}


def _node(node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "version": node.running.version,
        "config": node.running.config,
        "schema": node.running.schema,
        "started_at": node.started_at.isoformat(timespec="seconds"),
        "seen_at": node.seen_at.isoformat(timespec="seconds"),
        "clock_ahead_seconds": round(node.ahead.total_seconds(), 3),
    }


def receipts_door(receipts: Receipts, token: str) -> Door:
    """Where GOV.UK Notify reports. It tries again on 5xx, never on 4xx; what we do not know is as well as any other."""

    def take(authorization: str, body: bytes) -> Answer:
        if not may_report(authorization, token):
            return Answer(b"not for you\n", status=HTTPStatus.FORBIDDEN)
        try:
            receipts.note(*read_receipt(body))
        except Refused as error:
            return Answer(f"{error}\n".encode(), status=HTTPStatus.BAD_REQUEST)
        return Answer(b"", status=HTTPStatus.NO_CONTENT)

    return take
