"""Migrations add first and take away a release later, so that old and new nodes work side by side."""

import ast

import pytest

from mailgate.store import schema

BEFORE_THE_RULE = "0020"
TAKES_AWAY = frozenset({"drop_table", "drop_column", "drop_constraint", "rename_table", "batch_alter_table", "execute"})
STATES = "COMPATIBLE_FROM"
VERSIONS = sorted((schema.MIGRATIONS / "versions").glob("0*.py"))
SINCE = [path for path in VERSIONS if path.name[:4] > BEFORE_THE_RULE]


def takes_away(source: str) -> list[str]:
    """What a migration does that a program of the version before may not survive."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    made = {node for each in calls if _name(each) == "create_table" for node in ast.walk(each)}
    return [name for each in calls if (name := _forbidden(each, made))]


def _forbidden(call: ast.Call, made: set[ast.AST]) -> str | None:
    name, said = _name(call), {each.arg: each.value for each in call.keywords}
    if name in TAKES_AWAY:
        return name
    if name == "alter_column" and not (said.keys() <= {"nullable"} and _is(said.get("nullable"), True)):
        return "alter_column"
    if name == "Column" and call not in made and _is(said.get("nullable"), False) and "server_default" not in said:
        return "a column that must be filled"
    return "a unique index" if name == "create_index" and _is(said.get("unique"), True) else None


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is(value: ast.expr | None, wanted: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


def stated(source: str) -> str | None:
    """The oldest program that does without what the migration takes away, as the migration states it."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == STATES:
            return str(ast.literal_eval(node.value))
    return None


def is_allowed(source: str, compatible_from: str) -> bool:
    since = stated(source)
    return not takes_away(source) or (since is not None and since <= compatible_from)


def test_a_migration_only_adds_or_says_which_program_does_without() -> None:
    """CONTRIBUTING.md, "Migrations"."""
    wrong = {path.name for path in SINCE if not is_allowed(path.read_text(), schema.COMPATIBLE_FROM)}
    assert wrong == set()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('op.add_column("tickets", sa.Column("colour", sa.Text))', []),
        ('op.add_column("tickets", sa.Column("n", sa.Integer, nullable=False, server_default="0"))', []),
        ('op.create_table("new", sa.Column("name", sa.Text, nullable=False))', []),
        ('op.create_index("ix", "tickets", ["colour"])', []),
        ('op.alter_column("tickets", "colour", nullable=True)', []),
        ('op.add_column("tickets", sa.Column("n", sa.Integer, nullable=False))', ["a column that must be filled"]),
        ('op.drop_column("tickets", "colour")', ["drop_column"]),
        ('op.rename_table("tickets", "cases")', ["rename_table"]),
        ('op.alter_column("tickets", "colour", new_column_name="hue")', ["alter_column"]),
        ('op.alter_column("tickets", "colour", nullable=False)', ["alter_column"]),
        ('op.create_index("ix", "tickets", ["colour"], unique=True)', ["a unique index"]),
        ('op.execute("ALTER TABLE tickets DROP COLUMN colour")', ["execute"]),
    ],
)
def test_what_takes_away_is_known(statement: str, found: list[str]) -> None:
    assert takes_away(statement) == found
    assert is_allowed(statement, "0030") is (not found)
    assert is_allowed(f'COMPATIBLE_FROM = "0030"\n{statement}', "0030")
    assert is_allowed(f'COMPATIBLE_FROM = "0031"\n{statement}', "0030") is (not found)


def test_no_program_is_said_to_work_with_tables_that_it_has_never_seen() -> None:
    assert BEFORE_THE_RULE <= schema.COMPATIBLE_FROM <= schema.HEAD
