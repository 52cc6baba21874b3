"""``mailgate rules check`` on a store that has seen some mail."""

import json
from contextlib import closing
from datetime import timedelta

from mailgate.app import clock
from mailgate.settings import load
from mailgate.store import configurations
from mailgate.store.engine import open_store
from tests.cli.conftest import Shell
from tests.make import ANN, HELPDESK, SERVICE

MAIL = f"From: {ANN}\nTo: {HELPDESK}\nSubject: Broken screen\nMessage-ID: <1@council.example>\n\nA12345\n"


def test_a_rule_that_fitted_nothing_for_90_days_is_named_unless_it_is_newer(mailgate: Shell) -> None:
    names = {"fits": "broken", "does not fit": "unicorn"}
    rules = [{"name": name, "when": {"subject": words}, "then": {"tag": "x"}} for name, words in names.items()]
    (mailgate.config / "service.yml").write_text(json.dumps({**SERVICE, "rules": rules}, indent=1))
    (mailgate.config / "one.eml").write_text(MAIL)
    mailgate("db", "upgrade")
    config = load([mailgate.config], {})
    with closing(open_store(config.operator)) as store:
        configurations.keep(store, config, clock() - timedelta(days=91))
    assert "warning" not in mailgate("rules", "check")[1], "there is no mail to tell by"
    mailgate("ingest", str(mailgate.config / "one.eml"))
    code, output, _ = mailgate("rules", "check")
    warnings = [line.partition("  warning: ")[2] for line in output.splitlines() if "warning: " in line]
    assert code == 0
    assert warnings == ['the rule "does not fit" has not fitted the one mail of the last 90 days; is it still needed?']
    rules[1]["name"] = "a new one"
    (mailgate.config / "service.yml").write_text(json.dumps({**SERVICE, "rules": rules}))
    assert "warning" not in mailgate("rules", "check")[1]
