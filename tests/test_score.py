import math
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from charrnn.adaptive import adaptive_nats
from charrnn.dynamic import dynamic_nats
from charrnn.model import CharRNN, ModelConfig
from charrnn.ngram import Baseline
from charrnn.sample import make_stepper
from charrnn.score import Score, loss, score, stepped_nats, stream_nats
from charrnn.vocab import UnknownCharacterError, Vocab

V = 6


def make(cell="lstm", vocab_size=V, **changes) -> CharRNN:
    """A network with weights of the test's own, loud enough for what was read before to count."""
    config = ModelConfig(vocab_size, cell, **{"hidden": 5, "layers": 2} | changes)
    model, generator = CharRNN(config), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return model.eval()


def text(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(V, size=n).astype(np.uint8)


@torch.no_grad()
def by_hand(model: CharRNN, ids: np.ndarray, skip: int = 0) -> list[float]:
    """-log p of each of ids[1:], read one character at a time; the first `skip` left out."""
    nats, state = [], None
    for x, y in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        logits, state = model(torch.tensor([[x]]), state)
        nats.append(-F.log_softmax(logits[0, 0], dim=-1)[y].item())
    return nats[skip:]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(("n", "seq"), [(2, 256), (40, 256), (40, 7), (40, 39), (40, 1)])
def test_one_lane_is_the_exact_stream(cell, n, seq):
    model, ids = make(cell), text(n)
    nats = stream_nats(model, ids, seq=seq)
    assert nats.shape == (n - 1,)
    assert nats.dtype == np.float32
    np.testing.assert_allclose(nats, by_hand(model, ids), atol=2e-5)


@pytest.mark.parametrize("n", [2, 3, 17, 64, 100, 101, 102, 257])
@pytest.mark.parametrize(("lanes", "warmup"), [(1, 0), (4, 0), (4, 5), (7, 3), (32, 128), (500, 0)])
def test_every_target_counts_once_however_many_lanes(n, lanes, warmup):
    """With no memory (recurrent weights zero) lanes change nothing, so each value must agree."""
    model, ids = make("rnn"), text(n)
    with torch.no_grad():
        for rnn in model.rnn:
            rnn.weight_hh_l0.zero_()
    nats = stream_nats(model, ids, lanes=lanes, warmup=warmup, seq=16)
    np.testing.assert_allclose(nats, stream_nats(model, ids), atol=1e-5)


@pytest.mark.parametrize("seq", [4, 100])
def test_each_lane_reads_its_warm_up_and_then_its_stretch(seq):
    """99 targets in 4 lanes of 25, each but the first after 10 characters of run-up."""
    model, ids = make(), text(100)
    expected = by_hand(model, ids[:26])
    for start in (25, 50, 75):
        expected += by_hand(model, ids[start - 10 : start + 26], skip=10)
    assert len(expected) == 99
    nats = stream_nats(model, ids, lanes=4, warmup=10, seq=seq)
    np.testing.assert_allclose(nats, expected, atol=2e-5)


def test_many_symbols_are_read_in_shorter_stretches_with_the_same_losses(monkeypatch):
    model, ids, widths = make(), text(500), []
    whole = stream_nats(model, ids, lanes=4, warmup=50)
    model.register_forward_hook(lambda _, given, out: widths.append(out[0].numel()))
    monkeypatch.setattr(import_module("charrnn.score"), "LOGITS", 4 * V * 3)
    np.testing.assert_allclose(stream_nats(model, ids, lanes=4, warmup=50), whole, atol=1e-5)
    assert max(widths) == 4 * V * 3 and len(widths) == 17 + 42


def test_a_long_run_up_comes_close_to_the_stream():
    model, ids = make(), text(2000)
    stream = stream_nats(model, ids)
    none, long = (stream_nats(model, ids, lanes=4, warmup=w) for w in (0, 240))
    assert np.abs(none - stream).max() > 0.1
    assert np.abs(long - stream).max() < 1e-3
    assert loss(model, ids, lanes=4, warmup=240) == pytest.approx(loss(model, ids), abs=1e-5)


def test_lanes_shorter_than_their_run_up_are_not_made():
    model, ids = make(), text(60)
    assert np.array_equal(stream_nats(model, ids, lanes=32, warmup=128), stream_nats(model, ids))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("n", [2, 3, 40, 41, 100])
@pytest.mark.parametrize(("lanes", "warmup"), [(1, 5), (4, 0), (4, 5), (64, 200), (50, 1)])
def test_a_stepper_costs_what_the_stream_does(cell, n, lanes, warmup):
    """Target for target: the same lanes, and the same run-up."""
    model, ids = make(cell), text(n)
    nats = stepped_nats(lambda streams: make_stepper(model, streams), ids, lanes, warmup)
    assert nats.shape == (n - 1,) and nats.dtype == np.float64
    np.testing.assert_allclose(nats, stream_nats(model, ids, lanes, warmup), atol=2e-5)


def test_no_generator_is_drawn_from_and_the_mode_is_put_back():
    model, ids = make(dropout=0.5).train(), text(50)
    before = torch.get_rng_state()
    in_training = stream_nats(model, ids)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(in_training, stream_nats(model.eval(), ids))
    assert not model.training


def test_a_memory_map_is_read(tmp_path):
    ids = text(50)
    ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", np.uint8, "r")
    assert np.array_equal(stream_nats(make(), mapped), stream_nats(make(), ids))


def test_lower_precision_comes_close():
    model, ids = make("rnn"), text(200)
    low = stream_nats(model, ids, precision=torch.bfloat16)
    assert not np.array_equal(low, stream_nats(model, ids))
    assert loss(model, ids, precision=torch.bfloat16) == pytest.approx(loss(model, ids), abs=0.05)


@pytest.mark.parametrize("n", [0, 1])
def test_a_text_without_a_target_is_refused(n):
    with pytest.raises(ValueError, match="characters hold nothing to predict"):
        stepped_nats(lambda streams: make_stepper(make(), streams), text(n))
    with pytest.raises(ValueError, match=f"{n} characters hold nothing to predict; at least 2"):
        stream_nats(make(), text(10)[:n])


# Scores


def uniform(vocab: Vocab):
    """A run whose model finds every symbol equally likely."""
    model = make(vocab_size=len(vocab))
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.zero_()
    return SimpleNamespace(model=model, vocab=vocab)


def test_eight_equally_likely_symbols_cost_three_bits_each():
    result = score(uniform(Vocab.of("abcdefgh")), "abba")
    assert result.targets == 3
    assert result.n_bytes == 3
    assert result.nats == pytest.approx(3 * math.log(8), rel=1e-6)
    assert result.nats_per_char == pytest.approx(math.log(8), rel=1e-6)
    assert result.bits_per_char == pytest.approx(3, rel=1e-6)
    assert result.bits_per_byte == pytest.approx(3, rel=1e-6)


def test_bytes_are_those_of_the_targets():
    """Of "é漢a" the targets are 漢 (three bytes) and a: 2 characters, 4 bytes, 2 bits each."""
    vocab = Vocab.of("aé漢b")
    result = score(uniform(vocab), "é漢a")
    assert (result.targets, result.n_bytes) == (2, 4)
    assert result.bits_per_char == pytest.approx(2, rel=1e-6)
    assert result.bits_per_byte == pytest.approx(1, rel=1e-6)


def test_a_byte_model_predicts_bytes():
    result = score(uniform(Vocab.of("é漢".encode())), "é漢")
    assert (result.targets, result.n_bytes) == (4, 4)
    assert result.bits_per_byte == result.bits_per_char


def test_a_score_is_its_stream():
    vocab = Vocab.of("abcdef")
    run = SimpleNamespace(model=make(), vocab=vocab)
    nats = by_hand(run.model, vocab.encode("fadedface"))
    result = score(run, "fadedface")
    assert result.nats == pytest.approx(sum(nats), abs=1e-4)
    assert Score(2.0, 4, 8).bits_per_byte == pytest.approx(0.25 / math.log(2))


def test_unknown_characters_are_refused_or_skipped():
    run = uniform(Vocab.of("abcd"))
    with pytest.raises(UnknownCharacterError, match="the model never saw '!'"):
        score(run, "ab!c")
    assert score(run, "ab!c", unknown="skip") == score(run, "abc")
    with pytest.raises(ValueError, match="1 characters hold nothing to predict"):
        score(run, "a!", unknown="skip")


def test_a_network_that_learns_while_it_reads():
    vocab = Vocab.of("abcdef")
    run = SimpleNamespace(model=make(), vocab=vocab)
    again = "fadedface" * 40
    found = score(run, again, dynamic=True)
    nats = dynamic_nats(run.model, vocab.encode(again))
    assert found.nats == pytest.approx(nats.sum(dtype=np.float64), rel=1e-6)
    assert found.targets == found.n_bytes == len(again) - 1
    assert found.nats < score(run, again).nats


@pytest.mark.parametrize("restart", [None, 0])
def test_the_baseline_is_scored_by_the_same_call(restart):
    vocab = Vocab.of("\nabné")
    baseline = Baseline.of(vocab, vocab.encode("\nanna\nbanana\nnan\nna\n" * 3), 3, restart)
    text = "banné\nbanné\n"
    ids = vocab.encode(text if restart is None else "\n" + text)
    found = score(baseline, text)
    assert found.nats == pytest.approx(baseline.ngram.nats(ids).sum(), rel=1e-12)
    assert found.targets == len(text) - (restart is None)
    assert found.n_bytes == found.targets + 2  # each é is two bytes
    counted_on = adaptive_nats(baseline.train, ids, len(vocab), 3, restart).sum()
    assert score(baseline, text, dynamic=True).nats == pytest.approx(counted_on, rel=1e-12)
    assert counted_on < found.nats
    with pytest.raises(UnknownCharacterError, match="never saw 'x'"):
        score(baseline, "axa")
    assert score(baseline, "axa", unknown="skip") == score(baseline, "aa")


@pytest.mark.parametrize(
    ("shape", "said"),
    [({"seq": 0}, "seq is 0"), ({"lanes": 0}, "lanes 0"), ({"warmup": -1}, "warmup -1")],
)
def test_a_shape_that_reads_nothing_is_refused(shape, said):
    model = CharRNN(ModelConfig(5, hidden=4, layers=1))
    with pytest.raises(ValueError, match=said):
        stream_nats(model, np.arange(5), **shape)
