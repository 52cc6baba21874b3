"""Our mails drawn by a browser, and the pictures of them in the documents."""

import re
import runpy
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "pictures.py"))
LARGEST_BYTES = 150 * 1024


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_every_picture_is_there_small_and_shown() -> None:
    shown = re.findall(r"\]\(pictures/([\w-]+)\.png\)", (ROOT / "docs" / "templates.md").read_text("utf-8"))
    drawn = {file.stem: file.read_bytes() for file in (ROOT / "docs" / "pictures").iterdir()}
    expected = {picture.name: picture.height for picture in SCRIPT["PICTURES"]}
    assert sorted(shown) == sorted(drawn) == sorted(expected)
    assert {name: size_of(png)[1] for name, png in drawn.items()} == expected
    assert all(len(png) < LARGEST_BYTES for png in drawn.values())


def test_E204_a_mail_is_drawn_in_light_in_dark_and_the_same_without_images(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed: make services")
    page = tmp_path / "mail.html"
    command = [sys.executable, "-m", "mailgate", "template", "preview", "received", "--output", page]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    drawn = {}
    for name, shown in (("light", ()), ("dark", SCRIPT["DARK"]), ("without images", SCRIPT["WITHOUT_IMAGES"])):
        picture = tmp_path / f"{name}.png"
        SCRIPT["draw"](page, picture, 612, shown)
        drawn[name] = picture.read_bytes()
    assert {size_of(png) for png in drawn.values()} == {(660, 612)}
    assert drawn["light"] == drawn["without images"] != drawn["dark"]
