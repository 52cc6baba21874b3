"""The last lines of a run say what did not run; where servers are required, a missing one fails it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NO_SERVER = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_a(number):
    pytest.skip("needs Postfix: make services")
"""
NO_CORPUS = 'import pytest\n\npytest.skip("the corpus is not here", allow_module_level=True)\n'
RUNS = "def test_a():\n    pass\n"


def run(folder: Path, required: bool, *sources: str) -> subprocess.CompletedProcess[str]:
    for number, source in enumerate((RUNS, *sources)):
        (folder / f"test_{number}.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", str(folder)]
    environ = {**os.environ, "MAILGATE_REQUIRE_SERVICES": "1" if required else "0"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_a_run_without_skips_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, False)
    assert result.stdout.splitlines()[-1] == "did not run: nothing"


def test_what_did_not_run_stands_last_with_its_number_and_reason(tmp_path: Path) -> None:
    result = run(tmp_path, False, NO_SERVER, NO_CORPUS)
    assert result.returncode == 0
    assert result.stdout.splitlines()[-3:] == [
        "did not run:",
        "  3 x needs Postfix: make services",
        "  1 x the corpus is not here",
    ]


@pytest.mark.parametrize(("source", "code"), [(NO_SERVER, 1), (NO_CORPUS, 0), (RUNS, 0)])
def test_a_missing_server_fails_the_run_where_servers_are_required(tmp_path: Path, source: str, code: int) -> None:
    assert run(tmp_path, True, source).returncode == code
