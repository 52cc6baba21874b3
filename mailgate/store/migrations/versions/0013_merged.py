"""Tickets that are part of another one (docs/email.md E158)."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PARTS = sa.text("merged_into IS NOT NULL")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("merged_into", ID))
    op.create_index("ix_tickets_merged_into", "tickets", ["merged_into"], sqlite_where=PARTS, postgresql_where=PARTS)
