"""The post's program as it was, and what became of it: settings under a date.

The code that is read as the post's is not the code that made it. karpathy/char-rnn on the day of
the post, 2015-05-21, and the repository as it was left differ in what follows; each difference is
also an option of its own. Sources: the history of karpathy/char-rnn, train.lua, sample.lua and
model/LSTM.lua.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CLIP = 5.0
"""char-rnn's grad_clip: the largest element of a gradient summed over time."""
_TRAINING = {
    "optimizer": "rmsprop",
    "lr": 2e-3,
    "alpha": 0.95,
    "weight_decay": 0.0,
    "clip_norm": None,
}


@dataclass(frozen=True)
class Era:
    """One state of the program: what it did, and its sizes for a text without a recipe."""

    name: str
    model: Mapping[str, object]
    """Fields of `ModelConfig`."""
    training: Mapping[str, object]
    """Fields of `TrainConfig`; clip_value follows from the length of a sequence."""
    sampling: Mapping[str, object]
    """Fields of `Sampling`."""
    shape: Mapping[str, object]
    """Its own sizes, fields of `ModelConfig`."""
    length: Mapping[str, object]
    """Its own batch, sequence and epochs, fields of `TrainConfig`."""
    differences: tuple[str, ...]
    """Where the two eras part, a line each."""
    split: str = "char-rnn"
    """The end of every lane is held out."""
    fractions: tuple[float, float, float] = (0.95, 0.05, 0.0)

    def __post_init__(self) -> None:
        for field in ("model", "training", "sampling", "shape", "length"):
            object.__setattr__(self, field, MappingProxyType(dict(getattr(self, field))))

    def clip_value(self, seq: int) -> float:
        """±5 of the gradient of a sum over `seq` steps, as a bound of that of the mean loss."""
        return CLIP / seq


ERAS = {
    era.name: era
    for era in (
        Era(
            name="2015-05-21",
            model={
                "init": "uniform",
                "forget_bias": 0.0,
                "recurrent_dropout": True,
                "detach_top_h": True,
            },
            training={**_TRAINING, "schedule": "constant"},
            sampling={"temperature_on": "hidden"},
            shape={"cell": "lstm", "hidden": 100, "layers": 2, "dropout": 0.0},
            length={"batch": 100, "seq": 50, "epochs": 30.0},
            differences=(
                "detach_top_h: the decoder's gradient replaces the one through the top layer's h",
                "recurrent_dropout: dropout multiplies h itself, a fresh mask at every step",
                "schedule constant: the learning rate stays where it is",
                "forget_bias 0: the forget gate starts as all others",
                "temperature_on hidden: the temperature divides the top h, not the decoder's bias",
            ),
        ),
        Era(
            name="char-rnn",
            model={
                "init": "uniform",
                "forget_bias": 1.0,
                "recurrent_dropout": False,
                "detach_top_h": False,
            },
            training={
                **_TRAINING,
                "schedule": "decay",
                "lr_decay": 0.97,
                "lr_decay_after": 10.0,
            },
            sampling={"temperature_on": "logits"},
            shape={"cell": "lstm", "hidden": 128, "layers": 2, "dropout": 0.0},
            length={"batch": 50, "seq": 50, "epochs": 50.0},
            differences=(
                "detach_top_h off: the decoder's gradient is added to the one through h",
                "recurrent_dropout off: dropout is on the way up only",
                "schedule decay: x 0.97 an epoch after 10 epochs",
                "forget_bias 1: the forget gate's input bias starts at 1",
                "temperature_on logits: the temperature divides the logits",
            ),
        ),
    )
}


def era(name: str) -> Era:
    """The era of that name; ValueError where there is none."""
    if name not in ERAS:
        raise ValueError(f"era is {name!r}; it must be one of {', '.join(ERAS)}")
    return ERAS[name]
