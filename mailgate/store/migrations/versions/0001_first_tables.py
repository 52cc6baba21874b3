"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BUSY = {"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"}


def upgrade() -> None:
    op.create_table(
        "instance",
        _required("name", sa.Text),
        _required("value", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_instance"),
    )
    op.create_table(
        "people",
        _required("address", sa.Text),
        _required("name", sa.Text),
        _required("role", sa.Text),
        _required("unit", sa.Text),
        _required("team", sa.Text),
        sa.PrimaryKeyConstraint("address", name="pk_people"),
    )
    op.create_index("ix_people_team", "people", ["team"])
    op.create_table(
        "raw_mails",
        _required("id", ID),
        _required("key", sa.Text),
        _required("sender", sa.Text),
        _required("recipients", sa.Text),
        _required("source", sa.Text),
        _required("peer", sa.Text),
        _required("vouched", sa.Boolean),
        _required("silent", sa.Boolean),
        _required("received_at", sa.BigInteger),
        _required("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_raw_mails"),
        sa.UniqueConstraint("key", name="uq_raw_mails_key"),
    )
    op.create_table(
        "tickets",
        _required("id", ID),
        _required("ref", sa.Text),
        _optional("opened_by", ID),
        _required("opening_id", sa.Text),
        _required("mailbox", sa.Text),
        _required("status", sa.Text),
        _optional("waiting_for", sa.Text),
        _optional("waiting_since", sa.BigInteger),
        _required("requester", sa.Text),
        _required("subject", sa.Text),
        _optional("category", sa.Text),
        _optional("task", sa.Text),
        _optional("priority", sa.Text),
        _optional("team", sa.Text),
        _optional("assignee", sa.Text),
        _optional("sla_policy", sa.Text),
        _required("keys", sa.Text),
        _required("fields", sa.Text),
        _required("missing", sa.Text),
        _required("tags", sa.Text),
        _required("marking", sa.Text),
        _optional("show_to", sa.Text),
        _optional("attachments", sa.Text),
        _optional("starts", sa.Text),
        _optional("linked_to", sa.Text),
        _required("received_at", sa.BigInteger),
        _optional("first_reply_due", sa.BigInteger),
        _optional("due_at", sa.BigInteger),
        _optional("closed_at", sa.BigInteger),
        _required("changed_at", sa.BigInteger),
        _required("last_serial", sa.Integer),
        _required("events", sa.Integer),
        _required("head", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("ref", name="uq_tickets_ref"),
    )
    op.create_index("ix_tickets_open_requester", "tickets", ["requester", "id"], **_where("closed_at IS NULL"))
    op.create_index("ix_tickets_open_team", "tickets", ["team", "id"], **_where("closed_at IS NULL"))
    op.create_index("ix_tickets_opened_by", "tickets", ["opened_by"])
    op.create_table(
        "clocks",
        _required("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_clocks_ticket_id"), autoincrement=False),
        _required("kind", sa.Text),
        _optional("policy", sa.Text),
        _required("started_at", sa.BigInteger),
        _required("due_at", sa.BigInteger),
        _optional("stopped_at", sa.BigInteger),
        _optional("next_check_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("ticket_id", "kind", name="pk_clocks"),
        sa.CheckConstraint("kind IN ('first_reply', 'finish')", name="ck_clocks_kind"),
        postgresql_with=BUSY,
    )
    op.create_index("ix_clocks_next_check_at", "clocks", ["next_check_at"], **_where("next_check_at IS NOT NULL"))
    op.create_table(
        "events",
        _required("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_events_ticket_id"), autoincrement=False),
        _required("serial", sa.Integer, autoincrement=False),
        _required("at", ID),
        _required("what", sa.Text),
        _required("data", sa.Text),
        _optional("actor", sa.Text),
        _optional("personal", sa.Text),
        _optional("salt", sa.LargeBinary),
        _required("personal_hash", sa.LargeBinary),
        _required("hash", sa.LargeBinary),
        sa.PrimaryKeyConstraint("ticket_id", "serial", name="pk_events"),
    )
    op.create_table(
        "messages",
        _required("id", ID, autoincrement=False),
        _optional("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_messages_ticket_id")),
        _required("action", sa.Text),
        _required("kind", sa.Text),
        _required("verdict", sa.Text),
        _optional("mailbox", sa.Text),
        _required("message_id", sa.Text),
        _required("fingerprint", sa.Text),
        _required("content", sa.Text),
        _required("sender", sa.Text),
        _required("subject", sa.Text),
        _required("text", sa.Text),
        _required("reply_text", sa.Text),
        _optional("dated_at", sa.BigInteger),
        _required("received_at", sa.BigInteger),
        _required("decided_at", sa.BigInteger),
        _required("defects", sa.Text),
        _required("trace", sa.Text),
        _required("silent_because", sa.Text),
        _required("config_version", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index("ix_messages_content", "messages", ["content"])
    op.create_index("ix_messages_message_id", "messages", ["message_id"])
    op.create_index("ix_messages_ticket_id", "messages", ["ticket_id"])
    op.create_table(
        "outbox_mails",
        _required("id", ID),
        _optional("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_outbox_mails_ticket_id")),
        _required("serial", sa.Integer),
        _required("message", sa.Text),
        _required("recipient", sa.Text),
        _required("cause", sa.Text),
        _required("message_id", sa.Text),
        _required("automatic", sa.Boolean),
        _required("to_stranger", sa.Boolean),
        _required("queued_at", sa.BigInteger),
        _required("sender", sa.Text),
        _required("subject", sa.Text),
        _required("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_mails"),
        sa.UniqueConstraint(
            "ticket_id", "message", "recipient", "cause", name="uq_outbox_mails_ticket_id_message_recipient_cause"
        ),
    )
    op.create_index("ix_outbox_mails_automatic", "outbox_mails", ["recipient", "queued_at"], **_where("automatic"))
    op.create_index("ix_outbox_mails_message_id", "outbox_mails", ["message_id"])
    op.create_index(
        "ix_outbox_mails_to_strangers", "outbox_mails", ["queued_at"], **_where("automatic AND to_stranger")
    )
    op.create_index(
        "uq_outbox_mails_serial", "outbox_mails", ["ticket_id", "serial"], unique=True, **_where("serial > 0")
    )
    op.create_index(
        "uq_outbox_mails_without_ticket",
        "outbox_mails",
        ["message", "recipient", "cause"],
        unique=True,
        **_where("ticket_id IS NULL"),
    )
    op.create_table(
        "participants",
        _required("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_participants_ticket_id"), autoincrement=False),
        _required("address", sa.Text),
        _required("role", sa.Text),
        sa.PrimaryKeyConstraint("ticket_id", "address", name="pk_participants"),
    )
    op.create_table(
        "spool",
        _required("id", ID, sa.ForeignKey("raw_mails.id", name="fk_spool_id"), autoincrement=False),
        _required("size", sa.Integer),
        _required("state", sa.Text),
        _required("run_at", ID),
        _optional("token", sa.Text),
        _required("attempts", sa.Integer),
        _required("reason", sa.Text),
        _required("error", sa.Text),
        _optional("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_spool"),
        sa.CheckConstraint("state IN ('ready', 'done', 'quarantined')", name="ck_spool_state"),
        postgresql_with=BUSY,
    )
    op.create_index("ix_spool_fresh", "spool", ["id"], **_where("state = 'ready' AND attempts = 0"))
    op.create_index("ix_spool_quarantined", "spool", ["id"], **_where("state = 'quarantined'"))
    op.create_index("ix_spool_tried", "spool", ["run_at"], **_where("state = 'ready' AND attempts > 0"))
    op.create_table(
        "ticket_keys",
        _required("value", sa.Text),
        _required("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_ticket_keys_ticket_id"), autoincrement=False),
        sa.PrimaryKeyConstraint("value", "ticket_id", name="pk_ticket_keys"),
    )
    op.create_index("ix_ticket_keys_ticket_id", "ticket_keys", ["ticket_id"])
    op.create_table(
        "attachments",
        _required("mail_id", ID, sa.ForeignKey("messages.id", name="fk_attachments_mail_id"), autoincrement=False),
        _required("part", sa.Integer, autoincrement=False),
        _required("filename", sa.Text),
        _required("content_type", sa.Text),
        _required("size", sa.Integer),
        _required("sha256", sa.Text),
        _required("inline", sa.Boolean),
        sa.PrimaryKeyConstraint("mail_id", "part", name="pk_attachments"),
    )
    op.create_table(
        "outbox",
        _required("id", ID, sa.ForeignKey("outbox_mails.id", name="fk_outbox_id"), autoincrement=False),
        _required("state", sa.Text),
        _required("run_at", ID),
        _optional("token", sa.Text),
        _required("attempts", sa.Integer),
        _required("doubts", sa.Integer),
        _required("error", sa.Text),
        _optional("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.CheckConstraint(
            "state IN ('ready', 'sending', 'sent', 'uncertain', 'failed', 'cancelled', 'observed')",
            name="ck_outbox_state",
        ),
        postgresql_with=BUSY,
    )
    op.create_index("ix_outbox_sending", "outbox", ["run_at"], **_where("state = 'sending'"))
    op.create_index("ix_outbox_waiting", "outbox", ["run_at", "id"], **_where("state = 'ready'"))
    if op.get_bind().dialect.name == "postgresql":
        # Mails hardly compress, and trying costs more than storing them.
        op.execute("ALTER TABLE raw_mails ALTER COLUMN content SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE outbox_mails ALTER COLUMN content SET STORAGE EXTERNAL")


def _required(name: str, kind: Any, *rest: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *rest, nullable=False, **options)


def _optional(name: str, kind: Any, *rest: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *rest, nullable=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
