"""A training on disk, whole: one safetensors file that can be resumed, sampled or shipped.

Tensors, by prefix: `model.` weights (float32), `optimizer.<i>.<name>` the optimizer's
memory of parameter i, `rng.` generator states (uint8), `state.<i>` the carried recurrent state
(L, B, H). The header's one metadata entry, `charrnn`, is JSON: format, model, vocabulary, corpus,
training settings, and progress (step, epoch, position in the text, best loss, seconds).

A file appears under its final name complete or not at all: it is written beside it, flushed to the
disk, and renamed over the old one. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab

FORMAT = "charrnn-training-1"


class CheckpointError(ValueError):
    """A file is not a checkpoint that this version can read."""


@dataclass
class Checkpoint:
    """What `load_checkpoint` returns and `save_checkpoint` writes."""

    config: ModelConfig
    vocab: Vocab
    corpus: dict
    """name, title, sha256, n_bytes, characters, licence, attribution, url, shareable"""
    settings: dict
    """The training settings, as `TrainConfig.to_dict()`."""
    progress: dict
    """step, epoch, index, best_loss, best_step, seconds and whatever else the trainer counts."""
    tensors: dict[str, Tensor] = field(repr=False)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names start with `prefix` and a dot, without it."""
        cut = len(prefix) + 1
        return {k[cut:]: v for k, v in self.tensors.items() if k.startswith(prefix + ".")}

    def model(self) -> CharRNN:
        """The trained network on the CPU, in evaluation mode.

        Raises CheckpointError where the weights are not those of the network described.
        """
        model = CharRNN(self.config)
        try:
            model.load_state_dict(self.part("model"))
        except RuntimeError as error:
            detail = " ".join(str(error).split())
            raise CheckpointError(f"the checkpoint is broken: {detail}") from None
        return model.eval()


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a crash at any moment leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # the rename itself must reach the disk too
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            with suppress(OSError):  # some network and FUSE file systems cannot flush a folder
                os.fsync(folder)
        finally:
            os.close(folder)


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically. Tensors are brought to the CPU."""
    header = {
        "format": FORMAT,
        "model": checkpoint.config.to_dict(),
        "vocab": json.loads(checkpoint.vocab.to_json()),
        "corpus": checkpoint.corpus,
        "settings": checkpoint.settings,
        "progress": checkpoint.progress,
    }
    tensors = {k: v.detach().cpu().contiguous() for k, v in checkpoint.tensors.items()}
    write_atomically(Path(path), save(tensors, metadata={"charrnn": json.dumps(header)}))


def read_header(path: str | Path) -> dict:
    """The JSON header of a model file of this project, without its tensors.

    Raises FileNotFoundError, or CheckpointError where the file is something else or broken.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(path, "pt") as opened:
            metadata = opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a complete safetensors file ({error})") from None
    if "charrnn" not in metadata:
        raise CheckpointError(f"{path} is a safetensors file, but was not written by charrnn")
    try:
        header = json.loads(metadata["charrnn"])
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path} has a broken header ({error})") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} has a broken header (it is not a JSON object)")
    return header


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint onto the CPU, wherever it was trained. Raises as `read_header` does."""
    header = read_header(path)
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {header.get('format')!r}; this version reads {FORMAT!r}"
        )
    with safe_open(path, "pt") as opened:
        # Copies: a view of the file lies at odd addresses, where kernels may round differently.
        tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118
    try:
        config = ModelConfig(**header["model"])
        vocab = Vocab.from_json(json.dumps(header["vocab"]))
        if len(vocab) != config.vocab_size:
            raise ValueError(f"{len(vocab)} symbols for a model of {config.vocab_size}")
        kept = [dict(header[name]) for name in ("corpus", "settings", "progress")]
        return Checkpoint(config, vocab, *kept, tensors)
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"{path} has a broken header ({what})") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimizer remembers, as `optimizer.<i>.<name>` tensors."""
    return {
        f"optimizer.{i}.{name}": torch.as_tensor(value)
        for i, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimizer built over the same parameters back what `optimizer_tensors` took."""
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        i, name = key.split(".", 1)
        memory.setdefault(int(i), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": memory, "param_groups": groups})


def copy_matching(model: nn.Module, vocab: Vocab, source: Checkpoint) -> list[str]:
    """Start a model from another's weights: `--init-from`.

    Tensors of equal shape are copied; the columns of the input matrix and the rows of the decoder
    are matched by symbol, so another vocabulary only loses what it does not share. Returns the
    symbols that were not in the source and keep their fresh weights.
    Raises CheckpointError where cell, hidden size or layers differ.
    """
    old, new = source.config, model.config
    for name in ("cell", "hidden", "layers"):
        if getattr(old, name) != getattr(new, name):
            raise CheckpointError(
                f"the weights to start from have {name} {getattr(old, name)}, "
                f"this model {getattr(new, name)}; they must agree"
            )
    weights, target = source.part("model"), model.state_dict()
    both = [s for s in vocab.symbols if s in source.vocab.ids]
    here, there = [vocab.ids[s] for s in both], [source.vocab.ids[s] for s in both]
    for name, value in weights.items():
        value = value.to(target[name].device)  # an indexed assignment does not move its values
        if name == "rnn.0.weight_ih_l0":
            target[name][:, here] = value[:, there]
        elif name.startswith("decoder."):
            target[name][here] = value[there]
        else:
            target[name].copy_(value)
    model.load_state_dict(target)
    return [s for s in vocab.symbols if s not in source.vocab.ids]
