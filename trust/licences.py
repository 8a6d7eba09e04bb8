"""LICENCES.md: the direct dependencies and the corpora, with their licences.

python -m trust.licences           write it
python -m trust.licences --check   1 where it is not up to date

Versions are not in it, so that it changes only when a dependency or a corpus does. A package's
licence stands here as it is read in the package itself, and is held against what the installed
package says of itself, which differs from version to version in its words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import metadata

from charrnn.corpora.catalogue import Entry, entries
from trust.declared import ROOT, Package, packages

PAGE = ROOT / "LICENCES.md"
LICENCES = {
    "torch": "BSD-3-Clause",
    "numpy": "BSD-3-Clause",
    "safetensors": "Apache-2.0",
    "filelock": "MIT; earlier versions Unlicense",
    "tqdm": "MPL-2.0 AND MIT",
    "pooch": "BSD-3-Clause",
    "requests": "Apache-2.0",
    "urllib3": "MIT",
    "pyspellchecker": "MIT",
    "zstandard": "BSD-3-Clause",
    "tree-sitter": "MIT",
    "tree-sitter-c": "MIT",
    "jupyter-book": "BSD-3-Clause",
    "papermill": "BSD-3-Clause",
    "ipywidgets": "BSD-3-Clause",
    "ipython": "BSD-3-Clause",
    "traitlets": "BSD-3-Clause",
    "nbformat": "BSD-3-Clause",
    "anywidget": "MIT",
    "matplotlib": "Matplotlib licence, after that of Python (PSF)",
    "seaborn": "BSD-3-Clause",
    "pandas": "BSD-3-Clause",
    "pillow": "MIT-CMU (HPND)",
    "pypdfium2": "BSD-3-Clause, Apache-2.0",
    "pytest": "MIT",
    "pytest-xdist": "MIT",
    "hypothesis": "MPL-2.0",
    "psutil": "BSD-3-Clause",
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "ruff": "MIT",
    "nbstripout": "MIT",
    "pre-commit": "MIT",
    "playwright": "Apache-2.0",
    "onnx": "Apache-2.0",
    "onnxruntime": "MIT",
}
FAMILIES = {
    "MIT": r"\bMIT\b(?!-CMU)",
    "BSD": r"\b0?BSD",
    "Apache": r"\bApache",
    "MPL": r"\bMPL|Mozilla Public",
    "PSF": r"\bPSF|Python Software Foundation|\bmatplotlib",
    "HPND": r"\bHPND|MIT-CMU|Historical Permission",
    "Unlicense": r"\bUnlicense",
}
"""The licences that a program under MIT may ask for, by a word in which each is known."""
REFUSED = r"GPL|GNU|Proprietary|Commercial|SSPL|BUSL"
HEAD = """\
# Licences

Written by `python -m trust.licences` from `pyproject.toml` and `charrnn/corpora.toml`.

The code is under the MIT licence, prose and figures of the book under CC BY 4.0 (both in
[LICENSE](LICENSE)); what is part of this repository and is not ours is in [NOTICE](NOTICE).

## Packages

None is part of this repository: they are installed from an index. All allow use by a program under
any licence; the two under MPL-2.0 ask only that changes to their own files stay open. PyTorch's
builds for CUDA bring NVIDIA's libraries, which have licences of their own; its CPU builds do not.

| package | range | licence | needed by | what for |
|---|---|---|---|---|
"""
TEXTS = """
## Texts

None is part of this repository but the pages of the book: a text is fetched by whoever trains on
it. Of a text that may not be passed on, records and published models show no longer passages.

| corpus | text | licence | attribution | may be passed on |
|---|---|---|---|---|
"""
GROUPS = {
    "": "the library",
    "book": "the book",
    "dev": "tests and style",
    "bench": "benchmarks beside other programs",
}


def page() -> str:
    """The text of LICENCES.md. Raises KeyError where a package's licence is not known here."""
    needed = [_cells(p) for p in packages()]
    texts = [_row_of(entry) for entry in entries().values()]
    return HEAD + "\n".join(needed) + "\n" + TEXTS + "\n".join(texts) + "\n"


def _cells(package: Package) -> str:
    by = GROUPS[package.extra]
    licence = LICENCES[package.name]
    return _line(package.name, f"`{package.range}`", licence, by, package.reason)


def _row_of(entry: Entry) -> str:
    may = "yes" if entry.shareable else "no"
    return _line(f"`{entry.name}`", entry.title, entry.licence, entry.attribution, may)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def fault(package: str) -> str:
    """What is wrong with the licence of an installed package; "" where nothing is.

    Raises PackageNotFoundError where it is not installed.
    """
    if package not in LICENCES:
        return f"{package} has no licence in trust/licences.py; read it and add it there"
    said = stated(metadata(package))
    if not said:
        return f"{package} states no licence; read it, and let it be known here why it may be used"
    if re.search(REFUSED, said):
        return f"{package} says {said!r}, which asks more than a program under MIT can promise"
    if not families(said) & families(LICENCES[package]):
        return f"{package} says {said!r}, but LICENCES.md {LICENCES[package]!r}"
    return ""


def stated(fields: Mapping[str, str]) -> str:
    """What a package's metadata says of its licence, without the licence's whole text."""
    if expression := fields.get("License-Expression"):
        return expression
    classifiers = [c for c in fields.get_all("Classifier") or [] if c.startswith("License")]
    first = (fields.get("License") or "").strip().partition("\n")[0]
    return "; ".join([*(c.rpartition("::")[2].strip() for c in classifiers), first]).strip("; ")


def families(said: str) -> set[str]:
    return {name for name, word in FAMILIES.items() if re.search(word, said, re.IGNORECASE)}


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is up to date."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        print("LICENCES.md is not up to date; run: python -m trust.licences", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
