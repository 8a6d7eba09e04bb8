"""Check executed notebooks: no error, no traceback, nothing on stderr, the expected figures.

python tools/check_executed.py FOLDER
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

FIGURES = {
    "index": 1,
    "01-recurrence": 4,
    "02-training": 4,
    "03-paul-graham": 4,
    "04-shakespeare": 3,
    "05-wikipedia": 6,
    "06-algebraic-geometry": 7,
    "07-linux": 11,
    "08-names": 6,
    "09-predictions": 6,
    "10-neurons": 4,
    "11-turning-a-neuron": 6,
    "12-evolution": 2,
    "13-how-good": 5,
    "14-copying": 2,
    "15-this-book": 3,
    "17-verdicts": 0,
    "18-how-fast": 5,
    "19-that-day": 3,
    "20-the-grid": 1,
    "playground": 0,
}
"""The least number of figures in each chapter."""

DUMP = re.compile(r" object at 0x[0-9a-f]+|^\w+\(\w+=|^tensor\(\[", re.MULTILINE)
"""An object that was not meant to be printed, as the last line of a cell leaves it."""


def problems(notebook: dict, name: str) -> list[str]:
    """What is wrong with an executed notebook, a line each; empty where nothing is."""
    found, figures = [], 0
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        for output in cell["outputs"]:
            text = "".join(output.get("text", ""))
            shown = "".join(output.get("data", {}).get("text/html", ""))
            plain = text + "".join(output.get("data", {}).get("text/plain", ""))
            figures += shown.count("<figure") + ("image/png" in output.get("data", {}))
            if output["output_type"] == "error":
                found.append(f"{name}: cell {number} raised {output['ename']}: {output['evalue']}")
            elif output.get("name") == "stderr":
                found.append(f"{name}: cell {number} wrote to stderr: {text.strip()[:200]}")
            elif "Traceback (most recent call last)" in text:
                found.append(f"{name}: cell {number} printed a traceback")
            elif not shown and DUMP.search(plain):
                found.append(f"{name}: cell {number} shows the insides of an object: {plain[:80]}")
        if cell["source"] and cell.get("execution_count") is None:
            found.append(f"{name}: cell {number} was not executed")
    if figures < FIGURES.get(name, 0):
        found.append(f"{name}: {figures} figures, at least {FIGURES[name]} are expected")
    return found


def check(folder: Path) -> list[str]:
    """Problems of all notebooks of a folder, which must hold every chapter."""
    found = [
        f"{name}: not in {folder}" for name in FIGURES if not (folder / f"{name}.ipynb").exists()
    ]
    for path in sorted(folder.glob("*.ipynb")):
        found += problems(json.loads(path.read_text(encoding="utf-8")), path.stem)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    bad = check(Path(sys.argv[1]))
    print("\n".join(bad) if bad else f"{len(FIGURES)} chapters executed, nothing amiss")
    sys.exit(bool(bad))
