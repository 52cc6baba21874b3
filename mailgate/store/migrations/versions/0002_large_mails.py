"""Where the content of a large mail is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("raw_mails", sa.Column("location", sa.Text, nullable=True))
