"""``deploy/prometheus`` and ``deploy/grafana``: they name what ``/metrics`` prints, and each alarm says what to do."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mailgate.model.health import AccountHealth, AccountState
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.outbound import SendState
from mailgate.store.engine import open_store
from mailgate.store.schema import upgrade
from mailgate.web.counts import ALERTING, WORKERS, Counts
from mailgate.web.health import SILENT_AFTER
from mailgate.web.metrics import metrics
from mailgate.web.sight import Observer
from mailgate.workers.presence import Presence, running
from mailgate.workers.watch import Hour, Watched
from tests.gateway import ROOT
from tests.make import HELPDESK, make_config

FILE = ROOT / "deploy/prometheus/alerts.yml"
(GROUP,) = yaml.safe_load(FILE.read_text())["groups"]
ALARMS = {rule["alert"]: rule for rule in GROUP["rules"]}
DASHBOARD = json.loads((ROOT / "deploy/grafana/mailgate.json").read_text())
DRAWN = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
OPERATIONS = (ROOT / "docs/operations.md").read_text()
METRIC = re.compile(r"\b(mailgate_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(?:=~|!=|=)"([^"]*)"')


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> dict[str, dict[str, set[str]]]:
    """What ``/metrics`` of a busy gateway prints: every name, its labels, and the values that these had."""
    folder = tmp_path_factory.mktemp("store")
    store = open_store(Operator(store=StoreSettings(url=f"sqlite:///{folder}/mailgate.db")))
    upgrade(store)
    now, counts = datetime.now(UTC), Counts()
    for worker in (*WORKERS, *ALERTING):
        counts.of(0).turned(worker)
    presence = Presence(store, "a", lambda: running(make_config()), lambda: now, lambda *_: None)
    presence.turn()
    observer = Observer(
        config=make_config(),
        store=store,
        counts=counts,
        clock=lambda: now,
        started_at=now,
        free_bytes=lambda: 10**12,
        accounts=(AccountHealth(HELPDESK, AccountState.READING, now, waiting=3),),
        watched=Watched(hours={HELPDESK: Hour(3, 4.0)}, days_left={"smtp.tls": 20.0}, differences=0),
        presence=presence,
    )
    text = metrics(observer).decode()
    store.close()
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        names = {sample.name for sample in family.samples} or {family.name}  # a gauge without values yet
        for name in names:
            found[name] = defaultdict(set)
        for sample in family.samples:
            for label, value in sample.labels.items():
                found[sample.name][label].add(value)
    return found


def test_every_metric_and_label_value_of_an_alarm_or_a_panel_is_printed(page) -> None:
    for expression in (*(rule["expr"] for rule in ALARMS.values()), *DRAWN):
        named = METRIC.findall(expression)
        assert named
        for name, matchers in named:
            assert name in page, f"{expression}: /metrics prints no {name}"
            for label, values in MATCHER.findall(matchers):
                known = {str(state) for state in SendState} if label == "state" else page[name][label]
                assert set(values.split("|")) <= known, f"{expression}: {label} is never {values}"


def test_every_label_by_which_something_is_grouped_is_printed(page) -> None:
    for expression in (*(rule["expr"] for rule in ALARMS.values()), *DRAWN):
        for labels, name in re.findall(r"by \(([\w, ]+)\) \((?:\w+\()*(mailgate_\w+)", expression):
            printed = {"instance", "le", "state", "mailbox"} | set(page[name])  # instance is Prometheus's own
            assert set(labels.split(", ")) <= printed, expression


def test_each_alarm_says_what_happened_and_has_its_heading() -> None:
    headings = set(re.findall(r"^### (\w+)$", OPERATIONS.partition("## Alarms")[2].partition("\n## ")[0], re.MULTILINE))
    assert headings == set(ALARMS)
    for name, rule in ALARMS.items():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


def test_every_command_that_the_document_names_exists() -> None:
    from mailgate.cli.main import COMMANDS

    known = {words for words, *_ in COMMANDS}
    for named in re.findall(r"`mailgate ([a-z][a-z -]*)", OPERATIONS):
        words = named.split(" -")[0].split()
        assert {" ".join(words[:1]), " ".join(words[:2])} & known, named


def test_a_worker_is_silent_for_the_alarm_when_it_is_for_health() -> None:
    waits = set(map(int, re.findall(r"> (\d+)", ALARMS["MailgateWorkerSilent"]["expr"])))
    assert waits == {int(wait.total_seconds()) for wait in SILENT_AFTER.values()}
    assert SILENT_AFTER["delivery"] == max(SILENT_AFTER.values())


def promtool(*arguments: object) -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: make services")
    done = subprocess.run(["promtool", *map(str, arguments)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_reads_the_alarms() -> None:
    promtool("check", "rules", FILE)


def test_the_alarms_ring_when_they_should_and_only_then(tmp_path) -> None:
    shutil.copy(FILE, tmp_path)
    shutil.copy(Path(__file__).parent / "alerts.test.yml", tmp_path)
    promtool("test", "rules", tmp_path / "alerts.test.yml")
    played = yaml.safe_load((tmp_path / "alerts.test.yml").read_text())["tests"]
    rung = {test["alertname"] for each in played for test in each["alert_rule_test"]}
    starred = set(re.findall(r"^### (\w+)\n\n\\\* ", OPERATIONS, re.MULTILINE))
    assert rung == starred


def test_prometheus_reads_what_the_dashboard_draws(tmp_path) -> None:
    rules = [{"record": f"panel:{n}", "expr": text.replace("$__rate_interval", "5m")} for n, text in enumerate(DRAWN)]
    (tmp_path / "drawn.yml").write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "drawn.yml")


def test_no_panel_lies_on_another_and_each_alarm_that_one_names_exists() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    named = re.findall(r"Alarm (\w+)", " ".join(panel.get("description", "") for panel in DASHBOARD["panels"]))
    assert set(named) < set(ALARMS)
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${source}"}
