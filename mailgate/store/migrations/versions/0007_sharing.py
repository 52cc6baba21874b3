"""Who is away, and how much work each person has."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    op.add_column("people", sa.Column("away_until", sa.Date))
    op.create_index("ix_tickets_open_assignee", "tickets", ["assignee"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_tickets_assignee", "tickets", ["assignee", "id"])
