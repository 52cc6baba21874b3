"""What a running gateway makes of files that change under it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailgate.errors import MailgateError
from mailgate.model.config import Config
from mailgate.model.operator import Operator, Smtp
from mailgate.settings import load
from mailgate.workers.configuration import Reloading
from mailgate.workers.watch import Watched


class Running:
    """A gateway of which only the configuration is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.watched = folder, Watched()
        self.used: list[Config] = []
        self.told: list[int] = []
        self.write("region: North\n")
        (folder / "keys").mkdir()
        self.write(f"keys: {folder}/keys\n", "mailgate.yml")
        config = self.load()
        self.reloading = Reloading(config, self.load, self.use, self.told.append, self.watched)

    def load(self) -> Config:
        return load([self.folder], {})

    def use(self, config: Config) -> None:
        if config.service.region == "Nowhere":
            raise MailgateError("the template is wrong\nand another one too")
        self.used.append(config)

    def write(self, text: str, name: str = "a.yml") -> None:
        (self.folder / name).write_text(text)

    def look(self, times: int = 2) -> None:
        for _ in range(times):
            assert self.reloading.turn() == 0


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_a_changed_file_is_in_force_once_nothing_changes_any_more(running: Running) -> None:
    running.look()
    running.write("region: South\n")
    running.look(1)
    running.write("region: Southmarch\n")
    running.look(1)
    assert running.used == []
    running.look(3)
    assert [config.service.region for config in running.used] == ["Southmarch"]


def test_E225_a_new_key_is_a_change_and_what_else_lies_beside_the_keys_is_none(running: Running) -> None:
    keys = running.folder / "keys"
    (keys / "README").write_text("ours")
    running.look(3)
    assert running.used == []
    (keys / "kb").write_text("00" * 32)
    running.look(3)
    assert len(running.used) == 1
    (keys / "kb").unlink()
    running.look(3)
    assert len(running.used) == 2


@pytest.mark.parametrize(("text", "mistakes"), [("regoin: x\nteams: []\n", 2), ("region: Nowhere\n", 2)])
def test_what_is_wrong_changes_nothing_and_is_told_once(running: Running, text: str, mistakes: int) -> None:
    running.write(text)
    running.look(5)
    assert (running.used, running.told, running.watched.mistakes) == ([], [mistakes], mistakes)
    running.write("region: East\n")
    running.look()
    assert ([config.service.region for config in running.used], running.watched.mistakes) == (["East"], 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "b.yml").write_text("teams: { desk: {} }\n"),
        lambda folder: (folder / "rules" / "b.yml").write_text("# nothing yet\n"),
        lambda folder: (folder / "templates" / "done.md").write_text("words"),
        lambda folder: (folder / "a.yml").unlink(),
    ],
)
def test_files_that_come_and_go_are_seen(tmp_path: Path, change: Callable[[Path], object]) -> None:
    for name in ("rules", "templates"):
        (tmp_path / name).mkdir()
    (tmp_path / "z.yml").write_text("domains: [a.org]\n")
    running = Running(tmp_path)
    change(tmp_path)
    running.look()
    assert len(running.used) == 1


def test_the_operators_part_stays_until_the_next_start(running: Running) -> None:
    running.write("smtp: { listen: null }\n", "mailgate.yml")
    running.look()
    assert running.used[0].operator.smtp.listen == Smtp().listen == Operator().smtp.listen
