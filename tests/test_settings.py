"""Settings of a training: what is refused, and what comes back from JSON."""

import json
import math
from dataclasses import fields

import pytest

from charrnn import devices
from charrnn.settings import KINDS, PRECISIONS, TrainConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, r"give exactly one of epochs, steps, minutes \(got none\)"),
        ({"minutes": 1.0, "steps": 5}, r"give exactly one .* \(got \['steps', 'minutes'\]\)"),
        ({"epochs": 1, "steps": 5, "minutes": 2}, "give exactly one of epochs, steps, minutes"),
        ({"steps": 0}, "steps is 0; it must be above 0"),
        ({"epochs": -1.0}, "epochs is -1.0; it must be above 0"),
        ({"minutes": 0}, "minutes is 0; it must be above 0"),
        ({"batch": 0}, "batch is 0; it must be above 0"),
        ({"seq": -5}, "seq is -5; it must be above 0"),
        ({"accumulate": 0}, "accumulate is 0; it must be above 0"),
        ({"accumulate": 2.5}, "accumulate is 2.5; it must be a whole number"),
        ({"lr": 0.0}, "lr is 0.0; it must be above 0"),
        ({"lr": math.nan}, "lr is nan; it must be above 0"),
        ({"clip_norm": 0.0}, r"clip_norm is 0.0; it must be above 0 \(or left out\)"),
        ({"clip_value": -1.0}, r"clip_value is -1.0; it must be above 0 \(or left out\)"),
        ({"sample_every": 0}, r"sample_every is 0; it must be above 0 \(or left out\)"),
        ({"eval_every": 0}, r"eval_every is 0; it must be above 0 \(or left out\)"),
        ({"batch": 2.5}, "batch is 2.5; it must be a whole number"),
        ({"batch": True}, "batch is True; it must be a whole number"),
        ({"seq": "100"}, "seq is '100'; it must be a whole number"),
        ({"steps": 1.5}, "steps is 1.5; it must be a whole number"),
        ({"lr": math.inf}, "lr is inf; it must be finite"),
        ({"lr": 10**400}, r"lr is 10000.*\.\.\.; it must be finite"),
        ({"lr": 16**6000}, "lr is int too large to show; it must be finite"),
        ({"warmup": -1}, "warmup is -1; it must be 0 or more"),
        ({"weight_decay": math.nan}, "weight_decay is nan; it must be 0 or more"),
        ({"alpha": 7}, "alpha is 7; it must be at most 1"),
        ({"min_lr": -1}, "min_lr is -1; it must be 0 or more"),
        ({"lr_decay": 0}, "lr_decay is 0; it must be above 0"),
        ({"save_minutes": "5"}, "save_minutes is '5'; it must be a number"),
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        (
            {"seed": 2**63},
            "seed is 9223372036854775808; it must be at most 9,223,",
        ),
        (
            {"sample_length": 10**15},
            "sample_length is 10{15}; it must be at most 100,000,000",
        ),
        ({"sample_temperature": -0.1}, "sample_temperature is -0.1; it must be 0 or more"),
        ({"sample_temperature_on": "h"}, "sample_temperature_on is 'h'; it must be one of logits"),
        ({"sample_steps": 3}, "sample_steps is 3; it must be a list"),
        ({"sample_steps": [1, "2"]}, r"sample_steps is .*; it must be a list, each a whole number"),
        ({"sample_prompt": None}, "sample_prompt is None; it must be a string"),
        ({"device": 7}, "device is 7; it must be auto, cpu, cuda, cuda:N or mps"),
        ({"precision": ["fp32"]}, r"precision is \['fp32'\]; it must be one of auto, fp32"),
        ({"optimizer": ["adam"]}, r"optimizer is \['adam'\]; it must be one of adamw"),
        ({"optimizer": "sgd"}, "optimizer is 'sgd'; it must be one of adamw, adam, rmsprop"),
        ({"schedule": "step"}, "schedule is 'step'; it must be one of cosine, decay, constant"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**{"steps": 5 if "steps" in changes else None, **changes}) if (
            {"epochs", "steps", "minutes"} & changes.keys()
        ) else TrainConfig(steps=5, **changes)


def test_settings_survive_json():
    config = TrainConfig(steps=60, sample_steps=[3, 4], clip_value=0.05, clip_norm=None)
    assert config.sample_steps == (3, 4)
    again = TrainConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert TrainConfig.from_dict({"steps": 3, "of_a_later_version": 1}).steps == 3


def test_every_setting_has_a_kind():
    assert set(KINDS) == {f.name for f in fields(TrainConfig)}
    assert set(PRECISIONS) == {"auto", *devices.PRECISIONS}


def test_settings_that_are_no_table_are_refused():
    with pytest.raises(ValueError, match=r"training settings are \[1\]; they must be a table"):
        TrainConfig.from_dict([1])
