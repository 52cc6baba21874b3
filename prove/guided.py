"""F9, guided: atheris changes mails where that leads the reading into lines of ours it has not been in before.

``python -m prove.guided CORPUS FOUND [options of libFuzzer]``; with LIBRARY=1 it is the standard library that reads.
Each thing that goes wrong becomes a mail in FOUND, with what it is in a file of the same name that ends in .txt.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from prove import hostile
from prove.mounts import NotHere
from prove.outcome import Outcome

MISSING = "atheris is not installed: it is a tool for development on Linux with Python 3.11 to 3.13"
LONGEST = 16 * 1024
MAY_TAKE_SECONDS = 3600


def mails(folder: Path, seed: int, runs: int, *, spoilt: bool = False) -> Outcome:
    """Read *runs* mails. What led to new lines stays in the folder "guided" beside *folder*, and is gone on from."""
    if importlib.util.find_spec("atheris") is None:
        raise NotHere(MISSING)
    corpus, found = folder.parent / ("guided-control" if spoilt else "guided"), folder / "found"
    found.mkdir()
    if not corpus.exists():
        corpus.mkdir()
        for raw in hostile.seeds():
            (corpus / hashlib.sha1(raw).hexdigest()).write_bytes(raw[:LONGEST])
    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", "-timeout=60", "-verbosity=0", "-print_pcs=0"]
    ended = subprocess.run(
        [sys.executable, "-m", "prove.guided", str(corpus), str(found), *options, f"-artifact_prefix={folder}/"],
        cwd=Path(__file__).parent.parent,
        env=os.environ | ({"LIBRARY": "1"} if spoilt else {}),
        capture_output=True,
        timeout=MAY_TAKE_SECONDS,
        check=False,
    )
    problems = [f"{file.name}: {file.with_suffix('.txt').read_text()}" for file in sorted(found.glob("*.eml"))]
    if ended.returncode:
        problems.append(f"the reading ended with {ended.returncode}: {ended.stderr.decode(errors='replace')[-500:]}")
    return Outcome({"mails": runs, "mails that led further": len(list(corpus.iterdir()))}, problems)


def main() -> None:
    import atheris

    corpus, found = sys.argv[1], Path(sys.argv[2])
    with atheris.instrument_imports(include=["mailgate", "mailparser"]):
        from mailgate.ingest.parse import parse
        from prove.reading import problems_of, problems_of_the_library

    problems = problems_of_the_library if "LIBRARY" in os.environ else problems_of

    def read(raw: bytes) -> None:
        for problem in problems(raw, parse(raw)):
            file = found / f"{hashlib.sha1(problem.encode()).hexdigest()[:12]}.eml"
            if not file.exists():
                file.write_bytes(raw)
                file.with_suffix(".txt").write_text(problem)

    setup: Any = atheris.Setup
    setup([sys.argv[0], *sys.argv[3:], corpus], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
