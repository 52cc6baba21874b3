"""Clocks that a first reply ends and a wait for a third party does not stop; what the ladder did, and whom it tells."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("first_reply_at", sa.BigInteger))
    op.add_column("tickets", sa.Column("paused_seconds", sa.Integer, nullable=False, server_default="0"))
    tickets = sa.table("tickets", *map(sa.column, ("id", "status", "waiting_for", "changed_at", "first_reply_at")))
    clocks = sa.table("clocks", *map(sa.column, ("ticket_id", "kind", "due_at", "stopped_at", "next_check_at")))
    answered = tickets.c.status.in_(["open", "done", "cancelled"])
    waits_for_others = (tickets.c.status == "waiting") & (tickets.c.waiting_for == "third party")

    def of(which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return clocks.c.ticket_id.in_(sa.select(tickets.c.id).where(which))

    op.execute(tickets.update().where(answered).values(first_reply_at=tickets.c.changed_at))
    op.execute(clocks.update().where(of(waits_for_others)).values(stopped_at=None, next_check_at=clocks.c.due_at))
    op.execute(clocks.update().where(clocks.c.next_check_at.is_not(None)).values(next_check_at=0))
    op.execute(clocks.update().where(clocks.c.kind == "first_reply", of(answered)).values(next_check_at=None))
    op.create_table(
        "rungs",
        sa.Column("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_rungs_ticket_id"), autoincrement=False),
        sa.Column("kind", sa.Text),
        sa.Column("rung", sa.Text),
        sa.Column("nth", sa.Integer, autoincrement=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "kind", "rung", "nth", name="pk_rungs"),
    )
    op.create_table(
        "tellings",
        sa.Column("id", ID, primary_key=True),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_tellings_ticket_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rung", sa.Text, nullable=False),
        sa.Column("nth", sa.Integer, nullable=False),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.UniqueConstraint(
            *("ticket_id", "kind", "rung", "nth", "reader"), name="uq_tellings_ticket_id_kind_rung_nth_reader"
        ),
    )
    op.create_index("ix_tellings_reader_id", "tellings", ["reader", "id"])
