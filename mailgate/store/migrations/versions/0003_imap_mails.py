"""The mails of the folders that we fetch from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_FOLDER = sa.text("stage <> 'filed'")


def upgrade() -> None:
    op.create_table(
        "imap_mails",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("uidvalidity", ID, nullable=False),
        sa.Column("uid", ID, nullable=False),
        sa.Column("mail_id", ID),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("account", "folder", "uidvalidity", "uid", name="pk_imap_mails"),
        sa.CheckConstraint("stage IN ('unread', 'stored', 'too_large', 'filed')", name="ck_imap_mails_stage"),
    )
    op.create_index(
        "ix_imap_mails_in_folder",
        "imap_mails",
        ["account", "folder", "uidvalidity"],
        sqlite_where=IN_FOLDER,
        postgresql_where=IN_FOLDER,
    )
