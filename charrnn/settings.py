"""How to train: the settings of one training, checked when they are built."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from charrnn.fields import Choice, Flag, Many, Number, Text, check, shown

OPTIMIZERS = ("adamw", "adam", "rmsprop")
SCHEDULES = ("cosine", "decay", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int16")
MOST_STEPS = 10**12
_COUNT = Number(above=True, high=10**6, whole=True)
_STEPS = Number(above=True, high=MOST_STEPS, whole=True, optional=True)
_SIZE = Number(above=True, optional=True)
KINDS = {
    "optimizer": Choice(OPTIMIZERS),
    "schedule": Choice(SCHEDULES),
    "batch": _COUNT,
    "seq": _COUNT,
    "accumulate": _COUNT,
    "epochs": _SIZE,
    "steps": _STEPS,
    "minutes": _SIZE,
    "lr": Number(above=True),
    "weight_decay": Number(),
    "alpha": Number(above=True, high=1),
    "warmup": Number(high=MOST_STEPS, whole=True),
    "min_lr": Number(high=1),
    "lr_decay": Number(above=True, high=1),
    "lr_decay_after": Number(),
    "clip_norm": _SIZE,
    "clip_value": _SIZE,
    "seed": Number(high=2**63 - 1, whole=True),
    "eval_every": _STEPS,
    "sample_steps": Many(Number(high=MOST_STEPS, whole=True)),
    "sample_every": _STEPS,
    "sample_prompt": Text(),
    "sample_length": Number(above=True, high=10**8, whole=True),
    "sample_temperature": Number(),
    "sample_temperature_on": Choice(("logits", "hidden")),
    "save_minutes": Number(),
    "device": Text(r"auto|cpu|mps|cuda(:\d{1,4})?", "auto, cpu, cuda, cuda:N or mps"),
    "precision": Choice(PRECISIONS),
    "deterministic": Flag(),
}
"""What each field of TrainConfig may hold."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train. Exactly one of `epochs`, `steps`, `minutes` says for how long."""

    batch: int = 50
    """B: lanes read side by side."""
    seq: int = 100
    """T: characters the gradient looks back over (truncated BPTT)."""
    accumulate: int = 1
    """Groups of lanes that a step is computed in, one after the other: the same numbers but for
    rounding, in about that part of the memory."""
    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    optimizer: str = "adamw"
    """adamw (Loshchilov & Hutter 2019), adam (Kingma & Ba 2015) or rmsprop (the post's)."""
    lr: float = 3e-3
    weight_decay: float = 0.0
    """Of the matrices; biases are never decayed. Decoupled, so only adamw takes it."""
    alpha: float = 0.95
    """RMSProp's smoothing constant."""
    schedule: str = "cosine"
    """cosine: warm-up, then down to `lr * min_lr`; decay: char-rnn's, x `lr_decay` an epoch after
    `lr_decay_after` epochs; constant."""
    warmup: int = 100
    min_lr: float = 0.01
    """Where the cosine ends, as a share of `lr`."""
    lr_decay: float = 0.97
    lr_decay_after: float = 10.0
    clip_norm: float | None = 1.0
    """Largest norm of the whole gradient of the mean loss."""
    clip_value: float | None = None
    """Largest absolute value of a gradient's element. The loss is a mean over time: char-rnn's 5,
    which clips a sum over time, is 5 / seq here."""
    seed: int = 0
    eval_every: int | None = None
    """Steps between validations (None: a fortieth of the training, at most 500)."""
    sample_steps: tuple[int, ...] = ()
    """Steps at which to write a sample, besides the end of the training."""
    sample_every: int | None = None
    """Steps between samples, beside those of `sample_steps` (None: no others)."""
    sample_prompt: str = ""
    sample_length: int = 400
    sample_temperature: float = 0.8
    sample_temperature_on: str = "logits"
    """What that temperature divides, as `charrnn.sample.Sampling` says."""
    save_minutes: float = 5.0
    """Longest time between two checkpoints; one is also written at every validation."""
    device: str = "auto"
    precision: str = "auto"
    """fp32, bf16, fp16, or int16 (LSTM layers on a CPU in fixed point); auto takes the quickest
    that the device and the network have (`charrnn.devices.choose_precision`)."""
    deterministic: bool = False
    """Train with such algorithms alone as repeat their bits, on the same machine with the same
    number of threads: on a GPU, more slowly (`charrnn.devices.deterministic`). A CPU repeats them
    anyway."""

    def __post_init__(self) -> None:
        check(vars(self), KINDS)
        object.__setattr__(self, "sample_steps", tuple(self.sample_steps))
        lengths = [n for n in ("epochs", "steps", "minutes") if getattr(self, n) is not None]
        if len(lengths) != 1:
            raise ValueError(
                f"give exactly one of epochs, steps, minutes (got {lengths or 'none'})"
            )

    def to_dict(self) -> dict:
        """The fields as a plain dictionary, as a checkpoint keeps them; what a sample's temperature
        divides only where it isn't the logits, `deterministic` only where it is on."""
        kept = asdict(self)
        if not self.deterministic:
            del kept["deterministic"]
        if self.sample_temperature_on == "logits":
            del kept["sample_temperature_on"]
        return kept

    @classmethod
    def from_dict(cls, settings: dict) -> TrainConfig:
        """The inverse of `to_dict`; what a later version may have added is left aside."""
        if not isinstance(settings, dict):
            raise ValueError(f"training settings are {shown(settings)}; they must be a table")
        return cls(**{f.name: settings[f.name] for f in fields(cls) if f.name in settings})
