"""Capacity levels, and what they did to tickets (docs/domain.md section 7); which tickets were open when."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "capacity_levels",
        sa.Column("id", ID, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("review_on", sa.Date, nullable=False),
        sa.Column("in_force_since", sa.BigInteger),
        sa.Column("applied", sa.Text),
        sa.Column("reached", ID),
        sa.PrimaryKeyConstraint("id", name="pk_capacity_levels"),
    )
    op.create_index("ix_capacity_levels_unit_id", "capacity_levels", ["unit", "id"])
    op.create_table(
        "held_tickets",
        sa.Column("ticket_id", ID, nullable=False, autoincrement=False),
        sa.Column("level_id", ID, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("waiting_for", sa.Text),
        sa.Column("due_before", sa.BigInteger),
        sa.Column("due_after", sa.BigInteger),
        sa.Column("paused_seconds", sa.Integer, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_held_tickets_ticket_id"),
        sa.ForeignKeyConstraint(["level_id"], ["capacity_levels.id"], name="fk_held_tickets_level_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_held_tickets"),
    )
    op.create_index("ix_tickets_closed_at", "tickets", ["closed_at"])
    op.create_index("ix_held_tickets_unit_ticket_id", "held_tickets", ["unit", "ticket_id"])
