"""Which nodes work on this store, what each runs, and how far its clock is off."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("started_at", ID, nullable=False),
        sa.Column("seen_at", ID, nullable=False),
        sa.Column("ahead", ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_nodes"),
    )
