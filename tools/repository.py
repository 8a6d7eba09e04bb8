"""Put another repository address everywhere it stands: python tools/repository.py https://github.com/me/fork"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def address() -> str:
    """The address in _config.yml."""
    found = re.search(r"^repository:\n  url: (\S+)$", (ROOT / "_config.yml").read_text(), re.M)
    return found.group(1)


def main(new: str) -> None:
    if not re.fullmatch(r"https?://[\w.:-]+(/[\w.~-]+)+", new):
        sys.exit(f"not a repository's web address: {new}")
    old = address()
    files = [ROOT / "_config.yml", ROOT / "book" / "_setup_cell.py"]
    for path in [*files, *sorted((ROOT / "book").glob("*.ipynb"))]:
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        if path.suffix == ".ipynb":
            json.loads(path.read_text(encoding="utf-8"))
    print(f"{old} -> {new}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/").removesuffix(".git"))
