"""Indexes for what an operator watches: mails by the time they came, mails of ours that need a person."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

STUCK = sa.text("state IN ('uncertain', 'failed')")


def upgrade() -> None:
    op.create_index("ix_messages_received_at", "messages", ["received_at"])
    op.create_index("ix_outbox_stuck", "outbox", ["state"], sqlite_where=STUCK, postgresql_where=STUCK)
