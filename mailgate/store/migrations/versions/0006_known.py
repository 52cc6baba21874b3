"""What was known about each mail when it was decided, and the configurations that were in force."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("messages", sa.Column("known", sa.Text, nullable=True))
    op.create_table(
        "configurations",
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
    )
