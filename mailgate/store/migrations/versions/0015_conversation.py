"""Mails by people who take no part in their ticket (docs/email.md E121), and answers that come first (E123)."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("messages", sa.Column("standing", sa.Text))
    op.create_table(
        "awaited",
        sa.Column("message_id", sa.Text),
        sa.Column("mail_id", ID, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "mail_id", name="pk_awaited"),
    )
    op.create_index("ix_awaited_at", "awaited", ["at"])
