"""Which files are pure, and which layer each file belongs to: CONTRIBUTING.md, "Who imports whom"."""

from pathlib import Path

OUTSIDE_FILES = {
    "ingest.smtp",
    "ingest.arriving",
    "ingest.session",
    "ingest.lmtp",
    "ingest.listener",
    "ingest.imap",
    "ingest.exchange",
    "ingest.files",
    "ingest.bounded",
    "notify.smtp",
    "notify.maildir",
    "notify.govuk",
    "notify.standin",
    "notify.standin.access",
    "notify.standin.known",
    "notify.standin.messages",
    "notify.standin.routes",
    "notify.standin.server",
    "notify.channel",
    "notify.files",
}
PURE_PACKAGES = {"model", "rules", "tickets", "sla", "ingest", "notify", "stages"}
OUTSIDE_TESTS = {
    "store",
    "workers",
    "cli",
    "deploy",
    "web",
    "scheduler",
    "journeys",
    "faults",
    "folders",
    "journal",
    "shortage",
    "supervise",
    "uncaught",
    "examples",
    "app",
    "account",
    "documents",
    "settings",
}

NOUNS, PURE, STAGES, DECIDE, OUTSIDE, WORKERS, SHELL = range(7)
NAMES = (
    "model, errors",
    "pure files",
    "understand, stages",
    "decide",
    "journal and outside files",
    "workers",
    "scheduler, app, gateway, jobs, replay, backtest, cli, web",
)


def is_pure(module: str) -> bool:
    """Whether *module* ("rules.extract", without the package's name) takes values and returns values.

    A file named after something outside the process talks to it; the others are pure.
    """
    if module in ("", "errors", "understand", "decide") or module.partition(".")[0] == "redacted":
        return True
    return module not in OUTSIDE_FILES and module.partition(".")[0] in PURE_PACKAGES


def layer(module: str) -> int:
    """The layer of *module*: it may import from its own layer and from lower ones."""
    package = module.partition(".")[0]
    if package in ("", "model", "errors"):
        return NOUNS
    if package in ("understand", "stages"):
        return STAGES
    if package == "decide":
        return DECIDE
    if is_pure(module):
        return PURE
    if package == "workers":
        return WORKERS
    return (
        SHELL
        if package in ("scheduler", "app", "gateway", "jobs", "replay", "backtest", "suggest", "cli", "web", "__main__")
        else OUTSIDE
    )


def is_pure_test(path: Path) -> bool:
    """Whether the test file *path*, relative to ``tests/``, tests pure code: it lies where its subject lies."""
    package, subject = path.parts[0], path.stem.removeprefix("test_")
    if package in OUTSIDE_TESTS or subject in OUTSIDE_TESTS:
        return False
    return not any(f"{package}.{subject}".startswith(outside) for outside in OUTSIDE_FILES)
