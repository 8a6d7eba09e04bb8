"""Settings of a training: what is refused, and what comes back from JSON."""

import json
import math

import pytest

from charrnn.settings import TrainConfig


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
