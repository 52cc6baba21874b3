"""An index of the words of each mail, which the database itself keeps: filled, changed and emptied with the mail."""

from alembic import op

revision = "0012"
down_revision = "0011"

COLUMNS = "subject, sender, reply_text"
OLD = "old.id, old.subject, old.sender, old.reply_text"
NEW = "new.id, new.subject, new.sender, new.reply_text"
TAKE_OUT = f"INSERT INTO message_words (message_words, rowid, {COLUMNS}) VALUES ('delete', {OLD});"  # noqa: S608 - names of ours
PUT_IN = f"INSERT INTO message_words (rowid, {COLUMNS}) VALUES ({NEW});"  # noqa: S608
SQLITE = (
    f"""CREATE VIRTUAL TABLE message_words USING fts5(
        {COLUMNS}, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 0')""",
    f"CREATE TRIGGER message_words_in AFTER INSERT ON messages BEGIN {PUT_IN} END",
    f"CREATE TRIGGER message_words_out AFTER DELETE ON messages BEGIN {TAKE_OUT} END",
    f"CREATE TRIGGER message_words_new AFTER UPDATE OF {COLUMNS} ON messages BEGIN {TAKE_OUT} {PUT_IN} END",
    "INSERT INTO message_words (message_words) VALUES ('rebuild')",
)
# A function, so that index and query say the same: an index is used only where they do. What stands between the parts
# of an address or a path becomes a space, so that each part is a word; no more than fits a tsvector whatever it says.
POSTGRESQL = (
    """CREATE FUNCTION message_words(subject text, sender text, reply_text text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_tsvector('pg_catalog.simple', translate(
            left(subject, 2000) || ' ' || sender || ' ' || left(reply_text, 100000),
            '!"#$%%&''()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32)))
        $$""",
    "CREATE INDEX message_words ON messages USING gin (message_words(subject, sender, reply_text))",
)


def upgrade() -> None:
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
