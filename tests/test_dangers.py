"""Our own rules on what has no place in this code (S79): each is one question to the syntax tree.

ruff's rules of bandit (``S``) say some of it as well, and can be switched off in a line; these cannot.
"""

import ast
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.test_architecture import modules

Holds = Callable[[ast.AST], bool]


class Danger(NamedTuple):
    """*may*: the modules that may, each for a reason that stands beside it."""

    rule: str
    holds: Holds
    may: tuple[str, ...] = ()


def called(*names: str) -> Holds:
    """A call of a function by any of these names, whatever it hangs on: "yaml.load" is also ``yaml.load``."""
    return lambda node: isinstance(node, ast.Call) and _ends(ast.unparse(node.func), names)


def _ends(name: str, wanted: tuple[str, ...]) -> bool:
    return any(name == each or name.endswith("." + each) for each in wanted)


def imported(*names: str) -> Holds:
    def holds(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            return any(alias.name.split(".")[0] in names for alias in node.names)
        return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in names

    return holds


def given(argument: str, *values: object) -> Holds:
    """A call with ``argument=value``."""

    def holds(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and any(
            each.arg == argument and isinstance(each.value, ast.Constant) and each.value.value in values
            for each in node.keywords
        )

    return holds


def built(*names: str) -> Holds:
    """A call whose first argument is put together of pieces: an f-string with values, %, + or format."""

    def holds(node: ast.AST) -> bool:
        if not (isinstance(node, ast.Call) and node.args and _ends(ast.unparse(node.func), names)):
            return False
        first = node.args[0]
        return (
            (isinstance(first, ast.JoinedStr) and any(_varies(part) for part in first.values))
            or (isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mod | ast.Add))
            or (isinstance(first, ast.Call) and _ends(ast.unparse(first.func), ("format",)))
        )

    return holds


def _varies(part: ast.expr) -> bool:
    """Whether it is more than the name of a constant."""
    return isinstance(part, ast.FormattedValue) and not (isinstance(part.value, ast.Name) and part.value.id.isupper())


# store.facts writes as many placeholders as there are values, store.postgresql the names of our tables, and
# store.sqlite its own pragmas.
SQL = built("text", "execute", "exec_driver_sql", "literal_column")
# ingest.exchange asks the authority that gives access tokens.
FETCHED = imported("requests", "httpx", "urllib3", "aiohttp")
# notify.returned writes one.
ARCHIVES = called("ZipFile", "tarfile.open", "gzip.decompress", "zlib.decompress")
UNCHECKED = "a certificate that nobody checks"

DANGERS = (
    Danger("YAML that makes objects (S50)", called("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all")),
    Danger("what is unpacked may run", imported("pickle", "cPickle", "shelve", "marshal", "dill")),
    Danger("a shell (S55)", given("shell", True)),
    Danger("a shell (S55)", called("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")),
    Danger("text that runs", lambda node: isinstance(node, ast.Call) and ast.unparse(node.func) in ("eval", "exec")),
    Danger("text that runs", called("builtins.eval", "builtins.exec", "code.interact")),
    Danger("SQL that is put together (S57)", SQL, may=("store.facts", "store.postgresql", "store.sqlite")),
    Danger("what a mail names could be fetched (S62)", FETCHED, may=("ingest.exchange",)),
    Danger("what a mail names could be fetched (S62)", called("urlopen", "urlretrieve"), may=("notify.standin.known",)),
    Danger("a name that somebody else may take first", called("tempfile.mktemp", "mktemp")),
    Danger(UNCHECKED, given("verify", False)),
    Danger(UNCHECKED, called("ssl._create_unverified_context")),
    Danger(UNCHECKED, lambda node: isinstance(node, ast.Attribute) and node.attr == "CERT_NONE"),
    Danger("templates outside the sandbox (S47)", called("Environment", "jinja2.Template", "Template")),
    Danger("templates outside the sandbox (S47)", called("from_string"), may=("notify.template",)),
    Danger("archives that are unpacked (S23)", called("extractall", "unpack_archive")),
    Danger("archives that are opened (S23)", ARCHIVES, may=("notify.returned",)),
    Danger("XML that may name files (XXE)", imported("xml")),
)  # fmt: skip


def dangers(module: str, tree: ast.AST) -> list[str]:
    return [
        f"{node.lineno}: {danger.rule}: {ast.unparse(node)[:60]}"
        for node in ast.walk(tree)
        for danger in DANGERS
        if module not in danger.may and danger.holds(node) and hasattr(node, "lineno")
    ]


def test_S79_nothing_dangerous_stands_in_our_code() -> None:
    trees = {module: ast.parse(file.read_text("utf-8")) for module, file in modules()}
    assert [f"{module}:{each}" for module, tree in trees.items() for each in dangers(module, tree)] == []


def test_every_exception_from_the_rules_is_still_needed() -> None:
    trees = {module: ast.parse(file.read_text("utf-8")) for module, file in modules()}
    for danger in DANGERS:
        for module in danger.may:
            assert any(danger.holds(node) for node in ast.walk(trees[module])), f"{module}: {danger.rule}"


@pytest.mark.parametrize(
    "source",
    [
        "yaml.load(text)",
        "import pickle",
        "from pickle import loads",
        "subprocess.run(words, shell=True)",
        "os.system(word)",
        "eval(word)",
        "connection.execute(text(f'SELECT {name}'))",
        "connection.execute('SELECT ' + name)",
        "text('SELECT %s' % name)",
        "text('SELECT {}'.format(name))",
        "import requests",
        "urllib.request.urlopen(url)",
        "tempfile.mktemp()",
        "client.get(url, verify=False)",
        "context.verify_mode = ssl.CERT_NONE",
        "jinja2.Environment()",
        "environment.from_string(subject)",
        "archive.extractall(folder)",
        "zipfile.ZipFile(file)",
        "from xml.etree import ElementTree",
    ],
)
def test_S79_what_is_dangerous_is_named_with_its_line(source: str) -> None:
    (found,) = {each.partition(":")[0] for each in dangers("anywhere", ast.parse(source))}
    assert found == "1"


@pytest.mark.parametrize(
    "source",
    [
        "yaml.safe_load(text)",
        "connection.execute(text('SELECT :name'), {'name': name})",
        "subprocess.run(['ls', name])",
        "text(f'SELECT 1')",
        "pattern.execute(name)",
        "SandboxedEnvironment(autoescape=True)",
    ],
)
def test_what_is_harmless_is_not_reported(source: str) -> None:
    assert dangers("anywhere", ast.parse(source)) == []
