"""What the chapter on the program of that day reads out of its ablation, and its gradient by hand.

What the changes are worth is computed in `charrnn.claims.changes`; here it becomes tables, the rows
of figures, and samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.claims.changes import (
    CHANGES,
    DAY,
    LAST,
    SPLITS,
    all_of,
    alone,
    begun,
    by_seed,
    has_begun,
    interaction,
    interval,
    last_step,
    networks,
    on_average,
    title,
    together,
    undone,
)
from charrnn.model import CharRNN, ModelConfig, input_gates, lstm_step

NOT_YET = "not begun"
"""In place of an effect, where training ended before a change could have one."""


def effects(found: Mapping, measure: str = "lanes", step: int | None = None) -> pd.DataFrame:
    """A row a change, and all together: what it does on average, alone, and as the last one."""
    table, rows = networks(found, step), {}
    for change, name in CHANGES.items():
        each = (on_average, alone, undone)
        told = [str(effect(table, change, measure)) for effect in each]
        rows[name] = told if has_begun(found, change, step) else [NOT_YET] * len(each)
    whole = str(together(table, measure))
    rows[all_of(found)] = ["", whole, whole]
    columns = ["on average", "to that day's program", "where the others are made"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def contexts(found: Mapping) -> pd.DataFrame:
    """A row a change, and all together: its effect on both splits, early in training, and on the
    norm of the gradient before it is clipped."""
    end, early = last_step(found), _early(found)
    columns = {name: (end, split) for split, name in SPLITS.items()}
    if early is not None:
        columns |= {f"{name}, step {early:,}": (early, split) for split, name in SPLITS.items()}
    columns["norm of the gradient"] = (end, "norm")
    tables = {step: networks(found, step) for step, _ in columns.values()}
    rows = {
        name: [
            str(on_average(tables[step], change, m)) if has_begun(found, change, step) else NOT_YET
            for step, m in columns.values()
        ]
        for change, name in CHANGES.items()
    }
    rows[all_of(found)] = [str(together(tables[step], m)) for step, m in columns.values()]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns))


def _early(found: Mapping) -> int | None:
    """The last of the post's iterations, where it lies before the end."""
    return 2000 if last_step(found) > 2000 and _has(found, 2000) else None


def _has(found: Mapping, step: int) -> bool:
    return all(step in group["steps"] for group in found["groups"])


def interactions(found: Mapping, measure: str = "lanes") -> pd.DataFrame:
    """A row a pair of changes: how much more the first does where the second is made."""
    table, names, rows = networks(found), begun(found), {}
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            effect = interaction(table, one, other, measure)
            told = str(effect) if effect.sign else f"{effect} (not told from 0)"
            rows[f"{CHANGES[one]}, {CHANGES[other]}"] = told
    return pd.DataFrame({"nats a character": rows})


def losses(found: Mapping) -> pd.DataFrame:
    """Held-out losses of the two programs and of that day's with one change each, the mean over
    seeds and its 95 % interval, at the end."""
    table = networks(found)
    variants = {"21 May 2015": DAY}
    variants |= {f"and {CHANGES[change]}": DAY | {change: True} for change in begun(found)}
    late = len(begun(found)) < len(CHANGES)
    variants[f"and {all_of(found)}" if late else "char-rnn at last"] = LAST
    rows = {}
    for name, variant in variants.items():
        each = [interval(by_seed(table, variant, split).to_numpy()) for split in SPLITS]
        rows[name] = [f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in each]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SPLITS.values()))


def basis(found: Mapping) -> str:
    """What a result rests on, in a line."""
    s, groups = found["settings"], found["groups"]
    step, epoch = last_step(found), found["steps_per_epoch"]
    programs, asked = 2 ** len(begun(found)), round(s["epochs"] * epoch)
    stopped = "" if step >= asked else f" of {asked:,}, where time was up"
    devices = ", ".join(sorted({group["device"] for group in groups}))
    return (
        f"{title(found)}: {programs * s['seeds']} networks of {s['layers']} x {s['hidden']}, "
        f"dropout {s['dropout']:g}, {s['seeds']} seeds of {programs} programs, {step:,} steps "
        f"of {s['batch']} x {s['seq']}{stopped} ({step / epoch:.1f} epochs), on {devices}; held "
        f"out: {found['targets']['tail']:,} and {found['targets']['lanes']:,} characters"
    )


def panels(results: Mapping[str, Mapping]) -> dict[str, list[dict]]:
    """Rows of `figures.which_mattered` by text: every change on average, and all together."""
    found = {}
    complete = all(len(begun(kept)) == len(CHANGES) for kept in results.values())
    whole = "all four" if complete else "all that had begun"
    for kept in results.values():
        table, rows = networks(kept), []
        for split, name in SPLITS.items():
            each = {CHANGES[c]: on_average(table, c, split) for c in begun(kept)}
            for change, e in (each | {whole: together(table, split)}).items():
                rows.append(
                    {"name": change, "kind": name, "value": e.value, "low": e.low, "high": e.high}
                )
        found[title(kept)] = rows
    return found


def alt(results: Mapping[str, Mapping]) -> str:
    """The text alternative of that figure: all that it shows, in words."""
    told = []
    for name, rows in panels(results).items():
        rows = [row for row in rows if row["kind"] == SPLITS["lanes"]]
        told.append(f"{name}: " + ", ".join(f"{r['name']} {r['value']:+.3f}" for r in rows))
    return (
        "Changes of the held-out loss in nats a character, with 95 % intervals, on two ways to "
        "hold text out. " + "; ".join(told) + "."
    )


def courses(found: Mapping, measure: str) -> dict[str, dict]:
    """Curves of `figures.two_programs`: both programs, mean and range over seeds by step."""
    end, programs = last_step(found), {"21 May 2015": DAY, "char-rnn at last": LAST}
    curves = {}
    for name, variant in programs.items():
        (group,) = (g for g in found["groups"] if all(_agrees(r, variant, 2) for r in g["rows"]))
        steps = [s for s in group["steps"] if s <= end]
        rows = [r[measure][: len(steps)] for r in group["rows"] if _agrees(r, variant)]
        values = np.array(rows)  # (seeds, reports)
        curves[name] = {"step": np.array(steps), "mean": values.mean(axis=0)}
        curves[name] |= {"low": values.min(axis=0), "high": values.max(axis=0)}
    return curves


def _agrees(row: Mapping, variant: Mapping, first: int = 4) -> bool:
    """Whether a network has the first so many changes as a variant has them."""
    return all(row[change] == variant[change] for change in list(CHANGES)[:first])


def sampled(found: Mapping) -> list[int]:
    """Steps at which both programs wrote a sample."""
    return sorted(
        {s["step"] for s in _samples(found, DAY)} & {s["step"] for s in _samples(found, LAST)}
    )


def written(found: Mapping, step: int) -> str:
    """What the two programs' networks of the first seed wrote after so many steps, one below the
    other: temperature 1, from a newline, unselected."""
    pieces = []
    for name, variant in (("21 May 2015", DAY), ("char-rnn at last", LAST)):
        texts = [s["text"] for s in _samples(found, variant) if s["step"] == step]
        if not texts:
            raise ValueError(f"nothing was written at step {step}; there is {sampled(found)}")
        pieces.append(f"--- {name}, step {step:,}\n{texts[0]}\n")
    return "\n".join(pieces)


def _samples(found: Mapping, variant: Mapping) -> list[dict]:
    kept = [s for group in found["groups"] for s in group["samples"]]
    return [s for s in kept if _agrees(s, variant)]


# The gradient of that day, by hand and by finite differences, on a network small enough for both


def tiny(seed: int = 1, steps: int = 5) -> tuple[CharRNN, Tensor, Tensor]:
    """A network of 2 x 3 units in double precision, and ids and targets (T, 2) to try it on."""
    generator = torch.Generator().manual_seed(seed)
    model = CharRNN(ModelConfig(vocab_size=4, hidden=3, layers=2), generator).double()
    both = torch.randint(4, (steps + 1, 2), generator=generator)
    return model, both[:-1], both[1:]


def _step(model: CharRNN, ids: Tensor, state: list[Tensor], top: Tensor) -> list[Tensor]:
    """One step of all layers: h and c of each, (B, H), where `top` is the h that the top layer
    reads. state: h, c of the lowest layer, h, c of the next, ..."""
    after, x = [], ids
    for layer, rnn in enumerate(model.rnn):
        h, c = state[2 * layer : 2 * layer + 2]
        h = top if layer == len(model.rnn) - 1 else h
        w_ih = rnn.weight_ih_l0
        gates = (x @ w_ih.mT if layer else input_gates(x, w_ih)) + rnn.bias_ih_l0
        x, c = lstm_step(gates, h, c, rnn.weight_hh_l0, rnn.bias_hh_l0)
        after += [x, c]
    return after


def _read(model: CharRNN, ids: Tensor, held: Sequence[Tensor] | None) -> Iterator[list[Tensor]]:
    """The states after each step; the top layer reads `held` in place of its own h."""
    state = [model.zero_state(ids.shape[1])[0][0]] * (2 * len(model.rnn))
    for t, column in enumerate(ids):
        state = _step(model, column, state, state[-2] if held is None else held[t])
        yield state


def loss(model: CharRNN, ids: Tensor, targets: Tensor, held: Sequence[Tensor] | None) -> Tensor:
    """Mean cross-entropy of ids and targets (T, B), from an empty state.

    held: what the top layer reads as its h_{t-1} at each step (None: its own)."""
    shown = torch.stack([state[-2] for state in _read(model, ids, held)])
    return F.cross_entropy(model.decoder(shown).flatten(0, 1), targets.flatten())


@torch.no_grad()
def by_differences(
    model: CharRNN, ids: Tensor, targets: Tensor, frozen: bool, width: float = 1e-5
) -> Tensor:
    """The gradient by central differences, all parameters in one row.

    frozen: the h_{t-1} that the top layer reads stays what it was before anything was changed.
    """
    shown = [state[-2] for state in _read(model, ids, None)]
    held = [torch.zeros_like(shown[0]), *shown[:-1]] if frozen else None
    found = []
    for p in model.parameters():
        for i, value in enumerate(p.flatten().tolist()):
            ends = []
            for moved in (value + width, value - width):
                p.view(-1)[i] = moved
                ends.append(loss(model, ids, targets, held).item())
            p.view(-1)[i] = value
            found.append((ends[0] - ends[1]) / (2 * width))
    return torch.tensor(found, dtype=torch.float64)


def by_hand(model: CharRNN, ids: Tensor, targets: Tensor, overwrite: bool) -> Tensor:
    """The gradient as the program took it: backwards through time, a step at a time.

    overwrite: the decoder's gradient replaces what has come back to the top layer's h from the
    step after, as until 3 June 2015; else it is added to it. All parameters in one row.
    """
    empty = [model.zero_state(ids.shape[1])[0][0]] * (2 * len(model.rnn))
    states = [empty, *([s.detach() for s in state] for state in _read(model, ids, None))]
    total = [torch.zeros_like(p) for p in model.parameters()]
    back = [torch.zeros_like(s) for s in empty]
    for t in reversed(range(len(ids))):
        entering = [s.detach().requires_grad_() for s in states[t]]
        after = _step(model, ids[t], entering, entering[-2])
        top = after[-2].detach().requires_grad_()
        cost = F.cross_entropy(model.decoder(top), targets[t]) / len(ids)
        softmax, *decoder = torch.autograd.grad(cost, [top, *model.decoder.parameters()])
        back[-2] = softmax if overwrite else back[-2] + softmax
        weights = list(model.rnn.parameters())
        found = torch.autograd.grad(after, weights + entering, back)
        for kept, new in zip(total, [*found[: len(weights)], *decoder], strict=True):
            kept += new
        back = list(found[len(weights) :])
    return torch.cat([g.flatten() for g in total])


def by_switch(model: CharRNN, ids: Tensor, targets: Tensor, detach: bool) -> Tensor:
    """The gradient by the library's own switch, `ModelConfig.detach_top_h`, in one row."""
    config = ModelConfig(**{**model.config.to_dict(), "detach_top_h": detach})
    twin = CharRNN(config).double().train()
    twin.load_state_dict(model.state_dict())
    logits, _ = twin(ids)
    cost = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return torch.cat([g.flatten() for g in torch.autograd.grad(cost, list(twin.parameters()))])


def gradients() -> pd.DataFrame:
    """A row a way to take the gradient: its largest distance from the finite differences of the
    loss, and from those of the loss whose top layer reads an h that is held."""
    model, ids, targets = tiny()
    wanted = [by_differences(model, ids, targets, frozen) for frozen in (False, True)]
    ways = {
        "by hand, overwritten": by_hand(model, ids, targets, overwrite=True),
        "detach_top_h=True": by_switch(model, ids, targets, detach=True),
        "by hand, added": by_hand(model, ids, targets, overwrite=False),
        "detach_top_h=False": by_switch(model, ids, targets, detach=False),
    }
    rows = {k: [f"{(g - w).abs().max():.0e}" for w in wanted] for k, g in ways.items()}
    columns = ["from the loss's", "from those with h held"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
