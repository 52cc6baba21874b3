"""What was known of a mail when it was decided comes back as it was; so do the configurations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailgate import decide, understand
from mailgate.errors import Refused
from mailgate.model.decision import Action
from mailgate.model.facts import Facts
from mailgate.model.people import Person
from mailgate.store import configurations, known, tickets
from mailgate.store.engine import Store
from tests.make import ANN, NOW, make_config, make_message, make_ticket
from tests.store import made

CONFIG = make_config()
ODD = "half a \ud800 character and a \0"


def _stored(store: Store, *settled: made.Settled) -> list[known.KnownMail]:
    made.applied(store, *settled)
    with store.read() as connection:
        return known.mails(connection, made.NOW - timedelta(days=1), 0, 2**40)


def test_a_mail_is_read_again_as_it_was_read_first(store: Store) -> None:
    message = make_message("A12345 does not start in room 7.", headers={"x-priority": ("1", ODD)}, marking="OFFICIAL")
    reading = understand.read(message, made.envelope(), CONFIG)
    person = Person(ANN, "Ann", "head of service", "Town Hall", "")
    facts = Facts(made.NOW, sender=person, same_case=(make_ticket(due_at=NOW),), acknowledged=3)
    first = replace(made.new_ticket(made.spooled(store), what=reading), facts=facts)
    (found,) = _stored(store, first)
    assert (found.action, found.ref, found.opened) == (Action.NEW_TICKET, "MG-7K3F-99", True)
    assert found.facts == facts
    again = understand.reread(found.reading, CONFIG)
    assert replace(again, message=message) == reading
    assert again.message == replace(message, text="")
    assert decide.decide(again, CONFIG, found.facts) == decide.decide(reading, CONFIG, facts)


def test_mails_come_in_order_of_their_ids_and_go_on_where_they_stopped(store: Store) -> None:
    mails = [replace(made.ignored(made.spooled(store)), facts=Facts(made.NOW)) for _ in range(3)]
    first, *others = [mail.id for mail in _stored(store, *mails)]
    with store.read() as connection:
        edge = known.edge(connection, made.NOW - timedelta(days=1), first, 1)
        assert edge == others[0]
        following = known.mails(connection, made.NOW - timedelta(days=1), first, edge)
        assert [mail.id for mail in following] == others[:1]
        assert known.edge(connection, made.NOW - timedelta(days=1), others[-1], 1) is None
        assert known.count(connection, made.NOW - timedelta(days=1), first) == 2
        assert known.count(connection, made.NOW + timedelta(days=1)) == 0


def test_what_nobody_decided_is_not_known(store: Store) -> None:
    assert _stored(store, made.ignored(made.spooled(store))) == []


def test_a_configuration_comes_back_by_its_version(store: Store) -> None:
    rule = {"name": "loud", "when": {"has": "room", "subject": ["a", "/b/"], "attachment": False}, "then": {"tag": "x"}}
    config = make_config(rules=[rule])
    for at in (NOW, NOW + timedelta(days=1)):
        configurations.keep(store, config, at)
    with store.read() as connection:
        found = configurations.kept(connection, config.version)
        assert (found.version, found.service) == (config.version, config.service)
        assert configurations.rules_since(connection) == {"loud": NOW}
        with pytest.raises(Refused, match="neither a folder nor the version"):
            configurations.kept(connection, "nonsense")


def test_the_history_of_a_ticket_begins_with_the_version_of_the_rules_that_routed_it(store: Store) -> None:
    made.opened(store)
    with store.read() as connection:
        assert tickets.show(connection, "MG-7K3F-99", None)["events"][0]["data"]["rules"] == "v1"
