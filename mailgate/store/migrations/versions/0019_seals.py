"""Seals over the ends of histories (docs/reliability.md section 7); *sealed* is how many events the last one covers."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNSEALED = sa.text("events <> sealed")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("sealed", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_tickets_unsealed", "tickets", ["id"], sqlite_where=UNSEALED, postgresql_where=UNSEALED)
    op.create_table(
        "seals",
        sa.Column("number", ID, autoincrement=False),
        sa.Column("at", ID, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("tickets", sa.Integer, nullable=False),
        sa.Column("forgotten", ID, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_seals"),
    )
    op.create_table(
        "sealed_heads",
        sa.Column("seal", ID, autoincrement=False),
        sa.Column("ticket_id", ID, autoincrement=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seal", "ticket_id", name="pk_sealed_heads"),
    )
    op.create_index("ix_sealed_heads_ticket_id_seal", "sealed_heads", ["ticket_id", "seal"])
