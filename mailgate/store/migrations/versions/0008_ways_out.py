"""Several ways out: rests, rates and receipts of each, mails that are held, addresses whose mail comes back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = "'ready', 'sending', 'sent', 'uncertain', 'failed', 'cancelled', 'observed'"
WAITING, KEPT, TO_ASK = map(sa.text, ("state = 'ready'", "state IN ('held', 'gathering')", "ask_at IS NOT NULL"))


def upgrade() -> None:
    op.drop_index("ix_outbox_waiting", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("way", sa.Text, nullable=False, server_default="mail"))
        outbox.drop_constraint("ck_outbox_state", type_="check")
        outbox.create_check_constraint("ck_outbox_state", sa.text(f"state IN ({BEFORE}, 'held', 'gathering')"))
    _index("ix_outbox_waiting", "outbox", ["way", "run_at", "id"], WAITING)
    _index("ix_outbox_kept", "outbox", ["state"], KEPT)
    op.create_table(
        "receipts",
        sa.Column("mail_id", ID, sa.ForeignKey("outbox_mails.id", name="fk_receipts_mail_id"), autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("ask_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name="pk_receipts"),
        sa.UniqueConstraint("id", name="uq_receipts_id"),
    )
    _index("ix_receipts_ask_at", "receipts", ["ask_at"], TO_ASK)
    op.create_table(
        "pauses",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table("paces", sa.Column("name", sa.Text, primary_key=True), sa.Column("free_at", ID, nullable=False))
    op.create_table(
        "sent_per_minute",
        sa.Column("minute", ID, primary_key=True, autoincrement=False),
        sa.Column("mails", sa.Integer, nullable=False),
    )
    op.create_table(
        "contacts",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("failures", sa.Text, nullable=False),
        sa.Column("flagged_at", sa.BigInteger),
    )


def _index(name: str, table: str, columns: list[str], rows: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=rows, postgresql_where=rows)
