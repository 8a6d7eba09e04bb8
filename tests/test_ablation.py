"""The ablation: what is held out, which networks there are, and a result that is added to."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import ablation
from benchmarks.ablation import Book, Group, Settings, Variant, cut, report_steps
from charrnn.interrupts import Interrupted
from charrnn.score import stream_nats
from charrnn.vocab import Vocab

TEXT = "".join(np.random.default_rng(0).choice(["abc ", "de ", "\n"], 2000))[:3000]
TINY = Settings(hidden=4, layers=2, dropout=0.2, epochs=1, seeds=2, batch=4, seq=5)
CPU = torch.device("cpu")


@pytest.fixture
def texts():
    return cut(TEXT, TINY)


@pytest.fixture
def quick(monkeypatch):
    """Few steps between the reports, all of which fall into two of them."""
    monkeypatch.setattr(ablation, "POST_STEPS", (3, 9))
    monkeypatch.setattr(ablation, "SAMPLE", replace(ablation.SAMPLE, length=12))


class TestCut:
    def test_nothing_that_is_held_out_is_trained_on(self, texts):
        """By the places of characters: a text in which every one is another."""
        symbols = [chr(300 + i) for i in range(3000)]
        parts = cut("".join(symbols), TINY)
        trained = set(parts.columns.ravel().tolist())
        tail, lanes = (self.counted(part) for part in (parts.tail, parts.lanes))
        assert sorted(tail) == list(range(2850, 3000)), "the last 5 %, each once"
        assert len(lanes) == len(set(lanes)) == parts.lanes.targets
        assert not trained & {*tail, *lanes}
        assert not set(tail) & set(lanes)

    def counted(self, text):
        places = text.columns[1:].numpy()
        return places[text.counted.numpy() == 1].tolist()

    def test_lanes_are_those_of_char_rnn(self, texts):
        vocab = Vocab.of(TEXT)
        ids, chunks = vocab.encode(TEXT), 2850 // 20
        lanes = ids[: chunks * 20].reshape(4, -1)
        kept = int(0.95 * chunks) * 5
        assert torch.equal(
            torch.from_numpy(texts.columns[:-1].T.copy()),
            torch.from_numpy(lanes[:, :kept].astype(np.int64)),
        )
        assert texts.lanes.targets == 4 * (chunks * 5 - kept - 1)

    def test_too_short(self):
        with pytest.raises(ValueError, match="40 characters are too few for batch 4 x seq 5"):
            cut(TEXT[:40], TINY)


class TestVariants:
    def test_all_combinations_once_with_every_seed(self, texts):
        found = [v for name in ablation.GROUPS for v in Group(name, texts, TINY, CPU).variants]
        assert len(found) == len(set(found)) == 16 * 2

    def test_a_seed_begins_with_the_same_weights(self):
        day = Variant(False, False, False, False, seed=3)
        last = Variant(True, True, True, True, seed=3)
        one, other = (v.model(TINY, 7) for v in (day, last))
        for name, weight in one.named_parameters():
            twin = dict(other.named_parameters())[name]
            same = name.endswith("bias_ih_l0")
            assert torch.equal(weight, twin) != same, name
        forget = other.rnn[0].bias_ih_l0[4:8]
        assert (forget == 1).all()
        assert torch.equal(one.rnn[0].bias_ih_l0[:4], other.rnn[0].bias_ih_l0[:4])
        assert (one.rnn[0].bias_ih_l0.abs() <= 0.08).all()

    def test_the_switches_are_those_of_the_eras(self):
        day, last = (Variant(*[b] * 4, seed=1).model(TINY, 7).config for b in (False, True))
        assert (day.detach_top_h, day.recurrent_dropout, day.forget_bias) == (True, True, 0.0)
        assert (last.detach_top_h, last.recurrent_dropout, last.forget_bias) == (False, False, 1.0)

    def test_the_rate_decays_only_where_it_is_said_to(self):
        rates = {}
        for decay in (False, True):
            config = Variant(False, False, decay, False, 1).training(TINY)
            rates[decay] = [ablation.learning_rate(config, 0, e, 0.0) for e in (0, 9, 10, 12)]
            assert config.clip_value == 1.0  # 5 over a sequence of 5
        assert rates[False] == [2e-3] * 4
        assert rates[True] == pytest.approx([2e-3, 2e-3, 2e-3 * 0.97, 2e-3 * 0.97**3])

    def test_before_the_rate_decays_a_pair_is_one_network(self, texts, quick):
        group = Group("day", texts, TINY, CPU)
        while not group.finished:
            group.advance(50)
        weights = {v: w for v, w in zip(group.variants, group.ensemble.flat, strict=True)}
        for v, w in weights.items():
            assert torch.equal(w, weights[replace(v, decay=not v.decay)])
            assert not torch.equal(w, weights[replace(v, forget=not v.forget)])

    def test_rates_are_set_at_epochs(self, texts):
        group = Group("both", texts, replace(TINY, epochs=30), CPU)
        group.ensemble.step = 11 * group.epoch
        group._set_rates()
        for v, rate in zip(group.variants, group.ensemble.rates[:, 0].tolist(), strict=True):
            assert rate == pytest.approx(2e-3 * (0.97**2 if v.decay else 1))


def test_reports_are_due_at_epochs_at_the_posts_iterations_and_at_the_end():
    assert report_steps(650, 200) == [100, 200, 300, 400, 500, 600, 650]
    assert report_steps(20, 30) == [20]


def test_a_groups_record(texts, quick):
    group = Group("added", texts, TINY, CPU)
    ablation.train([group], float("inf"), lambda groups: None)
    kept = group.record()
    assert kept["finished"]
    assert kept["steps"] == report_steps(group.total, group.epoch)
    assert len(kept["rows"]) == 8
    row = kept["rows"][0]
    assert (row["added"], row["upward"], row["decay"], row["forget"]) == (True, False, False, False)
    for column in ("train", "norm", "tail", "lanes"):
        assert len(row[column]) == len(kept["steps"])
    assert row["train"][-1] < row["train"][0]
    variants = {(s["decay"], s["forget"]) for s in kept["samples"]}
    assert len(variants) == 4
    assert {s["step"] for s in kept["samples"]} == {3, 9, group.total}
    assert all(len(s["text"]) == 12 for s in kept["samples"])
    assert group.record()["samples"] == kept["samples"], "written once"


def test_a_recorded_loss_is_that_of_the_network(texts):
    group = Group("both", texts, TINY, CPU)
    while not group.advance(50):
        pass
    ids = Vocab.of(TEXT).encode(TEXT)
    model = group.ensemble.network(group.ensemble.snapshot([0])[0])
    streamed = stream_nats(model, ids)[2849:].mean()
    assert group.reports[-1]["tail"][0] == pytest.approx(streamed, abs=2e-3)  # lanes, warmed up


ABOUT = {"text": "made", "settings": {"hidden": 4}}


class TestBook:
    def group(self, name, step, finished=False):
        record = {"group": name, "steps": [step], "finished": finished}
        return type("Made", (), {"reports": [1], "record": lambda self: record})()

    def kept(self, book):
        return {g["group"]: g["steps"][-1] for g in json.loads(book.path.read_text())["groups"]}

    def test_groups_are_added_in_their_order(self, tmp_path):
        book = Book("ablation-made", ABOUT, tmp_path)
        assert book.finished() == []
        book.add([self.group("both", 5, True)])
        Book("ablation-made", ABOUT, tmp_path).add([self.group("day", 7)])
        assert list(self.kept(book)) == ["day", "both"]
        assert book.finished() == ["both"]
        assert json.loads(book.path.read_text())["benchmark"] == "ablation-made"

    def test_what_came_further_stays(self, tmp_path):
        book = Book("ablation-made", ABOUT, tmp_path)
        book.add([self.group("day", 7)])
        book.add([self.group("day", 5)])
        assert self.kept(book) == {"day": 7}
        book.add([self.group("day", 9)])
        assert self.kept(book) == {"day": 9}

    def test_other_settings_are_not_mixed_in(self, tmp_path):
        Book("ablation-made", ABOUT, tmp_path).add([self.group("day", 7)])
        with pytest.raises(ValueError, match=r"holds groups with settings .*'hidden': 4"):
            Book("ablation-made", ABOUT | {"settings": {"hidden": 8}}, tmp_path)


class TestCommand:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "made.txt"
        path.write_text(TEXT)
        return path

    def run(self, file, *more):
        tiny = [f"--{k}={getattr(TINY, k)}" for k in ("hidden", "seeds", "batch", "seq")]
        folder = file.parent / "results"
        code = ablation.main(
            [str(file), "--quick", *tiny, "--device=cpu", f"--folder={folder}", *more]
        )
        return code, [json.loads(p.read_text()) for p in folder.glob("ablation-made-*.json")]

    def test_a_finished_group_is_not_trained_again(self, file, quick, capsys):
        code, (kept,) = self.run(file, "--groups=day,both")
        assert code == 0
        assert [g["group"] for g in kept["groups"]] == ["day", "both"]
        assert kept["settings"]["seeds"] == 2
        code, (whole,) = self.run(file)
        assert "day is finished in" in capsys.readouterr().out
        assert [g["group"] for g in whole["groups"]] == ["day", "added", "upward", "both"]
        assert whole["groups"][0] == kept["groups"][0]

    def test_when_time_is_up_what_there_is_is_kept(self, file, quick, monkeypatch):
        times = iter([0.0] + [1.0] * 25)
        monkeypatch.setattr(ablation.time, "monotonic", lambda: next(times, 1e9))
        code, (kept,) = self.run(file, "--minutes=1", "--epochs=50")
        assert code == 0
        assert len(kept["groups"]) == 4
        assert not any(g["finished"] for g in kept["groups"])

    @pytest.mark.parametrize(
        ("more", "said"),
        [(("--seeds=0",), "seeds is 0"), (("--dropout=1",), "dropout is 1.0"),
         (("--batch=400",), "too few for batch 400"), (("--device=abacus",), "'abacus'")],
    )  # fmt: skip
    def test_bad_input_is_one_line(self, file, more, said, capsys):
        code, found = self.run(file, *more)
        error = capsys.readouterr().err
        assert (code, found) == (2, [])
        assert said in error
        assert error.count("\n") == 1

    def test_an_unknown_group(self, file, capsys):
        with pytest.raises(SystemExit):
            self.run(file, "--groups=day,night")
        assert "group 'night'; there are day, added, upward, both" in capsys.readouterr().err


def test_a_cpu_finishes_one_group_after_the_other(texts, quick):
    groups, saved = [Group(n, texts, TINY, CPU) for n in ("day", "both")], []
    ablation.train(
        groups, float("inf"), lambda some: saved.append([(g.name, g.finished) for g in some])
    )
    assert saved == [[("day", True)], [("both", True)], []]


def test_with_a_limit_they_take_turns(texts, quick):
    groups = [Group(n, texts, TINY, CPU) for n in ("day", "both")]
    steps = []
    for group in groups:
        advance = group.advance
        group.advance = lambda most, g=group, a=advance: (steps.append(g.name), a(most))[1]
    ablation.train(groups, time.monotonic() + 60, lambda some: None)
    assert steps[:4] == ["day", "both", "day", "both"]


def test_ctrl_c_writes_what_there_is(texts, quick):
    groups, saved = [Group(n, texts, TINY, CPU) for n in ("day", "both")], []
    advance = groups[0].advance

    def stopped_at_the_second(most):
        if groups[0].ensemble.step:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(most)

    groups[0].advance = stopped_at_the_second
    with pytest.raises(Interrupted, match="stopped with 2 of 2 groups unfinished"):
        ablation.train(groups, float("inf"), lambda some: saved.append([g.name for g in some]))
    assert saved[-1] == ["day", "both"]
    assert not groups[0].finished and groups[0].ensemble.step > 0


def test_ctrl_c_is_a_line_and_130(tmp_path, capsys, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text(TEXT)

    def interrupted(groups, until, save):
        raise Interrupted("stopped with 1 of 4 groups unfinished")

    monkeypatch.setattr(ablation, "train", interrupted)
    assert ablation.main([str(text), "--quick", f"--folder={tmp_path}"]) == 130
    told = capsys.readouterr().err
    assert told == (
        "stopped with 1 of 4 groups unfinished; what was measured is written, they begin anew\n"
    )
