"""Put the recorded runs' numbers, a sample and a figure into README.md.

python tools/readme.py [--check]

What stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is made here and nowhere else,
from data/runs and benchmarks/results. The figure carries a hash of the measures it shows.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from charrnn import chapters, figures  # noqa: E402
from charrnn.claims import result  # noqa: E402
from charrnn.runs import Run, load_run  # noqa: E402

FIGURE = ROOT / "book" / "_static" / "trade.png"
SHAKESPEARE = ("shakespeare", "tinyshakespeare")  # the better trained one first


def render(readme: str) -> str:
    """README.md with every marked part made anew. ValueError where a part has no place in it."""
    for name, make in PARTS.items():
        place = re.compile(rf"(<!-- begin {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        if len(place.findall(readme)) != 1:
            raise ValueError(f"README.md needs one place <!-- begin {name} --> <!-- end {name} -->")
        text = make()
        readme = place.sub(lambda m, text=text: f"{m[1]}{text}{m[2]}", readme)
    return readme


def sample() -> str:
    """The first text that the better trained Shakespeare wrote: temperature 0.8, seed 0."""
    run = chapters.first_recorded(*SHAKESPEARE)
    text = chapters.shown(run, 0.8, 0)[:480].strip("\n")
    return (
        f"The recorded {run.info['title']} network ({_network(run)}, scale {run.info['scale']}), "
        f"temperature 0.8, seed 0, unselected:\n\n```\n{text}\n```"
    )


def figure_text() -> str:
    """The figure's place, with what it shows in words."""
    run = drawn_from()
    alt = (
        "A dot for each sample: misspelt words against distinct pairs of words. From cold to hot "
        "the dots follow a curve; real held-out text lies off it."
    )
    return (
        f"![{alt}]({FIGURE.relative_to(ROOT)})\n\n"
        f"*{run.info['title']}: {run.measures['samples']} samples at each of "
        f"{len(run.measures['sweep'])} temperatures, a dot each, and held-out text. The "
        "temperature moves a network along its curve; only training moves the curve.*"
    )


def drawn_from() -> Run:
    """The run in the figure."""
    return chapters.first_recorded("paul_graham", *SHAKESPEARE)


def runs_table() -> str:
    """The recorded runs, a row each."""
    lines = [
        "| run | network | scale, device | epochs | minutes | validation | test |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in chapters.recorded():
        i, losses = run.info, run.info["losses"]
        test = "-" if losses["test"] is None else f"{losses['test']:.3f}"
        lines.append(
            f"| {i['name']} | {_network(run)} | {i['scale']}, {i['device']} | {i['epochs']:.1f} | "
            f"{i['seconds'] / 60:.0f} | {losses['val']:.3f} | {test} |"
        )
    return "\n".join(lines)


def speed() -> str:
    """The committed benchmarks, a line each; one that was not run has no line."""
    lines = []
    for kept in _results("sampling"):
        ratio, machine = kept["ratio"]["one stream"], kept["machine"]
        lines.append(
            f"- Sampling one stream from a 2 x 512 LSTM: {ratio['median']:.0f} times a stepped "
            f"`torch.nn.LSTM` ({ratio['low']:.0f} to {ratio['high']:.0f} over "
            f"{len(kept['rows'][0]['rounds'])} alternating rounds; {_where(machine)}); from int8 "
            f"weights (`--portable`) {kept['int8_ratio']['one stream']['median']:.1f} times ONNX "
            "Runtime's int8."
        )
    for kept in _results("time_to_loss"):
        row = kept["lstm"]
        if not row["reached"] or "ratio" not in kept:
            continue
        lines.append(
            f"- Tiny Shakespeare from nothing to {kept['target']:g} nats on its held-out tenth: "
            f"{kept['ratio']:.1f} times as fast as a transformer of the size and settings that "
            f"nanoGPT documents for a CPU gets to {kept['transformer']['loss']:.2f} "
            f"({_where(kept['machine'])})."
        )
    for kept in _results("training"):
        shown = ", ".join(
            f"{row['median']:.2f} s on the {'GPU' if name.startswith('cuda') else 'CPU'}"
            for name, row in kept["batch_seconds"].items()
            if name.endswith("100 x 100")
        )
        lines.append(
            f"- A batch of the post's first experiment (2 x 512, 100 x 100): {shown}, "
            f"{_times_plain(kept)} ({_where(kept['machine'])}); the post says 0.46 s on a TITAN Z."
        )
    for kept in _results("training_cuda"):
        (seconds,) = (r for n, r in kept["batch_seconds"].items() if n.endswith("100 x 100"))
        lines.append(
            f"- The same batch on an {kept['machine']['gpu']}: {1000 * seconds['median']:.1f} ms, "
            f"{_times_plain(kept)} there."
        )
    for kept in _results("sampling_cuda"):
        one, many = (kept["ratio"][case] for case in ("one stream", "256 streams"))
        lines.append(
            f"- Sampling from that network on an {kept['machine']['gpu']}: one stream "
            f"{one['median']:.0f} times ({one['low']:.0f} to {one['high']:.0f}), 256 streams "
            f"{many['median']:.1f} times a stepped `torch.nn.LSTM` there."
        )
    for kept in _results("page"):
        for name, row in kept["runs"].items():
            longest = max(task["ms"] for task in row["largest_task"].values())
            lines.append(
                f"- The recorded {_network(load_run(name))} network in a page of the book: "
                f"{row['chars_per_s_worker']:,.0f} characters a second, "
                f"{row['chars_per_s_throttled']:,.0f} with the processor throttled "
                f"{kept['throttling']['rate']} times; first character after "
                f"{row['first_character_ms']:.0f} ms, longest task of the page's main "
                f"thread {longest:.0f} ms "
                f"(one thread of {kept['machine']['cpu']}, headless Chromium)."
            )
    return "\n".join(lines)


def _times_plain(kept: dict) -> str:
    """How many times as fast as an ordinary loop the post's batch is trained, at its quickest."""
    first = kept["ratios"][0]["case"]
    own = [r for r in kept["ratios"] if r["case"] == first and r["side"] == "ours"]
    best = max(own, key=lambda row: row["median"])
    return (
        f"{best['median']:.2f} times as fast ({best['low']:.2f} to {best['high']:.2f}) as an "
        "ordinary float32 loop around `torch.nn.LSTM`"
    )


def _results(name: str) -> list[dict]:
    """A benchmark's committed results; those of a GPU have names of their own."""
    try:
        return [kept for kept in result(name).values() if kept.get("benchmark", name) == name]
    except FileNotFoundError:
        return []


def _where(machine: dict) -> str:
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['cores']} cores of {machine['cpu']}{gpu}"


def _network(run: Run) -> str:
    model = run.info["model"]
    return f"{model['layers']} x {model['hidden']}"


PARTS = {"figure": figure_text, "sample": sample, "runs": runs_table, "speed": speed}


def stamp() -> str:
    """A hash of what the figure shows."""
    run = drawn_from()
    parts = [run.name, run.measures["held_out"]["each"]]
    parts += [(row["temperature"], row["each"]) for row in run.measures["sweep"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def figure() -> bytes:
    """The figure as a PNG that names its measures."""
    picture = figures.trade(
        chapters.each_sample(drawn_from()),
        "distinct_2", "misspelt", "distinct pairs of words", "misspelt words",
    )  # fmt: skip
    told = PngInfo()
    told.add_text("measures", stamp())
    out = io.BytesIO()
    Image.open(io.BytesIO(figures.png(picture))).save(out, "png", optimize=True, pnginfo=told)
    return out.getvalue()


def stale() -> list[str]:
    """What would change, by name; empty where all is up to date."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = ["README.md"] if render(readme) != readme else []
    fresh = FIGURE.exists() and Image.open(FIGURE).text.get("measures") == stamp()
    return found if fresh else [*found, str(FIGURE.relative_to(ROOT))]


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        found = stale()
        print(f"stale: {', '.join(found)}; run python tools/readme.py" if found else "up to date")
        return bool(found)
    readme = ROOT / "README.md"
    readme.write_text(render(readme.read_text(encoding="utf-8")), encoding="utf-8")
    if str(FIGURE.relative_to(ROOT)) in stale():
        FIGURE.write_bytes(figure())
    print(f"written: {readme.name}, {FIGURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
