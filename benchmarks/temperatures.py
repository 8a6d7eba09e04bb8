r"""Does the loop at low temperature depend on what the temperature divides: the logits, or the top
hidden state as in the post's program until 3 June 2015?

With h divided the decoder's bias b stays whole: the scores are (W h) / T + b and not (W h + b) / T.
Recorded networks write from passages of text that they were not trained on, the same passages and
random numbers both ways, and read such a text; texts, losses and distances are measured, and the
difference between the two ways is taken passage by passage.

A run's row is written when it is there; rows of other runs stay where the settings are the same. A
folder of a training is taken as well as a recorded run; one by the program of that day:

    charrnn train paul_graham --era 2015-05-21 --scale laptop --hidden 128 --layers 2 --dropout 0 \
                  --batch 100 --seq 50 --epochs 8 --out FOLDER

    python -m benchmarks.temperatures [--runs paul_graham ...] [--samples 24] [--length 2000]
                                      [--read 20000] [--quick]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import RESULTS, machine, save_result, slug
from charrnn.corpora import CorpusError
from charrnn.measure.general import LAPS
from charrnn.measure.material import as_text, mean, share, units
from charrnn.model import CharRNN
from charrnn.recipe import Texts, load_recipe, sample_text
from charrnn.runs import Run, RunError, load_run, run_texts
from charrnn.sample import Sampling, divided_logits, pick, probabilities, uniform_stream
from charrnn.stepper import Stepper
from charrnn.structure.copying import COPY_LIMIT, longest_copied_run
from charrnn.structure.diversity import distinct_n, repeated_share
from charrnn.structure.loops import find_cycle
from charrnn.structure.shares import Share
from charrnn.structure.words import Lexicon, spelling_errors

RUNS = ("paul_graham", "shakespeare", "war_and_peace", "linux", "wikipedia")
WAYS = ("logits", "hidden")
TEMPERATURES = (0.0, 0.001, 0.003, 0.01, 0.05, 0.1, 0.2, 0.5, 0.7, 1.0)
PROMPT = 40
"""Symbols of text that a network reads before it writes."""
BLOCK = 200
"""Symbols of a text that stay together when an interval is taken over it."""
KNOWN = 8_000_000
"""Symbols of a training text whose words count as spelt rightly, at most."""
SEED = 0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", nargs="+", default=RUNS, help="recorded runs, or folders of runs")
    parser.add_argument("--samples", type=int, default=24, help="texts at each temperature")
    parser.add_argument("--length", type=int, default=2000, help="symbols in each of them")
    parser.add_argument("--read", type=int, default=20_000, help="symbols of text to read")
    parser.add_argument("--quick", action="store_true", help="the first run, tiny, nothing written")
    args = parser.parse_args(arguments)
    if args.quick:
        args.runs, args.samples, args.length, args.read = args.runs[:1], 3, 80, 600
    if args.samples < 2 or args.length < 1 or args.read < 2 * BLOCK:
        parser.error(
            f"samples is {args.samples}, length {args.length}, read {args.read}; give at least 2 "
            f"samples, 1 symbol to draw and {2 * BLOCK} to read"
        )
    try:
        runs = [load_run(name) for name in args.runs]
    except RunError as error:
        parser.error(str(error))
    asked = settings(args.samples, args.length, args.read)
    rows = {} if args.quick else earlier(asked)
    for run in runs:
        rows[run.folder.name] = study(run, args.samples, args.length, args.read)
        print(told(rows[run.folder.name]), flush=True)
        if not args.quick:
            save_result("temperatures", {**asked, "rows": list(rows.values())})


def settings(samples: int, length: int, read: int) -> dict:
    """What a result was asked for, as it is kept beside its rows."""
    asked = {"samples": samples, "length": length, "read": read}
    fixed = {"temperatures": list(TEMPERATURES), "prompt": PROMPT, "loop_tail": LAPS}
    return {**asked, **fixed, "block": BLOCK, "seed": SEED}


def earlier(asked: dict, folder: Path = RESULTS) -> dict[str, dict]:
    """Rows by run of this machine's result, where it was asked for the same; a run that is studied
    again takes the place of its row."""
    path = folder / f"temperatures-{slug(machine())}.json"
    kept = json.loads(path.read_text()) if path.is_file() else {"rows": []}
    if any(kept.get(name) != value for name, value in asked.items()):
        return {}
    return {row["run"]: row for row in kept["rows"]}


def study(run: Run, samples: int, length: int, read: int) -> dict:
    """All that is kept of one network."""
    material = open_material(run)
    if len(material.ids) <= 2 * BLOCK:
        raise ValueError(
            f"{run.name}: {material.name} has {len(material.ids)} symbols; it takes more than "
            f"{2 * BLOCK} to compare predictions"
        )
    scores = hidden_scores(run.model, material.ids[:read])
    prompts = passages(material.ids, samples)
    cells = [Sampling(temperature=t, temperature_on=way) for t in TEMPERATURES for way in WAYS]
    texts = draw_all(run.model, prompts, cells, length, SEED)
    measured = [measure(run, text, material.lexicon) for text in texts]
    pairs = list(zip(measured[::2], measured[1::2], strict=True))
    greedy = (texts[0].ids, texts[1].ids)
    return {
        "run": run.folder.name,
        "title": run.info["title"],
        **({"era": run.info["era"]} if run.info.get("era") else {}),
        **{k: run.info[k] for k in ("epochs", "losses") if k in run.info},
        **{k: getattr(run.model.config, k) for k in ("layers", "hidden")},
        "text": material.name,
        "read": len(scores),
        "lexicon": material.lexicon.name,
        "bias": bias_size(scores, bias_of(run.model)),
        "reading": [
            {"temperature": t, **distance(run.model, scores, t)} for t in TEMPERATURES if t > 0
        ],
        "drawn": [
            {"temperature": t, **dict(zip(WAYS, map(summary, pair), strict=True)),
             "difference": differences(*pair)}
            for t, pair in zip(TEMPERATURES, pairs, strict=True)
        ],
        "greedy": greedy_loops(run, material.texts, *greedy),
    }  # fmt: skip


@dataclass(frozen=True)
class Material:
    """What a network is asked with."""

    name: str
    """Where `ids` are from."""
    ids: np.ndarray
    """Text that it was not trained on, (N,) int64."""
    lexicon: Lexicon
    texts: Texts | None
    """The run's own texts, where they can be had."""


def open_material(run: Run) -> Material:
    """The run's validation text, or the genre's text of this project where it cannot be had."""
    try:
        _, texts = run_texts(run.folder, progress=False)
    except (CorpusError, RunError):
        name = load_recipe(run.info["recipe"]["name"], "smoke").corpus
        written = sample_text(Path(name).name).read_text(encoding="utf-8")
        return Material(
            Path(name).name, run.vocab.encode(written, unknown="skip"), Lexicon.english(), None
        )
    known = run.vocab.decode(np.asarray(texts.split.train[:KNOWN]))
    lexicon = Lexicon.english() | Lexicon.from_text(known, name="its training text")
    held_out = np.asarray(texts.split.val).astype(np.int64)
    return Material("its validation text", held_out, lexicon, texts)


def passages(ids: np.ndarray, count: int) -> np.ndarray:
    """Passages of PROMPT symbols, evenly spread over ids (N,): (count, PROMPT)."""
    if len(ids) < PROMPT:
        raise ValueError(f"{len(ids)} symbols of text; a prompt takes {PROMPT}")
    starts = np.linspace(0, len(ids) - PROMPT, count).astype(int)
    return np.stack([ids[start : start + PROMPT] for start in starts])


def bias_of(model: CharRNN) -> np.ndarray:
    """The decoder's bias b, (V,) float64."""
    return model.decoder.bias.detach().cpu().double().numpy()


@torch.inference_mode()
def hidden_scores(model: CharRNN, ids: np.ndarray) -> np.ndarray:
    """W h after each of ids (N,) but the last, in one stream: (N - 1, V) float64."""
    x = torch.from_numpy(ids[:-1].astype(np.int64)).to(model.device)[:, None]
    model.eval()
    return model(x)[0][:, 0].double().cpu().numpy() - bias_of(model)


@dataclass(frozen=True)
class Drawn:
    """Texts drawn in one way, S of N symbols."""

    ids: np.ndarray
    """(S, N)."""
    nats: np.ndarray
    """(S,): what a drawn symbol costs at T = 1, on average."""
    entropy: np.ndarray
    """(S,): entropy in nats of what it was drawn from, on average."""


def draw_all(
    model: CharRNN, prompts: np.ndarray, cells: Sequence[Sampling], length: int, seed: int
) -> list[Drawn]:
    """A text from each of the prompts (S, P) by each of the cells, all side by side.

    Text s of every cell has the prompt s and the random numbers of stream s. Only `temperature`
    and `temperature_on` of a cell count. The streams of one stepper read with one bias, so W h is
    taken from it, and each cell adds the bias of the network that `divided_logits` makes for it.
    """
    count, streams = len(prompts), len(prompts) * len(cells)
    stepper, bias = Stepper(model, streams), bias_of(model)
    twins = [(bias_of(twin), way) for twin, way in (divided_logits(model, c) for c in cells)]
    tiled = np.tile(prompts, (len(cells), 1))
    for column in range(prompts.shape[1] - 1):
        stepper.step(tiled[:, column])
    ids, kept = tiled[:, -1], np.empty((length, streams), np.int64)
    sums = np.zeros((2, len(cells), count))
    for step, numbers in enumerate(islice(uniform_stream(seed, count), length)):
        hidden = (stepper.step(ids) - bias).reshape(len(cells), count, -1)
        drawn = []
        for c, (own, way) in enumerate(twins):
            scores = hidden[c] + own
            drawn.append(pick(scores, numbers, way))
            sums[0, c] -= log_softmax(hidden[c] + bias)[np.arange(count), drawn[-1]]
            sums[1, c] += entropy(probabilities(scores, way))
        ids = kept[step] = np.concatenate(drawn)
    texts = kept.T.reshape(len(cells), count, length)
    return [Drawn(texts[c], *sums[:, c] / length) for c in range(len(cells))]


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """ln softmax over the last axis, in float64."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def entropy(p: np.ndarray) -> np.ndarray:
    """-sum p ln p over the last axis, in nats."""
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)


@dataclass(frozen=True)
class Measured:
    """What is measured of S texts drawn in one way; each list has a place a text."""

    starts: list[int | None]
    """Where the loop begins that the text ends in; None where it ends in none."""
    periods: list[int | None]
    misspelt: list[Share]
    distinct: list[Share]
    """Different runs of four characters over all of them."""
    repeated: list[Share]
    """Runs of four words that the text had before."""
    symbols: list[float]
    """How many different symbols it has."""
    nats: list[float]
    entropy: list[float]


def measure(run: Run, drawn: Drawn, lexicon: Lexicon) -> Measured:
    """Loops, words and diversity of texts."""
    cycles = [cycle_of(ids) for ids in drawn.ids]
    texts = [as_text(units(run.vocab, ids)) for ids in drawn.ids]
    return Measured(
        [c and c.start for c in cycles],
        [c and c.period for c in cycles],
        [spelling_errors(text, lexicon).share for text in texts],
        [distinct_n(text, 4, "char") for text in texts],
        [repeated_share(text) for text in texts],
        [float(len(np.unique(ids))) for ids in drawn.ids],
        drawn.nats.tolist(),
        drawn.entropy.tolist(),
    )


def cycle_of(ids: np.ndarray):
    """The loop that a text of ids (N,) ends in, or None: three laps and LAPS symbols at least, as
    for the book's other loops."""
    return find_cycle(ids.tolist(), min_repeats=3, min_tail=LAPS)


def summary(found: Measured) -> dict:
    """What is kept of the texts of one way: shares and means with intervals over texts."""
    return {
        "loops": Share.of(start is not None for start in found.starts).as_dict(),
        "starts": found.starts,
        "periods": found.periods,
        **{name: share(getattr(found, name)) for name in ("misspelt", "distinct", "repeated")},
        **{name: mean(getattr(found, name)) for name in ("symbols", "nats", "entropy")},
    }


def differences(logits: Measured, hidden: Measured) -> dict:
    """Hidden less logits, text by text from the same passage: means with intervals over texts."""
    looping = [
        (b is not None) - (a is not None) for a, b in zip(logits.starts, hidden.starts, strict=True)
    ]
    return {
        "loops": difference_of_shares(looping),
        **{
            name: mean([
                b.value - a.value
                for a, b in zip(getattr(logits, name), getattr(hidden, name), strict=True)
                if a.total and b.total
            ])
            for name in ("misspelt", "distinct", "repeated")
        },
        **{
            name: mean(np.subtract(getattr(hidden, name), getattr(logits, name)).tolist())
            for name in ("symbols", "nats", "entropy")
        },
    }  # fmt: skip


def difference_of_shares(values: Sequence[int]) -> dict:
    """The mean of differences that are -1, 0 or 1, with its interval over texts, and how many
    texts have either. Where none differs the interval is what Wilson's says of none in so many."""
    more, less = values.count(1), values.count(-1)
    found = mean(values) | {"only_hidden": more, "only_logits": less}
    if more or less:
        return found
    _, most = Share(0, len(values)).interval()
    return found | {"low": -most, "high": most}


def distance(model: CharRNN, hidden: np.ndarray, temperature: float) -> dict:
    """How far the two ways' predictions lie apart along a text, from W h (N, V).

    `kl`: KL(logits || hidden) in nats a symbol, `kl_back` the other way round; `likeliest`: the
    share of places where the likeliest symbol is another one; the entropy of each way. Intervals
    are bootstraps over blocks of BLOCK symbols.
    """
    ways = (Sampling(temperature=temperature, temperature_on=way) for way in WAYS)
    biases = (bias_of(divided_logits(model, way)[0]) for way in ways)
    log_p, log_q = (log_softmax((hidden + bias) / temperature) for bias in biases)
    p, q = np.exp(log_p), np.exp(log_q)
    return {
        "kl": by_blocks((p * (log_p - log_q)).sum(axis=-1)),
        "kl_back": by_blocks((q * (log_q - log_p)).sum(axis=-1)),
        "likeliest": by_blocks(p.argmax(axis=-1) != q.argmax(axis=-1)),
        "entropy": {way: by_blocks(entropy(x)) for way, x in zip(WAYS, (p, q), strict=True)},
    }


def by_blocks(values: np.ndarray) -> dict:
    """The mean of values (N,) with its interval over blocks; a shorter rest is left out."""
    whole = len(values) // BLOCK
    return mean(np.asarray(values[: whole * BLOCK], float).reshape(whole, BLOCK).mean(axis=1))


def bias_size(hidden: np.ndarray, bias: np.ndarray) -> dict:
    """How large the bias is beside W h (N, V), and how often it decides which symbol is likeliest.

    `spread` is the standard deviation over the symbols: of b, and of W h at each place of the text,
    averaged. `decides`: the share of places where argmax(W h + b) is not argmax(W h), the limits
    of the two ways at T = 0.
    """
    logits = hidden + bias
    return {
        "spread_hidden": float(hidden.std(axis=-1).mean()),
        "spread_bias": float(bias.std()),
        "range_bias": float(np.ptp(bias)),
        "decides": by_blocks(logits.argmax(axis=-1) != hidden.argmax(axis=-1)),
    }


def greedy_loops(run: Run, texts: Texts | None, logits: np.ndarray, hidden: np.ndarray) -> dict:
    """The two greedy limits from the same passages, ids (S, N) each: their loops side by side.

    `same_text`: how many texts are equal to the end; `first`: after how many symbols the others
    part, sorted; `same_loop`: of those that loop both ways, how many run in the same loop;
    `loops`: the loops of each way, the commonest first.
    """
    laps = [[lap_of(ids) for ids in way] for way in (logits, hidden)]
    both = [(a, b) for a, b in zip(*laps, strict=True) if a is not None and b is not None]
    apart = [np.flatnonzero(a != b) for a, b in zip(logits, hidden, strict=True)]
    return {
        "same_text": Share.of(not len(places) for places in apart).as_dict(),
        "first": sorted(int(places[0]) for places in apart if len(places)),
        "same_loop": Share.of(a == b for a, b in both).as_dict(),
        "loops": {way: counted(run, texts, found) for way, found in zip(WAYS, laps, strict=True)},
    }


def lap_of(ids: np.ndarray) -> tuple[int, ...] | None:
    """A lap of the loop of a text, turned so that equal loops are equal: its least rotation."""
    cycle = cycle_of(ids)
    if cycle is None:
        return None
    lap = tuple(cycle.text)
    return min(lap[i:] + lap[:i] for i in range(len(lap)))


def counted(run: Run, texts: Texts | None, laps: Sequence[tuple[int, ...] | None]) -> list[dict]:
    """Each loop once: how many texts run in it, its period, and a lap where that may be shown."""
    found: dict[tuple[int, ...], int] = {}
    for lap in laps:
        if lap is not None:
            found[lap] = found.get(lap, 0) + 1
    rows = sorted(found.items(), key=lambda item: -item[1])
    return [{"texts": n, "period": len(lap), "lap": shown(run, texts, lap)} for lap, n in rows]


def shown(run: Run, texts: Texts | None, lap: tuple[int, ...]) -> str | None:
    """A lap as text; None where it might recite what is not ours to pass on."""
    written = units(run.vocab, np.array(lap))
    if not run.info["corpus"]["shareable"]:
        if texts is None:
            return None
        source = units(texts.vocab, np.asarray(texts.split.train))
        if longest_copied_run(written + written, source).length > COPY_LIMIT:
            return None
    return as_text(written)


def told(row: dict) -> str:
    """A network in a few lines."""
    bias = row["bias"]
    lines = [
        f"{row['run']}: W h spreads {bias['spread_hidden']:.2f}, b {bias['spread_bias']:.3f}; "
        f"another likeliest symbol at {bias['decides']['value']:.2%} of {row['read']:,} places"
    ]
    for drawn in row["drawn"]:
        shares = " and ".join(f"{drawn[w]['loops']['hits']:3d}" for w in WAYS)
        away = next((r for r in row["reading"] if r["temperature"] == drawn["temperature"]), None)
        kl = "" if away is None else f"  KL {away['kl']['value']:.5f}"
        total = drawn["logits"]["loops"]["total"]
        lines.append(f"  T = {drawn['temperature']:<5g} loops {shares} of {total}{kl}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
