"""Put book/_setup_cell.py into the first code cell of every notebook."""

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
TAGS = ["setup", "hide-input"]


def main() -> None:
    text = (ROOT / "book" / "_setup_cell.py").read_text(encoding="utf-8").strip()
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        first = next(c for c in notebook.cells if c.cell_type == "code")
        if (first.source, first.metadata.get("tags")) != (text, TAGS):
            first.source, first.metadata["tags"] = text, TAGS
            nbformat.write(notebook, path)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
