"""Commissions: which ticket asks which unit, and what came back (docs/domain.md section 8)."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHILDREN = sa.text("parent IS NOT NULL")
COMMISSIONS = sa.text("starts = 'commission' AND closed_at IS NULL")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("parent", ID))
    op.add_column("tickets", sa.Column("unit", sa.Text))
    op.create_index("ix_tickets_parent", "tickets", ["parent"], sqlite_where=CHILDREN, postgresql_where=CHILDREN)
    op.create_index("ix_tickets_commissions", "tickets", ["id"], sqlite_where=COMMISSIONS, postgresql_where=COMMISSIONS)
    op.create_table(
        "returns",
        sa.Column("mail_id", ID, sa.ForeignKey("messages.id", name="fk_returns_mail_id"), autoincrement=False),
        sa.Column("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_returns_ticket_id"), nullable=False),
        sa.Column("is_nil", sa.Boolean, nullable=False),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name="pk_returns"),
    )
    op.create_index("ix_returns_ticket_id", "returns", ["ticket_id"])
