"""The published model file, "charrnn-model-1": small enough for git and for a web page.

It is a safetensors file (https://huggingface.co/docs/safetensors): 8 bytes N, an unsigned
little-endian integer; N bytes of JSON, an object with for each tensor its `dtype` (I8, F16, F32),
`shape` and `data_offsets` [first byte, byte after the last], counted from the end of the JSON; then
the data, little-endian, rows first. The order of the tensors is not fixed. Nothing is pickled.

Header
------
The JSON's `__metadata__` has an entry `charrnn`, a string that is itself JSON:

    format      "charrnn-model-1"
    model       cell ("lstm", "gru" or "rnn"), hidden H, layers L, vocab_size V, and in a network of
                single lines restart, the id of a symbol; what else stands here (dropout,
                forget_bias) matters to training only; `charrnn.model.SWITCHES` are left out
    vocab       level, and symbols in id order: one string at level "char" (a symbol is a code
                point, not a UTF-16 unit), a list of integers 0 to 255 at level "byte"
    precision   "int8" or "fp16"
    tensors     by name, what is kept: {"kept": "int8" | "fp16" | "float32", "shape": [...]},
                the shape without padding
    provenance  run, corpus (name, licence, attribution, sha256 of the training text) and more

and it may have a second, `charrnn.sha256`, which a reader that can compute it checks: 64
hexadecimal digits, the SHA-256 of the whole file with zeros ("0") in their place. No other entry.

Tensors
-------
P is the number of parts of a unit: 4 in an LSTM (i, f, g, o), 3 in a GRU (r, z, n), 1 in a plain
RNN. Part p of unit j is row p H + j. W is H rounded up to a multiple of 32; layers count from 0.

    layers.0.lookup      (V, P H)  row s is what symbol s adds to the parts of the first layer: the
                                   transposed input matrix, so a 1-of-k product is one lookup
    layers.<l>.below     (P H, W)  l >= 1: multiplied by the new h of the layer below
    layers.<l>.recurrent (P H, W)  multiplied by the layer's own h of the step before
    layers.<l>.bias      (P H,)    float32. LSTM, RNN: the sum of torch's two. GRU: the sum for r
                                   and z, the input's alone for n
    layers.<l>.bias_new  (H,)      float32, GRU only: the recurrent bias of n
    decoder.weight       (V, W)    multiplied by the new h of the top layer
    decoder.bias         (V,)      float32

Columns H to W - 1 are zero, so that a kernel may work in blocks of 32. The matrices `below` and
`recurrent` stay apart, although they could be one matrix: each has its own scales, which rounds
more finely (a tenth less squared error on a trained 2 x 512 LSTM), a sum of H products of int8 and
int16 fits in 32 bits up to H = 516, and the GRU needs the two products apart. A program that keeps
the h of all layers in one array, W numbers a layer, finds both vectors side by side in it.

With precision "int8" each of these matrices X (not the biases) comes with X.scale, float32, one
number a row, finite and above 0. The weight is float32(X[r, k]) * X.scale[r], and -128 does not
occur. The writer takes scale = max |row| / 127, rounded to float32, and rounds row / scale to the
nearest integer, halves to even; a row of zeros has scale 1. With "fp16" matrices are float16.

What it computes
----------------
All states start at zero, and they are set to zero before each symbol that is the model's restart
symbol, where it has one. For each symbol s, layer after layer, with x = lookup[s] in layer 0 and
x = below h' of the layer below above it, and u = recurrent h (sigmoid is s(), * goes by element):

    lstm  a = x + u + bias; c' = s(a_f) * c + s(a_i) * tanh(a_g); h' = s(a_o) * tanh(c')
    gru   a = x + bias; r = s(a_r + u_r); z = s(a_z + u_z); n = tanh(a_n + r * (u_n + bias_new));
          h' = (1 - z) * n + z * h
    rnn   h' = tanh(x + u + bias)

and the logits of the next symbol are decoder.weight h' + decoder.bias. This fixes the real numbers
meant; `load_model` gives a network that computes them in float32, to float32's rounding.

The portable arithmetic
-----------------------
`charrnn.portable` and the pages of the book compute an int8 file in one way, fixed to the last bit:
the same file, prompt, seed and settings give the same text in every browser and in Python. Every
operation is one of IEEE 754's in float32, rounded to nearest, halves to even, never two fused, in
the order that the parentheses show, but for what is said to be integer or float64.

    A   = min(32767, floor((2^31 - 1) / (127 H))), the scale of the activations: a sum of H
          products of int8 and int16 then stays below 2^31, and is exact in any order
    q   = the integer nearest to (h * A), halves to even, not beyond -A and A: what is multiplied
    X h = float32(sum over k of X[r, k] q[k]) * (X.scale[r] / A) for row r; the sum is an integer
    x   = float32(lookup[s, r]) * lookup.scale[s] in layer 0

    exp(v):  v is first brought into [-87, 87]; n = v * 1.44269504 rounded to an integer, halves to
             even; r = (v - n * 0.693359375) - n * -0.00021219444; then, with the constants of
             expf in the Cephes library (S. Moshier, 1992),
             p = ((((1.98756915e-4 r + 1.39819995e-3) r + 8.33345191e-3) r + 4.16657959e-2) r
                 + 0.166666655) r + 0.5 and exp(v) = (((p * (r * r)) + r) + 1) * 2^n
    s(v)   = 1 / (1 + exp(-v))
    tanh(v) = (2 / (1 + exp(-2 v))) - 1

    lstm  a = (x + u) + bias; c' = (s(a_f) * c) + (s(a_i) * tanh(a_g)); h' = s(a_o) * tanh(c')
    gru   a = x + bias; r = s(a_r + u_r); z = s(a_z + u_z);
          n = tanh(a_n + (r * (u_n + bias_new))); h' = ((1 - z) * n) + (z * h)
    rnn   h' = tanh((x + u) + bias)
    next  (decoder.weight h') + decoder.bias
    held  a unit that is held at a float32 number v has c' = v (lstm; its h' follows) or h' = v
          (gru, rnn) after every step; where a text is written, from the first symbol drawn on

The h of the GRU's last product is the float32 one. All constants are the float32 numbers nearest to
those written. Scores that are not finite are an error. A symbol is drawn so:

    prompt   its symbols are read in order, and the last one's logits are the first drawn from; an
             empty prompt is read as one newline where the vocabulary has it, else as symbol 0; a
             model with a restart symbol reads that first, and nothing else for an empty prompt
    weights  with temperature 0, 1 for the first of the largest logits and 0 for the rest; else
             v = float32((logit - largest logit) / temperature), the difference and the quotient in
             float64, and the weight is exp(v), or 0 where v < -87; from here on all is float64
    top_k    symbols are ranked by logit, largest first, equals by id; weights from rank k on are 0
    top_p    in the same order, a symbol's weight becomes 0 where the sum of the weights before it
             is at least top_p times the sum of all; both sums run in that order
    draw     the sums of the weights in the order of ids, added one by one; the symbol is the first
             whose sum exceeds u times the last sum
    u        for each symbol drawn, one number x of NumPy's PCG64(seed), a stream that NumPy keeps
             from version to version (PCG XSL-RR 128/64, M. O'Neill, 2014, seeded through
             SeedSequence), as (x >> 11) / 2^53; a prompt takes none
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from charrnn.checkpoint import (
    CheckpointError,
    check_seal,
    is_later,
    read_header,
    sealed,
    write_atomically,
)
from charrnn.fields import shown
from charrnn.model import SWITCHES, CharRNN, ModelConfig
from charrnn.score import loss
from charrnn.vocab import Vocab

FORMAT = "charrnn-model-1"
PRECISIONS = ("int8", "fp16")
WIDTH = 32
"""Rows of the matrices multiplied by a state are padded to a multiple of this many columns."""
LIMIT = 0.005
"""Nats per character that int8 may cost before half precision is taken."""
KEPT = {"int8": np.int8, "fp16": np.float16, "float32": np.float32}

Arrays = dict[str, np.ndarray]


class Packed(NamedTuple):
    """The tensors of a published file; a model read from one keeps them as `model.packed`."""

    precision: str
    tensors: Arrays


class Entry(NamedTuple):
    """One tensor of the file, without its scales."""

    name: str
    shape: tuple[int, ...]
    """Without padding: (rows, columns), or (length,) for a vector."""
    padded: bool = False

    @property
    def stored(self) -> tuple[int, ...]:
        """The shape in the file."""
        if not self.padded:
            return self.shape
        return self.shape[0], WIDTH * math.ceil(self.shape[1] / WIDTH)

    def kept(self, precision: str) -> str:
        """The type it has in a file of that precision: biases stay float32."""
        return precision if len(self.shape) == 2 else "float32"


def layout(config: ModelConfig) -> Iterator[Entry]:
    """The tensors of a model's file, in the order of the docstring above."""
    hidden, wide = config.hidden, config.parts * config.hidden
    for layer in range(config.layers):
        if layer == 0:
            yield Entry("layers.0.lookup", (config.vocab_size, wide))
        else:
            yield Entry(f"layers.{layer}.below", (wide, hidden), padded=True)
        yield Entry(f"layers.{layer}.recurrent", (wide, hidden), padded=True)
        yield Entry(f"layers.{layer}.bias", (wide,))
        if config.cell == "gru":
            yield Entry(f"layers.{layer}.bias_new", (hidden,))
    yield Entry("decoder.weight", (config.vocab_size, hidden), padded=True)
    yield Entry("decoder.bias", (config.vocab_size,))


def save_model(
    path: str | Path, model: CharRNN, vocab: Vocab, provenance: dict, precision: str = "int8"
) -> None:
    """Write the published file of a model, atomically; the same model gives the same bytes.

    A model that was read from a file of that precision, and not changed, keeps its tensors.

    provenance: "run" (a name) and "corpus", a dictionary with name, licence, attribution and the
    sha256 of the training text, and whatever else is worth keeping; all of it plain JSON.
    precision: "int8" or "fp16". Raises ValueError where an argument is not as described, or where
    the weights do not fit (infinite, not numbers, or beyond 65504 in half precision).
    """
    _check_provenance(provenance)
    if len(vocab) != model.config.vocab_size:
        raise ValueError(
            f"the vocabulary has {len(vocab)} symbols and the model {model.config.vocab_size}; "
            "give the vocabulary it was trained with"
        )
    header = {
        "format": FORMAT,
        "model": {k: v for k, v in model.config.to_dict().items() if k not in SWITCHES},
        "vocab": json.loads(vocab.to_json()),
        "precision": precision,
        "tensors": _kept(model.config, precision),
        "provenance": provenance,
    }
    write_atomically(Path(path), sealed(save, _tensors(model, precision), header))


def load_model(path: str | Path) -> tuple[CharRNN, Vocab, dict]:
    """Read a published file: the model (float32, on the CPU, for evaluation), its vocabulary, and
    the header.

    Raises FileNotFoundError, or CheckpointError where the file is broken or something else.
    """
    header = read_header(path)
    if (found := header.get("format")) != FORMAT:
        later = is_later(found, FORMAT)
        advice = "update charrnn" if later else "charrnn export makes one of a training"
        raise CheckpointError(
            f"{path} has format {shown(found)}; a published model has {FORMAT!r} ({advice})"
        )
    check_seal(Path(path))
    try:
        config = ModelConfig.from_dict(header["model"])
        vocab = Vocab.from_json(json.dumps(header["vocab"]))
        tensors = _read(path, config, header["precision"])
        if len(vocab) != config.vocab_size:
            raise ValueError(f"{len(vocab)} symbols for a model of {config.vocab_size}")
        if header["tensors"] != _kept(config, header["precision"]):
            raise ValueError("the header's list of tensors is not the one of this model")
        _check_source(header["provenance"])
        model = _unpack(tensors, config, header["precision"])
    except KeyError as error:
        raise CheckpointError(f"{path} is a broken model file: it lacks {error}") from None
    except (TypeError, ValueError, AttributeError, RecursionError, SafetensorError) as error:
        detail = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} is a broken model file: {detail}") from None
    return model, vocab, header


def published(model: CharRNN, precision: str = "int8") -> CharRNN:
    """The model as a reader of its published file gets it, without the file."""
    return _unpack(_tensors(model, precision), model.config, precision)


def int8_tensors(model: CharRNN) -> Arrays:
    """The int8 tensors of a model, under the names at the top: those of the file that it was read
    from, or by the writer's rule for a training's weights, or where they were changed since.

    Raises CheckpointError where the model was read from a file in half precision, ValueError where
    its weights are not finite.
    """
    if _kept_tensors(model, "fp16") is not None:
        raise CheckpointError(
            "this model is published in half precision (fp16), and the portable arithmetic is for "
            "int8 files only; sample without it (portable=False, or leave --portable out)"
        )
    return _tensors(model, "int8")


def choose_precision(
    model: CharRNN,
    vocab: Vocab,
    val_ids: np.ndarray,
    limit: float = LIMIT,
    lanes: int = 8,
    warmup: int = 200,
    own: float | None = None,
) -> tuple[str, float, float]:
    """int8, or fp16 where int8 costs more than `limit` nats per character on validation text.

    val_ids: ids of the validation text, (n,). lanes, warmup: as for `charrnn.score.loss`. own: the
    loss of the model itself, where that is known.
    Returns the precision, the loss of the model itself and that of the published one.
    """
    if len(val_ids) and int(np.max(val_ids)) >= len(vocab):
        raise ValueError(f"id {int(np.max(val_ids))} is not in a vocabulary of {len(vocab)}")
    options = {"lanes": lanes, "warmup": warmup}
    own = loss(model, val_ids, **options) if own is None else own
    rounded = loss(published(model, "int8"), val_ids, **options)
    if rounded - own <= limit:
        return "int8", own, rounded
    return "fp16", own, loss(published(model, "fp16"), val_ids, **options)


def _check_provenance(provenance: dict) -> None:
    missing = [key for key in ("run", "corpus") if key not in provenance]
    corpus = provenance.get("corpus") or {}
    missing += [
        f"corpus.{key}"
        for key in ("name", "licence", "attribution", "sha256")
        if key not in corpus and "corpus" not in missing
    ]
    if missing:
        raise ValueError(
            f"the provenance lacks {', '.join(missing)}; a published model says where it came from"
        )


def _check_source(provenance) -> None:
    """What a reader relies on: an object in which `run` is a name."""
    if not isinstance(provenance, dict) or not isinstance(provenance["run"], str):
        raise ValueError("its provenance does not say which run it is")


def _kept(config: ModelConfig, precision: str) -> dict:
    """What the header says of each tensor."""
    return {
        entry.name: {"kept": entry.kept(precision), "shape": list(entry.shape)}
        for entry in layout(config)
    }


def _tensors(model: CharRNN, precision: str) -> Arrays:
    """The file's tensors: as they were read, where the model came from a file of that precision.

    Another program may have chosen other scales than the writer's rule would.
    """
    kept = _kept_tensors(model, precision)
    return _pack(model, precision) if kept is None else kept


def _kept_tensors(model: CharRNN, precision: str) -> Arrays | None:
    """What a model was read from, if it was a file of that precision and its weights are still
    those of the file."""
    packed: Packed | None = getattr(model, "packed", None)
    if packed is None or packed.precision != precision:
        return None
    weights = plain_weights(model)
    exact = _exact(packed.tensors, model.config, precision)
    same = all(np.array_equal(exact[name], weights[name]) for name in exact)
    return packed.tensors if same else None


def _pack(model: CharRNN, precision: str) -> Arrays:
    """The file's tensors, of a model on any device."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(PRECISIONS)}")
    weights, packed = plain_weights(model), {}
    for entry in layout(model.config):
        exact = weights[entry.name]
        if not np.isfinite(exact).all():
            raise ValueError(
                f"{entry.name} holds numbers that are not finite; train the model anew"
            )
        stored = np.zeros(entry.stored, np.float32)
        stored[..., : entry.shape[-1]] = exact
        if entry.kept(precision) == "int8":
            packed[entry.name], packed[f"{entry.name}.scale"] = quantise(stored)
        elif entry.kept(precision) == "fp16":
            if np.abs(stored).max() > np.finfo(np.float16).max:
                raise ValueError(f"{entry.name} holds weights beyond 65504; keep it in int8")
            packed[entry.name] = stored.astype(np.float16)
        else:
            packed[entry.name] = stored
    return packed


def quantise(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (R, C) float32 as int8 (R, C) and one float32 scale a row (R,); see the top."""
    scale = np.abs(rows).max(axis=1) / np.float32(127)
    scale[scale < np.finfo(np.float32).tiny] = 1  # also rows too small for a float32 scale
    return np.rint(rows / scale[:, None]).clip(-127, 127).astype(np.int8), scale


def plain_weights(model: CharRNN) -> Arrays:
    """A model's weights under the file's names, in the file's order, without padding."""
    state = {k: v.detach().cpu().float().numpy() for k, v in model.state_dict().items()}
    named = {"decoder.weight": state["decoder.weight"], "decoder.bias": state["decoder.bias"]}
    for layer in range(model.config.layers):
        w_ih, w_hh, b_ih, b_hh = (
            state[f"rnn.{layer}.{name}_l0"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        named["layers.0.lookup" if layer == 0 else f"layers.{layer}.below"] = (
            w_ih.T if layer == 0 else w_ih
        )
        named[f"layers.{layer}.recurrent"] = w_hh
        bias = b_ih + b_hh
        if model.config.cell == "gru":
            hidden = model.config.hidden
            bias[2 * hidden :] = b_ih[2 * hidden :]
            named[f"layers.{layer}.bias_new"] = b_hh[2 * hidden :]
        named[f"layers.{layer}.bias"] = bias
    return named


def _read(path: str | Path, config: ModelConfig, precision: str) -> Arrays:
    """The tensors of the file, each checked against the layout before anything is built."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(PRECISIONS)}")
    found: Arrays = {}
    with safe_open(path, "numpy") as opened:
        names = set(opened.keys())
        for entry in layout(config):
            expected = {entry.name: (entry.stored, KEPT[entry.kept(precision)])}
            if entry.kept(precision) == "int8":
                expected[f"{entry.name}.scale"] = ((entry.shape[0],), np.float32)
            for name, (shape, dtype) in expected.items():
                if name not in names:
                    raise KeyError(name)
                found[name] = _checked(opened, name, shape, dtype)
    if extra := sorted(names - set(found)):
        raise ValueError(f"it holds {', '.join(extra)}, which this format does not have")
    return found


def _checked(opened, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """One tensor, if it is as the layout says and its numbers are possible ones."""
    has = tuple(opened.get_slice(name).get_shape())
    if has != shape:
        raise ValueError(f"{name} has shape {has}; by the header it has {shape}")
    values = opened.get_tensor(name)
    if values.dtype != dtype:
        raise ValueError(f"{name} is {values.dtype}; it must be {np.dtype(dtype)}")
    wrong = values == -128 if dtype is np.int8 else ~np.isfinite(values)
    if name.endswith(".scale"):
        wrong |= values <= 0
    if wrong.any():
        raise ValueError(f"{name} holds {values[wrong][0]}")
    return values


def _unpack(tensors: Arrays, config: ModelConfig, precision: str) -> CharRNN:
    """The model that the file's tensors stand for, in float32; it keeps them as `packed`."""
    exact = _exact(tensors, config, precision)
    model = CharRNN(config)
    model.load_state_dict(_state_dict(exact, config))
    model.packed = Packed(precision, tensors)
    return model.eval()


def _exact(tensors: Arrays, config: ModelConfig, precision: str) -> Arrays:
    """The weights that the file's tensors stand for, in float32, without padding."""
    exact: Arrays = {}
    for entry in layout(config):
        values = tensors[entry.name].astype(np.float32)
        if entry.kept(precision) == "int8":
            values *= tensors[f"{entry.name}.scale"][:, None]
        if values[..., entry.shape[-1] :].any():
            raise ValueError(f"the padding of {entry.name} is not zero")
        exact[entry.name] = values[..., : entry.shape[-1]]
    return exact


def _state_dict(exact: Arrays, config: ModelConfig) -> dict[str, torch.Tensor]:
    """torch's names for the file's; one of torch's two biases stays zero, but for the GRU's n."""
    state = {"decoder.weight": exact["decoder.weight"], "decoder.bias": exact["decoder.bias"]}
    for layer in range(config.layers):
        prefix, second = f"rnn.{layer}.", np.zeros(config.parts * config.hidden, np.float32)
        if config.cell == "gru":
            second[2 * config.hidden :] = exact[f"layers.{layer}.bias_new"]
        below = exact["layers.0.lookup"].T if layer == 0 else exact[f"layers.{layer}.below"]
        state[prefix + "weight_ih_l0"] = below
        state[prefix + "weight_hh_l0"] = exact[f"layers.{layer}.recurrent"]
        state[prefix + "bias_ih_l0"] = exact[f"layers.{layer}.bias"]
        state[prefix + "bias_hh_l0"] = second
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in state.items()}
