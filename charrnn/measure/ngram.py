"""What counting alone achieves on a run's text: a smoothed n-gram beside the network's losses."""

from __future__ import annotations

import time

import numpy as np

from charrnn.ngram import best_order
from charrnn.recipe import Texts
from charrnn.runs import Run

READ = 16_000_000
"""Characters of the training part that are counted, at most: as many as fit into 2 GB of memory."""
CHOOSING = 2_000_000
"""Characters of the validation part that choose the order, at most."""
ORDERS = range(1, 21)


def baseline(run: Run, texts: Texts) -> dict | None:
    """The n-gram of the order that does best on validation text, trained on the training part.

    `order`, `trained_on` (characters, or bytes at byte level), `val` and `test` (nats per character
    on the whole parts; the test part is read once, None where there is none), `orders` (validation
    loss by order, until it stopped falling) and `seconds`. Where lines know nothing of each other
    they don't for the n-gram either. None without two characters to train and to validate on.
    """
    split, began = texts.split, time.monotonic()
    train, val = np.asarray(split.train[:READ]), np.asarray(split.val[:CHOOSING])
    if len(train) < 2 or len(val) < 2:
        return None
    restart = run.model.config.restart
    model, losses = best_order(train, val, len(texts.vocab), ORDERS, restart)
    whole = {"val": np.asarray(split.val), "test": np.asarray(split.test)}
    return {
        "order": model.order,
        "trained_on": len(train),
        **{k: float(model.nats(v).mean()) if len(v) > 1 else None for k, v in whole.items()},
        "orders": {str(order): loss for order, loss in losses.items()},
        "seconds": round(time.monotonic() - began, 1),
    }
