"""Mails that are decided together: none is in the store yet when the next is decided, and counts all the same."""

from collections import Counter
from dataclasses import dataclass, field, replace

from mailgate.model.decision import Decision, NewTicket
from mailgate.model.facts import Facts
from mailgate.model.message import VERIFIED
from mailgate.model.reading import Reading


@dataclass(slots=True)
class SoFar:
    """Tickets given to each person, and opened from each domain; answers to senders who are not verified."""

    given: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    answered: int = 0

    def added_to(self, facts: Facts, reading: Reading) -> Facts:
        """*facts* about *reading* as they are after what was decided so far."""
        return replace(
            facts.after_giving(self.given),
            opened_by_domain=facts.opened_by_domain + self.opened[reading.sender_domain],
            acknowledged_to_strangers=facts.acknowledged_to_strangers + self.answered,
        )

    def count(self, reading: Reading, decision: Decision) -> None:
        """*decision* was made about *reading*."""
        if reading.verdict not in VERIFIED:
            self.answered += sum(reply.to == reading.sender for reply in decision.replies)
        self.given.update(draft.assignee for draft in decision.drafts if draft.assignee)
        if isinstance(decision.outcome, NewTicket):
            self.opened[reading.sender_domain] += len(decision.drafts)
