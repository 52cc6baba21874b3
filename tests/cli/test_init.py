"""``mailgate init``."""

from pathlib import Path

import pytest

from mailgate.cli.init import init
from mailgate.errors import Refused
from mailgate.settings import load


def test_the_starter_is_valid_and_has_two_mailboxes(tmp_path: Path) -> None:
    init(tmp_path / "new")
    config = load([tmp_path / "new"], {})
    assert list(config.service.mailboxes) == ["help@example.org", "repairs@example.org"]
    assert config.key_name == "order-number"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mailgate.yml").write_text("web: {}\n", encoding="utf-8")
    with pytest.raises(Refused, match="is there already; nothing was written"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mailgate.yml"]
