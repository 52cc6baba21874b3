"""Imports point left only, pure files stay pure, and each library has one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.layers import NAMES, OUTSIDE, is_pure, layer

ROOT = Path(__file__).parent.parent / "mailgate"

HOMES = {
    "aiosmtpd": ("ingest.smtp",),
    "imapclient": ("ingest.imap",),
    "imaplib": ("ingest.imap",),
    "msal": ("ingest.exchange",),
    "mailparser": ("ingest.headers",),
    "flufl": ("ingest.bounce",),
    "sqlalchemy": ("store",),
    "alembic": ("store",),
    "psycopg": ("store",),
    "obstore": ("store.s3",),
    "pysqlite3": ("store",),
    "apscheduler": ("scheduler",),
    "jinja2": ("notify.template",),
    "notifications_python_client": ("notify.govuk",),
    "structlog": ("journal",),
    "xlsxwriter": ("notify.spreadsheet",),
}
OUTSIDE_WORLD = {
    *("asyncio", "concurrent", "logging", "multiprocessing", "os", "queue", "random", "secrets", "selectors", "shutil"),
    *("signal", "smtplib", "socket", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "threading", "time"),
    *("uvloop", "requests"),
}
CLOCKS = {"now", "utcnow", "today"}
SHARED = {"journal", "folders"}  # outside files that other packages may import
MAY_CATCH_ALL = {"workers.loop", "ingest.smtp", "ingest.parse"}


def modules() -> list[tuple[str, Path]]:
    """Every module of the package as ("rules.extract", its file)."""
    return [(_dotted(file.relative_to(ROOT)), file) for file in sorted(ROOT.rglob("*.py"))]


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").rstrip(".")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that is imported, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def imports_within(module: str, tree: ast.AST) -> Iterator[str]:
    """What *module* imports of mailgate although the order of layers forbids it."""
    for line, name in imports(tree):
        if name.startswith("."):
            yield f"{line}: imports {name}: write the whole name, mailgate and all"
        head, *path = name.split(".")
        if head != "mailgate":
            continue
        imported = ".".join(path[:2])  # packages are one level deep; what follows is a name in a file
        mine, theirs = layer(module), layer(imported)
        if theirs > mine:
            yield f"{line}: imports {name}: {NAMES[mine]} must not know {NAMES[theirs]}"
        elif mine == theirs == OUTSIDE and imported.split(".")[0] not in {module.split(".")[0], *SHARED}:
            yield f"{line}: imports {name}: packages that talk to the outside do not know one another"


def imports_away_from_home(module: str, tree: ast.AST) -> Iterator[str]:
    for line, name in imports(tree):
        homes = HOMES.get(name.partition(".")[0], (module,))
        if not any(module == home or module.startswith(home + ".") for home in homes):
            yield f"{line}: imports {name}, which lives in {homes[0]} alone"


def impurities(module: str, tree: ast.AST) -> Iterator[str]:
    """What *module* has to do with the outside world although it is pure."""
    if not is_pure(module):
        return
    for line, name in imports(tree):
        if name.partition(".")[0] in OUTSIDE_WORLD or name in ("pathlib", "pathlib.Path"):
            yield f"{line}: imports {name}: a pure file takes values and returns values"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield f"{node.lineno}: asks the clock: the time is an argument"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print"):
            yield f"{node.lineno}: calls {node.func.id}: a pure file takes values and returns values"


def catches_all(module: str, tree: ast.AST) -> Iterator[str]:
    """Where *module* swallows every exception; to clean up and raise again is allowed everywhere."""
    if module in MAY_CATCH_ALL:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and not _raises_again(node):
            names = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"Exception"}
            if names & {"Exception", "BaseException"}:
                yield f"{node.lineno}: catches every exception: name those that are expected"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


CHECKS = (imports_within, imports_away_from_home, impurities, catches_all)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_file_keeps_to_its_layer(check) -> None:
    problems = [
        f"mailgate/{file.relative_to(ROOT)}:{problem}"
        for module, file in modules()
        for problem in check(module, ast.parse(file.read_text("utf-8")))
    ]
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        (
            "rules.extract",
            "from mailgate.store import facts",
            "1: imports mailgate.store.facts: pure files must not know",
        ),
        (
            "decide",
            "def f():\n    import mailgate.workers.loop",
            "2: imports mailgate.workers.loop: decide must not know",
        ),
        ("tickets.orders", "from mailgate.stages import orders", "pure files must not know understand, stages"),
        ("stages.orders", "from mailgate import decide", "understand, stages must not know decide"),
        ("store.spool", "from mailgate.ingest.files import read_mails", "packages that talk to the outside"),
        ("rules.extract", "from . import classify", "1: imports ..classify: write the whole name"),
        ("settings", "import mailgate.app", "journal and outside files must not know scheduler"),
        ("ingest.files", "import mailparser", "which lives in ingest.headers alone"),
        ("sla.clock", "import time", "1: imports time"),
        ("sla.clock", "from pathlib import Path", "1: imports pathlib.Path"),
        ("sla.clock", "start = datetime.now(UTC)", "1: asks the clock"),
        ("tickets.thread", "open('x')", "1: calls open"),
        ("store.spool", "try:\n    f()\nexcept (ValueError, Exception):\n    pass", "3: catches every exception"),
        ("store.spool", "try:\n    f()\nexcept:\n    pass", "3: catches every exception"),
    ],
)
def test_a_file_that_leaves_its_layer_is_named_with_its_line(module: str, source: str, problem: str) -> None:
    tree = ast.parse(source)
    assert any(problem in found for check in CHECKS for found in check(module, tree))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("workers.intake", "from mailgate import decide\nfrom mailgate.store import spool"),
        ("store.spool", "from mailgate import journal\nfrom mailgate.store.engine import Store\nimport sqlalchemy"),
        ("decide", "from mailgate.ingest.automatic import kind_of\nfrom mailgate.rules import extract"),
        ("store.sqlite", "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
        ("ingest.smtp", "try:\n    f()\nexcept Exception:\n    pass"),
        ("workers.delivery", "import time\nstart = datetime.now(UTC)"),
    ],
)
def test_what_the_layers_allow_is_not_reported(module: str, source: str) -> None:
    assert not [found for check in CHECKS for found in check(module, ast.parse(source))]
