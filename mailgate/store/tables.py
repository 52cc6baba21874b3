"""The tables. What changes often stands in narrow work tables, apart from what never changes.

A mail has one id everywhere: the one its raw bytes got. Every look-up of the pipeline has an
index here; those over what is waiting or open are partial, so that their cost does not grow
with history.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from mailgate.store.columns import Id, Instant, Json, Name, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# docs/reliability.md section 6: room for updates in place, and an early vacuum.
BUSY: dict[str, Any] = {"postgresql_with": {"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"}}


def partial(condition: str) -> dict[str, Any]:
    """Of an index: only the rows that meet *condition*, which queries must state in the same words."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# What arrived, never updated; *key* is the ingest key of docs/email.md E13. The content of a large mail
# is the object *location* of store.raw, and *content* empty.
raw_mails = Table(
    "raw_mails",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Name, nullable=False, unique=True),
    Column("sender", Words, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("source", Name, nullable=False),
    Column("peer", Name, nullable=False),
    Column("vouched", Boolean, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("location", Name),
)

# What is to be done about it. *run_at* (microseconds since 1970) is when somebody may take it:
# taking it moves that to the end of the lease, and *token* says whose it is.
FRESH = "state = 'ready' AND attempts = 0"
TRIED = "state = 'ready' AND attempts > 0"
QUARANTINED = "state = 'quarantined'"
spool = Table(
    "spool",
    metadata,
    Column("id", Id, ForeignKey(raw_mails.c.id), primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("state", Name, nullable=False),
    Column("run_at", Id, nullable=False),
    Column("token", Name),
    Column("attempts", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    Column("error", Name, nullable=False),
    Column("finished_at", Instant),
    CheckConstraint("state IN ('ready', 'done', 'quarantined')", name="state"),
    **BUSY,
)
Index("ix_spool_fresh", spool.c.id, **partial(FRESH))
Index("ix_spool_tried", spool.c.run_at, **partial(TRIED))
Index("ix_spool_quarantined", spool.c.id, **partial(QUARANTINED))

# The mails of the folders that we fetch from (docs/email.md E40, E43); *mail_id* may outlive its raw mail.
IN_FOLDER = "stage <> 'filed'"
imap_mails = Table(
    "imap_mails",
    metadata,
    Column("account", Name, primary_key=True),
    Column("folder", Name, primary_key=True),
    Column("uidvalidity", Id, primary_key=True, autoincrement=False),
    Column("uid", Id, primary_key=True, autoincrement=False),
    Column("mail_id", Id),
    Column("stage", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Instant),
    CheckConstraint("stage IN ('unread', 'stored', 'too_large', 'filed')", name="stage"),
)
Index("ix_imap_mails_in_folder", imap_mails.c.account, imap_mails.c.folder, imap_mails.c.uidvalidity,
      **partial(IN_FOLDER))  # fmt: skip

# *opened_by* is the id of the mail that opened it, *opening_id* that mail's Message-ID. *events*
# and *head* are the length and the last hash of its history. It is open as long as *closed_at* is null; what is part of
# another ticket, *merged_into*, keeps its status for the day that it is split off, and counts as closed until then.
# *parent* is the commission whose part it is that asks *unit*. *sealed* is how many of its events the last seal covers.
# *forgotten* says how far it is (``Forgotten`` of store/together.py), and *office* from which unit its requester was
# once the requester is.
OPEN = "closed_at IS NULL"
UNSEALED = "events <> sealed"
COMMISSIONS = "starts = 'commission' AND closed_at IS NULL"
TO_FORGET = "closed_at IS NOT NULL AND forgotten < 3"
tickets = Table(
    "tickets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ref", Name, nullable=False, unique=True),
    Column("opened_by", Id),
    Column("opening_id", Name, nullable=False),
    Column("mailbox", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("waiting_for", Name),
    Column("waiting_since", Instant),
    Column("requester", Name, nullable=False),
    Column("subject", Words, nullable=False),
    Column("category", Name),
    Column("task", Name),
    Column("priority", Name),
    Column("team", Name),
    Column("assignee", Name),
    Column("sla_policy", Name),
    Column("keys", Json, nullable=False),
    Column("fields", Json, nullable=False),
    Column("missing", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("marking", Name, nullable=False),
    Column("show_to", Name),
    Column("attachments", Name),
    Column("starts", Name),
    Column("linked_to", Name),
    Column("received_at", Instant, nullable=False),
    Column("first_reply_due", Instant),
    Column("first_reply_at", Instant),
    Column("due_at", Instant),
    Column("paused_seconds", Integer, nullable=False, server_default="0"),
    Column("closed_at", Instant),
    Column("merged_into", Id),
    Column("parent", Id),
    Column("unit", Name),
    Column("changed_at", Instant, nullable=False),
    Column("last_serial", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("sealed", Integer, nullable=False, server_default="0"),
    Column("forgotten", Integer, nullable=False, server_default="0"),
    Column("office", Words),
)
Index(None, tickets.c.closed_at)  # also of those that are open
Index("ix_tickets_opened_by", tickets.c.opened_by)
Index("ix_tickets_open_requester", tickets.c.requester, tickets.c.id, **partial(OPEN))
Index("ix_tickets_open_team", tickets.c.team, tickets.c.id, **partial(OPEN))
Index("ix_tickets_open_assignee", tickets.c.assignee, **partial(OPEN))
Index("ix_tickets_assignee", tickets.c.assignee, tickets.c.id)
Index("ix_tickets_merged_into", tickets.c.merged_into, **partial("merged_into IS NOT NULL"))
Index("ix_tickets_parent", tickets.c.parent, **partial("parent IS NOT NULL"))
Index("ix_tickets_to_forget", tickets.c.forgotten, tickets.c.closed_at, tickets.c.id, **partial(TO_FORGET))
Index("ix_tickets_commissions", tickets.c.id, **partial(COMMISSIONS))
Index("ix_tickets_unsealed", tickets.c.id, **partial(UNSEALED))

# One parsed mail and what was decided about it; *id* is that of its raw mail, which may be erased before it. *known* is
# what else ``decide`` was told (store/known.py), null where nothing was decided by it. *standing* is null but for what
# somebody posted who took no part in the ticket (docs/email.md E121). Since *forgotten_at* only what tells that it was
# here before is left of it.
ALONE = "ticket_id IS NULL AND forgotten_at IS NULL"
FORGOTTEN = "forgotten_at IS NOT NULL"
messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("ticket_id", Id, ForeignKey(tickets.c.id)),
    Column("action", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("mailbox", Name),
    Column("message_id", Name, nullable=False),
    Column("fingerprint", Name, nullable=False),
    Column("content", Name, nullable=False),
    Column("sender", Name, nullable=False),
    Column("subject", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("reply_text", Words, nullable=False),
    Column("dated_at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("defects", Json, nullable=False),
    Column("trace", Json, nullable=False),
    Column("silent_because", Words, nullable=False),
    Column("config_version", Name, nullable=False),
    Column("known", Json),
    Column("standing", Name),
    Column("forgotten_at", Instant),
)
Index(None, messages.c.message_id)
Index(None, messages.c.content)
Index(None, messages.c.ticket_id)
Index(None, messages.c.received_at)
Index("ix_messages_alone", messages.c.received_at, messages.c.id, **partial(ALONE))
Index("ix_messages_forgotten", messages.c.received_at, messages.c.id, **partial(FORGOTTEN))
# The index of their words, which the database keeps by itself, stands in migration 0012 (store/search.py asks it).

# Mails that were answered to us before they came (docs/email.md E123): *mail_id* is the answer, which opened a ticket.
awaited = Table(
    "awaited",
    metadata,
    Column("message_id", Name, primary_key=True),
    Column("mail_id", Id, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)
Index(None, awaited.c.at)

# *state* is null for a file that no rule ever held back.
HELD = "state = 'held'"
attachments = Table(
    "attachments",
    metadata,
    Column("mail_id", Id, ForeignKey(messages.c.id), primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("filename", Words, nullable=False),
    Column("content_type", Name, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Name, nullable=False),
    Column("inline", Boolean, nullable=False),
    Column("state", Name),
    CheckConstraint("state IN ('held', 'released', 'discarded')", name="state"),
)
Index("ix_attachments_held", attachments.c.mail_id, **partial(HELD))

# The mails that are returns of units to commissions; of each *ticket_id*, what asks a unit, the last one counts.
returns = Table(
    "returns",
    metadata,
    Column("mail_id", Id, ForeignKey(messages.c.id), primary_key=True, autoincrement=False),
    Column("ticket_id", Id, ForeignKey(tickets.c.id), nullable=False),
    Column("is_nil", Boolean, nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)
Index(None, returns.c.ticket_id)

# The values of the key identifier: which tickets are about this case?
ticket_keys = Table(
    "ticket_keys",
    metadata,
    Column("value", Name, primary_key=True),
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
)
Index(None, ticket_keys.c.ticket_id)

# Who may post (E121): the requester, watchers, and whoever was mailed.
participants = Table(
    "participants",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("address", Name, primary_key=True),
    Column("role", Name, nullable=False),
)

# What happened, only ever added to; *at*, *data* and *personal* stand as they were hashed. Erasing
# a person empties *actor*, *personal* and *salt*; *personal_hash* stays, so that the chain of
# hashes stays whole (docs/reliability.md section 7).
events = Table(
    "events",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("at", Id, nullable=False),
    Column("what", Name, nullable=False),
    Column("data", Words, nullable=False),
    Column("actor", Words),
    Column("personal", Words),
    Column("salt", LargeBinary),
    Column("personal_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# Seals, each over the one before, over the ends of the histories that had grown since, and over the first *forgotten*
# records of those that were deleted (tickets/seal.py).
seals = Table(
    "seals",
    metadata,
    Column("number", Id, primary_key=True, autoincrement=False),
    Column("at", Id, nullable=False),
    Column("key", Name, nullable=False),
    Column("tickets", Integer, nullable=False),
    Column("forgotten", Id, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)
sealed_heads = Table(
    "sealed_heads",
    metadata,
    Column("seal", Id, primary_key=True, autoincrement=False),
    Column("ticket_id", Id, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
Index(None, sealed_heads.c.ticket_id, sealed_heads.c.seal)

# The running counts of a ticket: until the first reply, until it is finished. *next_check_at* is when the ladder is
# looked at next: at once after each change, then at the time of the next rung.
clocks = Table(
    "clocks",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("kind", Name, primary_key=True),
    Column("policy", Name),
    Column("started_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("stopped_at", Instant),
    Column("next_check_at", Instant),
    CheckConstraint("kind IN ('first_reply', 'finish')", name="kind"),
    **BUSY,
)
Index("ix_clocks_next_check_at", clocks.c.next_check_at, **partial("next_check_at IS NOT NULL"))

# The rungs of the ladder that a clock has taken, each once; one that repeats has each *nth* time.
rungs = Table(
    "rungs",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("kind", Name, primary_key=True),
    Column("rung", Name, primary_key=True),
    Column("nth", Integer, primary_key=True, autoincrement=False),
    Column("taken_at", Instant, nullable=False),
)

# Who is still to be told of a rung; *is_late*: the promise is broken.
tellings = Table(
    "tellings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reader", Name, nullable=False),
    Column("ticket_id", Id, ForeignKey(tickets.c.id), nullable=False),
    Column("kind", Name, nullable=False),
    Column("rung", Name, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("is_late", Boolean, nullable=False),
    UniqueConstraint("ticket_id", "kind", "rung", "nth", "reader"),
)
Index(None, tellings.c.reader, tellings.c.id)

# The tickets that unverified senders opened in the last hour (docs/email.md E136), by sender and by domain.
openings = Table(
    "openings",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("sender", Name, nullable=False),
    Column("domain", Name, nullable=False),
    Column("at", Instant, nullable=False),
)
Index(None, openings.c.sender, openings.c.at)
Index(None, openings.c.domain, openings.c.at)
Index(None, openings.c.at)

# The ticket that collects what a domain sends beyond its caps.
floods = Table(
    "floods",
    metadata,
    Column("domain", Name, primary_key=True),
    Column("ticket_id", Id, nullable=False),
)

# What we said or are about to say, never updated: the mail, and the evidence for its answers (E120 row 2).
outbox_mails = Table(
    "outbox_mails",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", Id, ForeignKey(tickets.c.id)),
    Column("serial", Integer, nullable=False),
    Column("message", Name, nullable=False),
    Column("recipient", Name, nullable=False),
    Column("cause", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("to_stranger", Boolean, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("sender", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("ticket_id", "message", "recipient", "cause"),
)
Index("uq_outbox_mails_without_ticket", outbox_mails.c.message, outbox_mails.c.recipient, outbox_mails.c.cause,
      unique=True, **partial("ticket_id IS NULL"))  # fmt: skip
Index("ix_outbox_mails_alone", outbox_mails.c.queued_at, outbox_mails.c.id, **partial("ticket_id IS NULL"))
Index("uq_outbox_mails_serial", outbox_mails.c.ticket_id, outbox_mails.c.serial,
      unique=True, **partial("serial > 0"))  # fmt: skip
Index(None, outbox_mails.c.message_id)
Index("ix_outbox_mails_automatic", outbox_mails.c.recipient, outbox_mails.c.queued_at, **partial("automatic"))
Index("ix_outbox_mails_to_strangers", outbox_mails.c.queued_at, **partial("automatic AND to_stranger"))

# Its sending, by *way*. *run_at* and *token* as in the spool; *doubts* counts how often it may have gone unnoticed.
WAITING = "state = 'ready'"
SENDING = "state = 'sending'"
STUCK = "state IN ('uncertain', 'failed')"
KEPT = "state IN ('held', 'gathering')"
outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, ForeignKey(outbox_mails.c.id), primary_key=True, autoincrement=False),
    Column("way", Name, nullable=False, server_default="mail"),
    Column("state", Name, nullable=False),
    Column("run_at", Id, nullable=False),
    Column("token", Name),
    Column("attempts", Integer, nullable=False),
    Column("doubts", Integer, nullable=False),
    Column("error", Words, nullable=False),
    Column("finished_at", Instant),
    CheckConstraint(
        "state IN ('ready', 'sending', 'sent', 'uncertain', 'failed', 'cancelled', 'observed', 'held', 'gathering')",
        name="state",
    ),
    **BUSY,
)
Index("ix_outbox_waiting", outbox.c.way, outbox.c.run_at, outbox.c.id, **partial(WAITING))
Index("ix_outbox_sending", outbox.c.run_at, **partial(SENDING))
Index("ix_outbox_stuck", outbox.c.state, **partial(STUCK))
Index("ix_outbox_kept", outbox.c.state, **partial(KEPT))

# What GOV.UK Notify says became of a message it took, under its own *id*; *ask_at* is when to ask, null for no more.
TO_ASK = "ask_at IS NOT NULL"
receipts = Table(
    "receipts",
    metadata,
    Column("mail_id", Id, ForeignKey(outbox_mails.c.id), primary_key=True, autoincrement=False),
    Column("id", Name, nullable=False, unique=True),
    Column("status", Name, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("ask_at", Instant),
    Column("changed_at", Instant, nullable=False),
)
Index("ix_receipts_ask_at", receipts.c.ask_at, **partial(TO_ASK))

# What rests until when, and why: a way out, "automatic" mail as a whole, a template.
pauses = Table(
    "pauses",
    metadata,
    Column("name", Name, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("why", Words, nullable=False),
)

# When each limited way is free again for one more mail (microseconds since 1970).
paces = Table("paces", metadata, Column("name", Name, primary_key=True), Column("free_at", Id, nullable=False))

# How many automatic mails were sent in each minute of the last hour.
sent_per_minute = Table(
    "sent_per_minute",
    metadata,
    Column("minute", Id, primary_key=True, autoincrement=False),
    Column("mails", Integer, nullable=False),
)

# Addresses whose mail came back (E142): *failures* are the instants of passing ones; with *flagged_at* nothing
# automatic goes there.
contacts = Table(
    "contacts",
    metadata,
    Column("address", Name, primary_key=True),
    Column("failures", Json, nullable=False),
    Column("flagged_at", Instant),
)

people = Table(
    "people",
    metadata,
    Column("address", Name, primary_key=True),
    Column("name", Words, nullable=False),
    Column("role", Name, nullable=False),
    Column("unit", Name, nullable=False),
    Column("team", Name, nullable=False),
    Column("away_until", Date),
)
Index(None, people.c.team)

# What the service of each configuration said that was in force, by its version.
configurations = Table(
    "configurations",
    metadata,
    Column("version", Name, primary_key=True),
    Column("service", Json, nullable=False),
    Column("first_at", Instant, nullable=False),
)

# The capacity levels that were ordered. Each is in force from *in_force_since* on, until one of its unit with a higher
# *id* begins. *applied* is the version of the configuration by which open tickets follow it, *reached* the last of them
# that does; null once all do.
capacity_levels = Table(
    "capacity_levels",
    metadata,
    Column("id", Id, primary_key=True),
    Column("unit", Name, nullable=False),
    Column("level", Name, nullable=False),
    Column("reason", Words, nullable=False),
    Column("set_by", Name, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("review_on", Date, nullable=False),
    Column("in_force_since", Instant),
    Column("applied", Name),
    Column("reached", Id),
)
Index(None, capacity_levels.c.unit, capacity_levels.c.id)

# What a level did to a ticket, and the values that undo it (``Held``); *events* is how long its history was then.
held_tickets = Table(
    "held_tickets",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("level_id", Id, ForeignKey(capacity_levels.c.id), nullable=False),
    Column("unit", Name, nullable=False),
    Column("effect", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("waiting_for", Name),
    Column("due_before", Instant),
    Column("due_after", Instant),
    Column("paused_seconds", Integer, nullable=False),
    Column("events", Integer, nullable=False),
)
Index(None, held_tickets.c.unit, held_tickets.c.ticket_id)

# What only one may do at a time: *holder* has it until *expires* (microseconds since 1970); *epoch* counts who had it.
leases = Table(
    "leases",
    metadata,
    Column("name", Name, primary_key=True),
    Column("holder", Name, nullable=False),
    Column("epoch", Id, nullable=False),
    Column("expires", Id, nullable=False),
)

# Cases and tickets that are kept whatever their age: *value* is a key or a reference.
IN_FORCE = "released_at IS NULL"
holds = Table(
    "holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("value", Name, nullable=False),
    Column("reason", Words, nullable=False),
    Column("set_by", Words, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("released_by", Words),
    Column("released_at", Instant),
)
Index("uq_holds_in_force", holds.c.value, unique=True, **partial(IN_FORCE))

# The histories that were deleted as a whole, themselves a chain (store/forgotten.py): how long each was, and its head.
forgotten = Table(
    "forgotten",
    metadata,
    Column("serial", Id, primary_key=True, autoincrement=False),
    Column("ticket_id", Id, nullable=False),
    Column("ref", Name, nullable=False),
    Column("events", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("at", Id, nullable=False),
    Column("why", Name, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
Index(None, forgotten.c.ticket_id)

# What figures need of such a history: who asked again, and when, without who it was.
repeats = Table(
    "repeats",
    metadata,
    Column("ticket_id", Id, ForeignKey(tickets.c.id), primary_key=True, autoincrement=False),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("at", Id, primary_key=True, autoincrement=False),
    Column("what", Name, nullable=False),
)

# What was erased from this very store, by the name of its tombstone (store/erasure.py).
tombstones = Table(
    "tombstones",
    metadata,
    Column("name", Name, primary_key=True),
    Column("at", Instant, nullable=False),
)

# Objects of store.raw that no mail has any more, and that are still to be removed.
unwanted = Table("unwanted", metadata, Column("location", Name, primary_key=True))

# Facts about this store itself, such as the loop id that was made with it.
instance = Table(
    "instance",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", Words, nullable=False),
)
