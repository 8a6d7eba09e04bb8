"""The repository as a whole: notebooks, pins, addresses, sizes."""

import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
CHAPTERS = [p for p in NOTEBOOKS if p.stem[:2].isdigit()]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def cells(path, kind="code"):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / f for f in listed.stdout.split("\0") if f and (ROOT / f).is_file()]


def test_there_are_chapters():
    assert len(CHAPTERS) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_carry_no_outputs(path):
    notebook = json.loads(path.read_text())
    assert "widgets" not in notebook["metadata"]
    for cell in cells(path):
        assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_first_code_cell_is_the_same_everywhere(path):
    assert source(cells(path)[0]).strip() == (ROOT / "book/_setup_cell.py").read_text().strip()


def test_the_repository_address_agrees():
    address = tool("repository").address()
    assert address.startswith("https://")
    assert f"{address} /content/project" in (ROOT / "book" / "_setup_cell.py").read_text()


def test_another_address_goes_everywhere_and_back(tmp_path, monkeypatch, capsys):
    for name in ("_config.yml", "book/_setup_cell.py", "book/index.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    repository = tool("repository")
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    ours, fork = repository.address(), "https://example.org/me/fork"
    repository.main(fork)
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert fork in path.read_text() and ours not in path.read_text()
    repository.main(ours)
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path)).read_bytes()
    with pytest.raises(SystemExit, match="not a repository's web address"):
        repository.main('https://example.org/me/"; rm')


def set_up_chapter(monkeypatch, folder):
    """Execute the set-up cell in a folder: the commands that it ran, and its root."""
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, **options: ran.append(command))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(folder)
    names = {}
    exec((ROOT / "book" / "_setup_cell.py").read_text(), names)
    return ran, names["root"]


def test_the_setup_cell_fetches_nothing_where_the_project_is(monkeypatch, tmp_path):
    assert set_up_chapter(monkeypatch, ROOT / "book") == ([], ROOT)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    assert set_up_chapter(monkeypatch, tmp_path)[0] == []


@pytest.mark.skipif(Path("/content/project").exists(), reason="the project is on this Colab")
def test_the_setup_cell_leaves_colabs_torch(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    (command,), root = set_up_chapter(monkeypatch, tmp_path)
    packages, clone, install = command.split(" && ")
    assert packages.endswith(
        " -m pip install -q pooch 'pyspellchecker<1' zstandard tree-sitter tree-sitter-c pypdfium2"
    )
    assert clone.startswith("git clone -q --depth 1 https://") and clone.endswith(f" {root}")
    assert install.endswith(f" -m pip install -q --no-deps -e {root}")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapters_are_text_with_code(path):
    code = [source(c) for c in cells(path)[1:]]
    lines = [len([x for x in c.splitlines() if x.strip()]) for c in code]
    words = sum(len(source(c).split()) for c in cells(path, "markdown"))
    assert statistics.median(lines) <= 5
    assert max(lines) <= 20
    assert words / sum(lines) >= 8


@pytest.mark.parametrize(
    "stem",
    [
        "02-training",
        "03-paul-graham",
        "04-shakespeare",
        "05-wikipedia",
        "06-algebraic-geometry",
        "07-linux",
        "08-names",
    ],
)
def test_chapters_with_a_training_have_one_parameters_cell(stem):
    tagged = [
        source(c)
        for c in cells(ROOT / "book" / f"{stem}.ipynb")
        if "parameters" in c["metadata"].get("tags", [])
    ]
    assert len(tagged) == 1 and 'mode = "recorded"' in tagged[0]


def test_an_unknown_parameter_is_refused():
    smoke = tool("smoke")
    chapter = ROOT / "book" / "03-paul-graham.ipynb"
    smoke.check_parameters(chapter, {"mode": "smoke"})
    with pytest.raises(ValueError, match="no parameter no_such"):
        smoke.check_parameters(chapter, {"no_such": 1})


def test_the_check_of_executed_notebooks_can_fail():
    check = tool("check_executed")
    good = {"cell_type": "code", "source": "1", "execution_count": 1, "outputs": []}
    figure = {"output_type": "display_data", "data": {"text/html": "<figure>"}}
    error = {"output_type": "error", "ename": "E", "evalue": "v"}
    noise = {"output_type": "stream", "name": "stderr", "text": "warned"}
    assert check.problems({"cells": [good | {"outputs": [figure]}]}, "index") == []
    assert (
        "raised E" in check.problems({"cells": [good | {"outputs": [figure, error]}]}, "index")[0]
    )
    assert "stderr" in check.problems({"cells": [good | {"outputs": [figure, noise]}]}, "index")[0]
    assert "0 figures" in check.problems({"cells": [good]}, "index")[0]
    dump = {"output_type": "execute_result", "data": {"text/plain": "Training(model=CharRNN("}}
    assert "insides" in check.problems({"cells": [good | {"outputs": [figure, dump]}]}, "index")[0]
    idle = good | {"execution_count": None, "outputs": [figure]}
    assert "not executed" in check.problems({"cells": [idle]}, "index")[0]


def test_every_page_of_the_contents_is_there():
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
    for name in contents:
        assert any((ROOT / f"{name}{e}").is_file() for e in (".ipynb", ".md")), name
    pages = {*NOTEBOOKS, *(ROOT / "book").glob("*.md")}
    assert {ROOT / name for name in contents} == {page.with_suffix("") for page in pages}


def test_pins_lie_in_the_ranges():
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    ranges = [*project["dependencies"], *(line for lines in extras for line in lines)]
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.M))
    for line in ranges:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pins.pop(wanted.name)), line
    assert not pins, f"pinned, but in no range: {pins}"


def test_the_hooks_are_of_the_pinned_versions():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.M))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    revisions = dict(re.findall(r"repo: https://\S+/([\w-]+)\n +rev: v?(\S+)", hooks))
    assert revisions["ruff-pre-commit"] == pins["ruff"]
    assert revisions["nbstripout"] == pins["nbstripout"]


def test_every_package_of_the_library_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {p.parent.relative_to(ROOT) for p in (ROOT / "charrnn").rglob("__init__.py")}
    assert sorted(listed) == sorted(".".join(p.parts) for p in found)


def test_the_recorded_runs_stay_small():
    files = [p for p in (ROOT / "data" / "runs").rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 45e6
    assert {p.suffix for p in files} <= {".json", ".csv", ".jsonl", ".safetensors", ".png"}


def test_tracked_files_are_ours_and_small():
    words = re.compile("|".join(["\\.\\./" + "shared", "/work" + "/", "/root" + "/"]))
    for path in tracked():
        assert path.stat().st_size < 24 * 2**20, path
        if "vendor" in path.parts or path.suffix in (".safetensors", ".png"):
            continue
        text = path.read_bytes()
        assert b"\r\n" not in text, path
        if path.name != "run":
            assert not words.search(text.decode(errors="replace")), path
