"""``deploy/mailgate.service``: systemd reads it, it is shut tightly, and the gateway works inside."""

import os
import shutil
import smtplib
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from ctypes.util import find_library
from pathlib import Path
from urllib.request import urlopen

import pytest

from mailgate.gateway import GRACE_SECONDS
from mailgate.settings import load
from tests.deploy.confined import confined
from tests.gateway import MAILBOX, ROOT, Gateway, wait_until

UNIT = ROOT / "deploy/mailgate.service"
LEAST_LEVEL = 30  # of 100: an exposure of 3.0 of 10
MAIL = (
    f"From: ann@justice.example\nTo: {MAILBOX}\nSubject: warning letter\nMessage-ID: <1@justice.example>\n\nPlease.\n"
)


def analysed(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """What ``systemd-analyze`` says; the test is skipped where there is none."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: make services")
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def settings() -> Mapping[str, Sequence[str]]:
    """Every setting of the unit, and the values it is given."""
    found = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        name, given, value = line.partition("=")
        if given and not line.startswith("#"):
            found[name].append(value)
    return found


def installed(folder: Path) -> Path:
    """The unit with its drop-in in *folder*; only the program stands elsewhere."""
    shutil.copytree(UNIT.with_suffix(".service.d"), folder / "mailgate.service.d")
    text = UNIT.read_text()
    assert "ExecStart=/usr/local/bin/mailgate " in text
    (folder / UNIT.name).write_text(text.replace("/usr/local/bin/mailgate", sys.executable))
    return folder / UNIT.name


def test_systemd_finds_no_fault_in_the_unit(tmp_path) -> None:
    done = analysed("verify", "--man=no", installed(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_a_fault_where_there_is_one(tmp_path) -> None:
    unit = installed(tmp_path)
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in analysed("verify", "--man=no", unit).stderr


def test_the_unit_exposes_little() -> None:
    done = analysed("security", "--offline=true", f"--threshold={LEAST_LEVEL}", UNIT)
    assert done.returncode == 0, done.stdout


def test_the_unit_has_what_its_document_and_the_gateway_take_for_granted(tmp_path) -> None:
    unit = settings()
    assert unit["ExecStart"] == ["/usr/local/bin/mailgate serve"]
    assert unit["UMask"] == ["0077"]  # S78
    assert float(unit["TimeoutStopSec"][0]) > GRACE_SECONDS
    assert (unit["StateDirectory"], unit["WorkingDirectory"]) == (["mailgate"], ["/var/lib/mailgate"])
    assert (unit["RuntimeDirectory"], unit["RuntimeDirectoryMode"]) == (["mailgate"], ["0750"])
    assert "relay_transport = lmtp:unix:/run/mailgate/lmtp" in (ROOT / "deploy/postfix/main.cf").read_text()


def test_roots_command_has_what_the_unit_gives_the_gateway() -> None:
    unit, command = settings(), (ROOT / "deploy/mailgate-admin").read_text()
    alike = ("StateDirectory", "StateDirectoryMode", "EnvironmentFile", "UMask")
    options = {
        "uid": unit["User"],
        "gid": unit["Group"],
        "working-directory": unit["WorkingDirectory"],
        "setenv": unit["Environment"],
        **{f"property={name}": unit[name] for name in alike},
    }
    assert [option for option, (value,) in options.items() if f"--{option}={value} " not in command] == []
    assert f" {unit['ExecStart'][0].removesuffix(' serve')} " in command


@pytest.mark.parametrize("file", [UNIT, *UNIT.with_suffix(".service.d").iterdir()], ids=lambda file: file.name)
def test_every_variable_that_a_unit_sets_is_one_of_ours(file) -> None:
    variables = [line.split("=", 2)[1:] for line in file.read_text().splitlines() if line.startswith("Environment=")]
    load([ROOT / "config"], {name: value for name, value in variables if name != "MAILGATE_CONFIG"})


def allowed_calls() -> list[str]:
    """What ``SystemCallFilter`` lets through, its sets spelt out by systemd."""
    allowed: set[str] = set()
    for value in settings()["SystemCallFilter"]:
        named = [name for each in value.removeprefix("~").split() for name in spelt_out(each)]
        allowed = allowed.difference(named) if value.startswith("~") else allowed.union(named)
    return sorted(allowed | set(spelt_out("@default")))


def spelt_out(name: str) -> list[str]:
    if not name.startswith("@"):
        return [name]
    lines = map(str.strip, analysed("syscall-filter", name).stdout.splitlines()[1:])
    return [call for line in lines if line and not line.startswith("#") for call in spelt_out(line)]


def test_the_gateway_takes_decides_and_answers_mail_with_nothing_but_what_the_unit_leaves_it(tmp_path) -> None:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting file systems read-only needs root, and a machine that allows it")
    if not find_library("seccomp"):
        pytest.skip("libseccomp2 is not installed: make services")
    running = Gateway(tmp_path)
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            confined(tmp_path, allowed_calls(), sys.executable, "-m", "mailgate.cli.main", "serve"),
            cwd=tmp_path,
            env=running.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    running.follow(process)
    try:
        wait_until(running.is_listening)
        with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
            client.sendmail("ann@justice.example", MAILBOX, MAIL)
        wait_until(lambda: running.acknowledgements() != [])
        with urlopen(f"http://127.0.0.1:{running.web_port}/health", timeout=20) as answer:
            assert answer.status == 200
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert running.stop() == 0
    finally:
        if process.poll() is None:
            running.kill()
    assert "CapEff:\t0000000000000000" in status
    assert "Seccomp:\t2" in status
