"""How to train: the settings of one training, checked when they are built."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

OPTIMIZERS = ("adamw", "adam", "rmsprop")
SCHEDULES = ("cosine", "decay", "constant")


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample_steps", tuple(self.sample_steps))
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer is {self.optimizer!r}; it must be one of {', '.join(OPTIMIZERS)}"
            )
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"schedule is {self.schedule!r}; it must be one of {', '.join(SCHEDULES)}"
            )
        lengths = [n for n in ("epochs", "steps", "minutes") if getattr(self, n) is not None]
        if len(lengths) != 1:
            raise ValueError(
                f"give exactly one of epochs, steps, minutes (got {lengths or 'none'})"
            )
        if not isinstance(self.accumulate, int):
            raise ValueError(f"accumulate is {self.accumulate!r}; it must be a whole number")
        for name in ("batch", "seq", "accumulate", "lr", lengths[0], "sample_length"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("clip_norm", "clip_value", "eval_every", "sample_every"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; it must be above 0 (or left out)"
                )

    def to_dict(self) -> dict:
        """The fields as a plain dictionary, as a checkpoint keeps them; what a sample's temperature
        divides only where it isn't the logits."""
        kept = asdict(self)
        if self.sample_temperature_on == "logits":
            del kept["sample_temperature_on"]
        return kept

    @classmethod
    def from_dict(cls, settings: dict) -> TrainConfig:
        """The inverse of `to_dict`."""
        return cls(**{f.name: settings[f.name] for f in fields(cls) if f.name in settings})
