"""Which ticket a mail belongs to, by evidence, and whether its sender may post there (E120, E121).

Facts bring the evidence, strongest first; tokens in it have been checked. Doubt means a new
ticket that says which one it claims (E3): never a stranger's words in somebody else's ticket.
"""

from dataclasses import dataclass

from mailgate.model.config import Config
from mailgate.model.facts import Evidence, Facts
from mailgate.model.message import VERIFIED, Verdict
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import Ticket

RANK_ADDRESS, RANK_OUR_ID, RANK_THEIR_ID, RANK_TAG = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Thread:
    """*evidence* is what the mail joins by; *claims* are tickets it names without the right to post there.

    *is_newcomer*: the sender takes no part in the ticket so far, and only holds a token of it (E121).
    """

    evidence: Evidence | None = None
    is_newcomer: bool = False
    claims: tuple[Ticket, ...] = ()
    trace: Trace = ()


def joins(reading: Reading, config: Config, facts: Facts) -> Thread:
    """The strongest evidence whose ticket the sender may post to; other tickets with evidence become claims."""
    ordered = sorted(facts.evidence, key=lambda each: (each.rank, -_place(each, reading)))
    judged = [(each, _may_not_post(each, reading, config, facts)) for each in ordered]
    joined = next((each for each, refused in judged if not refused), None)
    claims: dict[str, tuple[Ticket, Match]] = {}
    for each, refused in judged:
        ref = each.ticket.ref
        if joined is None or ref != joined.ticket.ref:
            why = refused or "other evidence is stronger"
            claims.setdefault(ref, (each.ticket, Match("thread", ref, where=each.how, effect=f"claims {ref}: {why}")))
    trace = tuple(match for _, match in claims.values())
    is_newcomer = joined is not None and not _takes_part(joined.ticket, reading, config, facts)
    if joined is not None:
        ref = joined.ticket.ref
        effect = f"joins {ref} as a new participant" if is_newcomer else f"joins {ref}"
        trace = (Match("thread", ref, where=joined.how, effect=effect), *trace)
    return Thread(joined, is_newcomer, tuple(ticket for ticket, _ in claims.values()), trace)


def about(facts: Facts) -> Evidence | None:
    """The ticket that a failure to deliver reports on, whoever reports it: good for a note, for nothing else (E141)."""
    known = (evidence for evidence in facts.evidence if evidence.rank <= RANK_TAG)
    return min(known, key=lambda evidence: evidence.rank, default=None)


def is_staff_of(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> bool:
    """Whether the directory has the sender in the ticket's team, or the sender is the team's lead."""
    if ticket.team is None or not reading.sender:
        return False
    in_team = facts.sender is not None and facts.sender.address == reading.sender and facts.sender.team == ticket.team
    return in_team or reading.sender == lead_of(ticket.team, config)


def lead_of(team: str, config: Config) -> str | None:
    """The address of the team's lead: the configured name ``@`` the first of our domains."""
    known = config.service.teams.get(team)
    if known is None or not known.lead or not config.service.domains:
        return None
    return f"{known.lead}@{config.service.domains[0]}".lower()


def admits(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> bool:
    """Whether the sender may learn of *ticket* and add to it: of one with ``show_to`` its team and who takes part.

    Every road that leads a mail to a ticket asks this, however strong its evidence: a mail of ours may be forwarded.
    """
    return ticket.show_to is None or _takes_part(ticket, reading, config, facts)


def is_verified(reading: Reading) -> bool:
    """Whether the sender is proved to be who it says: verdict and a single, readable From (E180)."""
    return reading.verdict in VERIFIED and reading.message.from_ok and bool(reading.sender)


def is_colleague(reading: Reading, config: Config) -> bool:
    """Whether a verified member of our organisation wrote it."""
    return is_verified(reading) and config.is_ours(reading.sender.rpartition("@")[2])


def _may_not_post(evidence: Evidence, reading: Reading, config: Config, facts: Facts) -> str:
    """ "" when the sender may post by this evidence, or else why not."""
    ticket = evidence.ticket
    if not admits(ticket, reading, config, facts):
        return f"it is shown to {ticket.show_to}"
    if evidence.rank <= RANK_OUR_ID:
        return ""
    if evidence.rank == RANK_THEIR_ID:
        believable = (
            reading.sender in ticket.participants and reading.message.from_ok and reading.verdict is not Verdict.FAIL
        )
        return "" if believable or is_colleague(reading, config) else "its sender takes no part in it"
    if evidence.rank == RANK_TAG:
        if not is_verified(reading):
            return "its sender is not verified"
        return "" if _takes_part(ticket, reading, config, facts) else "its sender takes no part in it"
    return "such evidence only suggests"


def _takes_part(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> bool:
    """Whoever has the ticket does, who may be of the team that covers for its own."""
    knows_of_it = reading.sender in ticket.participants or reading.sender == ticket.assignee
    return knows_of_it or is_staff_of(ticket, reading, config, facts)


def _place(evidence: Evidence, reading: Reading) -> int:
    """Of two tags in a subject the last one counts (E127)."""
    tagged = evidence.rank == RANK_TAG and evidence.ticket.ref in reading.refs
    return reading.refs.index(evidence.ticket.ref) if tagged else 0
