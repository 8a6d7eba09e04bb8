"""What a chapter of the book does with a run: open it in the chapter's mode, and show it.

Modes: `recorded` opens the run that comes with the book; `train` trains its recipe on the best
device there is; `smoke` trains for seconds on a text of the same genre. Whichever it is, the
chapter then goes on with the same calls.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from charrnn.claims import result
from charrnn.devices import choose_device
from charrnn.measure import measure_run
from charrnn.recipe import load_recipe
from charrnn.runs import LENGTHS, Run, list_runs, load_run, train_recipe
from charrnn.sample import make_stepper
from charrnn.score import LN2

MODES = ("recorded", "train", "smoke")
WORDS = {
    "real words": "known",
    "misspelt lower-case words": "misspelt",
    "distinct pairs of words": "distinct_2",
}
"""What `comparison` says of words: title to measure."""


def open_run(
    name: str,
    mode: str = "recorded",
    scale: str = "auto",
    folder: str | Path | None = None,
    only: str = "samples",
) -> Run:
    """A chapter's run with its measures, recorded or made on the spot.

    scale, for mode "train": post, laptop, or auto (post with a GPU, laptop without). `folder`:
    where a training goes (None: runs/<name> under the working folder, a temporary one for smoke).
    only: which part is measured of a training, one of `charrnn.measure.PARTS`. Raises ValueError
    on another mode, CorpusError where a text cannot be had.
    """
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
    if mode == "recorded":
        return load_run(name)
    if mode == "smoke":
        folder = folder or _passing() / name
        train_recipe(load_recipe(name, "smoke"), folder, progress=False)
        measure_run(folder, samples=4, length=400, progress=lambda line: None, only=only)
        return load_run(folder)
    gpu = choose_device("auto").type != "cpu"
    scale = scale if scale != "auto" else "post" if gpu else "laptop"
    folder = Path(folder or Path("runs") / name)
    train_recipe(load_recipe(name, scale), folder)
    measure_run(folder, only=only)
    return load_run(folder)


def second_run(name: str, mode: str = "recorded") -> Run | None:
    """A run that a chapter sets beside its own: the recorded one, or None where there is none.

    In smoke mode it is trained, and not measured.
    """
    if mode == "smoke":
        folder = _passing() / name
        return train_recipe(load_recipe(name, "smoke"), folder, progress=False)
    return load_run(name) if name in {folder.name for folder in list_runs()} else None


def _passing() -> Path:
    """A folder that goes with this process."""
    folder = Path(mkdtemp(prefix="charrnn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def facts(run: Run) -> pd.DataFrame:
    """A run at a glance: text, network, training, device and losses, one row each."""
    i = run.info
    model, split, corpus = i["model"], i["split"], i["corpus"]
    unit = "bytes" if corpus["level"] == "byte" else "characters"
    settings = i["training"]
    rows = {
        "text": f"{corpus['title']}, {corpus['used']:,} {unit}" + _share_of(corpus),
        "split": f"{split['train']:,} training, {split['val']:,} validation, {split['test']:,} test"
        f" ({split['kind']})",
        "network": f"{model['layers']} x {model['hidden']} {model['cell'].upper()}, dropout "
        f"{model['dropout']:g}, {model['vocab_size']} symbols, {model['parameters']:,} parameters",
        "training": f"{settings['optimizer']}, learning rate {settings['lr']:g} "
        f"({settings['schedule']}), batch {settings['batch']} x {settings['seq']}, "
        f"{i['epochs']:.1f} epochs ({i['steps']:,} steps)",
        "scale": i["scale"],
        "device": f"{i['device']}, {i['precision']}",
        "time": f"{i['seconds'] / 60:,.1f} minutes, {i['chars_per_second']:,.0f} {unit} a second",
        "validation loss": _loss(i["losses"].get("val")),
        "test loss (read once)": _loss(i["losses"].get("test")),
    }
    if i["losses"].get("val_published") is not None:
        key = f"validation, published file ({i.get('published_precision', 'int8')})"
        rows[key] = _loss(i["losses"]["val_published"])
    if measured := run.measures.get("portable"):
        cost, n = measured["cost"], measured["characters"]
        told = "less than 0.0001" if abs(cost) < 5e-5 else f"{cost:+.4f}"
        rows["validation, in the page"] = (
            f"{measured['portable']:.4f} nats on its first {n:,} {unit}, where single precision "
            f"has {measured['float']:.4f} (this arithmetic costs {told})"
        )
    if i.get("init_from"):
        rows["started from"] = i["init_from"]
    if earlier := i.get("earlier_lengths"):
        told = [f"for {_length(e)} until step {e['until_step']:,}" for e in earlier]
        rows["learning rate"] = f"planned {', '.join(told)}, then for {_length(settings)}"
    return pd.DataFrame({"": rows})


def _length(lengths: dict) -> str:
    """How long a training is asked to be, of the settings that hold it: "1 epoch"."""
    name = next(name for name in LENGTHS if lengths.get(name) is not None)
    return _number(lengths[name], name)


def _number(n: float, things: str) -> str:
    """A number of things, such as "1 epoch" or "2.75 epochs"; `things` is the plural, in -s."""
    return f"{n:,}".removesuffix(".0") + " " + (things if n != 1 else things[:-1])


def _share_of(corpus: dict) -> str:
    share = corpus["used"] / corpus["characters"]
    return f" ({share:.0%} of {corpus['characters']:,})" if share < 1 else ""


def _loss(nats: float | None) -> str:
    return "no such part" if nats is None else f"{nats:.4f} nats, {nats / LN2:.3f} bits"


def baseline(run: Run) -> pd.DataFrame:
    """The network and the n-gram on the same held-out text, a row each, and what the first has more
    than the second: losses in nats and in bits per character (byte), and what each was trained on.
    No rows where no n-gram was counted."""
    columns = [
        "trained on",
        *(f"{part}, {unit}" for part in ("validation", "test") for unit in ("nats", "bits")),
    ]
    counted = run.measures.get("ngram")
    if not counted:
        return pd.DataFrame(columns=columns)
    unit = "bytes" if run.info["corpus"]["level"] == "byte" else "characters"
    rows = {
        "network": (run.info["split"]["train"], run.info["losses"]),
        f"{counted['order']}-gram": (counted["trained_on"], counted),
    }
    found, parts = {}, ("val", "test")
    for name, (read, losses) in rows.items():
        shown = [f"{x:.3f}" if x is not None else "" for k in parts for x in _both(losses.get(k))]
        found[name] = [f"{read:,} {unit}", *shown]
    pairs = [(run.info["losses"].get(k), counted.get(k)) for k in parts]
    more = [a - b if a is not None and b is not None else None for a, b in pairs]
    shown = [f"{x:+.3f}" if x is not None else "" for n in more for x in _both(n)]
    found["the difference"] = ["", *shown]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def _both(nats: float | None) -> tuple[float | None, float | None]:
    """In nats and in bits."""
    return nats, None if nats is None else nats / LN2


def basis(run: Run) -> str:
    """What a chapter's numbers rest on, in a line."""
    i, m = run.info, run.measures
    unit = "bytes" if i["corpus"]["level"] == "byte" else "characters"
    drawn = (
        f"; {m['samples']} samples of {m['length']:,} {unit} a temperature"
        if "samples" in m
        else ""
    )
    return (
        f"{run.name}: scale {i['scale']}, on {i['device']}, "
        f"{_number(round(i['seconds'] / 60), 'minutes')}, one training, seed {i['seed']}{drawn}"
    )


def sweep_panel(run: Run, key: str, real: bool = True) -> dict:
    """A measure of the temperature sweep as `figures.temperature_sweep` takes it.

    key: a measure of measures.json ("known", "misspelt", "distinct_2", "entropy", "novel.20", ...).
    """
    head, _, rest = key.partition(".")

    def pick(row: dict) -> dict | float | None:
        return row[head][rest] if rest else row[head]

    rows = [(r["temperature"], pick(r)) for r in run.measures["sweep"] if pick(r) is not None]
    temperature = np.array([t for t, _ in rows])
    if not all(isinstance(value, dict) for _, value in rows):
        return {"temperature": temperature, "mean": np.array([v for _, v in rows])}
    panel = {"temperature": temperature}
    for ours, theirs in (("mean", "value"), ("low", "low"), ("high", "high")):
        panel[ours] = np.array([v[theirs] for _, v in rows])
    held_out = pick(run.measures["held_out"])
    if real and held_out is not None:
        panel["real"] = (held_out["low"], held_out["high"])
    return panel


def plays_panel(run: Run, key: str) -> dict:
    """A measure of a play's form against temperature, as `sweep_panel` gives the others."""
    plays = run.measures["plays"]
    rows = [(float(t), row[key]) for t, row in plays.items() if t != "held_out" and row[key]]
    names = {"mean": "value", "low": "low", "high": "high"}
    panel = {ours: np.array([share[k] for _, share in rows]) for ours, k in names.items()}
    panel["temperature"] = np.array([t for t, _ in rows])
    if plays["held_out"][key]:
        panel["real"] = (plays["held_out"][key]["low"], plays["held_out"][key]["high"])
    return panel


def sweep_row(run: Run, temperature: float) -> dict:
    """The measures at one temperature of the sweep; ValueError where it was not drawn at."""
    for row in run.measures["sweep"]:
        if abs(row["temperature"] - temperature) < 1e-9:
            return row
    drawn = [row["temperature"] for row in run.measures["sweep"]]
    raise ValueError(f"temperature {temperature} is not in the sweep; it has {drawn}")


def each_sample(run: Run) -> pd.DataFrame:
    """Measures of every text on its own, a row each: `misspelt`, `distinct_2`, and the
    `temperature` it was drawn at, which is NaN for the pieces of held-out text."""
    rows = [(r["temperature"], r["each"]) for r in run.measures["sweep"]]
    rows.append((np.nan, run.measures["held_out"]["each"]))
    frames = [pd.DataFrame(each, dtype=float).assign(temperature=t) for t, each in rows]
    return pd.concat(frames, ignore_index=True)


def shown(run: Run, temperature: float, seed: int) -> str:
    """A text that was kept with the run: unselected, seeds 0 to 2, at 0.5, 0.8 and 1.0."""
    for record in run.measures["shown"]["samples"]:
        key = (record["temperature"], record["seed"], record["slider"])
        if key == (temperature, seed, False):
            return record["text"]
    raise ValueError(f"no text was kept for temperature {temperature} and seed {seed}")


def slider_texts(run: Run) -> dict[float, str]:
    """The texts kept for the stops of the temperature slider."""
    kept = run.measures["shown"]["samples"]
    return {r["temperature"]: r["text"] for r in kept if r["slider"]}


def longest_copy(run: Run) -> int:
    """The longest run of training text, in characters, that any of the kept texts holds."""
    return max(min(r["longest_copy"], len(r["text"])) for r in run.measures["shown"]["samples"])


def copied(row: dict) -> str:
    """The longest runs that texts share with the training text, of a row of the measures. Of
    held-out text the largest is that of as many pieces as there are samples: its median over all
    ways to choose them."""
    found = row["longest_copy"]
    return f"median {found['median']:g}, longest {found['max']}"


def loops_found(run: Run) -> pd.DataFrame:
    """Where greedy decoding fell into a loop, a row a prompt."""
    rows = run.measures["loops"]["greedy"]
    columns = {
        "prompt": "prompt",
        "start": "loop begins at",
        "period": "period",
        "repeats": "times",
    }
    table = pd.DataFrame([{new: r.get(old) for old, new in columns.items()} for r in rows])
    table["prompt"] = [r["prompt"] or "(none)" for r in rows]
    return table.set_index("prompt").astype("Int64")


def recorded() -> list[Run]:
    """All recorded runs."""
    return [load_run(folder) for folder in list_runs()]


def first_recorded(*names: str) -> Run:
    """The first of these runs that has been recorded; RunError where none has."""
    known = {folder.name for folder in list_runs()}
    found = next((name for name in names if name in known), names[0])
    return load_run(found)


def overview() -> pd.DataFrame:
    """The recorded runs, a row each: text, network, scale, device, time and losses."""
    rows = []
    for run in recorded():
        i, m = run.info, run.info["model"]
        held_out = i["losses"]["test"] or i["losses"]["val"]
        rows.append(
            {
                "text": i["title"],
                "network": f"{m['layers']} x {m['hidden']}",
                "scale": i["scale"],
                "minutes": round(i["seconds"] / 60),
                "nats": f"{held_out:.3f}" + ("" if i["losses"]["test"] else " *"),
                "bits": f"{held_out / LN2:.3f}",
                "real words": _real_words(run),
            }
        )
    return pd.DataFrame(rows).set_index("text").rename_axis(None)


def _real_words(run: Run) -> str:
    if not run.measures:
        return ""
    ours, real = sweep_row(run, 1.0)["known"], run.measures["held_out"]["known"]
    return f"{ours['value']:.0%} (real text {real['value']:.0%})"


def comparison(ours: dict, real: dict, keys: Mapping[str, str]) -> pd.DataFrame:
    """Shares of a model's text beside real text's, a row a measure, each with its 95 % interval and
    the number of things counted (NaN where that is not said).

    ours, real: parts of measures.json, such as a row of the sweep and `held_out`. keys: title to
    measure. A measure that either text was too short for is left out.
    """
    columns = ["value", "low", "high", "of", "real", "real low", "real high", "real of"]
    parts = ("value", "low", "high", "total")
    rows = {
        title: [pair.get(k, np.nan) for pair in (ours[key], real[key]) for k in parts]
        for title, key in keys.items()
        if ours[key] and real[key] and None not in (ours[key]["value"], real[key]["value"])
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """A `comparison` to be read: "91.3% [90.2%, 92.5%] of 1,024" for the model and real text."""

    def text(row: pd.Series, *names: str) -> str:
        value, low, high, total = (row[n] for n in names)
        counted = "" if np.isnan(total) else f" of {total:,.0f}"
        return f"{value:.1%} [{low:.1%}, {high:.1%}]{counted}"

    columns = {
        "model": ("value", "low", "high", "of"),
        "real text": ("real", "real low", "real high", "real of"),
    }
    return pd.DataFrame(
        {c: [text(row, *n) for _, row in table.iterrows()] for c, n in columns.items()},
        index=table.index,
    )


def standing(*tables: pd.DataFrame) -> str:
    """Which shares of `comparison`s fall short of real text's, and which cannot be told from it, a
    line each: short is a share whose interval lies below real text's. For measures of which more
    is better."""
    table = pd.concat(tables)
    short = table["high"] < table["real low"]
    lines = []
    for what, where in (("short of real text:", short), ("not to be told from it:", ~short)):
        lines += [what, *(f"  {name}" for name in table.index[where])]
        lines += [] if where.any() else ["  -"]
    return "\n".join(lines)


def next_logits(run: Run, prompt: str) -> np.ndarray:
    """The scores (V,) for the character after a prompt; characters it never saw are skipped."""
    stepper = make_stepper(run.model)
    return [stepper.step(np.array([i])) for i in run.vocab.encode(prompt, unknown="skip")][-1][0]


def greedy(run: Run, prompt: str, length: int) -> tuple[str, tuple[np.ndarray, ...]]:
    """Always the likeliest character: the text, and the state that each one was chosen in.

    States: h and c (or h alone), each (length, L * H) float32, all layers side by side. The
    prompt must not be empty.
    """
    stepper = make_stepper(run.model)
    states, drawn = [], []
    *before, last = run.vocab.encode(prompt)
    for i in before:
        stepper.step(np.array([i]))
    for _ in range(length):
        last = stepper.step(np.array([last]))[0].argmax()
        states.append([part.ravel() for part in stepper.state()])
        drawn.append(last)
    parts = tuple(np.array(part) for part in zip(*states, strict=True))
    return run.vocab.decode(np.array(drawn)), parts


def bptt() -> pd.DataFrame:
    """The committed benchmark of two truncation lengths, a row a training; empty where none is."""
    columns = ["T", "seed", "epochs", "updates", "validation, nats"]
    try:
        kept = next(iter(result("bptt").values()))
    except FileNotFoundError:
        return pd.DataFrame(columns=columns)
    rows = [(r["seq"], r["seed"], kept["epochs"], r["steps"], r["losses"]["val"])
            for r in kept["rows"]]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).round(4).set_index("T")


def batch_seconds() -> pd.DataFrame:
    """The committed benchmark of a training step at the post's size, in alternating rounds, a row
    a device and truncation length; empty where none is."""
    columns = ["batch", "seconds", "least", "most", "characters a second", "machine"]
    try:
        found = result("training").values()
    except FileNotFoundError:
        return pd.DataFrame(columns=columns)
    rows = []
    for kept in found:
        for name, t in kept["batch_seconds"].items():
            device, size = name.split(" ", 1)
            machine = kept["machine"]["gpu" if device == "cuda" else "cpu"]
            speed = f"{t['chars_per_s']:,.0f}"
            rows.append((size, t["median"], t["min"], t["max"], speed, machine))
    return pd.DataFrame(rows, columns=columns).round(3).set_index("batch")


def rounding_costs() -> pd.DataFrame:
    """What the published file's integers cost, in nats per character of validation text: a row for
    each recorded run, on all of that text, and for the pages' arithmetic on its beginning."""
    columns = ["as trained", "rounded weights", "they cost", "the page's arithmetic costs"]
    rows = {}
    for run in recorded():
        own, rounded = run.info["losses"].get("val"), run.info["losses"].get("val_published")
        weights = np.nan if None in (own, rounded) else rounded - own
        page = run.measures.get("portable", {}).get("cost", np.nan)
        rows[run.info["title"]] = [own, rounded, weights, page]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float)
    forms = dict(zip(columns, ("{:.4f}", "{:.4f}", "{:+.5f}", "{:+.0e}"), strict=True))
    for name, form in forms.items():
        table[name] = ["" if np.isnan(value) else form.format(value) for value in table[name]]
    return table


def page_speeds() -> pd.DataFrame:
    """The committed benchmark of the book's own pages, a row a network; empty where none is."""
    columns = ["characters a second", "processor throttled", "first character, ms", "machine"]
    try:
        found = result("page").values()
    except FileNotFoundError:
        return pd.DataFrame(columns=columns)
    rows = {}
    for kept in found:
        rate, cpu = kept["throttling"]["rate"], kept["machine"]["cpu"]
        for name, row in kept["runs"].items():
            slow = f"{row['chars_per_s_throttled']:,.0f} ({rate} times)"
            speed = f"{row['chars_per_s_worker']:,.0f}"
            rows[name] = [speed, slow, round(row["first_character_ms"]), f"one thread of {cpu}"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
