"""Keeping and forgetting: what is due by age, what is kept whatever its age, and what was deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("forgotten", sa.Integer, nullable=False, server_default="0"))
    op.add_column("tickets", sa.Column("office", sa.Text))
    op.add_column("messages", sa.Column("forgotten_at", sa.BigInteger))
    _index("tickets_to_forget", "tickets", ["forgotten", "closed_at", "id"], "closed_at IS NOT NULL AND forgotten < 3")
    _index("messages_alone", "messages", ["received_at", "id"], "ticket_id IS NULL AND forgotten_at IS NULL")
    _index("messages_forgotten", "messages", ["received_at", "id"], "forgotten_at IS NOT NULL")
    _index("outbox_mails_alone", "outbox_mails", ["queued_at", "id"], "ticket_id IS NULL")
    op.create_table(
        "holds",
        sa.Column("id", ID, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.Column("released_by", sa.Text),
        sa.Column("released_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )
    in_force = sa.text("released_at IS NULL")
    op.create_index(
        "uq_holds_in_force", "holds", ["value"], unique=True, sqlite_where=in_force, postgresql_where=in_force
    )
    op.create_table(
        "forgotten",
        sa.Column("serial", ID, nullable=False, autoincrement=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("at", ID, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_forgotten"),
    )
    op.create_index("ix_forgotten_ticket_id", "forgotten", ["ticket_id"])
    op.create_table(
        "repeats",
        sa.Column("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_repeats_ticket_id"), autoincrement=False),
        sa.Column("serial", sa.Integer, autoincrement=False),
        sa.Column("at", ID, autoincrement=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "serial", "at", name="pk_repeats"),
    )
    op.create_table(
        "tombstones",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tombstones"),
    )
    op.create_table(
        "unwanted",
        sa.Column("location", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("location", name="pk_unwanted"),
    )


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"ix_{name}", table, columns, sqlite_where=where, postgresql_where=where)
