"""Checkpoints and published models: cut anywhere, a bit turned anywhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from charrnn.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from charrnn.export import load_model, save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab
from trust.ledger import Row, row

SEED = 9


def _checkpoint(path: Path) -> Callable[[Path], object]:
    """A tiny checkpoint at `path`; returns its reader."""
    config = ModelConfig(vocab_size=3, hidden=2, layers=1, cell="lstm")
    tensors = {f"model.{k}": v for k, v in CharRNN(config).state_dict().items()}
    facts = {"name": "three", "sha256": "0" * 64}
    save_checkpoint(path, Checkpoint(config, Vocab(("a", "b", "c")), facts, {}, {}, tensors))
    return lambda file: load_checkpoint(file).model()


def _published(path: Path) -> Callable[[Path], object]:
    """A tiny published model at `path`; returns its reader."""
    corpus = {
        "name": "three",
        "licence": "CC0-1.0",
        "attribution": "none",
        "sha256": "0" * 64,
        "shareable": True,
    }
    model = CharRNN(ModelConfig(vocab_size=3, hidden=2, layers=1, cell="lstm"))
    save_model(path, model, Vocab(("a", "b", "c")), {"run": "three", "corpus": corpus})
    return load_model


def _flips(data: bytes, quick: bool) -> Iterable[tuple[str, bytes]]:
    """The file with one bit turned: 1,000 drawn ones, or every one."""
    places = range(8 * len(data))
    for place in random.Random(SEED).sample(places, 1000) if quick else places:
        turned = bytearray(data)
        turned[place // 8] ^= 1 << place % 8
        yield f"bit {place}", bytes(turned)


def _cuts(data: bytes, quick: bool) -> Iterable[tuple[str, bytes]]:
    """The file cut after its first bytes: every length."""
    for length in range(0, len(data), 3 if quick else 1):
        yield f"{length} bytes", data[:length]


def _case(what: str, write: Callable, damage: Callable) -> Callable[[bool], Row]:
    def case(quick: bool) -> Row:
        outcomes, wrong = [], []
        with TemporaryDirectory() as folder:
            path, spoilt = Path(folder, "whole"), Path(folder, "spoilt")
            read = write(path)
            read(path)  # the whole one opens
            for name, data in damage(path.read_bytes(), quick):
                spoilt.write_bytes(data)
                outcomes.append(_outcome(read, spoilt))
                if outcomes[-1] != "refused in one line":
                    wrong.append(f"{name}: {outcomes[-1]}")
        return row(what, outcomes, wrong)

    return case


def _outcome(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except CheckpointError as error:
        return "refused in several lines" if "\n" in str(error) else "refused in one line"
    except Exception as error:  # the point is to see which
        return f"{type(error).__name__}: {error}"[:120]
    return "opened"


CASES: dict[str, Callable[[bool], Row]] = {
    "checkpoint_bits": _case("checkpoint with one bit turned", _checkpoint, _flips),
    "checkpoint_cuts": _case("checkpoint cut short", _checkpoint, _cuts),
    "model_bits": _case("published model with one bit turned", _published, _flips),
    "model_cuts": _case("published model cut short", _published, _cuts),
}
