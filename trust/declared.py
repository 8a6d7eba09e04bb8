"""What pyproject.toml and requirements.txt say of the packages that this project needs."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
OURS = ("charrnn", "tools", "benchmarks", "tests", "trust", "book")
"""The folders whose Python is ours, the chapters' cells included."""


@dataclass(frozen=True)
class Package:
    """A line of pyproject.toml: a direct dependency."""

    name: str
    """As the index spells it, in lower case: `pyspellchecker`."""
    range: str
    """`>=0.9,<1`; as it stands there."""
    extra: str
    """The extra that it belongs to; "" where the library itself needs it."""
    reason: str
    """What it is for: the comment beside it."""

    @property
    def requirement(self) -> Requirement:
        from packaging.requirements import Requirement

        return Requirement(self.name + self.range)

    @property
    def floor(self) -> str:
        """The lower end of the range, `0.9`. Raises ValueError where there is none."""
        ends = [s.version for s in self.requirement.specifier if s.operator == ">="]
        if len(ends) != 1:
            raise ValueError(f"{self.name}{self.range}: a range begins with >= and a version")
        return ends[0]


def packages() -> list[Package]:
    """Every direct dependency, in the order of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    reasons = dict(re.findall(r'^ +"([^"]+)", *# *(.+)$', text, re.MULTILINE))
    project = tomllib.loads(text)["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    return [
        Package(*_split(line), extra, reasons.get(line, ""))
        for extra, lines in lists.items()
        for line in lines
    ]


def _split(line: str) -> tuple[str, str]:
    name = re.match(r"[\w-]+", line)[0]
    return name.lower(), line[len(name) :]


def pins() -> dict[str, str]:
    """The version of each package that requirements.txt names."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE))


def imported() -> dict[str, set[str]]:
    """The names that our code imports from elsewhere, with the files that do, from the root."""
    sources = list(_sources())
    ours = {*OURS, *(path.stem for path, _ in sources)}
    found: dict[str, set[str]] = {}
    for path, code in sources:
        for name in _names(ast.parse(code, str(path))):
            if name not in ours and name not in sys.stdlib_module_names:
                found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def brought(names: set[str]) -> set[str]:
    """Installed packages, and all that they ask for without an extra of theirs, in turn."""
    from packaging.requirements import Requirement

    found, open_ = set(), {canonical(name) for name in names}
    while open_:
        found.add(name := open_.pop())
        with suppress(PackageNotFoundError):
            asked = [Requirement(line) for line in requires(name) or []]
            here = [r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})]
            open_ |= {canonical(r.name) for r in here} - found
    return found


def canonical(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def providers(module: str) -> set[str]:
    """The installed packages that have a module of this name; none where it is not installed."""
    return {canonical(name) for name in _distributions().get(module, [])}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _sources() -> Iterator[tuple[Path, str]]:
    """Every file of Python, and of every notebook the code; lines of IPython's own are left out."""
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
        for path in sorted((ROOT / folder).rglob("*.ipynb")):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
            yield path, re.sub(r"^[%!].*$", "", "\n".join(code), flags=re.MULTILINE)


def _names(tree: ast.AST) -> Iterator[str]:
    """The first names of what is imported, wherever in the code it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]
