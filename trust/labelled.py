"""Figures and widgets with one text wherever a text may stand, for trust/hostile.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

SHORT = 12
"""Characters of a text that a figure is given: labels are no longer, and one line."""


def drawings(text: str) -> dict[str, Callable]:
    """All figures whose labels, titles or symbols come from runs, by name; each draws itself."""
    return _of_texts(text) | _of_names(text[:SHORT] or "x") | _of_rows(text[:SHORT] or "x")


def _of_texts(text: str) -> dict[str, Callable]:
    import numpy as np

    from charrnn import figures as f

    few, long = (text * 3 + "xyz")[:3], (text * 20)[:20] * 3
    values = np.linspace(-1, 1, len(long))
    guesses = [[(c, 0.5)] for c in long]
    names = "".join(dict.fromkeys(few + "xyz"))[:3]
    scores = np.eye(3), np.ones((3, 1)), np.ones((3, 3)), names, [0, 1, 2]
    return {
        "unrolled": lambda: f.diagrams.unrolled(few),
        "stack": lambda: f.diagrams.stack(2, few),
        "hello_scores": lambda: f.diagrams.hello_scores(*scores),
        "truncated_bptt": lambda: f.diagrams.truncated_bptt(1, 2, few),
        "firings": lambda: f.firings(long, values, guesses),
        "paint": lambda: f.paint({text[:SHORT]: (long, values)}),
        "looked_back": lambda: f.looked_back(long, abs(values), long[0], title=text[:SHORT]),
        "cycle_figure": lambda: f.cycle_figure(long, 5, 20),
        "marked_source": lambda: f.marked_source(long, [(0, 3, "undeclared")]),
        "softmax_temperature": lambda: f.softmax_temperature(np.arange(3.0), [1.0], few),
        "around": lambda: f.around(np.arange(3), {few: np.ones(3)}, few, list(few), few),
        "spelled_name": lambda: f.spelled_name(list(few), np.full(3, 0.5)),
        "nothing": lambda: f.nothing(text[:SHORT]),
    }


def _of_names(name: str) -> dict[str, Callable]:
    import numpy as np

    from charrnn import figures as f
    from charrnn.figures import grid, temperature, yardsticks

    x = np.linspace(1.0, 40.0, 9)
    history = {"chars": x * 1e6, "train_loss": 3 / x, "val_loss": 3 / x}
    band = {"temperature": x[:3], "mean": x[:3] / 50, "low": x[:3] / 60, "high": x[:3] / 40}
    copies = {"temperature": x[:2], "median": x[:2], "max": x[:2], "real_median": 1, "real_max": 2}
    at = {"0": _share(0.9), "100": _share(0.5)}
    panel = {"curves": {name: {1: 3.0, 2: 2.0}}, "levels": {name: 1.9}}
    sides = {name: {1: 2.0, 2: 3.0}}
    rows = {name: [_share(0.5)] * 3}
    return {
        "learning_curve": lambda: f.learning_curve(history, {name: 1.0}),
        "compare_curves": lambda: f.compare_curves({name: history}, lines={name: 1.0}),
        "temperature_sweep": lambda: f.temperature_sweep({name: band}),
        "longest_copies": lambda: f.longest_copies({name: copies}),
        "novelty": lambda: f.novelty({name: {name: {"5": _share(0.1), "10": _share(0.2)}}}),
        "closed_by_distance": lambda: f.closed_by_distance({name: at}, at, name),
        "by_number": lambda: f.by_number(at, at, name, name),
        "kept_by_distance": lambda: f.kept_by_distance(
            {name: ([_share(0.9)], [_share(0.8)])}, (1, 9)
        ),
        "speech_lengths": lambda: f.speech_lengths({name: [3, 9]}, [1, 5], name),
        "half_lives": lambda: f.half_lives({name: x}),
        "connectivity": lambda: f.connectivity(x, {name: 1 / x}),
        "saturation": lambda: f.saturation({name: {name: (x / 100, x / 100)}}),
        "census": lambda: f.census({name: x / 50}, 0.5, name),
        "ramp": lambda: f.ramp(x, x, x, x, name, name),
        "leaving": lambda: f.leaving({name: (x, 1 / x)}, name, name),
        "race": lambda: f.race([_row(name) | {"ours": True}], name, {name: 0.4}),
        "cost_curves": lambda: f.cost_curves({name: sides}, name),
        "caches": lambda: f.caches(sides, {name: 3.0}),
        "distances": lambda: f.distances(sides, name),
        "losses_by_size": lambda: grid.losses_by_size({name: {1: [(1000, 1.0)]}}, {name: 1.0}),
        "by_order": lambda: yardsticks.by_order({name: panel}),
        "divided": lambda: temperature.divided([0.1, 0.5, 1.0], {name: rows}, rows),
    }


def _of_rows(name: str) -> dict[str, Callable]:
    import math

    import pandas as pd

    from charrnn import figures as f
    from charrnn.figures import ablation, yardsticks

    curve = {"step": [100, 300], "mean": [2, 1], "low": [2, 1], "high": [2, 1]}
    change = _row(name) | {"reference": 0.1, "group": name, "kind": name}
    size = {"size": name, "trained": [0.1, 0.2], "rotated": [0.1], "untrained": [0.1]}
    samples = pd.DataFrame({"temperature": [0.5] * 3 + [math.nan] * 3})
    samples["a"], samples["b"] = [0.1, 0.2, 0.3] * 2, [0.3, 0.1, 0.2] * 2
    return {
        "bars": lambda: f.bars_with_intervals(
            [name], [0.5], [0.4], [0.6], [1.0], names=(name, name)
        ),
        "which_mattered": lambda: ablation.which_mattered({name: [change]}),
        "two_programs": lambda: ablation.two_programs({name: {name: curve}}),
        "layer_costs": lambda: f.layer_costs([{"layer": name, "share": 0.5, "bits": 2.0}], name),
        "shares_by_temperature": lambda: f.shares_by_temperature(
            {"0.5": {"a": _share(0.5)}, "held_out": {}}, {name: "a"}
        ),
        "spread_of_samples": lambda: f.spread_of_samples(samples, "a", name),
        "trade": lambda: f.trade(samples, "a", "b", name, name),
        "effects": lambda: f.effects([change], name, names=(name, name)),
        "rule_scores": lambda: f.rule_scores([{"title": name, "best": 0.5}], name),
        "shares_by_size": lambda: f.shares_by_size([size], name),
        "edits_by_reason": lambda: f.edits_by_reason(
            {name: {"reasons": {"dollar": 4}, "characters": 1000}}
        ),
        "ladder": lambda: yardsticks.ladder([change], name),
    }


def _share(value: float) -> dict:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "total": 9}


def _row(name: str) -> dict:
    return {"name": name, "title": name, "value": 0.5, "low": 0.4, "high": 0.6}


def looked_into(text: str, symbols: str) -> Mapping[str, object]:
    """The widgets that hold a network, with `text` as title, passages, prompts, rules and words.

    The network is a tiny one that knows `symbols`.
    """
    import numpy as np
    import torch

    from charrnn import widgets
    from charrnn.model import CharRNN, ModelConfig
    from charrnn.runs import Run
    from charrnn.vocab import Vocab

    vocab = Vocab.of(symbols)
    model = CharRNN(ModelConfig(len(vocab), hidden=4, layers=1), torch.Generator().manual_seed(1))
    steps = np.array([100.0, 300.0])
    run = Run(
        Path(), {"name": text, "title": text}, model.eval(), vocab,
        history={n: steps for n in ("step", "chars", "train_loss", "val_loss")},
        samples=[{"step": 100, "text": text}, {"step": 300, "text": text}],
        measures={"evolution": {"unreal": [[], []]}, "samples": {}},
    )  # fmt: skip
    rule = {"name": text, "title": text, "layer": 0, "unit": 1}
    own = text + symbols[0]
    inspector = widgets.inspector(run, {text: own}, rules=[rule])
    inspector.position.value = inspector.position.max  # after it nothing came that stands in bold
    return {
        "inspector": inspector,
        "transplant": widgets.transplant(run, own, own, [(0, 1)], title=text),
        "evolution": widgets.evolution(run),
    }
