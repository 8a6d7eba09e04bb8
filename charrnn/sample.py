"""Text out: prime the network with a prompt, then draw one character after another.

The same seed and settings give the same text: the random numbers come from NumPy's PCG64 seeded
with `seed`, one uniform number a character, turned into a symbol by the cumulative distribution in
float64. Between machines float32 sums may differ in their last bit, and a text then takes another
turn somewhere; `portable` draws in an arithmetic that leaves nothing open.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from copy import copy, deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch

from charrnn import eras
from charrnn.cuda.captured_stepper import blocks_for
from charrnn.model import CharRNN
from charrnn.native import fused
from charrnn.native.fused import FusedPortableStepper, FusedStepper
from charrnn.portable import PortableStepper, weights32
from charrnn.stepper import Stepper
from charrnn.vocab import POLICIES, Vocab

BLOCK = 256
"""Uniform numbers a stream fetches at a time."""
TEMPERATURES = ("logits", "hidden")
"""What the temperature can divide."""
HOTTEST = 1e30
"""Where a temperature that divides the hidden state is cut off."""
PATIENCE = 32
"""Steps between two looks at whether every text has reached its stop."""
BROKEN = (
    "the model's scores are not finite numbers: its weights are broken, perhaps by a training that "
    "diverged; train with a lower learning rate"
)


@dataclass(frozen=True)
class Sampling:
    """How to draw text from a model."""

    length: int = 500
    """Characters (bytes at byte level) to draw, at most."""
    temperature: float = 1.0
    """Divides the logits: below 1 more confident, above 1 more random, 0 always the likeliest."""
    temperature_on: str = "logits"
    """logits; or hidden: the temperature divides the top hidden state before the decoder, whose
    bias b then stays as it is: the logits become (logits - b) / T + b (char-rnn's until its commit
    c24e540). At temperature 0 that is the likeliest by logits - b."""
    top_k: int | None = None
    """Draw from the k likeliest symbols only (Fan et al. 2018)."""
    top_p: float | None = None
    """Draw from the smallest set of likeliest symbols that holds this probability, at the given
    temperature and after `top_k` (nucleus sampling, Holtzman et al. 2020)."""
    seed: int = 0
    stop: str | None = None
    """End the text before the first occurrence of this string."""
    unknown: str = "error"
    """What to do with characters of the prompt the model never saw: error or skip."""
    portable: bool = False
    """The integer arithmetic that `charrnn.export` specifies, on the CPU: the same text on every
    machine and in the book's pages, and with a compiler at hand the quickest way to a text there
    (`charrnn.native.fused`). A training's weights are rounded as for its published file; a file in
    half precision is refused with a CheckpointError."""
    held: tuple[tuple[int, int, float], ...] = ()
    """(layer, unit, value) of units that are held while text is drawn, not while the prompt is
    read; layers and units count from 0. The value is the cell's c in an LSTM, else h, as
    `charrnn.stepper.Holding` says. Computed on the CPU, wherever the model is."""

    def __post_init__(self) -> None:
        self._check_numbers()
        if self.length < 0:
            raise ValueError(f"length is {self.length}; it must be 0 or more")
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}; it must be 0 or more, and finite")
        if self.temperature_on not in TEMPERATURES:
            raise ValueError(
                f"temperature_on is {self.temperature_on!r}; "
                f"it must be one of {', '.join(TEMPERATURES)}"
            )
        if self.temperature_on == "hidden" and self.portable:
            raise ValueError(
                "the portable arithmetic divides logits only; leave portable out, or "
                "temperature_on at logits (and out an era that divides the hidden state)"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; it must be at least 1 (or left out)")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must be 0 or more")
        if self.stop == "":
            raise ValueError("stop is empty; give a string to stop at, or leave it out")
        if self.unknown not in POLICIES:
            raise ValueError(
                f"unknown is {self.unknown!r}; it must be one of {', '.join(POLICIES)}"
            )

    def _check_numbers(self) -> None:
        """ValueError where something that has to be a number, or a whole one, is none."""
        whole, real = (int, np.integer), (int, float, np.integer, np.floating)
        kinds = {"length": whole, "seed": whole, "top_k": whole}
        for name in ("length", "seed", "temperature", "top_k", "top_p"):
            value, optional = getattr(self, name), name.startswith("top_")
            good = isinstance(value, kinds.get(name, real)) and not isinstance(value, bool)
            if not good and not (optional and value is None):
                what = "a whole number" if name in kinds else "a number"
                raise ValueError(f"{name} is {value!r}; it must be {what}")


def probabilities(
    logits: np.ndarray, settings: Sampling, bias: np.ndarray | None = None
) -> np.ndarray:
    """What is drawn from: logits (..., V) to float64 probabilities of the same shape.

    bias (V,): the decoder's, for `temperature_on` hidden.

    The largest logit is subtracted before the division, so no temperature overflows; at 0, and
    wherever the division leaves only the largest, all probability goes to the likeliest symbol
    (the one with the lowest id among equals, at 0). `top_k` and `top_p` rank equals by id.
    Raises ValueError where the logits are not numbers, or the bias is missing.
    """
    if settings.temperature_on == "hidden" and bias is not None:
        temperature = min(settings.temperature, HOTTEST)
        logits = logits - (1 - temperature) * np.asarray(bias, np.float64)
        settings = replace(settings, temperature_on="logits", temperature=temperature)
    weights = _weights(logits, settings)
    return weights / weights.sum(axis=-1, keepdims=True)


def _weights(logits: np.ndarray, settings: Sampling) -> np.ndarray:
    """The probabilities before they are divided by their sum: the likeliest symbol has 1."""
    if settings.temperature_on == "hidden":
        raise ValueError("temperature_on hidden needs the decoder's bias; `draw` takes care of it")
    top = logits.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise ValueError(BROKEN)
    if settings.temperature == 0:
        w = np.zeros(logits.shape)
        np.put_along_axis(w, logits.argmax(axis=-1)[..., None], 1.0, axis=-1)
        return w
    if settings.portable:
        w = weights32(logits, settings.temperature)
    else:
        w = np.subtract(logits, top, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore"):
            w /= settings.temperature
            np.exp(w, out=w)
    if settings.top_k is not None or settings.top_p is not None:
        _truncate(w, np.argsort(-logits, axis=-1, kind="stable"), settings)
    return w


def _truncate(weights: np.ndarray, order: np.ndarray, settings: Sampling) -> None:
    """Zero what `top_k` and then `top_p` leave out of weights (..., V); `order` ranks symbols."""
    ranked = np.take_along_axis(weights, order, axis=-1)
    if settings.top_k is not None:
        ranked[..., settings.top_k :] = 0
    if settings.top_p is not None:
        reached = ranked.cumsum(axis=-1)
        enough = settings.top_p * reached[..., -1:]
        ranked[..., 1:][reached[..., :-1] >= enough] = 0
    np.put_along_axis(weights, order, ranked, axis=-1)


def pick(logits: np.ndarray, uniforms: np.ndarray, settings: Sampling) -> np.ndarray:
    """One symbol a stream: logits (S, V) and uniform numbers (S,) in [0, 1) to ids (S,).

    The symbol is the first whose cumulative probability exceeds the number. Scaling by the last
    sum, whatever it was rounded to, keeps the number below it, so there always is such a symbol,
    and it never is one of probability 0.
    """
    cumulative = _weights(logits, settings).cumsum(axis=-1)
    if len(cumulative) == 1:
        row = cumulative[0]
        return row.searchsorted(uniforms * row[-1], side="right")
    scaled = uniforms[:, None] * cumulative[:, -1:]
    return (cumulative <= scaled).sum(axis=-1)


def uniform_stream(seed: int, streams: int = 1) -> Iterator[np.ndarray]:
    """Endless uniform numbers in [0, 1), an array (S,) a step.

    Stream k has NumPy's PCG64 of that seed, jumped k times, to itself: its numbers do not depend on
    how many streams are drawn beside it.
    """
    first = np.random.PCG64(seed)
    sources = [np.random.Generator(first.jumped(k)) for k in range(streams)]
    while True:
        yield from np.stack([source.random(BLOCK) for source in sources], axis=1)


class TorchStepper:
    """The same interface as `Stepper`, on whatever device the model is on.

    On CUDA longer texts are drawn in blocks, by `charrnn.cuda.captured_stepper`.
    """

    def __init__(self, model: CharRNN, streams: int = 1) -> None:
        self.model, self.streams, self._state = model, streams, None
        model.eval()

    @torch.inference_mode()
    def step(self, ids: np.ndarray) -> np.ndarray:
        """Read ids (S,), return logits (S, V) float32 on the host."""
        x = torch.as_tensor(ids, dtype=torch.int64, device=self.model.device)[None]
        logits, self._state = self.model(x, self._state)
        return logits[0].float().cpu().numpy()


def make_stepper(
    model: CharRNN, streams: int = 1, portable: bool = False, holding: bool = False
) -> Stepper | TorchStepper | PortableStepper:
    """The CPU for a model that is there, torch for one on a GPU; `portable`: the arithmetic of a
    published int8 file, on the CPU wherever the model is. `holding`: one whose units can be held,
    which copies the weights of a model on a GPU.

    On the CPU compiled code (`charrnn.native.fused`) where it can be had, else NumPy; of many
    streams in float32 always NumPy, whose matrix products read each weight once for all of them.
    """
    if model.device.type != "cpu" and not (holding or portable):
        return TorchStepper(model, streams)
    compiled = fused.usable(streams)
    if portable:
        return (FusedPortableStepper if compiled else PortableStepper)(model, streams)
    return (FusedStepper if compiled and streams == 1 else Stepper)(model, streams)


def draw(
    model: CharRNN, vocab: Vocab, prompt: str, settings: Sampling, streams: int = 1
) -> Iterator[np.ndarray]:
    """The drawn ids, one array (S,) a step, `settings.length` of them.

    An empty prompt primes with a newline where the model knows one (a text starts a line), else
    with the first symbol. A model with a `restart` symbol reads that before any prompt. What is
    `held` is so from the first symbol drawn on, when the prompt's last one is read.
    """
    primer = vocab.encode(prompt, unknown=settings.unknown)
    if model.config.restart is not None:
        primer = np.concatenate([[model.config.restart], primer]).astype(np.int64)
    elif len(primer) == 0:
        newline = 10 if vocab.level == "byte" else "\n"
        primer = np.array([vocab.ids.get(newline, 0)])
    model, settings = divided_logits(model, settings)
    blocks = blocks_for(model, settings, streams)
    if blocks is not None:
        yield from blocks.draw(primer, uniform_stream(settings.seed, streams), settings.length)
        return
    stepper = make_stepper(model, streams, settings.portable, holding=bool(settings.held))
    for i in primer[:-1]:
        stepper.step(np.full(streams, i))
    for layer, unit, value in settings.held:
        stepper.hold(layer, [unit], [value])
    ids = np.full(streams, primer[-1])
    numbers = uniform_stream(settings.seed, streams)
    way = _in_blocks if hasattr(stepper, "draw") else _one_by_one
    yield from way(stepper, ids, numbers, settings)


def divided_logits(model: CharRNN, settings: Sampling) -> tuple[CharRNN, Sampling]:
    """A network and settings that divide its logits, and draw as these do.

    With W h + b for the logits, W h / T + b = (W h + T b) / T: for `temperature_on` hidden the
    network is one with the same layers, whose decoder has the bias T b. T goes up to `HOTTEST`:
    beyond, T b can be too large for float32, and W h / T is nothing beside b from there on.
    """
    if settings.temperature_on == "logits":
        return model, settings
    twin = copy(model)
    twin._modules = model._modules | {"decoder": deepcopy(model.decoder)}
    temperature = min(settings.temperature, HOTTEST)
    with torch.no_grad():
        twin.decoder.bias *= temperature
    return twin, replace(settings, temperature_on="logits", temperature=temperature)


def _one_by_one(stepper, ids, numbers, settings: Sampling) -> Iterator[np.ndarray]:
    for _ in range(settings.length):
        ids = pick(stepper.step(ids), next(numbers), settings)
        yield ids


def _in_blocks(stepper, ids, numbers, settings: Sampling) -> Iterator[np.ndarray]:
    """The same ids from a stepper that draws as well: a block is drawn when its first is wanted."""
    left, ahead = settings.length, np.empty((0, len(ids)))
    while left:
        lacking = min(left, fused.BLOCK) - len(ahead)
        ahead = np.concatenate([ahead, *([next(numbers)] for _ in range(lacking))])
        drawn = stepper.draw(ids, ahead, settings)
        if not len(drawn):
            raise ValueError(BROKEN)
        yield from drawn
        ids, ahead, left = drawn[-1], ahead[len(drawn) :], left - len(drawn)


def generate(model: CharRNN, vocab: Vocab, prompt: str, settings: Sampling) -> Iterator[str]:
    """The continuation of `prompt`, one character at a time as it is drawn.

    At byte level a character is held back until its last byte is there. With `stop`, text that
    may turn out to be its beginning is held back too.
    """
    pieces = _characters(draw(model, vocab, prompt, settings), vocab)
    yield from pieces if settings.stop is None else _until(pieces, settings.stop)


def _characters(steps: Iterator[np.ndarray], vocab: Vocab) -> Iterator[str]:
    if vocab.level == "char":
        for ids in steps:
            yield vocab.symbols[int(ids[0])]
        return
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for ids in steps:
        yield from decoder.decode(bytes([vocab.symbols[int(ids[0])]]))
    yield from decoder.decode(b"", final=True)


def _until(pieces: Iterator[str], stop: str) -> Iterator[str]:
    held = ""
    for piece in pieces:
        held += piece
        if stop in held:
            yield from held[: held.index(stop)]
            return
        while held and not stop.startswith(held[-len(stop) :] if len(held) > len(stop) else held):
            yield held[0]
            held = held[1:]
    yield from held


def chosen_settings(era: str | None = None, **settings) -> Sampling:
    """`Sampling` with what an era (`charrnn.eras`) says of it where `settings` say nothing."""
    return Sampling(**{**(eras.era(era).sampling if era is not None else {}), **settings})


def stream(run, prompt: str = "", **settings) -> Iterator[str]:
    """Characters of a continuation as they are drawn; `settings` are the fields of `Sampling`, and
    `era`, which may name one of `charrnn.eras`."""
    chosen = chosen_settings(**settings)
    return generate(run.model, run.vocab, prompt, chosen)


def sample(run, prompt: str = "", **settings) -> str:
    """A continuation of `prompt`, without the prompt. `run` has `.model` and `.vocab`.

    >>> text = sample(load_run("shakespeare"), "ROMEO:", length=300, temperature=0.8, seed=1)
    """
    return "".join(stream(run, prompt, **settings))


def sample_many(run, n: int, prompt: str = "", **settings) -> list[str]:
    """`n` independent continuations of one prompt, drawn side by side.

    Text k depends on the seed and on k, not on n (but for float32 rounding, which can differ
    between one stream and many unless `portable`); text 0 is that of `sample`.
    """
    chosen = chosen_settings(**settings)
    texts = [run.vocab.decode(ids) for ids in _side_by_side(run, n, prompt, chosen)]
    return [text.split(chosen.stop)[0] if chosen.stop else text for text in texts]


def sample_units(run, n: int, prompt: str | bytes = "", **settings) -> list[str] | list[bytes]:
    """As `sample_many`, in the units of the vocabulary: at byte level the very bytes, which need
    not be UTF-8. `stop` is not looked for."""
    chosen = replace(chosen_settings(**settings), stop=None)
    return [_whole(run.vocab, ids) for ids in _side_by_side(run, n, prompt, chosen)]


def _side_by_side(run, n: int, prompt: str | bytes, settings: Sampling) -> np.ndarray:
    """The ids of n texts, (n, steps); fewer steps than asked for where all have met their stop."""
    if n < 1:
        raise ValueError(f"n is {n}; it must be at least 1")
    steps: list[np.ndarray] = []
    for ids in draw(run.model, run.vocab, prompt, settings, streams=n):
        steps.append(ids)
        looking = settings.stop is not None and len(steps) % PATIENCE == 0
        if looking and all(settings.stop in run.vocab.decode(t) for t in _texts(steps, n)):
            break
    return _texts(steps, n)


def _texts(steps: list[np.ndarray], n: int) -> np.ndarray:
    return np.array(steps, np.int64).reshape(len(steps), n).T


def _whole(vocab: Vocab, ids: np.ndarray) -> str | bytes:
    return vocab.decode_bytes(ids) if vocab.level == "byte" else vocab.decode(ids)
