"""Clocks that a first reply ends and a wait for a third party does not stop."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"


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
