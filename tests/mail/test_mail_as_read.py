"""Each mail beside this file is read as its ``.expected.yml`` says; ``--golden`` rewrites those."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mailgate.cli.shown import message_as_json
from mailgate.ingest.parse import parse
from mailgate.model.work import TextKeys

MAILS = sorted(Path(__file__).parent.glob("*.eml"))
KEYS = TextKeys(
    disclaimers=("This e-mail and any attachments",), banners=("[EXTERNAL]", "CAUTION: This email originated")
)
MARKINGS = ("OFFICIAL", "OFFICIAL-SENSITIVE")
yaml = YAML()
yaml.width = 120


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_mail_is_read_as_expected(path: Path, request: pytest.FixtureRequest) -> None:
    beside = path.with_name(f"{path.stem}.expected.yml")
    expected: dict[str, Any] = yaml.load(beside)
    shown = message_as_json(parse(path.read_bytes(), KEYS, MARKINGS))
    found = {key: _plain(shown[key]) for key in expected if key != "why"}
    if request.config.getoption("--golden"):
        expected.update(found)
        yaml.dump(expected, beside)
    assert found == {key: value for key, value in expected.items() if key != "why"}


def _plain(value: Any) -> Any:
    """Attachments by name alone: their sums say nothing to a reader."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [file["filename"] for file in value]
    return value
