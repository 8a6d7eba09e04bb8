"""Texts of the portable arithmetic, for another program to be held against: published files of
random networks, and what `charrnn.portable` draws from them.

The weights come from NumPy's PCG64, not from torch, so the files are the same on every machine.
"""

import base64
from pathlib import Path

import numpy as np
import torch

from charrnn.export import save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.portable import PortableStepper, tanh32
from charrnn.runs import load_run
from charrnn.sample import Sampling, probabilities, sample
from charrnn.vocab import Vocab

SYMBOLS = "\n ,abcdeéû\u0301\u0308\ufb01𝔊😀🦊"
"""Combining characters, and ones that UTF-16 sorts differently from code points."""
PROVENANCE = {
    "run": "random",
    "corpus": {"name": "none", "licence": "CC0", "attribution": "nobody", "sha256": "00" * 32},
}
NETWORKS = {
    "lstm": {"cell": "lstm", "layers": 2, "hidden": 37, "vocab": Vocab.of("\n abcdefghi")},
    "deep": {"cell": "lstm", "layers": 3, "hidden": 64, "vocab": Vocab.of(SYMBOLS)},
    "gru": {"cell": "gru", "layers": 2, "hidden": 40, "vocab": Vocab.of("abcdefghijklm. ")},
    "rnn": {"cell": "rnn", "layers": 1, "hidden": 33, "vocab": Vocab.of("\nxyz")},
    "bytes": {"cell": "lstm", "layers": 2, "hidden": 48, "vocab": Vocab.of("\n aeé€😀".encode())},
    "wide": {"cell": "lstm", "layers": 1, "hidden": 700, "vocab": Vocab.of("\n abcdefgh")},
    "lines": {"cell": "lstm", "layers": 2, "hidden": 36, "vocab": Vocab.of("\nABab"), "restart": 0},
    "verse": {"cell": "gru", "layers": 2, "hidden": 32, "vocab": Vocab.of("\n abc"), "restart": 1},
}
PROMPTS = {
    "lstm": ("a big cafe", "\n\n"),
    "deep": ("é\u0301ab \ufb01🦊", "😀"),
    "gru": ("a lamb. ", "."),  # this vocabulary has no newline: an empty prompt is symbol 0
    "rnn": ("zyx\nx", "y"),
    "bytes": ("é 😀€", "a"),
    "wide": ("deaf cab", "h"),
    "lines": ("Ab", "Abba\nB"),
    "verse": ("a cab", " "),
}
SETTINGS = (
    {"prompt": None, "temperature": 1.0, "top_k": None, "top_p": None, "seed": 0},
    {"prompt": 0, "temperature": 0, "top_k": None, "top_p": None, "seed": 1},
    {"prompt": 0, "temperature": 0.3, "top_k": None, "top_p": None, "seed": 2**32 - 1},
    {"prompt": 0, "temperature": 0.8, "top_k": 5, "top_p": None, "seed": 2**53 - 1},
    {"prompt": 1, "temperature": 1.0, "top_k": None, "top_p": 0.9, "seed": 12_345_678_901},
    {"prompt": 1, "temperature": 1.5, "top_k": 3, "top_p": 0.8, "seed": 2**32},
    {"prompt": 0, "temperature": 1.5, "top_k": 100, "top_p": 1.0, "seed": 2**52 + 1},
)
"""The prompt is a place in PROMPTS, or None for an empty one."""
HELD = (
    ((0, 3, 1.5),),
    ((0, 0, -3.8), (0, 31, 0.0)),
    ((0, 5, 0.25), (0, 5, 1.0), (0, 6, -0.7)),  # the same unit twice: the last value counts
)
"""What is held in the texts of `held_cases`; the second time in the top layer."""


def random_network(cell, layers, hidden, vocab, seed=0, saturated=False, restart=None) -> CharRNN:
    """Weights large enough that its states never settle, so that every step depends on all before
    it. saturated: all weights of a matrix have the same size, which is 127 or -127 in the file."""
    numbers = np.random.Generator(np.random.PCG64(seed))
    sizes = {"cell": cell, "hidden": hidden, "layers": layers, "restart": restart}
    model = CharRNN(ModelConfig(len(vocab), **sizes))
    for name, parameter in model.named_parameters():
        uniform = 2 * numbers.random(tuple(parameter.shape)) - 1
        if saturated and parameter.dim() == 2:
            uniform = np.where(uniform < 0, -0.6, 0.6)  # as far from 0, on the average
        size = 0.5 if parameter.dim() == 1 else 8 / np.sqrt(hidden)
        if name == "rnn.0.weight_ih_l0":
            size = 3.0
        elif name == "decoder.weight":
            size = 8 / np.sqrt(hidden)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy((size * uniform).astype(np.float32)))
    return model.eval()


def write_network(folder: Path, name: str) -> Path:
    """The published file of one of NETWORKS."""
    model = random_network(**NETWORKS[name], saturated=name == "wide")
    path = folder / f"{name}.safetensors"
    save_model(path, model, NETWORKS[name]["vocab"], PROVENANCE)
    return path


def write_cases(folder: Path) -> list[dict]:
    """Write the files of all networks into a folder; return what is drawn from each.

    A case: file (its name), prompt, temperature, top_k, top_p (None: not used), seed, length (bytes
    at byte level), text, and logits, those that the first symbol is drawn from: (V,) exact float32
    numbers.
    """
    return [case for name in NETWORKS for case in cases_of(write_network(folder, name), name)]


def cases_of(path: Path, name: str) -> list[dict]:
    """The cases of one network."""
    run, length = load_run(path), 300 if name == "wide" else 1000
    cases = []
    for settings in SETTINGS:
        prompt = "" if settings["prompt"] is None else PROMPTS[name][settings["prompt"]]
        options = {**settings, "prompt": prompt, "length": length}
        text = sample(run, portable=True, **options)
        cases.append(
            {"file": path.name, **options, "text": text, "logits": first_logits(path, run, prompt)}
        )
    return cases


def held_cases(path: Path, name: str) -> list[dict]:
    """As `cases_of`, with units held; `held` as the page takes it, a list of objects."""
    run, cases = load_run(path), []
    for k, held in enumerate(HELD):
        if k == 1:
            held = tuple((run.model.config.layers - 1, unit, value) for _, unit, value in held)
        options = {"prompt": PROMPTS[name][0], "temperature": 0.9, "seed": 5, "length": 250}
        text = sample(run, portable=True, held=held, **options)
        told = [dict(zip(("layer", "unit", "value"), one, strict=True)) for one in held]
        more = {"top_k": None, "top_p": None, "file": path.name, "text": text, "held": told}
        cases.append(options | more)
    return cases


def trace_case(path: Path, name: str) -> dict:
    """A text with all that `PortableStepper` finds after each symbol: cells and shown, base64 of
    (T, L, H) float32, tanh(c) and h (or h twice); top, the five likeliest; given, the chance of
    what came."""
    run = load_run(path)
    text = ("".join(PROMPTS[name]) + sample(run, portable=True, length=60)).replace("�", "")
    stepper, ids = PortableStepper(run.model), run.vocab.encode(text, unknown="skip").tolist()
    if (restart := run.model.config.restart) is not None:
        stepper.step(np.array([restart]))
    cells, shown, top, given = [], [], [], []
    for at, i in enumerate(ids):
        logits = stepper.step(np.array([i]))[0]
        shown.append(stepper.h[:, 0].copy())
        lstm = run.model.config.cell == "lstm"
        cells.append(tanh32(stepper.c[:, 0]) if lstm else shown[-1])
        p = probabilities(logits, Sampling(portable=True))
        top.append([[int(k), p[k]] for k in np.argsort(-logits, kind="stable")[:5]])
        given.append(p[ids[at + 1]] if at + 1 < len(ids) else None)
    both = {"cells": np.array(cells), "shown": np.array(shown)}
    stored = {key: base64.b64encode(value.tobytes()).decode() for key, value in both.items()}
    return {"file": path.name, "text": text, "ids": ids, "top": top, "given": given} | stored


def first_logits(path: Path, run, prompt: str) -> list[float]:
    """The logits after a prompt (empty: after a newline, or symbol 0)."""
    newline = 10 if run.vocab.level == "byte" else "\n"
    ids = list(run.vocab.encode(prompt)) if prompt else [run.vocab.ids.get(newline, 0)]
    if (restart := run.model.config.restart) is not None:
        ids = [restart, *run.vocab.encode(prompt)]
    stepper = PortableStepper.from_file(path)
    return [stepper.step(np.array([i])) for i in ids][-1][0].tolist()
