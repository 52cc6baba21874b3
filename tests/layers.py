"""Which files are pure, and which layer each file belongs to: CONTRIBUTING.md, "Who imports whom"."""

from pathlib import Path

PURE_PACKAGES = {"model", "rules", "tickets", "sla"}
PURE_FILES = {
    "decide",
    "errors",
    *(f"ingest.{name}" for name in ("parse", "body", "automatic", "bounce", "authentic", "html", "headers", "data")),
    *(f"notify.{name}" for name in ("compose", "backoff", "layout")),
}
OUTSIDE_WORDS = ("smtp", "lmtp", "imap", "maildir", "files", "listener", "govuk")
OUTSIDE_TESTS = {"store", "workers", "cli", "web", "journeys", "examples", "app"}

NOUNS, PURE, DECIDE, OUTSIDE, WORKERS, SHELL = range(6)
NAMES = ("model, errors", "pure files", "decide", "journal and outside files", "workers", "scheduler, app, cli, web")


def is_pure(module: str) -> bool:
    """Whether *module* ("rules.extract", without the package's name) takes values and returns values."""
    return module in PURE_FILES or module.partition(".")[0] in PURE_PACKAGES


def layer(module: str) -> int:
    """The layer of *module*: it may import from its own layer and from lower ones."""
    package = module.partition(".")[0]
    if package in ("", "model", "errors"):
        return NOUNS
    if package == "decide":
        return DECIDE
    if is_pure(module):
        return PURE
    if package == "workers":
        return WORKERS
    return SHELL if package in ("scheduler", "app", "cli", "web", "__main__") else OUTSIDE


def is_pure_test(path: Path) -> bool:
    """Whether the test file *path*, relative to ``tests/``, tests pure code: it lies where its subject lies."""
    if path.parts[0] in OUTSIDE_TESTS or path.stem.removeprefix("test_") in OUTSIDE_TESTS:
        return False
    return not any(word in path.stem for word in OUTSIDE_WORDS)
