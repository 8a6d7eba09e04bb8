"""What the chapter on how good a network is shows: its losses beside those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from charrnn.claims import result
from charrnn.claims.paper import CELL_NAMES
from charrnn.runs import Run
from charrnn.score import LN2


@dataclass(frozen=True)
class Published:
    """A loss that somebody else published, and how it was taken."""

    system: str
    text: str
    loss: float
    unit: str
    """nats or bits, a character."""
    protocol: str
    source: str


TAIL = "last tenth of the file; random crops of 256 that begin with nothing"
PUBLISHED = (
    Published(
        "transformer, 10.7 M parameters (nanoGPT)",
        "tinyshakespeare",
        1.4697,
        "nats",
        f"{TAIL}; the lowest of about 20 evaluations, so the text chose the weights too",
        "nanoGPT's README",
    ),
    Published(
        "the same, mean of three seeds",
        "tinyshakespeare",
        1.4655,
        "nats",
        f"{TAIL}; the lowest of a run",
        "AI-Scientist, multi_style_adapter, run_0",
    ),
    Published(
        "the same, learning rate tuned, mean of three seeds",
        "tinyshakespeare",
        1.4603,
        "nats",
        f"{TAIL}; the lowest of a run",
        "AI-Scientist, rl_lr_adaptation, run_2",
    ),
    Published(
        "minGRU, three layers",
        "tinyshakespeare",
        1.548,
        "nats",
        "nanoGPT's split; the lowest of a run",
        "Feng et al. 2024, “Were RNNs all we needed?”",
    ),
    Published(
        "minLSTM, three layers",
        "tinyshakespeare",
        1.555,
        "nats",
        "nanoGPT's split; the lowest of a run",
        "Feng et al. 2024, “Were RNNs all we needed?”",
    ),
    Published(
        "best recurrent network of the post's paper",
        "War and Peace",
        1.077,
        "nats",
        "last tenth, read once; a copy whose size fits two characters a line end, one of them sure",
        "Karpathy, Johnson & Fei-Fei 2015",
    ),
    Published(
        "20-gram of the same paper",
        "War and Peace",
        1.195,
        "nats",
        "the same",
        "Karpathy, Johnson & Fei-Fei 2015",
    ),
    Published(
        "LSTM, seven layers of 700",
        "enwik8",
        1.67,
        "bits",
        "last 4 MB of 100, weights at rest",
        "Graves 2013",
    ),
    Published(
        "the same, learning on as it reads",
        "enwik8",
        1.33,
        "bits",
        "the same, dynamic evaluation",
        "Graves 2013",
    ),
)


def published(text: str | None = None) -> pd.DataFrame:
    """Published losses, each with its protocol and its source; of one text, or of all."""
    rows = [p for p in PUBLISHED if text in (None, p.text)]
    table = pd.DataFrame(
        {
            "text": [p.text for p in rows],
            "loss": [f"{p.loss:g} {p.unit}" for p in rows],
            "protocol": [p.protocol for p in rows],
            "source": [p.source for p in rows],
        },
        index=[p.system for p in rows],
    )
    return table.rename_axis(None)


def by_order(run: Run) -> dict:
    """A panel of `figures.by_order`: n-grams by order, beside the network, in bits a character."""
    found = run.measures["yardsticks"]
    counted = found["ngram"]
    names = {"n-gram": "static", "n-gram, counting on": "adaptive"}
    return {
        "curves": {name: _bits(counted[key]) for name, key in names.items()},
        "levels": {"network": found["network"] / LN2},
    }


def _bits(losses: Mapping[str, float]) -> dict[int, float]:
    return {int(order): loss / LN2 for order, loss in losses.items()}


def compressed(*runs: Run) -> pd.DataFrame:
    """Bits a character of the compressors, the best n-gram and the network, a column a run."""
    found = {run.info["title"]: run.measures["yardsticks"] for run in runs}
    return pd.DataFrame(
        {
            title: {
                **{name: f"{nats / LN2:.3f}" for name, nats in kept["compressors"].items()},
                "n-gram": f"{kept['ngram']['static'][str(kept['ngram']['best'])] / LN2:.3f}",
                "n-gram, counting on": f"{min(kept['ngram']['adaptive'].values()) / LN2:.3f}",
                "network": f"{kept['network'] / LN2:.3f}",
            }
            for title, kept in found.items()
        }
    )


def ladder(run: Run) -> list[dict]:
    """Rows of `figures.ladder`: all that was held against a run, in bits a character."""
    found = run.measures["yardsticks"]
    counted, model, whole = found["ngram"], run.info["model"], found["characters"]
    best = counted["best"]
    along = min(counted["adaptive"].values())
    name = f"{model['cell'].upper()} {model['layers']} x {model['hidden']}"
    rows = [
        *(
            {"name": name, "value": nats, "kind": "compressor"}
            for name, nats in found["compressors"].items()
        ),
        {"name": f"{best}-gram", "value": counted["static"][str(best)], "kind": "n-gram"},
        {"name": "n-gram, counting on", "value": along, "kind": "n-gram"},
        {"name": name, "value": found["network"], "kind": "network"},
    ]
    if found["protocols"]["characters"] == whole:
        dynamic = found["protocols"]["dynamic"]
        rows.append({"name": f"{name}, learning on", "value": dynamic, "kind": "network"})
    if run.info["recipe"]["name"] == "war_and_peace":
        rows += cells()
    keys = ("value", "low", "high")
    return [{k: v / LN2 if k in keys else v for k, v in row.items()} for row in rows]


def cells() -> list[dict]:
    """LSTM, GRU and plain RNN of equal size on War and Peace: mean test loss in nats, and from the
    lowest to the highest seed."""
    return [
        {"name": name, "kind": "equal sizes", **_spread([row["losses"]["test"] for row in rows])}
        for name, rows in _by_cell().items()
    ]


def cells_table() -> pd.DataFrame:
    """The same as a table: parameters, learning rate, and test loss with its spread over seeds."""
    found = {}
    for name, rows in _by_cell().items():
        test = _spread([row["losses"]["test"] for row in rows])
        found[name] = {
            "parameters": f"{rows[0]['parameters']:,}",
            "learning rate": f"{rows[0]['lr']:g}",
            "seeds": len(rows),
            "test, nats": "{value:.3f} ({low:.3f} to {high:.3f})".format(**test),
            "test, bits": f"{test['value'] / LN2:.3f}",
        }
    return pd.DataFrame.from_dict(found, orient="index")


def _by_cell() -> dict[str, list[dict]]:
    """The trainings of `benchmarks/cells.py`, by the cell and its size."""
    kept = _only("cells")["rows"]
    found = {cell: [row for row in kept if row["cell"] == cell] for cell in CELL_NAMES}
    return {f"{CELL_NAMES[cell]} 1 x {rows[0]['hidden']}": rows for cell, rows in found.items()}


def _spread(losses: list[float]) -> dict[str, float]:
    return {"value": sum(losses) / len(losses), "low": min(losses), "high": max(losses)}


def protocols(run: Run) -> list[dict]:
    """Rows of `figures.ladder`: one network on the same text, read in three ways, in nats."""
    found = run.measures["yardsticks"]["protocols"]
    names = {
        "crops": "crops of 256, each from nothing",
        "stream": "one stream, state carried",
        "dynamic": "one stream, learning on",
    }
    return [{"name": name, "value": found[key], "kind": key} for key, name in names.items()]


def splits() -> list[dict]:
    """Rows of `figures.ladder`: one recipe under two splits of tinyshakespeare, in nats."""
    names = {"contiguous": "the file's last tenth", "char-rnn": "the last tenth of every lane"}
    rows = []
    for kind, name in names.items():
        kept = [r["losses"]["val"] for r in _only("splits")["rows"] if r["split"] == kind]
        rows.append({"name": f"{name} ({len(kept)} seeds)", "kind": kind, **_spread(kept)})
    return rows


def _only(name: str) -> dict:
    return next(iter(result(name).values()))


def closing(*runs: Run) -> dict[str, dict]:
    """Panels of `figures.closing`, of the runs whose closing marks were looked at."""
    found = {run.info["title"]: run.measures["yardsticks"].get("closing") for run in runs}
    return {f"{title}: {kept['kind']}": kept for title, kept in found.items() if kept}


def summary(run: Run) -> pd.DataFrame:
    """The network beside the best n-gram, static and learning on: nats and bits a character."""
    found = run.measures["yardsticks"]
    counted, read = found["ngram"], found["protocols"]
    best = counted["best"]
    along = min(counted["adaptive"], key=counted["adaptive"].get)
    part = f"{found['part']}, {found['characters']:,}"
    rows = {
        "network": (found["network"], part),
        f"{best}-gram": (counted["static"][str(best)], part),
        "network, learning on": (read["dynamic"], f"first {read['characters']:,}"),
        "the same, at rest": (read["stream"], f"first {read['characters']:,}"),
        f"{along}-gram, counting on": (counted["adaptive"][along], part),
    }
    return pd.DataFrame(
        {
            "nats": {name: f"{nats:.3f}" for name, (nats, _) in rows.items()},
            "bits": {name: f"{nats / LN2:.3f}" for name, (nats, _) in rows.items()},
            "on": {name: where for name, (_, where) in rows.items()},
        }
    )


def line_ends() -> pd.DataFrame:
    """The same small network on War and Peace with one and with two characters a line end: nats a
    character, characters, and all nats together, a row a training."""
    rows = sorted(_only("line_ends")["rows"], key=lambda row: (row["seed"], row["ends"]))
    return pd.DataFrame(
        {
            "nats a character": [f"{row['test']:.4f}" for row in rows],
            "characters": [f"{row['characters']:,}" for row in rows],
            "all nats": [f"{row['test'] * row['characters']:,.0f}" for row in rows],
        },
        index=[f"seed {row['seed']}, {row['ends']} a line end" for row in rows],
    )


def rescaled(text: str = "War and Peace") -> pd.DataFrame:
    """Published losses on that text as they would be with one character a line end."""
    longer = _only("line_ends")["longer"]
    rows = [p for p in PUBLISHED if p.text == text]
    return pd.DataFrame(
        {
            "published": [f"{p.loss:.3f}" for p in rows],
            "on our copy": [f"{p.loss * longer:.3f}" for p in rows],
        },
        index=[p.system for p in rows],
    )
