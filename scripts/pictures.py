"""Draws the pictures of docs/templates.md: what our mails look like in light, in dark and without images.

Asks the command line for each mail, as a person would, and lets Chromium draw it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
DARK = ("--blink-settings=forceDarkModeEnabled=true", "--enable-features=WebContentsForceDark")
WITHOUT_IMAGES = ("--blink-settings=imagesEnabled=false",)


class Picture(NamedTuple):
    """A message as ``mailgate template preview`` is asked for it, and how Chromium shows it."""

    name: str
    message: tuple[str, ...]
    height: int
    shown: tuple[str, ...] = ()


PICTURES = (
    Picture("received-light", ("received",), 612),
    Picture("received-dark", ("received",), 612, DARK),
    Picture("received-images-off", ("received",), 612, WITHOUT_IMAGES),
    Picture("received-by-the-public", ("received", "--to", "public"), 544),
    Picture("daily-light", ("daily", "--to", "team"), 1086),
    Picture("daily-dark", ("daily", "--to", "team"), 1086, DARK),
    Picture("weekly-light", ("weekly", "--to", "team"), 1160),
    Picture("weekly-dark", ("weekly", "--to", "team"), 1160, DARK),
    Picture("more-needed-in-both-languages", ("more-needed", "--language", "en+cy"), 1314),
)


def draw(page: Path, picture: Path, height: int, shown: tuple[str, ...] = ()) -> None:
    """Let Chromium draw *page* into *picture*, 660 pixels wide."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text"),
            *(f"--user-data-dir={profile}", f"--window-size=660,{height}", *shown),
            *(f"--screenshot={picture}", page.resolve().as_uri()),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def main() -> None:
    """Draw all pictures; a sentence where a program is missing."""
    missing = [program for program in ("chromium", "pngquant") if shutil.which(program) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} is not installed: make services")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "mail.html"
        for picture in PICTURES:
            command = [sys.executable, "-m", "mailgate", "template", "preview", *picture.message, "--output", page]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            file = FOLDER / f"{picture.name}.png"
            draw(page, file, picture.height, picture.shown)
            subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "--speed", "1", "32", file], check=True)
            print(f"drew {file.relative_to(ROOT)}: {file.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
