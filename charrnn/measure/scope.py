"""How long a network remembers a name: what it pays for the name of a parameter, lines later.

A function is written down twice, with a made-up parameter that its last line uses, and with another
parameter, so that the name there is undeclared:

    static void release(struct thing *kettle)       static void release(struct thing *turnip)
    {                                               {
            ... lines that have neither ...                 ... the same lines ...
            kfree(kettle);                                  kfree(kettle);

The difference of what `kettle)` costs in the two is what reading the name has left in the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np

from charrnn.measure.material import mean
from charrnn.runs import Run
from charrnn.score import LN2

NAMES = (
    "kettle", "turnip", "saucer", "pebble", "marrow", "lantern", "thimble", "cobweb", "teapot",
    "parsnip", "bramble", "pumice", "tassel", "bodkin", "trowel", "spatula",
)  # fmt: skip
"""None of them stands anywhere in Linux 4.1.15."""
LINES = (0, 1, 2, 4, 8, 16, 32)
"""Lines between the two."""
FILLER = (
    "\tmutex_lock(&lock);\n",
    "\tcount++;\n",
    "\tif (!count)\n",
    "\t\treturn;\n",
    "\tflags = 0;\n",
    "\tmutex_unlock(&lock);\n",
)


def measure(run: Run) -> dict | None:
    """Bits that a name costs, each a mean over NAMES with its interval: where it is `declared`, and
    where `another` is, so many `lines` above, and what is `saved`, name by name, in the first.
    None where the vocabulary lacks their letters."""
    names = [n for n in NAMES if len(run.vocab.encode(n, unknown="skip")) == len(n)]
    if len(names) < 2:
        return None
    others = [*names[1:], names[0]]
    found = {"declared": [], "another": [], "saved": []}

    def paid(parameters: Sequence[str], lines: int) -> np.ndarray:
        pairs = zip(parameters, names, strict=True)
        return np.array(costs(run, [_function(*pair, lines) for pair in pairs]))

    for lines in LINES:
        here, there = paid(names, lines), paid(others, lines)
        for kind, bits in (("declared", here), ("another", there), ("saved", there - here)):
            found[kind].append(mean(bits.tolist()))
    return {"lines": list(LINES), "names": len(names)} | found


def _function(parameter: str, name: str, lines: int) -> tuple[str, str]:
    """A function up to the place where it uses a name, and the name with what ends it."""
    head = f"\nstatic void release(struct thing *{parameter})\n{{\n"
    return head + "".join(islice(cycle(FILLER), lines)) + "\tkfree(", f"{name})"


def costs(run: Run, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """What the second text of each pair costs behind the first, in bits."""
    import torch

    ids = [
        [np.asarray(run.vocab.encode(t, unknown="skip"), dtype=np.int64) for t in pair]
        for pair in pairs
    ]
    whole = [np.concatenate(pair) for pair in ids]
    padded = np.zeros((max(map(len, whole)), len(whole)), dtype=np.int64)  # (T, B)
    for lane, text in enumerate(whole):
        padded[: len(text), lane] = text
    with torch.inference_mode():
        log_p = run.model(torch.from_numpy(padded))[0].double().log_softmax(dim=-1).numpy()
    found = []
    for lane, (before, behind) in enumerate(ids):
        places = np.arange(len(before) - 1, len(before) + len(behind) - 1)
        found.append(float(-log_p[places, lane, behind].sum() / LN2))
    return found
