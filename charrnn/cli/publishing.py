"""`charrnn export`, `measure` and `record`: from a training to what others can use."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from charrnn import export as exporting
from charrnn.cli.console import quoted, say
from charrnn.cli.options import add_text
from charrnn.publish import publish
from charrnn.runs import RunError, load_run, run_texts, runs_folder


def add(command) -> None:
    """Add the three commands."""
    parser = command(
        "export",
        "write the published model of a run to a file",
        run=export,
        more=(
            "The file holds weights (int8, or half precision where int8 would cost more than\n"
            "0.005 nats per character on the validation text), vocabulary and settings."
        ),
        epilog="example:\n  charrnn export runs/notes notes.safetensors",
    )
    parser.add_argument("name", metavar="RUN", help="a training's folder or a recorded run's name")
    parser.add_argument("file", metavar="FILE", help="a new file")
    parser.add_argument(
        "--precision",
        choices=("int8", "fp16"),
        help="without looking at the text (default: by the loss on the validation text)",
    )
    add_text(parser)
    parser = command(
        "measure",
        "compute all that needs a run's corpus, into measures.json",
        run=measure,
        epilog="example:\n  charrnn measure shakespeare",
    )
    parser.add_argument("name", metavar="RUN", help="a recorded run's name or a training's folder")
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="texts drawn at each temperature (16); more of them narrow the intervals",
    )
    parser.add_argument(
        "--only",
        choices=("samples", "neurons", "evolution", "yardsticks"),
        help="one part, and keep the others as they are",
    )
    add_text(parser)
    parser = command(
        "record",
        "publish a finished training as data/runs/NAME",
        run=record,
        more="An earlier run of that name is replaced whole.",
        epilog="example:\n  charrnn record runs/shakespeare --name shakespeare",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the training's folder")
    parser.add_argument("--name", metavar="NAME", help="(the run's own)")
    add_text(parser)


def export(args: argparse.Namespace) -> None:
    """Write the published model file; one is made where the run has none yet."""
    run, file = load_run(args.name), Path(args.file)
    if file.exists():
        raise FileExistsError(f"{file} exists; remove it or choose another name")
    if not file.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {file.parent}")
    given = Path(args.name)
    published = given if given.is_file() else run.folder / "model.safetensors"
    if published.is_file():
        if args.precision:
            raise ValueError(f"{run.name} is published already; leave --precision out")
        shutil.copy(published, file)
    else:
        precision = args.precision
        if precision is None:
            _, texts = run_texts(run.folder, args.text)
            precision = exporting.choose_precision(run.model, run.vocab, texts.split.val)[0]
        facts = run.info.get("corpus", {})
        keep = {k: facts.get(k) for k in ("name", "licence", "attribution", "sha256")}
        provenance = {"run": run.name, "scale": run.info.get("scale"), "corpus": keep}
        exporting.save_model(file, run.model, run.vocab, provenance, precision)
    say(f"{quoted(file)}: {file.stat().st_size:,} bytes")


def measure(args: argparse.Namespace) -> None:
    """Measure a run; the path of what was written goes to stdout."""
    from charrnn.measure import measure_run  # needs packages that nothing else here does

    given = {} if args.samples is None else {"samples": args.samples}
    print(measure_run(args.name, progress=say, text=args.text, only=args.only, **given))


def record(args: argparse.Namespace) -> None:
    """Publish a training; the path of the recorded run goes to stdout."""
    run = load_run(args.folder)
    if not (run.folder / "best.safetensors").is_file():
        raise RunError(f"{run.folder} is not the folder of a training")
    if not run.info.get("finished"):
        raise RunError(f"{run.folder} is not finished; charrnn resume {quoted(run.folder)} first")
    name = str(run.name) if args.name is None else args.name
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"name is {name!r}; it must be letters, digits, _ and -")
    if runs_folder() is None:
        raise RunError("recorded runs lie in a checkout of the project; run this inside one")
    _, texts = run_texts(run.folder, args.text)
    print(publish(run.folder, name, texts))
