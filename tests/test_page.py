"""The pages' own code (charrnn/static/src) against Python: what node must find is computed here."""

import base64
import codecs
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import test_export as exporting
import torch
from safetensors.numpy import load_file, save_file
from test_export import PROVENANCE, SYMBOLS, random_model, rewritten, saved

from charrnn.checkpoint import Checkpoint, save_checkpoint
from charrnn.export import load_model, save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, _truncate
from charrnn.vocab import Vocab
from charrnn.widgets import looked_back
from charrnn.widgets.lasting import length_of, line

PAGE = Path(__file__).parent / "page"
NODE = shutil.which("node")


def write(path: Path, value) -> None:
    path.write_text(json.dumps(value))


# Random numbers


def random_cases(folder: Path) -> None:
    rng = np.random.default_rng(0)
    seeds = [0, 1, 2, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**52, 2**53 - 1]
    seeds += [int(rng.integers(2**b)) for b in range(1, 54)]
    numbers = [np.random.Generator(np.random.PCG64(s)).random(20).tolist() for s in seeds]
    cases = [{"seed": s, "numbers": n} for s, n in zip(seeds, numbers, strict=True)]
    write(folder / "random.json", cases)
    later = np.random.Generator(np.random.PCG64(7)).random(1_000_010)[-10:].tolist()
    write(folder / "random_later.json", {"seed": 7, "skipped": 1_000_000, "numbers": later})


# The exponential function, and draws


def exp32(v: np.ndarray) -> np.ndarray:
    """The specification's exp of float32 numbers, in NumPy."""
    f = np.float32
    v = np.clip(v, f(-87), f(87))
    n = np.rint(v * f(1.44269504))
    r = (v - n * f(0.693359375)) - n * f(-0.00021219444)
    p = np.full_like(r, f(1.98756915e-4))
    for term in (1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 0.166666655, 0.5):
        p = p * r + f(term)
    return (((p * (r * r)) + r) + f(1)) * np.ldexp(f(1), n.astype(np.int32))


def exp_cases(folder: Path) -> None:
    rng = np.random.default_rng(1)
    edges = [0.0, -0.0, 87, -87, 88, -88, 1e30, -1e30, np.inf, -np.inf, 1e-45, -1e-45, 1e-8]
    halves = (np.arange(-126, 126) + 0.5) / np.float32(1.44269504)
    near = [np.nextafter(np.float32(h), np.float32(to)) for h in halves for to in (-99, 99)]
    spread = [rng.uniform(-90, 90, 50_000), rng.normal(0, 3, 40_000), rng.normal(0, 0.01, 10_000)]
    v = np.concatenate([edges, halves, near, *spread]).astype(np.float32)
    found = exp32(v)
    assert found.dtype == np.float32
    v.tofile(folder / "exp_inputs.bin")
    found.tofile(folder / "exp_outputs.bin")


def spec_weights(logits: np.ndarray, settings: Sampling) -> np.ndarray:
    """`charrnn.sample._weights` of one row, rounded as the portable arithmetic is."""
    if settings.temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    with np.errstate(over="ignore"):
        v = (np.subtract(logits, logits.max(), dtype=np.float64) / settings.temperature).astype(
            "f4"
        )
    weights = np.where(v < -87, 0, exp32(v).astype(np.float64))
    if settings.top_k is not None or settings.top_p is not None:
        _truncate(weights, np.argsort(-logits, kind="stable"), settings)
    return weights


def random_logits(rng: np.random.Generator) -> np.ndarray:
    logits = rng.normal(0, rng.choice([0.1, 1, 4, 30]), rng.choice([1, 2, 7, 67, 120]))
    if rng.random() < 0.5:
        logits = np.round(logits)  # ties
    if rng.random() < 0.2:
        logits[rng.integers(len(logits)) :] = -np.inf
        logits[0] = 0
    return logits.astype(np.float32)


def pick_cases(folder: Path) -> None:
    rng = np.random.default_rng(2)
    all_logits, all_weights, cases, at = [], [], [], 0
    for _ in range(800):
        logits = random_logits(rng)
        temperature = float(rng.choice([0, 1e-320, 1e-6, 0.1, 0.5, 0.8, 1, 1.3, 2, 100]))
        top_k = [None, 1, 2, 5, 40, 1000][rng.integers(6)]
        top_p = [None, 1e-9, 0.1, 0.5, 0.9, 0.95, 1.0][rng.integers(7)]
        weights = spec_weights(logits, Sampling(temperature=temperature, top_k=top_k, top_p=top_p))
        sums = weights.cumsum()
        uniforms = [0.0, 1 - 2**-53, *rng.random(6), *(sums[:3] / sums[-1]).clip(max=1 - 2**-53)]
        ids = sums.searchsorted(np.multiply(uniforms, sums[-1]), side="right")
        settings = {"temperature": temperature, "topK": top_k, "topP": top_p}
        order = np.argsort(-logits, kind="stable").tolist()
        case = {"uniforms": uniforms, "ids": ids.tolist(), "order": order, "settings": settings}
        cases.append({"at": at, "size": len(logits), **case})
        all_logits.append(logits)
        all_weights.append(weights)
        at += len(logits)
    np.concatenate(all_logits).tofile(folder / "pick_logits.bin")
    np.concatenate(all_weights).tofile(folder / "pick_weights.bin")
    write(folder / "pick.json", cases)


# Text


def encoding_cases(folder: Path) -> None:
    rng = np.random.default_rng(3)
    letters = list("\n\t !abcdefé😀\U00010fffz€\u0301\ufeff__proto__")
    vocabs = [Vocab(SYMBOLS), Vocab.of("abc 😀€"), Vocab.of("é\n€".encode()), Vocab.of(b"az \xf0")]
    cases = []
    for i in range(400):
        vocab, text = vocabs[i % 4], "".join(rng.choice(letters, rng.integers(0, 12)))
        ids = vocab.encode(text, unknown="skip").tolist()
        unknown = [
            {"index": k, "symbol": s} for k, s in enumerate(vocab.units(text)) if s not in vocab.ids
        ]
        primer = ids or [vocab.ids.get("\n" if vocab.level == "char" else 10, 0)]
        case = {"text": text, "ids": ids, "unknown": unknown, "primer": primer}
        cases.append({"vocab": json.loads(vocab.to_json()), "decoded": vocab.decode(ids), **case})
    write(folder / "encoding.json", cases)


def byte_cases(folder: Path) -> None:
    """Bytes at the borders of what UTF-8 allows, bytes at random, text with a byte changed."""
    rng = np.random.default_rng(4)
    borders = bytes.fromhex("00417f808f909fa0bbbfc0c1c2dfe0e1ecedeeeff0f1f3f4f5f8feff")
    text = "naïve — 😀\ufeff€\U0010ffff\ud7ff\ue000".encode()
    strings = [text, b"\xef\xbb\xbfa", b"\xef\xbb\xbf" * 2, b"\xed\xa0\x80\xed\xb0\x80", b""]
    for _ in range(3000):
        strings.append(bytes(rng.choice(list(borders), rng.integers(1, 9)).tolist()))
        strings.append(rng.bytes(rng.integers(1, 9)))
        broken = bytearray(text)
        broken[rng.integers(len(text))] = rng.integers(256)
        strings.append(bytes(broken))
    cases = []
    for string in strings:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        pieces = [decoder.decode(bytes([b])) for b in string] + [decoder.decode(b"", final=True)]
        cases.append({"hex": string.hex(), "text": "".join(pieces)})
    write(folder / "bytes.json", cases)


# What is said of guesses and of memories


def saying_cases(folder: Path) -> None:
    rng = np.random.default_rng(7)
    looked = []
    for length in (2, 9, 40):
        weights = np.tril(rng.random((length, length)) ** 8, -1)
        weights[length // 2] = 0
        figure = looked_back([*"<a\n \t", *range(98, 98 + length)][:length], weights, "")
        (data,) = re.findall(r"application/json\">(.*?)</script>", figure.static_html())
        told = [figure.told(target) for target in range(length)]
        looked.append({"data": json.loads(data), "told": told})
    write(folder / "looked_back.json", looked)
    lives = [0.01, 0.25, 0.95, 0.96, 1, 1.04, 1.25, 9.94, 9.95, 9.96, 12.5, 999.5, 1000, 8000]
    shares = [0, 0.005, 0.125, 0.375, 0.994, 0.995, 1]
    memory = {"gate": "update", "longest": 1000, "half_life": lives}
    memory |= {"open": 2 * shares, "closed": 2 * shares[::-1]}
    rows = [
        {"memory": memory, "noun": noun, "lines": [line(memory, k, noun) for k in range(14)]}
        for noun in ("character", "byte")
    ]
    write(folder / "lasting.json", rows)
    lengths = [*lives, *rng.exponential(5, 500).round(2), *rng.exponential(500, 500).round(2)]
    write(folder / "lengths.json", [[float(x), length_of(float(x))] for x in lengths])


# Files


def file_cases(folder: Path) -> None:
    cases = []
    for cell, layers, hidden in [
        (c, n, h) for c in ("lstm", "gru", "rnn") for n, h in ((1, 32), (3, 5))
    ]:
        path = folder / f"{cell}{layers}.safetensors"
        symbols = tuple(range(200, 200 + len(SYMBOLS)))
        vocab = Vocab(symbols, "byte") if layers == 1 else Vocab(SYMBOLS)
        _, read, _, header = saved(path, random_model(cell, layers, hidden), vocab=vocab)
        config = {"cell": cell, "hidden": hidden, "layers": layers, "vocabSize": len(vocab)}
        types = {np.dtype(np.int8): "I8", np.dtype(np.float32): "F32"}
        tensors = {
            name: {"dtype": types[t.dtype], "shape": list(t.shape), "hex": t.tobytes().hex()}
            for name, t in load_file(path).items()
        }
        config |= {"parts": read.config.parts, "restart": None}
        case = {"file": path.name, "config": config}
        cases.append(case | {k: header[k] for k in ("vocab", "provenance")} | {"tensors": tensors})
    write(folder / "files.json", cases)
    saved(folder / "valid.safetensors")
    saved(folder / "fp16.safetensors", precision="fp16")
    vocab = Vocab(tuple(chr(40 + i) for i in range(100)))
    large = CharRNN(ModelConfig(100, hidden=700, layers=3))
    save_model(folder / "large.safetensors", large, vocab, PROVENANCE)


def broken_cases(folder: Path) -> None:
    """The corruptions of tests/test_export.py, foreign files, and a training."""
    (changes,) = (m.args[1] for m in exporting.test_broken_files_say_what_is_wrong.pytestmark)
    for i, (change, _) in enumerate(changes):
        rewritten(folder / f"broken{i}", change)
    raws = [b"", b"hello", b"\x80\x04]\x94.", bytes(10_000), b"\xff" * 10_000]
    for i, raw in enumerate(raws):
        (folder / f"broken_raw{i}").write_bytes(raw)
    torch.save(random_model().state_dict(), folder / "broken_torch")
    for i, header in enumerate([None, "[1, 2]", "3", '"charrnn-model-1"', "{", "{}"]):
        metadata = None if header is None else {"charrnn": header}
        save_file({"w": np.zeros(3, np.float32)}, folder / f"broken_other{i}", metadata=metadata)
    write(folder / "broken.json", sorted(path.name for path in folder.glob("broken*")))
    model = random_model()
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    training = Checkpoint(model.config, Vocab(SYMBOLS), {}, {}, {}, tensors)
    save_checkpoint(folder / "training.safetensors", training)
    write(folder / "cuts.json", np.random.default_rng(5).random(200).tolist())


def mutant(raw: bytes, rng: np.random.Generator) -> bytes:
    """A file with one byte of the header or one of the data changed, put in or taken out."""
    header = 8 + int.from_bytes(raw[:8], "little")
    at = int(rng.integers(8, header) if rng.random() < 0.8 else rng.integers(len(raw)))
    to = bytes([rng.choice(list(b'"{}[],:0123456789.-eE\\ abnul\x00\x7f\x80\xc3\xff'))])
    if rng.random() < 0.6:
        return raw[:at] + to + raw[at + 1 :]
    grown = raw[:at] + (to if rng.random() < 0.5 else b"") + raw[at + (rng.random() < 0.5) :]
    length = header - 8 + (len(grown) - len(raw) if at < header else 0)
    return length.to_bytes(8, "little") + grown[8:]


def mutant_cases(folder: Path) -> None:
    """Of a file without a seal, in which some changes are no damage."""
    rng, path = np.random.default_rng(6), folder / "mutant"
    model, files, accepted = random_model("rnn", 1, 5), [], []
    _, _, _, header = saved(path, model)
    save_file(load_file(path), path, metadata={"charrnn": json.dumps(header)})
    raw = path.read_bytes()
    for _ in range(1500):
        changed = mutant(raw, rng)
        path.write_bytes(changed)
        try:
            load_model(path)
            accepted.append(True)
        except ValueError:
            accepted.append(False)
        files.append(base64.b64encode(changed).decode())
    write(folder / "mutants.json", {"files": files, "accepted": accepted})


@pytest.mark.skipif(NODE is None, reason="node (18 or newer) is not installed")
def test_the_pages_code(tmp_path):
    """Every test of tests/page runs and passes, none of them skipped."""
    makers = (random_cases, exp_cases, pick_cases, encoding_cases, byte_cases)
    for make in (*makers, saying_cases, file_cases, broken_cases, mutant_cases):
        make(tmp_path)
    tests = sorted(PAGE.glob("*.test.mjs"))
    written = sum(len(re.findall(r"^test\(", t.read_text(), re.MULTILINE)) for t in tests)
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", *tests],
        env=os.environ | {"CHARRNN_PAGE_CASES": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    counts = re.findall(r"^# (tests|pass|skipped) (\d+)$", done.stdout, re.MULTILINE)
    counted = {name: int(count) for name, count in counts}
    assert counted["pass"] == counted["tests"] >= written > 30, output
    assert counted["skipped"] == 0, output
