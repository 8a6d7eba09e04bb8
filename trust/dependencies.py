"""The packages that this project needs: declared, licensed, and good at both ends of their ranges.

In full, `lowest` and `newest` each make an environment, of the lower ends of every range and of
the newest releases that the index has, and run the tests in it. Each takes a few GB where PyTorch
comes from an index without CPU builds (TORCH_INDEX names one that has them), so they are made in a
passing folder; CHARRNN_TRUST_ENVIRONMENTS names a folder where they stay, to be used again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from charrnn.corpora.catalogue import entries
from trust.declared import ROOT, Package, brought, imported, packages, pins, providers
from trust.ledger import Row, row
from trust.licences import fault

INSTALLING, TESTING = 3600, 7200
"""Seconds that an installation and a run of the tests may take."""
NOT_IMPORTED = {
    "jupyter-book": "a command",
    "pytest-xdist": "a part of pytest",
    "ruff": "a command",
    "nbstripout": "a command",
    "pre-commit": "a command",
}
"""Declared packages that no code imports, and why they are declared."""
NOT_DECLARED = {
    "atheris": "`make trust` installs it where it has a build",
    "google": "Colab's own",
}
"""Imported modules that are not declared, and where they come from."""
DESELECTED = (
    "tests/test_trust.py::test_the_table_is_that_of_the_results",
    "tests/test_trust.py::test_committed_results_are_whole_and_name_their_commit",
)
"""Tests of the very results that are being made."""
TOLD = ("torch", "numpy", "safetensors", "pandas", "matplotlib", "pytest")
"""The packages whose versions a row names."""
ALONE = """
import runpy, sys
class Present:
    def __init__(self, finders):
        self.finders = finders
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {absent}:
            found = (finder.find_spec(name, path, target) for finder in self.finders)
            return next((spec for spec in found if spec), None)
    def find_distributions(self, *context):
        for finder in self.finders:
            yield from getattr(finder, "find_distributions", lambda *_: ())(*context)
sys.meta_path[:] = [Present(list(sys.meta_path))]
sys.argv = ["charrnn", *{argv}]
runpy.run_module("charrnn", run_name="__main__")
"""
"""Runs the command as if the packages of the extras were not installed."""


def _ranges(quick: bool) -> Row:
    """What is installed here, and what requirements.txt names, lies within the ranges."""
    outcomes, wrong = [], []
    pinned = pins()
    for package in packages():
        try:
            here = version(package.name)
        except PackageNotFoundError:
            here = None
            outcomes.append("not installed here")
        else:
            outcomes.append("within its range")
        for found, where in ((here, "installed"), (pinned.get(package.name), "pinned")):
            if found and not package.requirement.specifier.contains(found, prereleases=True):
                wrong.append(f"{package.name} {found} is {where}, out of {package.range}")
        if not package.reason:
            wrong.append(f"{package.name}: pyproject.toml does not say what it is for")
        if package.name not in pinned:
            wrong.append(f"{package.name}: requirements.txt has no version of it")
    return row("direct dependencies: the installed and the pinned version", outcomes, wrong)


def _imports(quick: bool) -> Row:
    """Every import is of a declared package, and every declared package is imported."""
    declared = {package.name for package in packages()}
    outcomes, wrong, used = [], [], set()
    for module, files in imported().items():
        found = providers(module) or {module}
        used |= found
        if found & declared:
            outcomes.append("declared")
        elif module in NOT_DECLARED:
            outcomes.append("not declared, for a stated reason")
        else:
            outcomes.append("not declared")
            wrong.append(f"{module} is imported by {min(files)} and not in pyproject.toml")
    wrong += [
        f"{name} is declared and nowhere imported"
        for name in sorted(declared - used - NOT_IMPORTED.keys())
    ]
    wrong += [f"{name} is said to be no import" for name in sorted(used & NOT_IMPORTED.keys())]
    return row("modules that the code imports from elsewhere", outcomes, wrong)


def _alone(quick: bool) -> Row:
    """The commands do with the library's own dependencies."""
    needed = brought({package.name for package in packages() if not package.extra})
    absent = {m for m in imported() if not providers(m) & needed}
    with TemporaryDirectory() as place:
        run, text = str(Path(place) / "run"), Path(place) / "text.txt"
        text.write_text("hellohello", encoding="utf-8")
        commands = (
            ["train", "hello", "--steps", "2", "--hidden", "8", "--out", run],
            ["sample", run, "--prompt", "h", "--length", "20"],
            ["score", run, str(text)],
            ["sample", "tinyshakespeare", "--length", "20"],
        )
        outcomes, wrong = [], []
        for argv in commands[:1] if quick else commands:
            program = ALONE.format(absent=sorted(absent), argv=argv)
            done = _run([sys.executable, "-c", program], 300)
            outcomes.append("done" if done.returncode == 0 else "failed")
            if done.returncode:
                wrong.append(f"charrnn {' '.join(argv)}: {_last_line(done.stderr)}")
    return row("commands without what only the extras bring", outcomes, wrong)


def _pip_check(quick: bool) -> Row:
    """What is installed here fits together."""
    what = "`pip check` in the environment that runs this"
    if find_spec("pip") is None:
        return row(what, ["there is no pip here"])
    done = _run([sys.executable, "-m", "pip", "check"], 120)
    clean = done.returncode == 0
    wrong = [] if clean else done.stdout.splitlines() or [_last_line(done.stderr)]
    return row(what, ["clean" if clean else "packages that do not fit together"], wrong)


def _licences(quick: bool) -> Row:
    """Every direct dependency has a licence that fits, and every text a licence and a source."""
    outcomes, wrong = [], []
    for package in packages():
        try:
            found = fault(package.name)
        except PackageNotFoundError:
            outcomes.append("not installed here")
            continue
        outcomes.append("a package whose licence does not fit" if found else "a package that fits")
        wrong += [found] if found else []
    for entry in entries().values():
        whole = bool(entry.licence.strip() and entry.attribution.strip())
        outcomes.append("a text with licence and attribution" if whole else "a text without")
        if not whole:
            wrong.append(f"corpora.toml: {entry.name} has no licence or no attribution")
    return row("licences of direct dependencies and of texts", outcomes, wrong)


def _lowest(quick: bool) -> Row:
    """The tests with the lower end of every range."""
    wanted = [f"{package.name}=={package.floor}" for package in packages()]
    if quick:
        fits = [p.requirement.specifier.contains(p.floor) for p in packages()]
        wrong = [line for line, fit in zip(wanted, fits, strict=True) if not fit]
        return row("lower ends of the ranges", ["within its range" for _ in wanted], wrong)
    return _tested("lowest", "the tests with the lower end of every range", wanted)


def _newest(quick: bool) -> Row:
    """The tests with the newest releases that the ranges allow."""
    wanted = [package.name + package.range for package in packages()]
    if quick:
        capped = [package for package in packages() if "<" in package.range]
        wrong = [f"{p.name}{p.range} keeps out every release" for p in capped if _empty(p)]
        return row("upper ends of the ranges", ["above the lower end" for _ in capped], wrong)
    return _tested("newest", "the tests with the newest release of every range", wanted)


def _empty(package: Package) -> bool:
    return not package.requirement.specifier.contains(package.floor)


def _tested(name: str, what: str, wanted: list[str]) -> Row:
    """The outcome of every test in a new environment with what is wanted, and `pip check` there."""
    with _environment(name, wanted) as (python, failure):
        if failure:
            return row(what, ["not installed"], [failure])
        check = _run([python, "-m", "pip", "check"], 600)
        wrong = [] if check.returncode == 0 else check.stdout.splitlines()
        outcomes, failed = _suite(python)
        notes = f"`pip check` {'clean' if not wrong else 'not clean'}; {_versions(python)}"
        return Row(what, outcomes.total(), dict(outcomes.most_common()), (*wrong, *failed), notes)


@contextmanager
def _environment(name: str, wanted: list[str]) -> Iterator[tuple[str, str]]:
    """A Python with what is wanted, and why there is none: one of the two is ""."""
    kept = os.environ.get("CHARRNN_TRUST_ENVIRONMENTS")
    with TemporaryDirectory() as passing:
        folder = Path(kept or passing).expanduser().absolute() / name
        python = str(folder / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        index = os.environ.get("TORCH_INDEX")
        index = ["--extra-index-url", index] if index else []
        newest = ["--upgrade", "--upgrade-strategy", "eager"] if name == "newest" else []
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [*pip, *index, *newest, *wanted],
            [*pip, "--no-deps", "--editable", str(ROOT)],
        ):
            done = _run(command, INSTALLING)
            if done.returncode:
                yield "", f"{' '.join(command[:4])} ...: {_last_line(done.stderr)}"
                return
        yield python, ""


def _suite(python: str) -> tuple[Counter[str], list[str]]:
    """What came of the tests in an environment: outcomes with counts, and the tests that failed."""
    with TemporaryDirectory() as place:
        report = Path(place) / "report.xml"
        command = [python, "-m", "pytest", "-n", str(min(os.cpu_count() or 1, 4))]
        command += ["--dist", "worksteal", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command += [f"--deselect={test}" for test in DESELECTED]
        own = {"OMP_NUM_THREADS": "1", "CHARRNN_CACHE": str(Path(place) / "cache")}
        done = _run(command, TESTING, own)
        if not report.is_file():
            return Counter({"ended without a report": 1}), [_last_line(done.stdout + done.stderr)]
        return outcomes_of(report.read_text(encoding="utf-8"))


def outcomes_of(report: str) -> tuple[Counter[str], list[str]]:
    """The outcomes in pytest's report (JUnit's XML), and the names of what failed with why."""
    outcomes: Counter[str] = Counter()
    failed = []
    for case in ElementTree.fromstring(report).iter("testcase"):
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped") is not None
        outcomes["failed" if bad is not None else "skipped" if skipped else "passed"] += 1
        if bad is not None:
            why = (bad.get("message") or "").partition("\n")[0][:200]
            failed.append(f"{case.get('classname')}::{case.get('name')}: {why}")
    return outcomes, failed


def _versions(python: str) -> str:
    ask = "import platform; from importlib.metadata import version; print('Python', "
    ask += "platform.python_version() + ''.join(f', {n} {version(n)}' for n in " + f"{TOLD!r}))"
    return _run([python, "-c", ask], 60).stdout.strip()


def _run(
    command: list[str], seconds: float, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in the project's folder; status 124 where it ran past its time."""
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(more or {})},
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"ran past {seconds:,} seconds")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


CASES = {
    "ranges": _ranges,
    "imports": _imports,
    "the library alone": _alone,
    "pip check": _pip_check,
    "licences": _licences,
    "lowest": _lowest,
    "newest": _newest,
}
