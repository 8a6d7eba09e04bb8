"""Nats a character that int8 costs: ours, torch's and ONNX Runtime's, on one network.

A 2 x 256 network is trained in float32 on tinyshakespeare for a minute or two (--quick: on this
project's own novel, for seconds), then reads the beginning of the held-out text once in float32 and
once with each side's int8 weights. Ours is the published file and its whole arithmetic, which is
that of the book's pages (`charrnn.export`); the others round what they round by themselves, ONNX
Runtime with one scale a matrix or one a column. The difference counts, and its standard error is
that of the paired differences of 64 stretches.

    python -m benchmarks rounding [--quick]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.command import command
from benchmarks.loops import stepping
from benchmarks.rounds import Effort
from benchmarks.steppers import Reader, quantised
from charrnn.corpora import encode_corpus, load_corpus, split_contiguous
from charrnn.model import CharRNN, ModelConfig
from charrnn.recipe import repository
from charrnn.sample import make_stepper
from charrnn.score import stepped_nats
from charrnn.train import TrainConfig, start

MODEL = {"hidden": 256, "layers": 2}
SETTINGS = TrainConfig(batch=32, seq=64, steps=600, lr=8e-3, warmup=20, min_lr=0.1, device="cpu")
QUICK_MODEL, QUICK_STEPS = {"hidden": 32, "layers": 1}, 40
LANES = 64
"""Stretches that are read side by side, each from an empty state."""
CHARACTERS = {False: 64 * 500, True: 64 * 20}


def trained(quick: bool) -> tuple[CharRNN, np.ndarray, dict]:
    """A network trained in float32, the ids it is held to, and what it was trained on."""
    novel = repository() / "data" / "samples" / "novel.txt"
    corpus = load_corpus(str(novel) if quick else "tinyshakespeare")
    ids, vocab = encode_corpus(corpus)
    split = split_contiguous(ids, (0.9, 0.1, 0.0))
    model = ModelConfig(len(vocab), **(QUICK_MODEL if quick else MODEL))
    settings = SETTINGS.to_dict() | {"precision": "fp32"}
    settings |= {"steps": QUICK_STEPS} if quick else {}
    with TemporaryDirectory() as folder:
        config = TrainConfig.from_dict(settings)
        training = start(model, vocab, split.train, split.val, config, folder)
        step = stepping(training)
        while not training.finished:
            step()
    return training.model.eval(), np.asarray(split.val[: CHARACTERS[quick]]), asdict(config)


def arithmetics(model: CharRNN, folder: Path) -> dict[tuple[str, str], Callable[[int], object]]:
    """Makers of steppers, by side and precision; each takes a number of streams."""
    found = {
        ("ours", "fp32"): lambda streams: make_stepper(model, streams),
        ("ours", "int8"): lambda streams: make_stepper(model, streams, portable=True),
        ("nn.LSTM", "int8"): lambda streams: Reader(quantised(model)),
    }
    if find_spec("onnxruntime") and find_spec("onnx"):
        from benchmarks.onnx_models import FORMS, OnnxStepper, write

        for form, columns in product(FORMS, (False, True)):
            file = write(model, form, True, folder, columns)
            name = f"ONNX Runtime {form}{', a scale a column' if columns else ''}"
            found[name, "int8"] = lambda n, file=file: OnnxStepper(file, n)
    return found


def measure(effort: Effort) -> dict:
    """A row an arithmetic: nats a character, and how many more than float32."""
    model, ids, settings = trained(effort.quick)
    rows, exact = [], None
    with TemporaryDirectory() as folder:
        for (side, precision), make in arithmetics(model, Path(folder)).items():
            nats = stepped_nats(make, ids, LANES, warmup=0)
            exact = nats if exact is None else exact
            row = {"side": side, "precision": precision, "nats": nats.mean()}
            rows.append(row | cost(nats - exact))
    return {"unit": "nats a character", "rows": rows, "characters": len(ids), "settings": settings}


def cost(differences: np.ndarray) -> dict:
    """Mean of paired differences, (n,), and its standard error over stretches."""
    means = [part.mean() for part in np.array_split(differences, LANES)]
    error = np.std(means, ddof=1) / np.sqrt(LANES)
    return {"cost": differences.mean().item(), "standard_error": error.item()}


def show(result: dict) -> None:
    """The table."""
    print(f"nats a character on {result['characters']:,} held-out characters, and more than fp32:")
    for row in result["rows"]:
        name = f"{row['side']} {row['precision']}"
        print(f"  {name:44} {row['nats']:.4f}  {row['cost']:+.5f} +- {row['standard_error']:.5f}")


def main(arguments: list[str] | None = None) -> None:
    command("rounding", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
