"""The page's module as it is assembled: up to date, in one file, and asking for no other."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "page.py")
page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page)


@pytest.fixture
def static(tmp_path, monkeypatch):
    """A folder of sources of the test's own."""
    (tmp_path / "src").mkdir()
    monkeypatch.setattr(page, "STATIC", tmp_path)

    def write(**sources):
        for name, text in sources.items():
            (tmp_path / "src" / f"{name}.mjs").write_text(text)

    return write


def test_the_module_is_what_its_sources_make(monkeypatch):
    monkeypatch.setattr("sys.argv", ["page.py", "--check"])
    assert page.problems() == []


def test_a_stale_module_is_noticed(static, monkeypatch):
    static(main="export const a = 1;\n")
    (page.STATIC / "charrnn.mjs").write_text(page.NOTE + "const a = 1;\n")
    monkeypatch.setattr("sys.argv", ["page.py", "--check"])
    assert page.problems() == []
    static(main="export const a = 2;\n")
    assert "stale" in page.problems()[0]


def test_what_is_needed_comes_first_and_once(static):
    static(
        main='import { b } from "./b.mjs";\nimport {\n  c,\n  d,\n} from "./c.mjs";\n\nb(c, d);\n',
        b='import { c } from "./c.mjs";\nexport function b() {\n  return c;\n}\n',
        c="export const c = 1;\nexport async function d() {}\n",
    )
    assert page.joined("main") == (
        "const c = 1;\nasync function d() {}\n\nfunction b() {\n  return c;\n}\n\n\nb(c, d);\n"
    ).replace("\n\n\n", "\n\n")


def test_two_files_may_not_define_one_name(static):
    static(
        main='import { a } from "./b.mjs";\nconst size = a;\n', b="export const a = 1, size = 2;\n"
    )
    static(b="export const a = 1;\nconst size = 2;\n")
    with pytest.raises(ValueError, match=r"size is in b\.mjs and in main\.mjs"):
        page.joined("main")


@pytest.mark.parametrize("line", ['import * as x from "./b.mjs";', 'import "https://a.b/c.js";'])
def test_other_forms_of_import_are_refused(static, line):
    static(main=f"{line}\n", b="export const a = 1;\n")
    with pytest.raises(ValueError, match="an import of a form"):
        page.joined("main")


def test_the_module_loads_nothing_by_itself():
    """It must work from a blob, and ask no host but the page's own."""
    text = (ROOT / "charrnn" / "static" / "charrnn.mjs").read_text(encoding="utf-8")
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert "import.meta" not in text
    worker = json.loads(re.search(r"^const WORKER = (\".*\");$", text, re.MULTILINE).group(1))
    assert "import" not in re.findall(r"^\w+", worker, re.MULTILINE)
    for line in [*text.splitlines(), *worker.splitlines()]:
        assert (
            "//" not in line
            or line.lstrip().startswith(("*", "/", "const WORKER"))
            or (not re.search(r"https?://", line))
        ), line
    assert "KERNEL" in worker and "KERNEL" not in text.replace(json.dumps(worker), "")


def test_no_source_parses_markup():
    """Text of a model is only ever inserted as text."""
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|Function\("
    for path in sorted((ROOT / "charrnn" / "static" / "src").glob("*.mjs")):
        assert not re.search(words, path.read_text(encoding="utf-8")), path.name


def test_the_sources_are_small():
    for path in sorted((ROOT / "charrnn" / "static" / "src").glob("*.mjs")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 250, path.name
        assert max(map(len, lines)) <= 100, path.name
