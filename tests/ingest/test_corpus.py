"""Real mail that nobody here wrote: it lies outside the project, so this runs where it is."""

import json
import os
from pathlib import Path

import pytest

from mailgate.ingest.parse import parse


def test_every_mail_of_the_corpus_is_read() -> None:
    folder = os.environ.get("MAILGATE_CORPUS")
    if not folder:
        pytest.skip("corpus: set MAILGATE_CORPUS to its folder")
    lines = (Path(folder) / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    files = [entry["file"] for entry in map(json.loads, lines) if entry["kind"] == "mime"]
    unreadable = [name for name in files if "unreadable" in parse((Path(folder) / name).read_bytes()).defects]
    assert files
    assert unreadable == []
