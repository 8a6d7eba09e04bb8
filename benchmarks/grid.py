"""The grid of the post's paper on War and Peace: three cells, one to three layers, four sizes.

The paper (Karpathy, Johnson & Fei-Fei 2015, arXiv 1506.02078) compares cells of equal parameters.
Here a size is an LSTM's; GRU and plain network get the hidden size with which they have nearly as
many parameters at the same depth. Text and split are the recipe's: 80 % to train on, 10 % to choose
the step whose weights count, 10 % read once. The way of training is ours and not the paper's: AdamW
with a cosine, batch 100 x 100, norm clip 1, and the same number of epochs for all. `--factors`
tries other rates than the table's, and `--forget-biases` other first biases of an LSTM's forget
gate than 1. The book compares networks at the table's rates, and takes of an LSTM's biases the one
with the lowest validation loss. No weights are kept.

`--jobs` processes train at a time, the largest networks first, and on a GPU each of them trains
`--together` networks side by side (`benchmarks.together`). As one is done it is written to
`benchmarks/results/grid-<machine>.json`, and what stands there with the same settings is not
trained again. At the end of `--minutes`, and on Ctrl-C or SIGTERM, those under way are ended and
left out.

    python -m benchmarks.grid [--cells lstm,gru,rnn] [--layers 1,2,3] [--sizes 64,128,256,512]
        [--factors 1] [--forget-biases 1] [--epochs 15] [--batch 100] [--seq 100] [--seeds 1]
        [--device auto] [--jobs 1] [--together 1] [--minutes M] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.machine import RESULTS, cores, machine, slug
from benchmarks.together import side_by_side
from charrnn.checkpoint import write_atomically
from charrnn.devices import choose_device
from charrnn.model import CELLS
from charrnn.recipe import Recipe, load_recipe, open_texts
from charrnn.runs import HELD_OUT, train_recipe
from charrnn.saving import TrainingError
from charrnn.score import stream_nats
from charrnn.settings import TrainConfig

TEXT = "war_and_peace"
CHARACTERS, SYMBOLS = 3_196_211, 82
"""Of that text; with its V sizes are matched."""
PARTS = {"lstm": 4, "gru": 3, "rnn": 1}
SIZES = (64, 128, 256, 512)
RATES = {
    "lstm": {64: 3e-2, 128: 2e-2, 256: 1e-2, 512: 4e-3},
    "gru": {64: 1.2e-2, 128: 8e-3, 256: 4e-3, 512: 2e-3},
    "rnn": {64: 4e-3, 128: 3e-3, 256: 1.5e-3, 512: 1e-3},
}
"""Learning rates by cell and size, of one and two layers."""
DEEP = {"gru": {512: 1.5e-3}}
"""Of three layers, where it is another: a GRU of 3 x 512 was lost at 3e-3."""
DROPOUT = {64: (0.0, 0.0, 0.0), 128: (0.0, 0.0, 0.0), 256: (0.1, 0.2, 0.2), 512: (0.3, 0.3, 0.3)}
"""By size, for one, two and three layers."""
EPOCHS = 15
"""Of every network that comes with the book."""
BLOCKS = 64
"""Equal stretches of the test text whose losses a row has, for the error of a difference."""
ROUND = 8
"""From size 256 on hidden sizes are multiples of this, as products in half precision like it."""
TRIES = 3
"""How often a network is trained whose loss stops being a number, each time at half the rate."""


def parameters(cell: str, hidden: int, layers: int, symbols: int = SYMBOLS) -> int:
    """Trained numbers of a network: gates of two biases, and the decoder."""
    inputs = symbols + (layers - 1) * hidden
    return PARTS[cell] * hidden * (inputs + layers * (hidden + 2)) + (hidden + 1) * symbols


def matched(cell: str, layers: int, size: int) -> int:
    """The hidden size whose parameters come nearest to those of an LSTM of that size and depth."""
    if cell == "lstm":
        return size
    wanted = parameters("lstm", size, layers)
    sizes = range(ROUND, 8 * size, ROUND if size >= 256 else 1)
    return min(sizes, key=lambda h: abs(parameters(cell, h, layers) - wanted))


@dataclass(frozen=True)
class Cell:
    """A cell of the grid with its settings: what a row that need not be trained again agrees in."""

    cell: str
    layers: int
    size: int
    """Hidden size of the LSTM with as many parameters."""
    seed: int
    epochs: float
    batch: int
    seq: int
    device: str
    """cpu, cuda or mps."""
    factor: float = 1.0
    """Times the table's learning rate."""
    forget_bias: float = 1.0
    """First bias of an LSTM's forget gate; of no meaning in the other cells."""
    scale: str = "post"
    """The recipe's; at smoke the text is a sample of the repository."""
    hidden: int = field(init=False)
    lr: float = field(init=False)
    dropout: float = field(init=False)

    def __post_init__(self) -> None:
        allowed = {"cell": tuple(CELLS), "layers": (1, 2, 3), "size": SIZES}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                shown = ", ".join(map(str, values))
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be one of {shown}")
        rate = RATES[self.cell][self.size]
        if self.layers == 3:
            rate = DEEP.get(self.cell, {}).get(self.size, rate)
        object.__setattr__(self, "hidden", matched(self.cell, self.layers, self.size))
        object.__setattr__(self, "lr", round(rate * self.factor, 6))
        object.__setattr__(self, "dropout", DROPOUT[self.size][self.layers - 1])

    @property
    def parameters(self) -> int:
        return parameters(self.cell, self.hidden, self.layers)

    def recipe(self, rate: float) -> Recipe:
        """The recipe of its text with this network, trained at a rate."""
        base = load_recipe(TEXT, self.scale)
        steps = {"epochs": self.epochs, "batch": self.batch, "seq": self.seq}
        every = round(0.8 * CHARACTERS / (self.batch * self.seq))  # about an epoch
        settings = TrainConfig(
            lr=rate, seed=self.seed, device=self.device, eval_every=every, save_minutes=60, **steps
        )
        model = {"cell": self.cell, "hidden": self.hidden, "layers": self.layers}
        if self.cell == "lstm":
            model["forget_bias"] = self.forget_bias
        return replace(base, model=model | {"dropout": self.dropout}, training=settings)


def train(cell: Cell, folder: Path) -> dict:
    """Train one cell of the grid: its row. TrainingError where no rate keeps its loss a number."""
    for attempt in range(TRIES):
        rate = cell.lr / 2**attempt
        recipe = cell.recipe(rate)
        texts = open_texts(recipe, progress=False)
        try:
            run = train_recipe(recipe, folder / str(attempt), progress=False, texts=texts)
            break
        except TrainingError as error:
            lost = error
    else:
        raise lost
    nats = stream_nats(run.to(cell.device).model, texts.split.test, **HELD_OUT)
    info, history = run.info, run.history
    kept = ("precision", "steps", "best_step", "seconds", "chars_per_second", "losses", "split")
    return asdict(cell) | {
        "lr_used": rate,
        "parameters": info["model"]["parameters"],
        "optimizer": f"{recipe.training.optimizer}, {recipe.training.schedule}",
        "device_name": info["device"],
        **{name: info[name] for name in kept},
        "train_loss": float(history["train_loss"][-1]),
        "last_val": float(history["val_loss"][-1]),
        "blocks": [round(float(b.mean(dtype=float)), 5) for b in np.array_split(nats, BLOCKS)],
    }


@dataclass
class Job:
    """Some cells of the grid in a process of their own."""

    cells: list[Cell]
    folder: TemporaryDirectory
    process: subprocess.Popen

    @classmethod
    def begin(cls, cells: list[Cell], jobs: int) -> Job:
        """Start it, with its share of the cores unless OMP_NUM_THREADS says how many."""
        folder = TemporaryDirectory(prefix="grid-")
        threads = {"OMP_NUM_THREADS": str(max(1, cores() // jobs))} | dict(os.environ)
        asked = json.dumps([asdict(cell) for cell in cells])
        with open(Path(folder.name) / "told", "wb") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.grid", "--only", asked, "--out", folder.name],
                cwd=Path(__file__).resolve().parents[1],
                env=threads,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        return cls(list(cells), folder, process)

    def done(self) -> list[tuple[Cell, dict]]:
        """The cells that have been finished since this was asked last, with what they found."""
        found = []
        for cell in list(self.cells):
            written = Path(self.folder.name) / row_name(cell)
            if written.is_file():
                found.append((cell, json.loads(written.read_text())))
                self.cells.remove(cell)
        return found

    def end(self) -> None:
        """End it wherever it is, and pass on what it said last."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        told = (Path(self.folder.name) / "told").read_text(errors="replace").strip()
        if told:
            print(told.splitlines()[-1], file=sys.stderr, flush=True)
        self.folder.cleanup()


def row_name(cell: Cell) -> str:
    """The file that a process leaves a cell's row in."""
    name = f"{cell.cell}-{cell.layers}-{cell.size}-{cell.factor:g}-{cell.forget_bias:g}"
    return f"{name}-{cell.seed}.row"


@contextmanager
def stopped() -> Iterator[list[int]]:
    """A list that is no longer empty once Ctrl-C or SIGTERM has come."""
    asked: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda n, _: asked.append(n)) for kind in kinds}
    try:
        yield asked
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def train_all(cells: list[Cell], jobs: int, minutes: float | None, keep, together: int = 1) -> int:
    """Train cells in their order, `jobs` processes of `together` each; `keep(cell, row)` as one is
    done.

    Returns how many were left out: they failed, or the time ended or a signal came before.
    """
    waiting = [cells[i : i + together] for i in range(0, len(cells), together)]
    under_way, done = [], 0
    ends = time.monotonic() + 60 * minutes if minutes else float("inf")
    with stopped() as asked:
        try:
            while (waiting or under_way) and not asked and time.monotonic() < ends:
                while waiting and len(under_way) < jobs:
                    under_way.append(Job.begin(waiting.pop(0), jobs))
                ended = [job for job in under_way if job.process.poll() is not None]
                for cell, row in [pair for job in under_way for pair in job.done()]:
                    keep(cell, row)
                    done += 1
                for job in ended:
                    under_way.remove(job)
                    job.end()
                time.sleep(0.1)
        finally:
            for job in under_way:
                job.end()
    return len(cells) - done


def facts_of(device: str) -> dict:
    """The machine and the kind of device, from a process of its own: this one touches no GPU."""
    ask = [sys.executable, "-m", "benchmarks.grid", "--facts", "--device", device]
    root = Path(__file__).resolve().parents[1]
    told = subprocess.run(ask, cwd=root, capture_output=True, text=True)
    if told.returncode:
        raise ValueError((told.stderr.strip().splitlines() or ["no answer"])[-1])
    return json.loads(told.stdout)


def known(path: Path) -> list[dict]:
    """The rows of a result that is there already. ValueError where the file holds something else,
    or none can be written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ValueError(f"{path.parent} cannot be written; give another --out")
        return []
    try:
        return json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path} is no result of the grid; move it away or give another --out"
        ) from None


def has(rows: list[dict], cell: Cell) -> bool:
    """Whether a cell of the grid is among rows, with the same settings."""
    return any(all(row.get(k) == v for k, v in asdict(cell).items()) for row in rows)


def write(path: Path, facts: dict, rows: list[dict]) -> None:
    """Put a result where it belongs, whole."""
    kept = {"benchmark": "grid", "machine": facts, "text": TEXT, "rows": rows}
    write_atomically(path, (json.dumps(kept, indent=2) + "\n").encode())


def line(row: dict) -> str:
    """What is told of a cell of the grid as it is done."""
    losses, rate = row["losses"], f"lr {row['lr_used']:g}"
    again = "" if row["lr_used"] == row["lr"] else " (again)"
    bias = "" if row["forget_bias"] == 1 else f" forget bias {row['forget_bias']:g}"
    return (
        f"{row['cell']:4} {row['layers']} x {row['size']:3} ({row['hidden']} units, "
        f"{row['parameters']:,}){bias} seed {row['seed']}  val {losses['val']:.4f}  test "
        f"{losses['test']:.4f}  train {row['train_loss']:.3f}  best at {row['best_step']:,} of "
        f"{row['steps']:,}  {rate}{again}  {row['seconds']:.0f} s"
    )


def wanted(args: argparse.Namespace, device: str) -> list[Cell]:
    """The cells asked for: seed by seed and in these factor by factor, the largest first."""
    cells = [
        Cell(cell, layers, size, seed, args.epochs, args.batch, args.seq, device, factor, bias)
        for seed in range(1, args.seeds + 1)
        for factor in args.factors
        for cell in args.cells
        for bias in (args.forget_biases if cell == "lstm" else [1.0])
        for layers in args.layers
        for size in args.sizes
    ]
    turn = args.factors.index
    return sorted(cells, key=lambda c: (c.seed, turn(c.factor), -c.size, -c.layers))


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    names, numbers, rates = ({"type": _listed(kind)} for kind in (str, int, float))
    parser.add_argument("--cells", default=list(CELLS), **names)
    parser.add_argument("--layers", default=[1, 2, 3], **numbers)
    parser.add_argument("--sizes", default=list(SIZES), **numbers)
    parser.add_argument("--factors", default=[1.0], help="times the table's rates", **rates)
    parser.add_argument("--forget-biases", default=[1.0], help="first ones, of LSTMs", **rates)
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--seq", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="networks at a time")
    parser.add_argument("--together", type=int, default=1, help="networks a process, on a GPU")
    parser.add_argument("--minutes", type=float, help="end after that time with what is done")
    parser.add_argument("--out", type=Path, default=RESULTS, help="a file, or a folder for it")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--facts", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    for name in ("epochs", "batch", "seq", "seeds", "jobs", "together", "minutes"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            parser.error(f"{name} is {value}; it must be above 0")
    for factor in args.factors:
        if not 0 < factor < float("inf"):
            parser.error(f"factors has {factor}; each must be above 0, and finite")
    for bias in args.forget_biases:
        if not math.isfinite(bias):
            parser.error(f"forget-biases has {bias}; each must be a finite number")
    return args


def _listed(kind: type) -> Callable[[str], list]:
    """Reads values with commas between them."""

    def read(told: str) -> list:
        try:
            return [kind(part) for part in told.split(",")]
        except ValueError:
            what = {int: "whole numbers", float: "numbers"}[kind]
            message = f"{told!r} is not {what} with commas between them"
            raise argparse.ArgumentTypeError(message) from None

    return read


def alone(args: argparse.Namespace) -> None:
    """What a process that the grid starts does: tell of the machine, or train one cell."""
    if args.facts:
        print(json.dumps({"machine": machine(), "device": choose_device(args.device).type}))
        return
    kept = [f.name for f in fields(Cell) if f.init]
    cells = [Cell(**{k: asked[k] for k in kept}) for asked in json.loads(args.only)]

    def work(cell: Cell) -> None:
        with TemporaryDirectory(prefix="grid-", dir=args.out) as folder:
            row = train(cell, Path(folder))
        write_atomically(args.out / row_name(cell), json.dumps(row).encode())

    side_by_side([partial(work, cell) for cell in cells], cells[0].device)


def measure(mode: str) -> list[dict]:
    """Rows for a notebook: "smoke" trains small networks for seconds on a sample of the repository,
    "train" those of the device's sizes, into runs/grid.json of the working folder."""
    if mode == "smoke":
        cells = [Cell(c, n, 64, 1, 1, 8, 50, "cpu", scale=mode) for c in CELLS for n in (1, 2)]
        with TemporaryDirectory() as folder:
            return [train(cell, Path(folder) / row_name(cell)) for cell in cells]
    path, gpu = Path("runs") / "grid.json", choose_device("auto").type == "cuda"
    main(["--out", str(path), "--sizes", "64,128,256,512" if gpu else "64"])
    return known(path)


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing; 0 where all is there, 3 where some of it is not."""
    args = options(arguments)
    if args.facts or args.only:
        alone(args)
        return 0
    began = time.monotonic()
    found = facts_of(args.device)
    facts, path = found["machine"], args.out
    if path.suffix != ".json":
        path = path / f"grid-{slug(facts)}.json"
    rows = known(path)
    cells = wanted(args, found["device"])
    missing = [cell for cell in cells if not has(rows, cell)]
    print(f"{len(missing)} of {len(cells)} to train, {args.jobs} at a time, to {path}", flush=True)

    def keep(cell: Cell, row: dict) -> None:
        rows.append(row)
        write(path, facts, rows)
        print(f"{time.monotonic() - began:5.0f} s  {line(row)}", flush=True)

    minutes = args.minutes and max(0.01, args.minutes - (time.monotonic() - began) / 60)
    left = train_all(missing, args.jobs, minutes, keep, args.together)
    over = minutes and time.monotonic() - began >= 60 * args.minutes
    why = "; time is up, the same command goes on" if left and over else ""
    print(f"{len(cells) - left} of {len(cells)} are there{why}", flush=True)
    return 3 if left else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
