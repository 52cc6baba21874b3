"""``make sbom`` lists what the lock lists."""

import json
import re
import subprocess
import sys
import tomllib

from tests.gateway import ROOT


def test_S79_the_list_of_parts_is_the_lock(tmp_path) -> None:
    (arguments,) = re.findall(r"^SBOM = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = tmp_path / "sbom.json"
    command = [sys.executable, "-m", "cyclonedx_py", *arguments.split(), "--output-file", made]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    parts = json.loads(made.read_text())
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {(part["name"], part["version"]) for part in parts["components"]} == set(pins)
    assert all(part["purl"].startswith("pkg:pypi/") for part in parts["components"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    about = parts["metadata"]["component"]
    assert (about["name"], about["version"]) == (project["name"], project["version"])
