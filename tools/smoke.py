"""Execute every chapter with papermill in smoke mode, some side by side, and check the results.

python tools/smoke.py [--jobs 2] [--out _build/smoke]
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import check_executed  # noqa: E402


def parameters_of(notebook: Path) -> set[str]:
    """The names in a notebook's parameters cell."""
    import papermill

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return set(papermill.inspect_notebook(str(notebook)))


def check_parameters(notebook: Path, given: dict) -> None:
    """Raise ValueError where a parameter is not in the notebook: papermill would only warn."""
    unknown = set(given) - parameters_of(notebook)
    if unknown:
        raise ValueError(f"{notebook.name} has no parameter {', '.join(sorted(unknown))}")


def execute(notebook: Path, out: Path) -> str:
    """One chapter; returns a line that says how it went. An exception is the chapter's."""
    import papermill

    given = {"mode": "smoke"} if "mode" in parameters_of(notebook) else {}
    check_parameters(notebook, given)
    began = time.monotonic()
    papermill.execute_notebook(
        str(notebook),
        str(out / notebook.name),
        parameters=given,
        cwd=str(notebook.parent),
        progress_bar=False,
        execution_timeout=900,
        kernel_name="python3",
    )
    return f"{notebook.stem}: {time.monotonic() - began:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "smoke")
    args = parser.parse_args()
    args.out = args.out.resolve()  # papermill changes the working folder, for all threads at once
    args.out.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    os.environ["OMP_NUM_THREADS"] = "1"
    chapters = [ROOT / "book" / f"{name}.ipynb" for name in check_executed.FIGURES]
    failed = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for path, job in [(c, pool.submit(execute, c, args.out)) for c in chapters]:
            try:
                print(job.result(), flush=True)
            except Exception as error:  # whatever a chapter raises is that chapter's failure
                failed += 1
                print(f"{path.stem} failed: {error}", flush=True)
    bad = check_executed.check(args.out)
    print("\n".join(bad) if bad else "every chapter ran, nothing amiss")
    return bool(failed or bad)


if __name__ == "__main__":
    sys.exit(main())
