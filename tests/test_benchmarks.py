"""The benchmarks: ratios by hand, sides that agree with each other, every workload made small."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import (
    __main__,
    command,
    contenders,
    curves,
    latency,
    loops,
    memory,
    published,
    quick,
    roofline,
    rounding,
    rounds,
    sampling,
    scaling,
    score,
    steppers,
    time_to_loss,
    training,
)
from charrnn.model import ModelConfig
from charrnn.score import stepped_nats, stream_nats

ROOT = Path(__file__).resolve().parents[1]
TINY = rounds.Effort(rounds=2, seconds=0.002, quick=True)
SIZE = {"hidden": 24, "layers": 2, "vocab": 11}


def row(side, rates, case="a case", precision="fp32", threads=1):
    named = {"case": case, "side": side, "precision": precision, "threads": threads}
    return named | rounds.spread(rates)


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    """One core, whatever the machine has; and the number of threads that other tests have after."""
    for module in (rounds, training, curves, scaling):
        monkeypatch.setattr(module, "cores", lambda: 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Here:
    """A contender in this very process."""

    def __init__(self, build, options, threads, limit=None):
        module, function = build.split(":")
        self.first_seconds, self.steps = 0.5, 1
        self.run = getattr(import_module(module), function)(**options)

    def ask(self, steps):
        return {"seconds": 0.25, "found": self.run(steps)}

    def calibrate(self, seconds):
        self.ask(1)

    def rate(self):
        return self.steps / self.ask(self.steps)["seconds"]

    def close(self):
        pass


@pytest.fixture
def here(monkeypatch):
    """No further processes."""
    for module in (rounds, latency, memory):
        monkeypatch.setattr(module, "Contender", Here)


# Ratios, by hand


def test_a_spread_is_the_median_and_the_ends():
    found = rounds.spread([3.0, 1.0, 2.0, 10.0])
    assert found == {"median": 2.5, "low": 1.0, "high": 10.0, "rounds": [3.0, 1.0, 2.0, 10.0]}


def test_ratios_are_taken_round_by_round_with_the_best_threads():
    rows = [
        row("ours", [10.0, 10.0, 10.0], threads=1),
        row("ours", [20.0, 40.0, 30.0], threads=2),
        row("nn.LSTM", [10.0, 10.0, 5.0], threads=1),
        row("nn.LSTM", [1.0, 1.0, 1.0], threads=2),
    ]
    (found,) = rounds.ratios(rows)
    assert (found["threads"], found["against"]) == (2, "nn.LSTM fp32")
    assert found["rounds"] == [2.0, 4.0, 6.0]
    assert (found["median"], found["low"], found["high"]) == (4.0, 2.0, 6.0)


def test_a_case_can_be_held_against_another_side_and_stays_apart():
    rows = [
        row("ours", [6.0], case="one"),
        row("nn.LSTM", [3.0], case="one"),
        row("ours", [6.0], case="two"),
        row("numpy", [12.0], case="two", precision="fp64"),
        row("ours", [9.0], case="three"),
    ]
    found = rounds.ratios(rows, {"two": ("numpy", "fp64")})
    assert [(r["case"], r["median"]) for r in found] == [("one", 2.0), ("two", 0.5)]


def test_what_could_not_be_run_has_no_ratio(capsys):
    lost = {"case": "a case", "side": "ours", "precision": "fp32", "threads": 1, "failed": "no GPU"}
    rows = [lost, row("nn.LSTM", [1.0])]
    assert rounds.ratios(rows) == []
    rounds.show_rows({"unit": "characters/s", "rows": rows, "ratios": []})
    assert "could not be run: no GPU" in capsys.readouterr().out


def test_seconds_of_the_posts_batch_are_those_of_the_precision_that_is_chosen(monkeypatch):
    monkeypatch.setattr(training, "chosen_precision", lambda device, model: "int16")
    case = "2 x 512, 100 x 100"
    rows = [
        row("ours", [5000.0], case),
        row("ours", [10_000.0, 20_000.0], case, "int16"),
        row("nn.LSTM", [1.0], case),
        row("ours", [1.0], "3 x 512, 100 x 100", "int16"),
    ]
    found = training.batch_seconds(rows, "cpu")
    kept = {"median": 0.75, "min": 0.5, "max": 1.0, "chars_per_s": 15_000.0}
    assert found == {"cpu 100 x 100": kept}


def test_int8_is_held_against_the_better_form_of_onnx_runtime():
    rows = [
        row("ours", [30.0, 20.0], "one stream", "int8"),
        row("ONNX Runtime lstm", [10.0, 10.0], "one stream", "int8"),
        row("ONNX Runtime matmul", [5.0, 5.0], "one stream", "int8"),
        row("ONNX Runtime matmul", [15.0, 20.0], "one stream", "int8", threads=2),
        row("nn.LSTM", [40.0, 40.0], "one stream", "int8"),
    ]
    found = sampling.int8_ratio(rows)
    assert list(found) == ["one stream"]
    assert found["one stream"]["against"] == "ONNX Runtime matmul int8"
    assert found["one stream"]["rounds"] == [2.0, 1.0]


# The check that fails


def test_the_best_round_of_each_side_counts():
    rows = [row("ours", [1.0, 18.0]), row("nn.LSTM", [9.0, 2.0]), row("ours", [12.0])]
    assert quick.best_ratios(rows) == {"a case": 2.0}
    lost = {"case": "a case", "side": "ours", "failed": "broken"}
    assert quick.best_ratios([lost, row("nn.LSTM", [9.0])]) == {"a case": 0.0}


@pytest.mark.parametrize(
    ("compiled", "training", "attempts", "least"),
    [(None, 0.91, 1, None), (None, 0.89, 2, "0.9"), (1, 1.21, 1, None), (1, 1.19, 2, "1.2")],
)
def test_a_gross_regression_fails_after_a_second_look(
    monkeypatch, compiled, training, attempts, least
):
    monkeypatch.setattr(quick.native, "load", lambda name: compiled)
    asked = []

    def measured(cases, effort):
        asked.append(cases)
        ours = [row("ours", [training], "training"), row("ours", [10.0], "sampling")]
        return [*ours, row("nn.LSTM", [1.0], "training"), row("nn.LSTM", [1.0], "sampling")]

    monkeypatch.setattr(quick, "measure_cases", measured)
    if least:
        with pytest.raises(
            SystemExit, match=f"^training is {training} times .* under the {least} "
        ):
            quick.main([])
    else:
        quick.main([])
    assert len(asked) == attempts


# Sides that are compared compute the same thing


def test_all_torch_sides_read_a_text_as_this_library_does():
    model = steppers.network(**SIZE)
    ids = np.random.default_rng(1).integers(0, SIZE["vocab"], 60)
    exact = stream_nats(model, ids)
    for form in ("lstm", "cells"):
        made = steppers.FORMS[form](model)
        found = stepped_nats(lambda n, made=made: steppers.Reader(made), ids, 1)
        np.testing.assert_allclose(found, exact, atol=1e-5)
    rounded = stepped_nats(lambda n: steppers.Reader(steppers.quantised(model)), ids, 1)
    assert 1e-6 < np.abs(rounded - exact).max() < 0.1


@pytest.mark.parametrize("form", ["lstm", "matmul"])
def test_onnx_models_read_a_text_as_this_library_does(form, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: bench)")
    models = import_module("benchmarks.onnx_models")
    model = steppers.network(**SIZE)
    ids = np.random.default_rng(1).integers(0, SIZE["vocab"], (40, 3))
    with torch.inference_mode():
        exact = model(torch.from_numpy(ids))[0].numpy()
    for int8, bounds in ((False, (0, 1e-5)), (True, (1e-6, 0.3))):
        reader = models.OnnxStepper(models.write(model, form, int8, tmp_path), 3)
        error = np.abs(np.stack([reader.step(x) for x in ids]) - exact).max()
        assert bounds[0] <= error < bounds[1]


def test_onnx_models_of_another_form_or_cell_are_refused():
    models = pytest.importorskip("benchmarks.onnx_models", reason="onnx is not installed")
    with pytest.raises(ValueError, match="form is 'gru'; it must be one of lstm, matmul"):
        models.build(steppers.network(**SIZE), "gru")


def test_training_loops_have_the_same_loss_and_gradient():
    size = loops.Size(hidden=8, layers=2, batch=3, seq=5, vocab=7)
    one, other = loops.Plain(size), loops.Cells(size)
    for layer, cell in enumerate(other.cells):
        kept = one.recurrent.state_dict().items()
        cell.load_state_dict({n[:-3]: w for n, w in kept if n.endswith(f"_l{layer}")})
    other.decoder.load_state_dict(one.decoder.state_dict())
    states = [None, None]
    for at in range(2):  # the second reads the state that the first left
        x, y = size.lanes.step(at)
        losses = []
        for i, network in enumerate((one, other)):
            loss, state = network(x, y, states[i])
            loss.backward()
            losses.append(loss.item())
            states[i] = loops.detached(state)
        assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    mine, theirs = one.recurrent.weight_hh_l0.grad, other.cells[0].weight_hh.grad
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-4)


def test_a_step_of_ours_is_one_of_a_training(monkeypatch):
    held = []
    start = loops.start
    monkeypatch.setattr(loops, "start", lambda *given: held.append(start(*given)) or held[-1])
    size = {"hidden": 8, "layers": 1, "batch": 2, "seq": 3, "vocab": 7}
    loops.ours("cpu", "fp32", **size)(3)
    assert held[0].progress.step == 3 and held[0].progress.seconds > 0


def test_floating_point_operations_are_those_of_the_matrices():
    config = ModelConfig(65, hidden=512, layers=2)
    used = [w for name, w in steppers.network(512, 2, 65).named_parameters() if w.dim() == 2]
    lookup = 4 * 512 * 65  # read by row
    assert roofline.forward_flop(config) == 2 * (sum(w.numel() for w in used) - lookup)
    assert roofline.training_flop(config) == pytest.approx(19.1e6, rel=0.01)


# Processes


def test_a_contender_is_a_process_that_answers():
    options = {"device": "cpu", **SIZE, "batch": 2, "seq": 3}
    one = contenders.Contender("benchmarks.loops:plain", options, 1)
    try:
        one.calibrate(0.01)
        assert one.first_seconds > 0 and one.steps >= 1
        assert one.ask(2).keys() == {"seconds", "found"} and one.rate() > 0
    finally:
        one.close()
    assert one.process.returncode == 0


def test_one_that_cannot_be_run_says_why():
    side = rounds.Side("ours", "benchmarks.loops:ours", {"device": "cpu", "precision": "fp1"})
    (found,) = rounds.measure_sides("a case", [side], TINY)
    assert "rounds" not in found and found["failed"].startswith("TypeError")
    with pytest.raises(contenders.Failed, match=r"not done after 0\.01 s"):
        contenders.Contender("benchmarks.loops:plain", {}, 1, limit=0.01)


def test_one_that_fails_on_the_way_leaves_the_others(monkeypatch):
    class Fails(Here):
        def rate(self):
            raise contenders.Failed("out of memory")

    monkeypatch.setattr(rounds, "Contender", Fails)
    options = {"device": "cpu", **SIZE, "batch": 2, "seq": 3}
    side = rounds.Side("nn.LSTM", "benchmarks.loops:plain", options)
    (lost,) = rounds.measure_sides("a case", [side], TINY)
    assert lost["failed"] == "out of memory"
    monkeypatch.setattr(rounds, "Contender", Here)
    (found,) = rounds.measure_sides("a case", [replace(side, characters=6)], TINY)
    assert found["rounds"] == [24.0, 24.0] and found["first_seconds"] == 0.5


# Every workload, small


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("workload", [training, sampling, score])
def test_rows_and_ratios_have_the_stated_shape(workload, capsys):
    result = json.loads(json.dumps(workload.measure(TINY)))
    named = {"case", "side", "precision", "threads"}
    numbers = {"median", "low", "high", "rounds"}
    for found in result["rows"]:
        assert found.keys() == named | numbers | {"first_seconds"}
        assert len(found["rounds"]) == TINY.rounds
    assert all(found.keys() == named | numbers | {"against"} for found in result["ratios"])
    assert result["unit"] == "characters/s" and {r["side"] for r in result["rows"]} > {"ours"}
    workload.show(result)
    assert "ours fp32" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_sampling_keeps_its_headline_apart():
    result = sampling.measure(TINY)
    assert list(result["ratio"]) == ["one stream", "256 streams"]
    assert all(r["against"] == "nn.LSTM fp32" for r in result["ratio"].values())


@pytest.mark.usefixtures("here")
def test_latency_is_told_in_percentiles(capsys):
    result = latency.measure(TINY)
    assert {(r["side"], r["precision"]) for r in result["rows"]} == latency.SIDES.keys()
    for found in result["rows"]:
        assert 0 < found["p50"] <= found["p99"] <= found["p99.9"] <= found["max"]
    latency.show(result)
    assert latency.percentiles([1.0] * 99 + [101.0])["p99"] == pytest.approx(2.0)


@pytest.mark.usefixtures("here")
def test_memory_is_told_beside_the_plain_loops(capsys):
    result = memory.measure(TINY)
    assert [r["side"] for r in result["rows"]][-1] == "nn.LSTM"
    assert all(r["peak_mb"] >= r["before_mb"] > 0 for r in result["rows"])
    one, two = {"peak_mb": 300.0, "before_mb": 100.0}, {"peak_mb": 500.0, "before_mb": 100.0}
    assert memory.times(two, one) == 2.0 and memory.times({"failed": ""}, one) is None


def test_curves_change_one_size_at_a_time():
    around = curves.AROUND["cpu"]
    for name, value, size in curves.points("cpu", quick=False):
        assert replace(size, **{name: getattr(around, name)}) == around
        assert getattr(size, name) == value
    result = curves.measure(TINY)
    assert len(result["rows"]) == sum(map(len, curves.QUICK_VALUES.values()))
    assert result["rows"][0].keys() == {
        "over", "value", "size", "precision", "ours", "nn.LSTM", "ratio",
    }  # fmt: skip


def test_roofline_has_products_and_reading(capsys):
    result = roofline.measure(TINY)
    assert {r["precision"] for r in result["gflop_per_s"]} >= {"fp32"}
    assert all(r["median"] > 0 for r in result["gflop_per_s"] + result["gb_per_s"])
    roofline.show(result)
    assert "19.2 million operations" in capsys.readouterr().out


def test_rounding_is_held_against_float32():
    result = rounding.measure(TINY)
    first, *others = result["rows"]
    assert (first["precision"], first["cost"], first["standard_error"]) == ("fp32", 0.0, 0.0)
    assert ("ours", "int8") in {(r["side"], r["precision"]) for r in others}
    assert all(0 < abs(r["cost"]) < 0.1 for r in others)
    alternating = np.tile([0.0, 1.0], 500 * rounding.LANES)
    assert rounding.cost(alternating) == {"cost": 0.5, "standard_error": 0.0}


def test_scaling_counts_the_characters_of_all_processes(monkeypatch, capsys):
    scaling.worker(scaling.QUICK_SIZE, "cpu", 0.02)
    assert float(capsys.readouterr().out) > 0
    monkeypatch.setattr(scaling, "launch", lambda n, size, effort: 100.0 if n == 1 else 150.0)
    result = scaling.measure(TINY)
    assert [r["processes"] for r in result["rows"]] == [1, 2]
    assert result["ratio"]["median"] == 1.5


def test_time_to_loss_stops_at_the_loss(monkeypatch):
    ids = np.tile(np.arange(4, dtype=np.uint8), 300)
    vocab = steppers.symbols(4)
    args = type("Args", (), time_to_loss.SETTINGS | {"hidden": 16, "layers": 1, "batch": 2})
    args.seq, args.steps, args.every = 16, 400, 20
    found = time_to_loss.lstm(ids, ids[:200], vocab, 1.0, args)
    assert found["reached"] and found["loss"] <= 1.0 and found["curve"][0][2] > 1.0
    assert len(found["curve"]) < 20


# The command line


def test_the_listing_has_a_line_for_every_script_that_can_be_run(capsys):
    assert __main__.main([]) == 0
    listed = capsys.readouterr().out
    for file in sorted((ROOT / "benchmarks").glob("*.py")):
        runs = "def main(" in file.read_text(encoding="utf-8") and file.stem != "__main__"
        assert (f"\n  {file.stem:13} " in listed) == runs, file.stem


def test_a_name_that_is_none_is_refused(capsys):
    assert __main__.main(["trainings", "sampling"]) == 2
    assert capsys.readouterr().err.startswith("trainings: not one of quick, training,")


def test_one_that_fails_does_not_keep_the_next_from_running(monkeypatch, capsys):
    def fails(arguments):
        raise FileNotFoundError("no book: make book")

    monkeypatch.setattr(training, "main", fails)
    assert __main__.main(["training", "published"]) == 1
    said = capsys.readouterr()
    assert said.err == "training: no book: make book\n" and "TITAN Z" in said.out


def test_only_a_full_measurement_is_written(monkeypatch, capsys):
    efforts, written = [], []

    def measure(effort):
        efforts.append(effort)
        return {"rows": []}

    monkeypatch.setattr(command, "save_result", lambda name, result: written.append(name))
    for arguments in (["--quick"], ["--rounds", "3", "--device", "cpu"]):
        command.command("training", "about", measure, print, arguments)
    assert [(e.rounds, e.quick) for e in efforts] == [(2, True), (3, False)]
    assert written == ["training"]
    with pytest.raises(SystemExit):
        command.command("training", "about", measure, print, ["--rounds", "0"])
    assert "rounds is 0" in capsys.readouterr().err


def test_published_figures_name_their_sources_and_agree_with_themselves():
    for found in published.published():
        assert {"program", "what", "figure", "machine", "source"} <= found.keys()
        assert "https://" in found["source"]
        if "seconds_a_batch" in found:
            batch = 10_000 if "100 x 100" in found["what"] else 2500
            rate = batch / found["seconds_a_batch"]
            assert found["chars_per_s"] == pytest.approx(rate, rel=0.005)
            shown = f"{found['seconds_a_batch']} s a batch, {found['chars_per_s']:,} characters/s"
            assert found["figure"] == shown
