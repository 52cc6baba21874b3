"""What a team says about mails by people who take no part in their ticket (docs/email.md E121)."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("messages", sa.Column("standing", sa.Text))
