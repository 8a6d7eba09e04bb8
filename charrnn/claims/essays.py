"""The claims on Paul Graham's essays, C1 to C8, and on the speed of that network, C35."""

from __future__ import annotations

from itertools import product

from charrnn.claims.rules import Claim, at, percent, result
from charrnn.runs import Run


def _pg_size(run: Run) -> tuple[str, str]:
    n = run.info["corpus"]["n_bytes"]
    return f"{n:,} bytes, for which 2008 to May 2015 had to be taken", "held with a change"


def _pg_parameters(run: Run) -> tuple[str, str]:
    model = run.info["model"]
    fits = (model["layers"], model["hidden"]) == (2, 512) and 3.3e6 < model["parameters"] < 3.6e6
    text = f"{model['parameters']:,} at {model['vocab_size']} symbols"
    return text, "held" if fits else "not held"


def _pg_settings(run: Run) -> tuple[str, str]:
    t, m = run.info["training"], run.info["model"]
    text = (
        f"dropout {m['dropout']:g}, batch {t['batch']}, T = {t['seq']}, scale {run.info['scale']}"
    )
    same = (m["dropout"], t["batch"], t["seq"]) == (0.5, 100, 100)
    return text, "held" if same else "not tested"


def _batch_time(run: Run) -> tuple[str, str]:
    timed = _timed("cpu", 100) | _timed("cuda", 100)
    shown = [f"{seconds:.3g} s on {device}" for device, seconds in timed.items()]
    return "; ".join([*shown, "no TITAN Z at hand"]), "not tested"


def _timed(kind: str, seq: int) -> dict[str, float]:
    """Median seconds of a batch of 100 on the devices of a kind, "cpu" or "cuda", by their names.

    Each machine has a file of its own, which may have timed its CPU, its GPU or both.
    """
    found, key = {}, f"{kind} 100 x {seq}"
    for kept in result("training").values():
        if key in kept["batch_seconds"]:
            machine = kept["machine"]
            cpu = f"{machine['cpu']} ({machine['cores']} cores)"
            device = machine["gpu"] if kind == "cuda" else cpu
            found[device] = kept["batch_seconds"][key]["median"]
    return found


def _bptt(run: Run) -> tuple[str, str]:
    kept = next(iter(result("bptt").values()))
    by = {(r["seed"], r["seq"]): r["losses"]["val"] for r in kept["rows"]}
    seeds = sorted({seed for seed, _ in by})
    cost = [by[s, 50] - by[s, 100] for s in seeds]
    (device, ratio), mean = _half_against_whole(), sum(cost) / len(cost)
    text = (
        f"a batch takes {ratio:.2f} of the time on {device}; validation loss {mean:+.3f} nats "
        f"after the same {kept['epochs']:g} epochs of 2 x {kept['model']['hidden']} "
        f"({len(seeds)} seeds: {', '.join(f'{c:+.3f}' for c in cost)})"
    )
    return text, "held" if mean < 0.02 and ratio < 0.65 else "not held"


def _half_against_whole() -> tuple[str, float]:
    """A device that was timed with both lengths, a CPU before a GPU, and how long a batch over 50
    takes of one over 100. Raises KeyError where there is none."""
    for kind in ("cpu", "cuda"):
        half, whole = _timed(kind, 50), _timed(kind, 100)
        for device in (name for name in half if name in whole):
            return device, half[device] / whole[device]
    raise KeyError("no device was timed with batches over 50 and over 100")


def _english_like(run: Run) -> tuple[str, str]:
    known, real = at(run, 1.0)["known"], run.measures["held_out"]["known"]
    marks = run.measures["essays"]["1.0"]
    text = (
        f"{percent(known)} of words are real at T = 1 (held-out text: {real['value']:.1%}); "
        f"{marks['hits']} of {marks['total']} samples have a footnote mark"
    )
    good = known["value"] > 0.9 * real["value"] and marks["hits"] > 0
    return text, "held" if good else "not held"


def _temperature(run: Run) -> tuple[str, str]:
    rows = {t: at(run, t) for t in (0.5, 1.0, 1.5)}
    wrong = {t: r["misspelt"] for t, r in rows.items()}
    text = ", ".join(f"{percent(w)} at T = {t}" for t, w in wrong.items())
    rising = wrong[0.5]["high"] < wrong[1.0]["low"] and wrong[1.0]["high"] < wrong[1.5]["low"]
    surer = rows[0.5]["entropy"] < rows[1.0]["entropy"]
    varied = [r["distinct_2"]["value"] for r in rows.values()]
    more = varied == sorted(set(varied))
    verdict = "held" if rising and surer and more else "not held"
    pairs = ", ".join(percent(r["distinct_2"]) for r in rows.values())
    return f"misspelt lower-case words: {text}; distinct pairs of words: {pairs}", verdict


def _loop(run: Run) -> tuple[str, str]:
    greedy = run.measures["loops"]["greedy"]
    found = [r for r in greedy if "period" in r]
    spans = sorted(r["period"] for r in found)
    text = f"greedy decoding loops from {len(found)} of {len(greedy)} prompts" + (
        f", periods {spans[0]} to {spans[-1]} characters" if spans else ""
    )
    return text, "held" if len(found) == len(
        greedy
    ) else "held with a change" if found else "not held"


def _cpu_gpu(run: Run) -> tuple[str, str]:
    pairs = product(_timed("cpu", 100).items(), _timed("cuda", 100).items())
    ratios = {f"{cpu} against {gpu}": slow / fast for (cpu, slow), (gpu, fast) in pairs}
    if not ratios:
        return "no GPU was at hand for the same batch", "not tested"
    text = "; ".join(f"{ratio:,.0f} times, {pair}" for pair, ratio in ratios.items())
    about_ten = [5 <= ratio <= 20 for ratio in ratios.values()]
    if all(about_ten):
        return text, "held"
    return text, "held with a change" if any(about_ten) else "not held"


CHAPTER = "03-paul-graham"

CLAIMS = (
    Claim("C1", "five years of essays are about a megabyte", "paul_graham", _pg_size, CHAPTER),
    Claim(
        "C2", "2 layers of 512 are about 3.5 M parameters", "paul_graham", _pg_parameters, CHAPTER
    ),
    Claim("C3", "dropout 0.5, batches of 100, BPTT over 100", "paul_graham", _pg_settings, CHAPTER),
    Claim(
        "C4",
        "0.46 s a batch on a TITAN Z",
        "paul_graham",
        _batch_time,
        CHAPTER,
        "timings",
        benchmark="training",
    ),
    Claim(
        "C5",
        "BPTT over 50 halves the time at negligible cost",
        "paul_graham",
        _bptt,
        CHAPTER,
        "trainings",
        benchmark="bptt",
    ),
    Claim(
        "C6",
        "English-like, down to footnote marks",
        "paul_graham",
        _english_like,
        CHAPTER,
        "samples",
    ),
    Claim(
        "C7",
        "lower T: surer; higher T: more varied, more misspelt",
        "paul_graham",
        _temperature,
        CHAPTER,
        "samples",
    ),
    Claim("C8", "T near 0 falls into a loop", "paul_graham", _loop, CHAPTER, "greedy"),
    Claim(
        "C35",
        "a CPU is about ten times slower than a GPU",
        "paul_graham",
        _cpu_gpu,
        CHAPTER,
        "timings",
        benchmark="training",
    ),
)
