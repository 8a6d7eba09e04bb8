"""Small model files and a run's folder, and what a forger makes of them: sealed anew."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from charrnn.checkpoint import ENTRY, Checkpoint, load_checkpoint, save_checkpoint, seal
from charrnn.export import load_model, save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.records import COLUMNS
from charrnn.runs import load_run
from charrnn.vocab import Vocab

DEEP = "[" * 50_000 + "]" * 50_000
ODD = (
    *(None, True, False, 0, 1, -1, 0.5, 65536, 10**30, 10**400, 1e308, float("nan")),
    *(
        float("inf"),
        "",
        "x",
        "aa",
        "\ud800",
        "a\nb",
        "lstm",
        "gru",
        [],
        {},
        [[]],
        ["a"],
        ["a", "a"],
    ),
    *([10**30], [True], {"a": 1}, "x" * 5000, "charrnn-training-9", "charrnn-model-9"),
)
"""What is put in a value's place."""
ODD_TEXTS = (DEEP, "1" * 5000, "-0", "1e999", "nul", "{", '"\\ud800"', '{"a":1,"a":2}')
"""What is put there as it is, JSON or not."""


def write_checkpoint(path: Path) -> Callable[[Path], object]:
    """A tiny checkpoint at `path`; returns its reader."""
    config = ModelConfig(vocab_size=3, hidden=2, layers=1, cell="lstm")
    tensors = {f"model.{k}": v for k, v in CharRNN(config).state_dict().items()}
    facts = {"name": "three", "sha256": "0" * 64}
    save_checkpoint(path, Checkpoint(config, Vocab(("a", "b", "c")), facts, {}, {}, tensors))
    return lambda file: load_checkpoint(file).model()


def write_published(path: Path) -> Callable[[Path], object]:
    """A tiny published model at `path`; returns its reader."""
    corpus = {"name": "three", "licence": "CC0-1.0", "attribution": "none", "sha256": "0" * 64}
    model = CharRNN(ModelConfig(vocab_size=3, hidden=2, layers=1, cell="lstm"))
    save_model(path, model, Vocab(("a", "b", "c")), {"run": "three", "corpus": corpus})
    return lambda file: load_model(file)[0]


def write_run(folder: Path) -> Callable[[Path], object]:
    """A run's folder with all of its files; returns its reader."""
    folder.mkdir(exist_ok=True)
    write_published(folder / "model.safetensors")
    corpus = {"name": "three", "sha256": "0" * 64, "level": "char"}
    info = {"name": "three", "title": "Three", "scale": "smoke", "corpus": corpus, "losses": {}}
    line = ",".join(str(n) for n in range(1, len(COLUMNS) + 1))
    texts = {
        "run.json": json.dumps(info),
        "measures.json": '{"samples": {"n": 3, "values": [1, 2.5]}}',
        "history.csv": f"{','.join(COLUMNS)}\n{line}\n",
        "samples.jsonl": '{"step": 1, "text": "abc"}\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return lambda path: load_run(path).model


def taken_apart(data: bytes) -> tuple[dict, dict, bytes]:
    """The header of a model file without its metadata, charrnn's own part of it, the numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    metadata = header.pop("__metadata__")
    return header, json.loads(metadata[ENTRY]), data[end:]


def put_together(header: dict | str, inside: dict | str, numbers: bytes) -> bytes:
    """A sealed model file again. What is given as text stands there as it is."""
    own = inside if isinstance(inside, str) else json.dumps(inside)
    rest = header if isinstance(header, str) else json.dumps(header)[1:]
    entry = json.dumps({ENTRY: own}, separators=(",", ":"))
    text = f'{{"__metadata__":{entry},{rest}'.encode(errors="surrogatepass")
    return seal(len(text).to_bytes(8, "little") + text + numbers)


def forgeries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Files whose seal fits: each value of the header replaced by each of what it cannot be."""
    header, inside, numbers = taken_apart(data)
    for name, changed in _replaced(inside):
        yield f"charrnn's {name}", put_together(header, changed, numbers)
    for name, changed in _replaced(header):
        rest = changed[1:] if isinstance(changed, str) else changed
        yield f"the tensors' {name}", put_together(rest, inside, numbers)
    sizes = [(n, {n: v}) for n, most in (("hidden", 65536), ("layers", 100)) for v in (3, most)]
    sizes += [("all", {"vocab_size": 0x110000, "hidden": 65536, "layers": 100})]
    for name, values in sizes:
        claimed = inside | {"model": inside["model"] | values}
        yield f"claims of {name} {values}", put_together(header, claimed, numbers)
    for symbols in ("abcd", "cba", "aab", "ab", "", ["a", "b", "cc"], [0, 1, 2], "ab\U0010ffff"):
        changed = inside | {"vocab": {"level": "char", "symbols": symbols}}
        yield f"symbols {symbols!r}", put_together(header, changed, numbers)
    yield from _elsewhere(header, inside, numbers)


def _elsewhere(header: dict, inside: dict, numbers: bytes) -> Iterator[tuple[str, bytes]]:
    """Tensors that overlap, leave gaps, or lie outside; numbers that are too few or too many."""
    for name, entry in header.items():
        first, after = entry["data_offsets"]
        for begin, end in ((0, after - first), (first + 4, after + 4), (first, after + 4)):
            moved = header | {name: entry | {"data_offsets": [begin, end]}}
            yield f"{name} at {begin} to {end}", put_together(moved, inside, numbers)
        fewer = {n: e for n, e in header.items() if n != name}
        yield f"no {name}", put_together(fewer, inside, numbers)
    yield "fewer numbers", put_together(header, inside, numbers[:-4])
    yield "more numbers", put_together(header, inside, numbers + bytes(4))
    yield "numbers of ones", put_together(header, inside, b"\xff" * len(numbers))


def _replaced(read: dict) -> Iterator[tuple[str, dict | str]]:
    """Copies with one value replaced, removed, or with a name that is unknown beside it."""
    text = json.dumps(read)
    for path in list(_paths(read)):
        for i, value in enumerate((*ODD, *ODD_TEXTS)):
            made = json.loads(text)
            table = made
            for key in path[:-1]:
                table = table[key]
            table[path[-1]] = value if i < len(ODD) else "@@"
            shown = f"{'.'.join(map(str, path))} = {str(value)[:40]!r}"
            if i < len(ODD):
                yield shown, _text(made)
            else:
                yield shown, json.dumps(made).replace('"@@"', value, 1)
        del table[path[-1]]
        yield f"{'.'.join(map(str, path))} removed", made
        if isinstance(path[-1], str):
            table["unheard of"] = 1
            yield f"{'.'.join(map(str, path))} renamed", made


def _text(made: dict) -> dict | str:
    """What json.dumps cannot write, an integer of more digits than Python prints, is left out."""
    try:
        json.dumps(made)
    except ValueError:
        return "{}"
    return made


def _paths(value: object, before: tuple = ()) -> Iterator[tuple]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield (*before, key)
        if isinstance(value[key], dict | list):
            yield from _paths(value[key], (*before, key))


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes with one to four of them turned, cut out, doubled, moved or drawn anew."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(made) + 1), rng.choice((1, 1, 2, 8, 64, 1000))
        act = rng.randrange(5)
        if act == 0:
            del made[at : at + length]
        elif act == 1:
            made[at:at] = rng.randbytes(length)
        elif act == 2:
            made[at : at + length] = rng.randbytes(len(made[at : at + length]))
        elif act == 3:
            made[at:at] = made[rng.randrange(len(made) + 1) :][:length]
        elif at < len(made):
            made[at] ^= 1 << rng.randrange(8)
    return bytes(made)


def fuzzed_file(data: bytes, n: int) -> bytes:
    """A model file changed by the seed `n`: its bytes, or its header or numbers and sealed anew."""
    rng = random.Random(n)
    if n % 3 == 0:
        return mutated(data, rng)
    header, inside, numbers = taken_apart(data)
    if n % 3 == 1:
        own = mutated(json.dumps(inside).encode(), rng).decode(errors="replace")
        return put_together(header, own, numbers)
    rest = mutated(json.dumps(header)[1:].encode(), rng).decode(errors="replace")
    return put_together(rest, inside, mutated(numbers, rng) if n % 2 else numbers)


def from_bytes(data: bytes, drawn: bytes) -> bytes:
    """A model file from bytes that a fuzzer draws: the first says for what part they stand."""
    kind, rest = drawn[:1], drawn[1:]
    if kind in (b"", b"r"):
        return rest
    header, inside, numbers = taken_apart(data)
    if kind == b"n":
        return put_together(header, inside, rest)
    text = rest.decode(errors="replace")
    return (
        put_together(text[1:], inside, numbers)
        if kind == b"h"
        else (put_together(header, text, numbers))
    )


def corpus(data: bytes) -> list[bytes]:
    """What `from_bytes` makes the file itself of, one for each part."""
    header, inside, numbers = taken_apart(data)
    own, rest = json.dumps(inside).encode(), json.dumps(header).encode()
    return [b"r" + data, b"n" + numbers, b"h" + rest, b"c" + own]
