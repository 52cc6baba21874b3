"""The new tickets of the last hour from outside, and the tickets that collect what is too much."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "openings",
        sa.Column("ticket_id", ID, sa.ForeignKey("tickets.id", name="fk_openings_ticket_id"), autoincrement=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_openings"),
    )
    for columns in (["sender", "at"], ["domain", "at"], ["at"]):
        op.create_index(f"ix_openings_{'_'.join(columns)}", "openings", columns)
    op.create_table(
        "floods",
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("ticket_id", ID, nullable=False),
    )
