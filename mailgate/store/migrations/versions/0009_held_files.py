"""Files that a rule holds back until a person releases them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

HELD = sa.text("state = 'held'")


def upgrade() -> None:
    with op.batch_alter_table("attachments") as attachments:
        attachments.add_column(sa.Column("state", sa.Text))
        attachments.create_check_constraint(
            "ck_attachments_state", sa.text("state IN ('held', 'released', 'discarded')")
        )
    op.create_index("ix_attachments_held", "attachments", ["mail_id"], sqlite_where=HELD, postgresql_where=HELD)
