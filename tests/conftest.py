"""What every test run does: the pure tests alone on request, and an account of what did not run."""

import os
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from tests.layers import is_pure_test

HERE = Path(__file__).parent
LONGEST_SECONDS = 300
REQUIRED = os.environ.get("MAILGATE_REQUIRE_SERVICES") == "1"

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("required", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("required" if REQUIRED else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pure", action="store_true", help="only the tests of pure code")
    parser.addoption("--golden", action="store_true", help="rewrite expectations instead of comparing with them")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests that need something outside, where only the pure ones are wanted."""
    if config.getoption("--pure") and collection_path.name.startswith("test_"):
        return True if not is_pure_test(collection_path.relative_to(HERE)) else None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that would wait for ever fails instead."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"{item.name} took longer than {LONGEST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """As the very last lines: what did not run, and why. Where servers are required, a missing one fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reasons = Counter(_reason(report) for report in reporter.stats.get("skipped", [])) if reporter else Counter()
    missing = [reason for reason in reasons if REQUIRED and not _may_be_absent(reason)]
    if missing and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    result = yield
    if reporter and not session.config.option.collectonly:
        _tell(reporter, reasons, missing, all_asked=not session.config.getoption("--pure"))
    return result


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, in its own words."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _may_be_absent(reason: str) -> bool:
    """The corpus of other projects' mails is not part of this one, and not every machine lets us mount a file system.

    Servers can be installed.
    """
    return "corpus" in reason.lower() or "mounting" in reason


def _tell(reporter: pytest.TerminalReporter, reasons: Counter[str], missing: list[str], *, all_asked: bool) -> None:
    if not reasons:
        reporter.write_line("did not run: " + ("nothing" if all_asked else "what is not pure; make test runs it too"))
        return
    reporter.write_line("did not run:", yellow=True)
    for reason, count in sorted(reasons.items()):
        reporter.write_line(f"  {count} x {reason}")
    if missing:
        reporter.write_line("MAILGATE_REQUIRE_SERVICES=1: what is missing counts as a failure", red=True)
