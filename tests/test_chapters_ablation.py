"""What the ablation says: effects by hand on made-up rows, a sentence that follows them, and the
gradient of that day."""

import json
import math
from itertools import product

import numpy as np
import pytest
import torch

from charrnn.chapters import ablation
from charrnn.claims import changes

SEEDS = (1, 2, 3)
WORTH = {"added": -0.1, "upward": -0.02, "decay": 0.0, "forget": 0.05}
"""What each change adds to a loss, before the seeds' noise."""


def made(text="made", worth=WORTH, noise=0.001, mixed=0.0, steps=(100, 2000, 3000), epoch=150):
    """A result whose effects are known. mixed: what added and upward have besides together."""
    groups = []
    for name, (added, upward) in {
        "day": (0, 0),
        "added": (1, 0),
        "upward": (0, 1),
        "both": (1, 1),
    }.items():
        rows = []
        for decay, forget, seed in product((0, 1), (0, 1), SEEDS):
            has = {"added": added, "upward": upward, "decay": decay, "forget": forget}
            level = 1.5 + 0.2 * seed + mixed * added * upward  # the seeds differ by far more
            level += sum(worth[k] * has[k] for k in has)
            level += noise * (seed - 2) * sum((-1) ** k * v for k, v in enumerate(has.values()))
            curve = [level + 1 / step for step in steps]
            row = {k: bool(v) for k, v in has.items()} | {"seed": seed}
            rows.append(row | {"train": curve, "norm": [2 * x for x in curve],
                               "tail": [x + 0.1 for x in curve], "lanes": curve})  # fmt: skip
        samples = [{**{k: r[k] for k in changes.CHANGES}, "step": step, "text": f"{name} {step}"}
                   for r in rows if r["seed"] == 1 for step in steps]  # fmt: skip
        groups.append({"group": name, "finished": True, "device": "a device", "steps": list(steps),
                       "rows": rows, "samples": samples})  # fmt: skip
    settings = {
        "hidden": 8,
        "layers": 2,
        "dropout": 0.25,
        "epochs": 3.0,
        "seeds": 3,
        "batch": 4,
        "seq": 5,
    }
    return {"text": text, "settings": settings, "steps_per_epoch": epoch, "groups": groups,
            "targets": {"tail": 50, "lanes": 60}}  # fmt: skip


class TestIntervals:
    def test_by_hand(self):
        e = changes.interval([1.0, 2.0, 3.0])  # mean 2, standard deviation 1
        assert e.value == 2
        assert e.high - e.value == pytest.approx(4.303 / math.sqrt(3))
        assert (e.sign, changes.interval([2.0, 2.1, 1.9]).sign) == (0, 1)
        assert changes.interval([-2.0, -2.1, -1.9]).sign == -1
        assert str(changes.interval([0.5, 0.5])) == "+0.500 [+0.500, +0.500]"

    def test_every_quantile_against_the_integral_of_the_density(self):
        for df, t in enumerate(changes.T_975, start=1):
            x = np.linspace(0, t, 200_001)
            log = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
            density = np.exp(log - (df + 1) / 2 * np.log1p(x * x / df))
            assert 0.5 + np.trapezoid(density, x) == pytest.approx(0.975, abs=3e-5), df

    @pytest.mark.parametrize("n", [1, 21])
    def test_seeds_that_no_quantile_is_for(self, n):
        with pytest.raises(ValueError, match=f"{n} seeds; an interval here takes 2 to 20"):
            changes.interval([1.0] * n)


class TestEffects:
    def test_additive_changes_have_one_effect_in_every_context(self):
        table = changes.networks(made())
        for change, worth in WORTH.items():
            for effect in (changes.on_average, changes.alone, changes.undone):
                assert effect(table, change, "lanes").value == pytest.approx(worth, abs=1e-9)
        assert changes.together(table, "tail").value == pytest.approx(-0.07)
        assert changes.on_average(table, "added", "norm").value == pytest.approx(-0.2)

    def test_differences_are_paired_by_seed(self):
        e = changes.on_average(changes.networks(made(noise=0.001)), "added", "lanes")
        assert e.high - e.low == pytest.approx(2 * 4.303 * 0.001 / math.sqrt(3)), (
            "not the seeds' 0.2"
        )
        assert e.seeds == 3

    def test_an_interaction_shows_in_the_contexts(self):
        table = changes.networks(made(mixed=0.08))
        assert changes.alone(table, "added", "lanes").value == pytest.approx(-0.1)
        assert changes.undone(table, "added", "lanes").value == pytest.approx(-0.02)
        assert changes.on_average(table, "added", "lanes").value == pytest.approx(-0.06)
        both = changes.interaction(table, "added", "upward", "lanes")
        assert both.value == pytest.approx(0.08)
        none = changes.interaction(table, "added", "forget", "lanes")
        assert none.value == pytest.approx(0, abs=1e-9)
        found = ablation.interactions(made(mixed=0.08))["nats a character"]
        assert found["gradient added, dropout upward only"].startswith("+0.080")
        assert "not told from 0" in found["rate decays, forget bias 1"]

    def test_the_tables(self):
        effects = ablation.effects(made())
        assert effects.loc["gradient added", "on average"].startswith("-0.100 [-0.102")
        assert effects.loc["all four", "on average"] == ""
        contexts = ablation.contexts(made())
        assert list(contexts.index) == [*changes.CHANGES.values(), "all four"]
        assert "the file's tail, step 2,000" in contexts
        assert not any("step" in c for c in ablation.contexts(made(steps=(100, 500))))
        losses = ablation.losses(made())
        assert losses.loc["21 May 2015", "the ends of the lanes"].startswith("1.900 [")
        assert losses.loc["char-rnn at last", "the file's tail"].startswith("1.930 [")
        assert losses.loc["and gradient added", "the file's tail"].startswith("1.900 [")


class TestSteps:
    def test_groups_are_compared_at_the_last_step_of_all(self):
        found = made()
        short = found["groups"][2]
        short["steps"] = short["steps"][:2]
        assert changes.last_step(found) == 2000
        assert len(changes.networks(found)) == 48
        with pytest.raises(ValueError, match="nothing was measured at step 3000 in group upward"):
            changes.networks(found, 3000)

    def test_a_group_that_is_missing(self):
        found = made()
        del found["groups"][1]
        with pytest.raises(
            ValueError, match="made: of the four groups there is only day, upward, both"
        ):
            changes.networks(found)


class TestAnswer:
    def test_the_largest_comes_first_and_each_verdict_follows_its_intervals(self):
        said = changes.answer({"one": made("one"), "two": made("two")})
        assert said.startswith(
            "Of the four silent changes adding the softmax's gradient to the one that came back "
            "through h has, by the mean over texts and ways to hold text out, the largest effect "
            "on the held-out loss: it lowers it (one -0.100 ± "
        )
        assert "starting the forget gate's bias at 1 raises it (one +0.050" in said
        assert "letting the learning rate decay makes no difference that can be told (" in said
        assert "nats a character at the ends of the lanes and the file's tail, 95 % over 3" in said
        assert "making all four lowers it (one -0.070" in said
        assert said.index("forget gate") < said.index("dropout off")
        assert said.count(".") - said.count("0.") == 1, "one sentence"

    def test_texts_that_disagree_are_counted(self):
        other = made("two", WORTH | {"added": 0.1})
        said = changes.answer({"one": made("one"), "two": other})
        assert "lowers it in 2 and raises it in 2 of 4 comparisons" in said


class TestFigures:
    def test_panels(self):
        panels = ablation.panels({"made": made()})
        rows = panels["made"]
        assert len(rows) == 2 * 5
        assert {row["kind"] for row in rows} == set(changes.SPLITS.values())
        assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
        assert rows[0]["value"] == pytest.approx(-0.1)

    def test_the_text_alternative_names_every_effect(self):
        alt = ablation.alt({"made": made()})
        for change in ("gradient added -0.100", "forget bias 1 +0.050", "all four -0.070"):
            assert change in alt

    def test_courses_are_those_of_the_two_programs(self):
        found = ablation.courses(made(), "lanes")
        assert list(found) == ["21 May 2015", "char-rnn at last"]
        day, last = found.values()
        assert day["mean"] - last["mean"] == pytest.approx([0.07] * 3)
        assert day["high"] - day["low"] == pytest.approx([0.4] * 3)


class TestSamples:
    def test_both_programs_at_one_step(self):
        text = ablation.written(made(), 100)
        assert (
            text
            == "--- 21 May 2015, step 100\nday 100\n\n--- char-rnn at last, step 100\nboth 100\n"
        )
        assert ablation.sampled(made()) == [100, 2000, 3000]

    def test_a_step_without(self):
        with pytest.raises(ValueError, match=r"nothing was written at step 7; there is \[100"):
            ablation.written(made(), 7)


class TestResults:
    def test_of_a_text_the_one_with_the_most_training(self, tmp_path):
        small, large = made(steps=(100, 200)), made()
        for name, found in (("a", small), ("b", large), ("c", made("other"))):
            (tmp_path / f"ablation-{name}.json").write_text(json.dumps(found))
        found = changes.read(tmp_path)
        assert list(found) == ["made", "other"]
        assert changes.last_step(found["made"]) == 3000

    def test_the_basis(self):
        said = ablation.basis(made())
        assert "48 networks of 2 x 8, dropout 0.25, 3 seeds of 16 programs" in said
        assert "3,000 steps of 4 x 5 (20.0 epochs), on a device" in said


class TestGradients:
    def test_the_overwriting_rule_is_the_derivative_with_h_held(self):
        model, ids, targets = ablation.tiny(seed=3)
        held, own = (ablation.by_differences(model, ids, targets, f) for f in (True, False))
        for overwrite, wanted, other in ((True, held, own), (False, own, held)):
            for found in (
                ablation.by_hand(model, ids, targets, overwrite),
                ablation.by_switch(model, ids, targets, overwrite),
            ):
                assert (found - wanted).abs().max() < 1e-9
                assert (found - other).abs().max() > 1e-3

    def test_differences_leave_the_weights_as_they_were(self):
        model, ids, targets = ablation.tiny()
        before = [p.clone() for p in model.parameters()]
        ablation.by_differences(model, ids[:1], targets[:1], frozen=True)
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))

    def test_only_what_lies_under_the_top_layers_past_differs(self):
        model, ids, targets = ablation.tiny()
        difference = ablation.by_hand(model, ids, targets, True) - ablation.by_hand(
            model, ids, targets, False
        )
        decoder = sum(p.numel() for p in model.decoder.parameters())
        assert (difference[-decoder:] == 0).all()
        assert (difference[:-decoder] != 0).any()
        one = ablation.by_hand(model, ids[:1], targets[:1], True)
        assert torch.equal(one, ablation.by_hand(model, ids[:1], targets[:1], False))


class TestAChangeThatHasNotBegun:
    """A rate that decays after ten epochs, in a training of three."""

    short = made("short", epoch=1000)

    def test_it_has_no_effect_to_tell(self):
        assert changes.begun(self.short) == ["added", "upward", "forget"]
        assert not changes.has_begun(made(epoch=300), "decay"), "ten epochs are just over"
        assert changes.has_begun(made(epoch=299), "decay")
        assert set(ablation.effects(self.short).loc["rate decays"]) == {"not begun"}
        assert set(ablation.contexts(self.short).loc["rate decays"]) == {"not begun"}
        assert not ablation.interactions(self.short).index.str.contains("rate").any()
        assert not ablation.losses(self.short).index.str.contains("rate").any()
        assert "rate decays" not in {r["name"] for r in ablation.panels({"a": self.short})["short"]}

    def test_what_was_trained_is_told(self):
        short = self.short | {"settings": self.short["settings"] | {"epochs": 5.0}}
        said = ablation.basis(short)
        assert "24 networks of 2 x 8" in said and "3 seeds of 8 programs" in said
        assert "3,000 steps of 4 x 5 of 5,000, where time was up (3.0 epochs)" in said
        assert changes.all_of(short) == "the three that had begun"
        for panel in ablation.panels({"a": short, "b": made("long")}).values():
            assert panel[-1]["name"] == "all that had begun", "one name for a row of both"
        assert ablation.effects(short).index[-1] == "the three that had begun"
        assert ablation.losses(short).index[-1] == "and the three that had begun"

    def test_early_in_a_longer_training(self):
        table = ablation.contexts(made(epoch=250))
        assert (table.loc["rate decays"] == "not begun").sum() == 2, "both splits at step 2,000"

    def test_the_sentence_leaves_it_to_texts_where_it_had(self):
        long = made("long", worth=WORTH | {"decay": 0.03})
        both = changes.answer({"short": self.short, "long": long})
        told = both.split("letting the learning rate decay ")[1].split(";")[0]
        assert told.startswith("raises it (long +0.030")
        assert "; on short training ended before it began)" in both
        assert "making all that had begun" in both
        alone = changes.answer({"short": self.short})
        assert "letting the learning rate decay had not begun" in alone
