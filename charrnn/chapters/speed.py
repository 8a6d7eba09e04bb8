"""What the chapter on speed shows of the benchmarks' results.

The functions take results as `benchmarks/README.md` describes them: committed ones (`recorded`), or
fresh ones of the reader's own machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

import pandas as pd

from charrnn.claims import result
from charrnn.figures.speed import short
from charrnn.recipe import repository
from charrnn.runs import Run

NAMES = {"ours": "charrnn"}
"""What a side is called here, where it is not by its own name."""
WORDS = {"fp32": "float32", "fp64": "float64"}
MEGA = 1e6
PLAIN = "nn.LSTM fp32"
TRAINED = ("paul_graham", "shakespeare", "war_and_peace", "wikipedia", "linux")
"""Recorded runs whose speed is told."""


def recorded(name: str) -> dict:
    """A benchmark's newest committed result; of a GPU where the name ends in "_cuda".

    FileNotFoundError where there is none.
    """
    kept = [r for r in result(name).values() if r["benchmark"] == name]
    if not kept:
        raise FileNotFoundError(f"benchmarks/results/{name}-*.json")
    return max(kept, key=lambda r: r["machine"]["date"])


def machine(found: Mapping) -> str:
    """What a committed result was taken on: "2 cores of AMD EPYC, torch 2.13.0, 2026-11-25"."""
    facts = found["machine"]
    card = f"{facts['gpu']}, " if found["benchmark"].endswith("_cuda") else ""
    cores = f"{facts['cores']} cores of {facts['cpu']}"
    return f"{card}{cores}, torch {facts['torch']}, {facts['date']}"


def side(row: Mapping) -> str:
    """A side with its precision: "charrnn, int16"."""
    name = NAMES.get(row["side"], row["side"])
    return f"{name}, {WORDS.get(row['precision'], row['precision'])}"


def cases(found: Mapping) -> list[str]:
    """The names of a result's cases, in their order."""
    return list(dict.fromkeys(row["case"] for row in found["rows"]))


def racers(found: Mapping, case: str) -> list[dict]:
    """Rows of `figures.race`: each side of a case with its best number of threads."""
    best: dict[str, Mapping] = {}
    for row in found["rows"]:
        if row["case"] == case and "failed" not in row:
            rival = best.get(side(row))
            if rival is None or row["median"] > rival["median"]:
                best[side(row)] = row
    return [
        {"name": name, "value": row["median"], "low": row["low"], "high": row["high"]}
        | {"ours": row["side"] == "ours"}
        for name, row in best.items()
    ]


def times(found: Mapping) -> pd.DataFrame:
    """How many times as fast as the plain loop each side is, a column a case that has one: the
    median of the rounds and, in brackets, their ends."""
    table: dict[str, dict[str, str]] = {}
    for row in found["ratios"]:
        if row["against"] == PLAIN:
            text = f"{short(row['median'])} ({short(row['low'])} to {short(row['high'])})"
            table.setdefault(row["case"], {})[side(row)] = text
    for row in found["rows"]:
        if "failed" in row and row["case"] in table:
            table[row["case"]].setdefault(side(row), "could not be run")
    return pd.DataFrame(table).fillna("")


def rates(found: Mapping, case: str) -> pd.DataFrame:
    """Characters a second of each side of a case, with its best number of threads."""
    rows = sorted(racers(found, case), key=lambda row: row["value"])
    shown = [f"{row['value']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})" for row in rows]
    return pd.DataFrame({case: shown}, index=[row["name"] for row in rows])


def work(roofline: Mapping) -> pd.DataFrame:
    """Operations that a character takes, by network, to be read and to be trained on."""
    found = roofline["flop_per_character"]
    return pd.DataFrame(
        {
            "read": [f"{row['forward'] / MEGA:.2f} million" for row in found.values()],
            "trained on": [f"{row['training'] / MEGA:.1f} million" for row in found.values()],
        },
        index=list(found),
    )


def products(roofline: Mapping) -> pd.DataFrame:
    """How fast the machine multiplies matrices: thousand millions of operations a second."""
    rows: dict[str, dict[str, str]] = {}
    for row in roofline["gflop_per_s"]:
        threads = "1 thread" if row["threads"] == 1 else f"{row['threads']} threads"
        column = f"{WORDS.get(row['precision'], row['precision'])}, {threads}"
        rows.setdefault(row["shape"], {})[column] = short(row["median"])
    return pd.DataFrame.from_dict(rows, orient="index")


def bound(roofline: Mapping, training: Mapping, case: str) -> dict[str, float]:
    """What `figures.race` draws beside a training case: `product_bound` of its network."""
    size = training["sizes"][case]
    for network in roofline["flop_per_character"]:
        if network.startswith(f"{size['layers']} x {size['hidden']},"):
            return {"float32 products alone": product_bound(roofline, network)}
    return {}


def product_bound(roofline: Mapping, network: str) -> float:
    """Characters a second that float32 matrix products alone would allow in training: the fastest
    product of the machine through the operations that a character takes."""
    best = max(r["median"] for r in roofline["gflop_per_s"] if r["precision"] == "fp32")
    return 1e9 * best / roofline["flop_per_character"][network]["training"]


def reading(roofline: Mapping) -> dict[str, dict[float, float]]:
    """The curves of `figures.caches`: gigabytes a second by megabytes, a curve a thread count."""
    curves: dict[str, dict[float, float]] = {}
    for row in roofline["gb_per_s"]:
        name = "1 thread" if row["threads"] == 1 else f"{row['threads']} threads"
        curves.setdefault(name, {})[row["kilobytes"] / 1024] = row["median"]
    return curves


def megabytes(model: Mapping, bytes_each: int) -> float:
    """What one character of an LSTM reads: its matrices but the first layer's input, of which it
    takes a single row."""
    hidden, layers, vocab = model["hidden"], model["layers"], model["vocab"]
    numbers = 4 * hidden**2 * (2 * layers - 1) + hidden * vocab + 4 * hidden
    return numbers * bytes_each / 1024**2


def sizes(model: Mapping) -> dict[str, float]:
    """The dashed lines of `figures.caches`: megabytes of a network's weights."""
    name = f"{model['layers']} x {model['hidden']}"
    return {f"{name}, int8": megabytes(model, 1), f"{name}, float32": megabytes(model, 4)}


def reading_bounds(roofline: Mapping, model: Mapping) -> dict[str, float]:
    """Characters a second if reading the weights were all there is to it: at the fastest speed that
    the machine reads so much at, for float32 and for int8. Empty where that was not measured, as
    on a GPU."""
    speeds, found = roofline["gb_per_s"], {}
    if not speeds:
        return found
    for name, size in (("float32", 4), ("int8", 1)):
        need = megabytes(model, size)
        # The measured size next above (or the last): what fits there, fits in the same cache.
        sizes = sorted({r["kilobytes"] for r in speeds})
        above = next((k for k in sizes if k / 1024 >= need), sizes[-1])
        best = max(r["median"] for r in speeds if r["kilobytes"] == above)
        found[f"reading {name} weights"] = 1e9 * best / (need * 1024**2)
    return found


def costs(curves: Mapping) -> dict[str, dict[str, dict[float, float]]]:
    """The panels of `figures.cost_curves`: microseconds a character over each size."""
    titles = {"hidden": "hidden size", "batch": "lanes", "seq": "characters back"}
    panels: dict[str, dict[str, dict[float, float]]] = {}
    for row in curves["rows"]:
        panel = panels.setdefault(titles.get(row["over"], row["over"]), {})
        for name in ("ours", "nn.LSTM"):
            panel.setdefault(NAMES.get(name, name), {})[row["value"]] = row[name]["median"]
    return panels


def apart(exactness: Mapping) -> dict[str, dict[float, float]]:
    """The curves of `figures.distances`: how far each loss in training is from float32's."""
    rows, window = exactness["rows"], exactness["window"]
    base = rows["fp32"]["train"]
    return {
        name.replace("fp32", "float32"): {
            window * (k + 1): abs(loss - base[k]) for k, loss in enumerate(row["train"])
        }
        for name, row in rows.items()
        if name != "fp32"
    }


def held_out(exactness: Mapping) -> pd.DataFrame:
    """Each training's loss on held-out text, and its distance from float32's, in nats."""
    base = exactness["rows"]["fp32"]["val"]
    return pd.DataFrame(
        {
            "held-out loss, nats": [f"{r['val']:.4f}" for r in exactness["rows"].values()],
            "more than float32": [f"{r['val'] - base:+.4f}" for r in exactness["rows"].values()],
        },
        index=[name.replace("fp32", "float32") for name in exactness["rows"]],
    )


def gaps(latency: Mapping) -> pd.DataFrame:
    """Milliseconds between two characters of a stream: half, 99 % and 99.9 % are at most that."""
    best: dict[str, Mapping] = {}
    for row in latency["rows"]:
        rival = best.get(side(row))
        if rival is None or row["p50"] < rival["p50"]:
            best[side(row)] = row
    keys = {"p50": "half", "p99": "99 %", "p99.9": "99.9 %", "max": "longest"}
    return pd.DataFrame(
        {title: [f"{row[key]:.3f}" for row in best.values()] for key, title in keys.items()},
        index=list(best),
    )


def to_loss(mode: str = "recorded") -> pd.DataFrame:
    """Seconds from nothing to a stated loss, beside a small transformer. No rows in other modes
    than `recorded`: that training takes minutes."""
    if mode != "recorded":
        return pd.DataFrame()
    kept = recorded("time_to_loss")
    rows = {"LSTM 2 x 256": kept["lstm"]}
    if "transformer" in kept:
        rows |= {
            "the same, once more": kept["lstm_after"],
            "small transformer": kept["transformer"],
        }
    return pd.DataFrame(
        {
            "seconds": [f"{row['seconds']:.0f}" for row in rows.values()],
            "held-out loss, nats": [f"{row['loss']:.3f}" for row in rows.values()],
            "parameters": [f"{row['parameters']:,}" for row in rows.values()],
        },
        index=list(rows),
    )


def memory(found: Mapping) -> pd.DataFrame:
    """Peak megabytes of a training, torch's own apart, and how many times the plain loop's; "-"
    where that one needed no more than was there already, as a tiny network."""
    rows = [row for row in found["rows"] if "failed" not in row]
    times = [row.get("times") for row in rows]
    return pd.DataFrame(
        {
            "megabytes": [f"{row['peak_mb'] - row['before_mb']:,.0f}" for row in rows],
            "times nn.LSTM's": ["-" if t is None else f"{t:.2f}" for t in times],
        },
        index=[side(row) for row in rows],
    )


def scoring(found: Mapping) -> pd.DataFrame:
    """Seconds that a text of a million characters takes to be scored, a row a side."""
    seconds = found["megabyte_seconds"]
    names = [NAMES.get(name, name.replace("ours", NAMES["ours"])) for name in seconds]
    return pd.DataFrame({"seconds": [short(s) for s in seconds.values()]}, index=names)


def rounding(found: Mapping) -> pd.DataFrame:
    """Nats a character that int8 weights cost, with the standard error, a row a side."""
    rows = [row for row in found["rows"] if "failed" not in row]
    return pd.DataFrame(
        {"nats lost": [f"{row['cost']:+.5f} ± {row['standard_error']:.5f}" for row in rows]},
        index=[side(row) for row in rows],
    )


def recorded_speeds(*runs: Run) -> pd.DataFrame:
    """How fast the recorded runs were trained, as they were: characters a second, and where."""
    return pd.DataFrame(
        {
            "network": [f"{r.info['model']['layers']} x {r.info['model']['hidden']}" for r in runs],
            "characters a second": [f"{r.info['chars_per_second']:,.0f}" for r in runs],
            "device": [f"{r.info['device']}, {r.info['precision']}" for r in runs],
        },
        index=[run.name for run in runs],
    )


def published() -> pd.DataFrame:
    """Speeds that others published, each with its machine, its settings and its source."""
    root = repository()
    if root is None:
        raise FileNotFoundError("benchmarks/published.toml: this is not a clone of the repository")
    text = (root / "benchmarks" / "published.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["row"]
    return pd.DataFrame(
        {key: [row[key] for row in rows] for key in ("what", "figure", "machine", "source")},
        index=[row["program"] for row in rows],
    )
