"""F10 of docs/reliability.md: whatever people send, in whatever order, and wherever we crash, G1-G5 hold."""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from mailgate.app import context_of
from mailgate.errors import TryLater
from mailgate.model.config import Operator
from mailgate.model.outbound import Outbound, SendState
from mailgate.store import history, outbox, people, spool
from mailgate.store.apply import apply
from mailgate.store.engine import Store
from mailgate.store.tables import instance, messages, metadata, outbox_mails, raw_mails, tickets
from mailgate.store.tables import spool as waiting
from mailgate.workers import intake, loop
from tests.conversation import Conversation
from tests.make import ANN, BEN, CLEO, SERVICE, make_config

REQUEST = "{asset} does not start. I am in room {room}."
ANSWERS = (
    *("Any update?", "Thanks", "It is in room 7.", "It is broken again."),
    *("Done", "I'll take it", "No longer needed", "This is a separate request."),
)
WRITERS = st.sampled_from([ANN, BEN, CLEO.address])  # Cleo works in the team: what she asked for she may order too


class Crash(BaseException):
    """The process ends: nothing of ours may catch it."""


class Gateway(RuleBasedStateMachine):
    """People who write, colleagues' requests that merge and split, orders, and nodes that die."""

    def __init__(self, store: Store, keys: Path) -> None:
        super().__init__()
        self.store = store
        commands = {**SERVICE["commands"], "separate": ["this is a separate request"]}
        config = make_config(commands=commands).model_copy(update={"operator": Operator(keys=str(keys))})
        self.talk = Conversation(store, context_of(config, store))
        self.written: list[tuple[bytes, str]] = []
        self.sent: list[Outbound] = []
        self.keys: set[str] = set()
        self.left: Counter[str] = Counter()

    @initialize()
    def empty(self) -> None:
        with self.store.write() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete().where(table.c.name != "loop_id") if table is instance else table.delete())
            people.put(tx, [CLEO])

    # ---- what people do

    @rule(sender=WRITERS, asset=st.sampled_from(["A11111", "B22222"]), room=st.sampled_from(["3", "4"]))
    def request(self, sender: str, asset: str, room: str) -> None:
        self._arrives(self.talk.mail(REQUEST.format(asset=asset, room=room), sender), sender)

    @rule(data=st.data(), sender=WRITERS, said=st.sampled_from(ANSWERS))
    def answer(self, data: st.DataObject, sender: str, said: str) -> None:
        if self.sent:
            self._arrives(self.talk.mail(said, sender, data.draw(st.sampled_from(self.sent))), sender)

    @rule(data=st.data(), by_another_road=st.booleans())
    def send_again(self, data: st.DataObject, by_another_road: bool) -> None:
        if self.written:
            raw, sender = data.draw(st.sampled_from(self.written))
            self._arrives(raw, f"relay@{len(self.keys)}.example" if by_another_road else sender)

    @rule(hours=st.sampled_from([1, 30, 24 * 20]))
    def time_passes(self, hours: int) -> None:
        self.talk.later(hours=hours)

    def _arrives(self, raw: bytes, sender: str) -> None:
        self.written.append((raw, sender))
        self.keys.add(self.talk.arrives(raw, sender))

    # ---- what nodes do

    @rule(seed=st.integers(0, 9))
    def decide_in_any_order(self, seed: int) -> None:
        mails = list(self.talk.intake.claim())
        random.Random(seed).shuffle(mails)
        self.sent += (mail for done in loop.work(self.talk.intake, mails) for mail in done.outbound)

    @rule(after_the_commit=st.booleans())
    def die_deciding(self, after_the_commit: bool) -> None:
        def dying(*given: Any) -> None:
            if after_the_commit:
                apply(*given)
            raise Crash

        if mails := self.talk.intake.claim():
            with patch.object(intake, "apply", dying), pytest.raises(Crash):
                loop.work(self.talk.intake, mails)
        spool.release_leases_of(self.store, os.getpid())

    @rule()
    def come_back_after_the_lease(self) -> None:
        late = self.talk.intake.claim()
        spool.release_leases_of(self.store, os.getpid())
        self.sent += (mail for done in self.talk.works() for mail in done.outbound)
        if late:
            with pytest.raises(TryLater):
                self.talk.intake.handle(late)

    @rule(die=st.booleans())
    def send(self, die: bool) -> None:
        attempts = outbox.claim(self.store, 10, 60)
        if die:
            outbox.release_leases_of(self.store, os.getpid())
            return
        self.left.update(attempt.message_id for attempt in attempts)
        outbox.record(self.store, [outbox.Result(attempt, SendState.SENT) for attempt in attempts], self.talk.now)

    # ---- what always holds

    @invariant()
    def G1_G2_every_mail_is_there_and_in_one_place(self) -> None:
        with self.store.read() as connection:
            assert set(connection.scalars(select(raw_mails.c.key))) == self.keys
            decided = waiting.outerjoin(messages, messages.c.id == waiting.c.id)
            for state, message in connection.execute(select(waiting.c.state, messages.c.id).select_from(decided)):
                assert (state == "done") == (message is not None)

    @invariant()
    def G3_one_mail_opens_one_ticket(self) -> None:
        same = (messages.c.message_id, messages.c.fingerprint)
        opening = select(func.count()).where(messages.c.action == "new_ticket").group_by(*same)
        with self.store.read() as connection:
            assert set(connection.scalars(opening)) <= {1}

    @invariant()
    def G4_every_history_is_whole(self) -> None:
        with self.store.read() as connection:
            for ref in connection.scalars(select(tickets.c.ref)).all():
                assert history.verify(connection, ref) is None

    @invariant()
    def G5_nothing_leaves_twice(self) -> None:
        mail = outbox_mails.c
        said = (
            select(func.count())
            .select_from(outbox_mails)
            .group_by(mail.ticket_id, mail.message, mail.recipient, mail.cause)
        )
        with self.store.read() as connection:
            assert set(connection.scalars(said)) <= {1}
        assert set(self.left.values()) <= {1}


def test_F10_nothing_is_lost_doubled_or_broken_whatever_happens(store: Store, tmp_path: Path) -> None:
    few = settings(max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Gateway(store, tmp_path / "keys"), settings=few)
