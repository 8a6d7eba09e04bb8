"""What the temperature divides: texts against the library's own sampling, distances against the
formula written out, loops and differences by hand, and a network of seconds from end to end."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import temperatures as t
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, sample_many
from charrnn.structure.shares import Share
from charrnn.vocab import Vocab

VOCAB = Vocab.of("abcdefgh \n")
PROMPT = "abc fed"


@pytest.fixture(scope="module")
def run():
    """A network of random weights, whose bias is large enough to matter."""
    torch.manual_seed(3)
    model = CharRNN(ModelConfig(len(VOCAB), hidden=12, layers=2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.8)
    info = {"corpus": {"shareable": True}}
    return SimpleNamespace(model=model, vocab=VOCAB, info=info, name="random")


def cell(temperature, way):
    return Sampling(temperature=temperature, temperature_on=way)


@pytest.fixture(scope="module")
def drawn(run):
    cells = [cell(x, way) for x in (0.0, 0.2, 1.0) for way in t.WAYS]
    prompts = np.tile(VOCAB.encode(PROMPT), (3, 1))
    return dict(zip(cells, t.draw_all(run.model, prompts, cells, 60, seed=5), strict=True))


def test_texts_are_those_of_the_library(run, drawn):
    for way, found in drawn.items():
        asked = {"temperature": way.temperature, "temperature_on": way.temperature_on}
        texts = sample_many(run, 3, PROMPT, length=60, seed=5, **asked)
        assert [VOCAB.decode(ids) for ids in found.ids] == texts


def test_the_two_ways_part_but_at_temperature_one(drawn):
    same = [
        np.array_equal(drawn[cell(x, "logits")].ids, drawn[cell(x, "hidden")].ids)
        for x in (0.0, 0.2, 1.0)
    ]
    assert same == [False, False, True]


def test_each_text_has_its_own_prompt(run):
    one, two = (VOCAB.encode(text) for text in ("abc fed", "ha ha h"))
    cells = [cell(0.3, "logits")]
    both = t.draw_all(run.model, np.stack([one, two]), cells, 20, seed=1)[0]
    alone = t.draw_all(run.model, one[None], cells, 20, seed=1)[0]
    assert np.array_equal(both.ids[0], alone.ids[0])
    assert not np.array_equal(both.ids[1], alone.ids[0])


@pytest.mark.parametrize("way", t.WAYS)
def test_what_a_text_costs_and_how_sure_it_was(run, drawn, way):
    found = drawn[cell(0.2, way)]
    ids = np.concatenate([VOCAB.encode(PROMPT), found.ids[1]])
    with torch.no_grad():
        logits = run.model(torch.from_numpy(ids)[:, None])[0][:, 0].double()
    bias = run.model.decoder.bias.detach().double()
    logits, targets = logits[len(PROMPT) - 1 : -1], torch.from_numpy(found.ids[1])
    nats = torch.nn.functional.cross_entropy(logits, targets)
    assert found.nats[1] == pytest.approx(nats.item(), abs=1e-5)
    scores = logits / 0.2 if way == "logits" else (logits - bias) / 0.2 + bias
    entropy = torch.distributions.Categorical(logits=scores).entropy().mean()
    assert found.entropy[1] == pytest.approx(entropy.item(), abs=1e-5)


def test_greedy_texts_cost_something_and_leave_nothing_open(drawn):
    found = drawn[cell(0.0, "hidden")]
    assert (found.entropy == 0).all() and (found.nats > 0).all()


class TestDistance:
    def scores(self, n=400):
        return np.random.default_rng(0).normal(size=(n, len(VOCAB)))

    @pytest.mark.parametrize("temperature", [0.1, 0.7])
    def test_against_the_formula(self, run, temperature):
        hidden, bias = self.scores(), t.bias_of(run.model)

        def softmax(x):
            return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)

        p = softmax((hidden + bias) / temperature)
        q = softmax(hidden / temperature + bias)
        found = t.distance(run.model, hidden, temperature)
        assert found["kl"]["value"] == pytest.approx((p * np.log(p / q)).sum(-1).mean())
        assert found["kl_back"]["value"] == pytest.approx((q * np.log(q / p)).sum(-1).mean())
        differ = (p.argmax(-1) != q.argmax(-1)).mean()
        assert found["likeliest"]["value"] == pytest.approx(differ) and differ > 0
        assert found["kl"]["low"] <= found["kl"]["value"] <= found["kl"]["high"]
        assert found["entropy"]["hidden"]["value"] == pytest.approx(-(q * np.log(q)).sum(-1).mean())

    def test_nothing_at_temperature_one(self, run):
        found = t.distance(run.model, self.scores(), 1.0)
        assert found["kl"]["value"] == found["likeliest"]["value"] == 0

    def test_the_bias_beside_the_hidden_scores(self):
        hidden = np.tile([[0.0, 0.2, 4.0], [0.0, 3.9, 4.0]], (t.BLOCK, 1))
        found = t.bias_size(hidden, np.array([0.0, 0.15, 0.0]))
        assert found["decides"]["value"] == 0.5  # 3.9 + 0.15 wins over 4.0, 0.2 + 0.15 does not
        assert found["range_bias"] == pytest.approx(0.15)
        assert found["spread_bias"] == pytest.approx(np.std([0, 0.15, 0]))

    def test_a_rest_is_left_out(self):
        values = np.concatenate([np.zeros(t.BLOCK), np.ones(t.BLOCK), np.full(7, 99.0)])
        assert t.by_blocks(values)["value"] == 0.5


def test_passages_lie_over_the_whole_text():
    found = t.passages(np.arange(1000), 3)
    assert found.shape == (3, t.PROMPT)
    assert found[0, 0] == 0 and found[-1, -1] == 999 and found[1, 0] == 480
    with pytest.raises(ValueError, match="7 symbols of text; a prompt takes 40"):
        t.passages(np.arange(7), 3)


def test_hidden_scores_are_the_logits_without_the_bias(run):
    ids = VOCAB.encode("abc def\n")
    with torch.no_grad():
        logits = run.model(torch.from_numpy(ids).long()[:, None])[0][:-1, 0].numpy()
    hidden = t.hidden_scores(run.model, ids)
    np.testing.assert_allclose(hidden + t.bias_of(run.model), logits, atol=1e-5)


class TestLoops:
    LOOP = np.array([7, 7, 3] + [1, 2, 3, 4] * 20)

    def test_equal_loops_are_equal_wherever_they_begin(self):
        turned = np.concatenate([[5], np.roll(self.LOOP[3:], 2)])
        assert t.lap_of(self.LOOP) == t.lap_of(turned) == (1, 2, 3, 4)
        assert t.lap_of(np.arange(80)) is None

    def test_the_two_limits_side_by_side(self, run):
        other = np.concatenate([self.LOOP[:3], [1, 2, 3, 5] * 20])
        nothing = np.arange(len(self.LOOP)) % 7
        nothing[-30:] = np.random.default_rng(1).integers(0, 7, 30)
        logits, hidden = (
            np.stack([self.LOOP, self.LOOP, nothing]),
            np.stack([self.LOOP, other, other]),
        )
        found = t.greedy_loops(run, None, logits, hidden)
        assert (found["same_text"]["hits"], found["same_text"]["total"]) == (1, 3)
        assert (found["same_loop"]["hits"], found["same_loop"]["total"]) == (1, 2)
        assert found["first"][-1] == 6
        assert [(x["texts"], x["period"]) for x in found["loops"]["hidden"]] == [(2, 4), (1, 4)]
        assert found["loops"]["logits"][0]["lap"] == VOCAB.decode(np.array([1, 2, 3, 4]))

    def test_what_may_not_be_passed_on_is_not(self):
        lap = tuple(VOCAB.encode("abcdefgh " * 8))
        info = {"corpus": {"shareable": False}}
        kept = SimpleNamespace(vocab=VOCAB, info=info)

        def source(text):
            return SimpleNamespace(vocab=VOCAB, split=SimpleNamespace(train=VOCAB.encode(text)))

        assert t.shown(kept, None, lap) is None
        assert t.shown(kept, source("abcdefgh " * 8), lap) is None
        assert t.shown(kept, source("hgf edc ba" * 8), lap) == "abcdefgh " * 8


def measured(starts, misspelt, nats):
    periods = [None if start is None else 4 for start in starts]
    shares = [Share(x, 10) for x in misspelt]
    return t.Measured(starts, periods, shares, shares, shares, nats, nats, nats)


class TestDifferences:
    def test_text_by_text(self):
        logits = measured([1, None, None, 5], [1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0])
        hidden = measured([None, 3, 8, 5], [2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5])
        found = t.differences(logits, hidden)
        loops = found["loops"]
        assert (loops["value"], loops["only_hidden"], loops["only_logits"]) == (0.25, 2, 1)
        assert loops["low"] < 0 < loops["high"]
        for name, by in (("misspelt", 0.1), ("nats", 0.5)):
            assert [found[name][k] for k in ("value", "low", "high")] == pytest.approx([by] * 3)

    def test_none_that_differs_is_not_certainty(self):
        found = t.difference_of_shares([0] * 24)
        assert found["value"] == 0 and found["high"] == -found["low"] == Share(0, 24).interval()[1]

    def test_a_text_without_words_is_left_out(self):
        logits, hidden = (
            measured([1, 2, 3], [1, 2, 3], [1.0] * 3),
            measured([1, 2, 3], [1, 2, 3], [1.0] * 3),
        )
        logits.misspelt[0] = Share(0, 0)
        assert t.differences(logits, hidden)["misspelt"]["total"] == 2


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(t, "BLOCK", 10)
    monkeypatch.setattr(t, "PROMPT", 6)
    monkeypatch.setattr(t, "TEMPERATURES", (0.0, 0.5, 1.0))


@pytest.fixture
def kept(small, folder):
    """The row of a network of seconds."""
    return t.study(t.load_run(folder), samples=3, length=90, read=60)


def test_a_network_from_end_to_end(kept):
    again = json.loads(json.dumps(kept, allow_nan=False))
    assert again["run"] == "fox" and again["text"] == "its validation text"
    assert [r["temperature"] for r in again["drawn"]] == [0.0, 0.5, 1.0]
    assert [r["temperature"] for r in again["reading"]] == [0.5, 1.0]
    one = again["drawn"][-1]
    assert one["logits"] == one["hidden"] and one["difference"]["nats"]["value"] == 0
    assert len(one["logits"]["starts"]) == one["logits"]["loops"]["total"] == 3
    told = t.told(kept)
    assert told.startswith("fox: W h spreads") and "T = 0.5" in told


def test_too_little_text_is_refused(folder):
    with pytest.raises(ValueError, match=r"fox: its validation text has \d+ symbols; it takes"):
        t.study(t.load_run(folder), samples=3, length=10, read=600)


def test_the_text_of_the_genre_where_the_own_one_is_not_there(monkeypatch):
    def gone(*_, **__):
        raise t.CorpusError("no network")

    monkeypatch.setattr(t, "run_texts", gone)
    found = t.open_material(t.load_run("war_and_peace"))
    assert found.name == "novel.txt" and found.texts is None and len(found.ids) > 20_000


def test_rows_of_other_runs_stay_where_the_settings_are_the_same(tmp_path):
    asked = t.settings(samples=3, length=90, read=60)
    assert t.earlier(asked, tmp_path) == {}
    rows = [{"run": "fox"}, {"run": "hare"}]
    t.save_result("temperatures", {**asked, "rows": rows}, tmp_path)
    assert list(t.earlier(asked, tmp_path)) == ["fox", "hare"]
    assert t.earlier(t.settings(samples=4, length=90, read=60), tmp_path) == {}


class TestCommand:
    def test_quick_writes_nothing(self, small, folder, monkeypatch, capsys):
        monkeypatch.setattr(t, "save_result", lambda *_: pytest.fail("written"))
        t.main(["--runs", str(folder), "--quick"])
        assert "fox: W h spreads" in capsys.readouterr().out

    def test_rows_are_written_as_they_come(self, small, folder, monkeypatch):
        written = []
        monkeypatch.setattr(t, "save_result", lambda name, kept: written.append((name, kept)))
        monkeypatch.setattr(t, "earlier", lambda asked: {"hare": {"run": "hare"}})
        t.main(["--runs", str(folder), "--samples", "2", "--length", "70", "--read", "50"])
        [(name, kept)] = written
        assert name == "temperatures" and [row["run"] for row in kept["rows"]] == ["hare", "fox"]
        assert (kept["samples"], kept["length"], kept["read"]) == (2, 70, 50)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--samples", "1"], "samples is 1, length 2000, read 20000; give at least 2 samples"),
            (["--read", "10"], "read 10; give"),
            (["--runs", "no_such_run"], "no_such_run"),
        ],
    )
    def test_bad_input_in_a_line(self, arguments, told, capsys):
        with pytest.raises(SystemExit):
            t.main(arguments)
        assert told in capsys.readouterr().err.splitlines()[-1]
