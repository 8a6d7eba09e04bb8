"""Model files that a page must survive: one that writes markup, and broken ones."""

import json
import struct

import numpy as np
import torch
from safetensors.numpy import load, save

from charrnn.checkpoint import ENTRY, seal
from charrnn.export import save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab

MARKUP = '<script>window.hacked=1</script><img src=x onerror="window.hacked=2"><b>&amp;</b>'
PROVENANCE = {
    "run": MARKUP,
    "corpus": {"name": MARKUP, "licence": MARKUP, "attribution": MARKUP, "sha256": "00" * 32},
}


def spelling_model(text: str) -> tuple[CharRNN, Vocab]:
    """A network that writes `text` again and again after a newline, which the text has not.

    A plain RNN as a ring of units: the newline switches the first on, each switches on the next,
    and each has the score of its own character.
    """
    vocab = Vocab.of(text + "\n")
    size = len(text)
    model = CharRNN(ModelConfig(len(vocab), cell="rnn", hidden=size, layers=1))
    weights = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    weights["rnn.0.weight_ih_l0"][0, vocab.ids["\n"]] = 8
    for unit, character in enumerate(text):
        weights["rnn.0.weight_hh_l0"][(unit + 1) % size, unit] = 8
        weights["decoder.weight"][vocab.ids[character], unit] = 60
    model.load_state_dict(weights)
    return model.eval(), vocab


def markup_file(folder) -> bytes:
    """The published file of the network that writes MARKUP."""
    path = folder / "markup.safetensors"
    save_model(path, *spelling_model(MARKUP), PROVENANCE)
    return path.read_bytes()


def with_header(raw: bytes, change) -> bytes:
    """The file with its JSON header changed in place."""
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    change(header)
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + raw[8 + length :]


def with_tensor(raw: bytes, name: str, value: float, where=-1) -> bytes:
    """The file with a number of one tensor changed, or with those of a slice, and sealed anew."""
    (length,) = struct.unpack("<Q", raw[:8])
    written = json.loads(raw[8 : 8 + length])["__metadata__"][ENTRY]
    tensors = {key: tensor.copy() for key, tensor in load(raw).items()}
    tensors[name][where] = value
    return seal(save(tensors, metadata={ENTRY: written}))


def turned(raw: bytes, place: int) -> bytes:
    """The file with one bit of one byte turned."""
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def shape_of(header: dict, shape: list) -> None:
    header["layers.0.recurrent"]["shape"] = shape


def offsets_of(header: dict, offsets: list) -> None:
    header["decoder.weight"]["data_offsets"] = offsets


def charrnn_of(header: dict, **changes) -> None:
    """Change what charrnn itself wrote into the header."""
    own = json.loads(header["__metadata__"]["charrnn"])
    header["__metadata__"]["charrnn"] = json.dumps(own | changes)


def broken_files(raw: bytes) -> dict[str, bytes]:
    """By what is wrong with it, a good file made bad."""
    size = len(raw)
    huge = 2**40
    return {
        "empty": b"",
        "not a model": b"<!doctype html><script>window.hacked=3</script>" * 50,
        "cut in its header": raw[:100],
        "cut in its data": raw[: size - 1],
        "cut in half": raw[: size // 2],
        "a byte too long": raw + b"\0",
        "one bit turned": turned(raw, size // 2),
        "its last bit turned": turned(raw, size - 1),
        "header length of 2^63": struct.pack("<Q", 2**63) + raw[8:],
        "header length too short": struct.pack("<Q", 40) + raw[8:],
        "shape too large": with_header(raw, lambda h: shape_of(h, [huge, huge])),
        "shape negative": with_header(raw, lambda h: shape_of(h, [-1, -1])),
        "offsets beyond the end": with_header(raw, lambda h: offsets_of(h, [size, 2 * size])),
        "offsets that overlap": with_header(raw, lambda h: offsets_of(h, [0, 100])),
        "format of markup": with_header(raw, lambda h: charrnn_of(h, format=MARKUP)),
        "no vocabulary": with_header(raw, lambda h: charrnn_of(h, vocab=None)),
        "NaN in a scale": with_tensor(raw, "layers.0.recurrent.scale", np.nan),
        "scale of infinity": with_tensor(raw, "decoder.weight.scale", np.inf),
        "NaN in a bias": with_tensor(raw, "layers.0.bias", np.nan),
        "NaN in the last bias": with_tensor(raw, "decoder.bias", np.nan),
    }


def overflowing_file(raw: bytes) -> bytes:
    """Finite weights whose scores are not: it loads, and fails at the first character."""
    largest = np.finfo(np.float32).max
    return with_tensor(raw, "decoder.weight.scale", largest, slice(None))
