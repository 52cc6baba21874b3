"""``mailgate parse`` and ``explain``, as they are called: several files, names on standard input, no configuration."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailgate.cli.main import main

MAIL = b"From: ann.other@council.example\r\nSubject: Broken screen\r\n\r\nIt is broken.\r\n"


class Parse:
    """Calls ``mailgate parse`` in the folder *at*, which has no configuration."""

    def __init__(self, at: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self.at, self._patch, self._output = at, patch, output

    def __call__(self, *words: str, names: bytes = b"") -> tuple[int, list[dict[str, str]], str]:
        """Exit code, the JSON of each line and the errors; *names* is standard input."""
        self._patch.setattr(sys, "argv", ["mailgate", "parse", *words, "--json"])
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names), encoding="utf-8"))
        with pytest.raises(SystemExit) as ended:
            main()
        said, errors = self._output.readouterr()
        return int(ended.value.code or 0), [json.loads(line) for line in said.splitlines()], errors


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Parse:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAILGATE_CONFIG", raising=False)
    (tmp_path / "a mail.eml").write_bytes(MAIL)
    return Parse(tmp_path, monkeypatch, capsys)


def test_explain_says_what_became_of_each_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = tmp_path / "reply.eml"
    mail.write_bytes(
        b"Subject: Re: x\r\n\r\nDone\r\nSent from my iPhone\r\n\r\nOn 21 Nov 2026, at 10:15, IT wrote:\r\n> old"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAILGATE_CONFIG", raising=False)
    monkeypatch.setattr(sys, "argv", ["mailgate", "parse", str(mail), "--explain"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("history found by: attribution, confidence: high")
    assert said[2:] == [
        "reply       | Done",
        "footer      | Sent from my iPhone",
        "reply       |",
        "history     | On 21 Nov 2026, at 10:15, IT wrote:",
        "history     | > old",
    ]


def test_names_on_standard_input_are_one_mail_a_line_and_none_stops_the_others(parse: Parse) -> None:
    code, said, errors = parse("-", names=b"a mail.eml\nno\0name.eml\nmissing.eml\n\na mail.eml\n")
    assert code == 2
    assert [mail.get("subject") for mail in said] == ["Broken screen", None, None, "Broken screen"]
    assert [mail["file"] for mail in said if "error" in mail] == ["no\0name.eml", "missing.eml"]
    assert errors == ""


def test_a_name_need_not_be_text(parse: Parse) -> None:
    (parse.at / os.fsdecode(b"caf\xe9.eml")).write_bytes(MAIL)
    assert parse("-", names=b"caf\xe9.eml\n")[1][0]["subject"] == "Broken screen"


def test_parse_needs_no_configuration_and_a_folder_of_that_name_may_be_anything(parse: Parse) -> None:
    assert parse("a mail.eml", "a mail.eml")[0] == 0
    (parse.at / "config").mkdir()
    (parse.at / "config" / "database.yml").write_text("adapter: [")
    assert parse("a mail.eml", "a mail.eml")[0] == 0


def test_but_one_that_is_asked_for_must_be_there(parse: Parse) -> None:
    code, said, errors = parse("a mail.eml", "--config", "nowhere")
    assert (code, said, errors.count("\n")) == (2, [], 1)


def test_a_closed_standard_output_is_no_traceback() -> None:
    command = f"{sys.executable} -m mailgate parse - --json >&- </dev/null"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
