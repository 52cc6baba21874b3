"""The command line, called in this process on a store of its own."""

import json
import sys
from pathlib import Path

import pytest

from mailgate.cli.main import main
from tests.make import SERVICE


class Shell:
    """Calls ``mailgate`` with the configuration in *config*."""

    def __init__(self, config: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self.config, self._patch, self._output = config, patch, output

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output and errors of ``mailgate`` *words*."""
        self._patch.setattr(sys, "argv", ["mailgate", "--config", str(self.config), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *self._output.readouterr())


@pytest.fixture
def mailgate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    config = tmp_path / "config"
    config.mkdir()
    (config / "service.yml").write_text(json.dumps(SERVICE))
    (config / "mailgate.yml").write_text(f"store: {{url: 'sqlite:///{tmp_path}/var/mailgate.db'}}\n")
    return Shell(config, monkeypatch, capsys)
