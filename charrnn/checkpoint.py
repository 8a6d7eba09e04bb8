"""A training on disk, whole: one safetensors file that can be resumed, sampled or shipped.

Tensors, by prefix: `model.` weights (float32), `optimizer.<i>.<name>` the optimizer's
memory of parameter i, `rng.` generator states (uint8), `state.<i>` the carried recurrent state
(L, B, H). The header's metadata entry `charrnn` is JSON: format, model, vocabulary, corpus,
training settings, and progress (step, epoch, position in the text, best loss, seconds).

A second entry, `charrnn.sha256`, seals the file: 64 hexadecimal digits, the SHA-256 of the whole
file with zeros in their place. So a bit that changed anywhere is found when the file is read. A
file without a seal, from an earlier version or another program, is read as well; one with any other
entry is not.

A file appears under its final name complete or not at all: it is written beside it, flushed to the
disk, and renamed over the old one. Nothing is ever unpickled, and nothing larger than the file is
built of what it claims.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from charrnn.fields import shown
from charrnn.model import CharRNN, ModelConfig, weight_shapes
from charrnn.vocab import Vocab

FORMAT = "charrnn-training-1"
ENTRY, SEAL = "charrnn", "charrnn.sha256"
OPEN = "0" * 64
"""What stands in the seal's place while it is computed."""
CHUNK = 1 << 20
LONGEST = 100_000_000
"""Bytes of a header that safetensors reads at most."""


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
    file: Path | None = None
    """Where it was read from, for messages."""

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names start with `prefix` and a dot, without it."""
        cut = len(prefix) + 1
        return {k[cut:]: v for k, v in self.tensors.items() if k.startswith(prefix + ".")}

    def model(self) -> CharRNN:
        """The trained network on the CPU, in evaluation mode.

        Raises CheckpointError where the weights are not those of the network described.
        """
        weights = self.part("model")
        if wrong := _misfit(weights, weight_shapes(self.config)):
            where = f" (in {self.file})" if self.file else ""
            raise CheckpointError(f"the checkpoint is broken: {wrong}{where}")
        model = CharRNN(self.config)
        model.load_state_dict(weights)
        return model.eval()


def _misfit(tensors: dict[str, Tensor], shapes: dict[str, tuple[int, ...]]) -> str:
    """What is wrong with finite float32 tensors that should have these names and shapes, or ""."""
    if missing := sorted(shapes.keys() - tensors.keys()):
        return f"it lacks {', '.join(missing[:3])}"
    if extra := sorted(tensors.keys() - shapes.keys()):
        return f"it holds {', '.join(extra[:3])}, which its network does not have"
    for name, shape in shapes.items():
        has = tuple(tensors[name].shape)
        if has != shape:
            return f"size mismatch for {name}: {has} in the file, {shape} by its header"
        if tensors[name].dtype != torch.float32:
            return f"{name} is {tensors[name].dtype}; it must be torch.float32"
        if not tensors[name].isfinite().all():
            return f"{name} holds numbers that are not finite"
    return ""


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
    write_atomically(Path(path), sealed(save, tensors, header))


def sealed(save: Callable[..., bytes], tensors: dict, header: dict) -> bytes:
    """A model file of this project, with its seal; `save` is one of safetensors'."""
    return seal(save(tensors, metadata={ENTRY: json.dumps(header)}))


def seal(data: bytes) -> bytes:
    """A file of safetensors whose metadata is the one entry `charrnn`, with a seal before it.

    It is put into the header's text: safetensors writes several entries in an order that changes
    from call to call, and the same model must give the same bytes.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    begin = b'{"__metadata__":{'
    rest = data[8:end].rstrip(b" ").removeprefix(begin)
    text = begin + f'"{SEAL}":"{OPEN}",'.encode() + rest
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    unsealed = b"".join([len(text).to_bytes(8, "little"), text, memoryview(data)[end:]])
    place = _place_of_seal(unsealed[: 8 + len(text)])
    digits = hashlib.sha256(unsealed).hexdigest().encode()
    return b"".join([unsealed[:place], digits, memoryview(unsealed)[place + len(digits) :]])


def _place_of_seal(head: bytes) -> int:
    """Where the seal's digits stand in the first bytes of a file; -1 where it has none.

    What is a string inside the header's own strings has its quotation marks escaped.
    """
    key = f'"{SEAL}":"'.encode()
    found = head.find(key)
    return found + len(key) if found >= 0 else -1


def check_seal(path: Path) -> None:
    """CheckpointError where a file has a seal and is not as it was when it was sealed."""
    with safe_open(path, "pt") as opened:
        digits = (opened.metadata() or {}).get(SEAL)
    if digits is None:
        return
    with open(path, "rb") as file:
        length = file.read(8)
        head = length + file.read(min(int.from_bytes(length, "little"), LONGEST))
        place = _place_of_seal(head)
        if place < 0 or head[place : place + len(OPEN)] != digits.encode():
            raise CheckpointError(
                f'{path} has a broken header (its seal must stand there as "{SEAL}":"...", with no '
                "space between, and once)"
            )
        state = hashlib.sha256(head[:place] + OPEN.encode() + head[place + len(OPEN) :])
        while piece := file.read(CHUNK):
            state.update(piece)
    if digits != state.hexdigest():
        raise CheckpointError(
            f"{path} is damaged: it is not as it was written (its seal does not fit); "
            "take it from where it came from once more"
        )


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
        detail = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is not a complete safetensors file ({detail})") from None
    if ENTRY not in metadata:
        raise CheckpointError(f"{path} is a safetensors file, but was not written by charrnn")
    if extra := sorted(metadata.keys() - {ENTRY, SEAL}):
        raise CheckpointError(f"{path} has a broken header (an entry {extra[0][:40]!r})")
    try:
        header = json.loads(metadata[ENTRY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} has a broken header ({error})") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} has a broken header (it is not a JSON object)")
    return header


def is_later(found: object, ours: str) -> bool:
    """Whether a format's name is that of another version of ours, which a later charrnn wrote."""
    return isinstance(found, str) and found.startswith(ours.rstrip("0123456789"))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint onto the CPU, wherever it was trained. Raises as `read_header` does."""
    header = read_header(path)
    if (found := header.get("format")) != FORMAT:
        advice = "; update charrnn" if is_later(found, FORMAT) else ""
        raise CheckpointError(
            f"{path} has format {shown(found)}; this version reads {FORMAT!r}{advice}"
        )
    check_seal(Path(path))
    try:
        with safe_open(path, "pt") as opened:
            # Copies: a view of the file lies at odd addresses, where kernels may round differently.
            names = opened.keys()
            tensors = {name: opened.get_tensor(name).clone() for name in names}
    except (SafetensorError, OSError, RuntimeError) as error:
        detail = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} cannot be read ({detail})") from None
    try:
        config = ModelConfig.from_dict(header["model"])
        vocab = Vocab.from_json(json.dumps(header["vocab"]))
        if len(vocab) != config.vocab_size:
            raise ValueError(f"{len(vocab)} symbols for a model of {config.vocab_size}")
        kept = [dict(header[name]) for name in ("corpus", "settings", "progress")]
        return Checkpoint(config, vocab, *kept, tensors, Path(path))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
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
