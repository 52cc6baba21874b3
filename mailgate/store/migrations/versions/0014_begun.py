"""Notes of the mails that are being sent, where nodes share the store; unlogged, see store/begun_table.py."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_table(
            "begun",
            sa.Column("token", sa.Text, primary_key=True),
            sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
            sa.Column("taken", sa.Boolean, nullable=False),
            sa.Column("notes", sa.Text, nullable=False),
            prefixes=["UNLOGGED"],
            postgresql_with={"fillfactor": "50"},  # room for the next note on the same page
        )
