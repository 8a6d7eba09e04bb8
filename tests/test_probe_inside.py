"""States, gates and guesses of a network: the same numbers as reading, with nothing thrown away."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.model import CharRNN, ModelConfig, gru_step, input_gates, lstm_step
from charrnn.probe.inside import GATES, gates, look_inside
from charrnn.probe.states import states
from charrnn.probe.trace import trace
from charrnn.vocab import UnknownCharacterError, Vocab

V, H, T, B = 7, 5, 11, 3
EVERY_CELL = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])


def make(cell="lstm", layers=2, vocab_size=V, **changes) -> CharRNN:
    """Loud weights, and biases that are not zero."""
    model = CharRNN(ModelConfig(vocab_size, cell, **{"hidden": H, "layers": layers} | changes))
    generator = torch.Generator().manual_seed(layers)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return model


def text(steps=T, lanes=B) -> torch.Tensor:
    return torch.randint(V, (steps, lanes), generator=torch.Generator().manual_seed(steps))


def random_ids(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(V, size=n).astype(np.uint8)


def random_state(model):
    generator = torch.Generator().manual_seed(9)
    return tuple(torch.rand(s.shape, generator=generator) - 0.5 for s in model.zero_state(B))


@torch.no_grad()
def one_by_one(model, ids, state=None):
    """States of every layer after every step, through `CharRNN.forward`: (parts, T, L, B, H)."""
    found = []
    for row in ids:
        state = model(row[None], state)[1]
        found.append(torch.stack(state))
    return torch.stack(found, dim=1)


# The network with nothing thrown away


@EVERY_CELL
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("restart", [None, 3])
@torch.no_grad()
def test_a_look_inside_is_the_forward_pass(cell, layers, restart):
    model, ids = make(cell, layers, restart=restart), text()
    assert restart is None or 0 < (ids == restart).sum() < ids.numel()
    state = random_state(model)
    logits, after = model(ids, state)
    inside = look_inside(model, ids, state)
    torch.testing.assert_close(inside.logits, logits)
    assert len(inside.state) == len(after)
    for ours, theirs in zip(inside.state, after, strict=True):
        torch.testing.assert_close(ours, theirs)
    every = one_by_one(model, ids, state)
    torch.testing.assert_close(torch.stack(inside.h, dim=1), every[0])
    assert len(inside.c) == (layers if cell == "lstm" else 0)
    if cell == "lstm":
        torch.testing.assert_close(torch.stack(inside.c, dim=1), every[1])


@EVERY_CELL
def test_a_look_inside_begins_with_zeros_and_drops_nothing_out(cell):
    model = make(cell, dropout=0.5).train()
    inside = look_inside(model, text())
    model.eval()
    torch.testing.assert_close(inside.logits, model(text())[0])
    assert not inside.logits.requires_grad


@torch.no_grad()
def test_memories_are_those_of_steps_taken_by_hand():
    model, ids = make(layers=1), text()
    rnn, inside = model.rnn[0], look_inside(model, ids)
    h = c = torch.zeros(B, H)
    for t, row in enumerate(ids):
        x = input_gates(row, rnn.weight_ih_l0)
        h, c = lstm_step(x, h, c, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0)
        torch.testing.assert_close(inside.h[0][t], h)
        torch.testing.assert_close(inside.c[0][t], c)


def entering(model, inside, layer, ids):
    """What a layer reads, (T, B, n), and its states before each step, found anew."""
    below = torch.eye(V)[ids] if layer == 0 else inside.h[layer - 1]
    start = torch.zeros(1, B, H)
    return below, torch.cat([start, inside.h[layer][:-1]])


@pytest.mark.parametrize("layer", [0, 1])
@torch.no_grad()
def test_an_lstms_gates_make_its_states(layer):
    """i, f, o by the products of the literature; with the candidate they give c and h back."""
    model, ids = make(), text()
    rnn, inside = model.rnn[layer], look_inside(model, ids)
    x, h = entering(model, inside, layer, ids)
    total = x @ rnn.weight_ih_l0.T + rnn.bias_ih_l0 + h @ rnn.weight_hh_l0.T + rnn.bias_hh_l0
    i, f, g, o = total.chunk(4, dim=-1)
    found = gates(model, inside, layer)
    assert list(found) == ["input", "forget", "output"]
    for name, expected in zip(found, (i, f, o), strict=True):
        torch.testing.assert_close(found[name], torch.sigmoid(expected))
    c = inside.c[layer]
    before = torch.cat([torch.zeros(1, B, H), c[:-1]])
    torch.testing.assert_close(found["forget"] * before + found["input"] * torch.tanh(g), c)
    torch.testing.assert_close(found["output"] * torch.tanh(c), inside.h[layer])


@pytest.mark.parametrize("layer", [0, 1])
@torch.no_grad()
def test_a_grus_gates_make_its_states(layer):
    model, ids = make("gru"), text()
    rnn, inside = model.rnn[layer], look_inside(model, ids)
    x, h = entering(model, inside, layer, ids)
    read = x @ rnn.weight_ih_l0.T + rnn.bias_ih_l0
    recurrent = h @ rnn.weight_hh_l0.T + rnn.bias_hh_l0
    found = gates(model, inside, layer)
    assert list(found) == ["reset", "update"]
    r, z = found["reset"], found["update"]
    torch.testing.assert_close(r, torch.sigmoid((read + recurrent)[..., :H]))
    torch.testing.assert_close(z, torch.sigmoid((read + recurrent)[..., H : 2 * H]))
    new = torch.tanh(read[..., 2 * H :] + r * recurrent[..., 2 * H :])
    torch.testing.assert_close(z * h + (1 - z) * new, inside.h[layer])
    torch.testing.assert_close(
        inside.h[layer][3], gru_step(read[3], h[3], rnn.weight_hh_l0, rnn.bias_hh_l0)
    )


def test_a_plain_network_has_no_gates():
    model = make("rnn")
    assert gates(model, look_inside(model, text()), 0) == {}


@torch.no_grad()
def test_a_state_that_was_emptied_enters_the_gates_empty():
    """At a restart the gates are those of the first character of a text."""
    model = make(restart=3, layers=1)
    ids = torch.tensor([[3], [1], [5], [3], [1]])
    found = gates(model, look_inside(model, ids), 0)
    for values in found.values():
        torch.testing.assert_close(values[:2], values[3:])
        assert not torch.equal(values[0], values[1])


# A long text


def gathered(model, ids, **options):
    """All of a text's states, in its order: where (n,), and h, c, gates."""
    blocks = list(states(model, ids, **options))
    where = np.concatenate([b.where for b in blocks])
    order = np.argsort(where, kind="stable")

    def column(of):
        return np.concatenate([of(b) for b in blocks])[order]

    c = None if blocks[0].c is None else column(lambda b: b.c)
    found = {g: column(lambda b, g=g: b.gates[g]) for g in blocks[0].gates}
    return where[order], column(lambda b: b.h), c, found


def in_one_go(model, ids):
    """h and c of every character, (n, L H), of one stream through `CharRNN.forward`."""
    every = one_by_one(model, torch.from_numpy(ids.astype(np.int64))[:, None])
    return every[:, :, :, 0].flatten(2).numpy()


@pytest.mark.parametrize("n", [1, 2, 17, 100, 127, 128, 129, 300, 1001])
@pytest.mark.parametrize(("lanes", "warmup"), [(1, 0), (1, 9), (4, 0), (7, 3), (64, 200), (500, 0)])
def test_every_character_comes_once_however_many_lanes(n, lanes, warmup):
    """Without memory lanes change nothing, so each value must agree as well."""
    model, ids = make("rnn", layers=1), random_ids(n)
    with torch.no_grad():
        model.rnn[0].weight_hh_l0.zero_()
    where, h, c, found = gathered(model, ids, lanes=lanes, warmup=warmup)
    assert where.dtype == np.int64 and where.tolist() == list(range(n))
    assert c is None and found == {}
    expected = look_inside(model, torch.from_numpy(ids.astype(np.int64))[:, None]).h[0][:, 0]
    np.testing.assert_allclose(h, expected.numpy(), atol=1e-6)


@EVERY_CELL
def test_one_lane_is_the_stream(cell):
    model, ids = make(cell), random_ids(301)
    _, h, c, _ = gathered(model, ids, lanes=1)
    every = in_one_go(model, ids)
    assert h.shape == (301, 2 * H) and h.dtype == np.float32
    np.testing.assert_allclose(h, every[0], atol=2e-5)
    if cell == "lstm":
        np.testing.assert_allclose(c, every[1], atol=5e-5)


def test_each_lane_reads_its_run_up_and_then_its_stretch():
    """100 characters in 4 lanes of 25, each but the first after 10 of run-up from zeros."""
    model, ids = make(), random_ids(100)
    expected = [in_one_go(model, ids[:25])[0]]
    expected += [in_one_go(model, ids[s - 10 : s + 25])[0][10:] for s in (25, 50, 75)]
    _, h, _, _ = gathered(model, ids, lanes=4, warmup=10)
    np.testing.assert_allclose(h, np.concatenate(expected), atol=2e-5)


def test_a_long_run_up_comes_close_to_the_stream():
    model, ids = make(), random_ids(1500)
    stream = gathered(model, ids, lanes=1)[1]
    none, long = (gathered(model, ids, lanes=5, warmup=w)[1] for w in (0, 140))
    assert np.abs(none - stream).max() > 0.1
    assert np.abs(long - stream).max() < 1e-3


def test_a_block_is_bounded_however_long_the_text():
    model = make("rnn", layers=1)
    for n in (1_000, 6_001):
        sizes = [len(block.where) for block in states(model, random_ids(n), lanes=6, warmup=5)]
        assert max(sizes) <= 6 * 128 and sum(sizes) == n


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_come_where_they_are_asked_for(cell):
    model, ids = make(cell), random_ids(90)
    assert gathered(model, ids, lanes=1)[3] == {}
    found = gathered(model, ids, lanes=1, with_gates=True)[3]
    assert tuple(found) == GATES[cell]
    inside = look_inside(model, torch.from_numpy(ids.astype(np.int64))[:, None])
    for layer in range(2):
        for name, values in gates(model, inside, layer).items():
            ours = found[name][:, layer * H : (layer + 1) * H]
            np.testing.assert_allclose(ours, values[:, 0].numpy(), atol=2e-5)


def test_a_block_gives_c_or_h():
    (lstm,), (gru,) = (list(states(make(cell), random_ids(9))) for cell in ("lstm", "gru"))
    assert lstm.of("c") is lstm.c and lstm.of("h") is lstm.h
    assert gru.of("c") is gru.h


def test_a_memory_map_is_read_and_the_mode_is_kept(tmp_path):
    model, ids = make(dropout=0.5).train(), random_ids(50)
    ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", np.uint8, "r")
    h = gathered(model, mapped)[1]
    assert model.training
    assert np.array_equal(h, gathered(model.eval(), ids)[1])


def test_an_empty_text_has_no_states():
    assert list(states(make(), random_ids(0))) == []


# A short text


def run_of(symbols="abcdefg", **changes):
    vocab = Vocab.of(symbols)
    return SimpleNamespace(model=make(vocab_size=len(vocab), **changes), vocab=vocab)


@EVERY_CELL
def test_a_trace_is_the_stream(cell):
    run = run_of(cell=cell)
    seen = trace(run, "fadedfaceage")
    every = one_by_one(run.model, torch.from_numpy(seen.ids)[:, None])[:, :, :, 0].numpy()
    assert len(seen) == 12 and "".join(seen.symbols) == "fadedfaceage"
    assert seen.h.shape == (12, 2, H)
    np.testing.assert_allclose(seen.h, every[0], atol=1e-5)
    assert (seen.c is None) == (cell != "lstm")
    shown = np.tanh(every[1]) if cell == "lstm" else every[0]
    np.testing.assert_allclose(seen.values(), shown, atol=1e-5)
    np.testing.assert_allclose(seen.values("h"), every[0], atol=1e-5)
    assert tuple(seen.gates) == GATES[cell]
    assert all(g.shape == (12, 2, H) and 0 <= g.min() <= g.max() <= 1 for g in seen.gates.values())


def test_a_trace_is_what_states_hands_out():
    run = run_of()
    seen = trace(run, "fadedfaceage" * 20)
    _, h, c, found = gathered(run.model, seen.ids, lanes=1, with_gates=True)
    np.testing.assert_allclose(seen.h.reshape(len(h), -1), h, atol=1e-5)
    np.testing.assert_allclose(seen.c.reshape(len(h), -1), c, atol=1e-5)
    for name, values in seen.gates.items():
        np.testing.assert_allclose(values.reshape(len(h), -1), found[name], atol=1e-5)


def test_guesses_are_the_likeliest_symbols_best_first():
    run = run_of()
    seen = trace(run, "decade")
    p = seen.p
    assert p.shape == (6, 7) and p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    with torch.no_grad():
        logits = run.model(torch.from_numpy(seen.ids)[:, None])[0][:, 0]
    np.testing.assert_allclose(p, torch.softmax(logits.double(), -1).numpy(), atol=1e-6)
    for row, guesses in zip(p, seen.guesses(3), strict=True):
        assert len(guesses) == 3
        assert [g[1] for g in guesses] == sorted(row, reverse=True)[:3]
        assert all(row["abcdefg".index(symbol)] == value for symbol, value in guesses)
    assert len(seen.guesses(99)[0]) == 7


def test_equally_likely_guesses_come_in_the_order_of_symbols():
    run = run_of("abc")
    with torch.no_grad():
        run.model.decoder.weight.zero_()
        run.model.decoder.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))
    assert [symbol for symbol, _ in trace(run, "a").guesses()[0]] == ["b", "a", "c"]


def test_a_unit_is_a_column():
    seen = trace(run_of(), "cabbage")
    assert np.array_equal(seen.unit(1, 4), np.tanh(seen.c[:, 1, 4]))
    assert np.array_equal(seen.unit(0, 0, "h"), seen.h[:, 0, 0])


@pytest.mark.parametrize(("layer", "unit"), [(2, 0), (-1, 0), (0, 5), (1, -1)])
def test_units_that_are_not_there_are_named_with_the_range(layer, unit):
    with pytest.raises(
        IndexError, match=f"no unit {unit} in layer {layer}; layers are 0 to 1, units 0 to 4"
    ):
        trace(run_of(), "cab").unit(layer, unit)


def test_a_quantity_is_c_or_h():
    with pytest.raises(ValueError, match="quantity is 'forget'; it must be c or h"):
        trace(run_of(), "cab").unit(0, 0, "forget")


def test_a_byte_network_is_traced_byte_by_byte():
    seen = trace(run_of("é漢a".encode()), "é漢")
    assert seen.symbols == list("é漢".encode())
    assert all(isinstance(symbol, int) for symbol, _ in seen.guesses(2)[0])


def test_a_network_that_restarts_reads_that_symbol_first():
    run = run_of("\nabc", restart=0)
    seen = trace(run, "ab\nab")
    assert seen.symbols == ["a", "b", "\n", "a", "b"]
    np.testing.assert_allclose(seen.h[:2], seen.h[3:], atol=1e-6)
    every = one_by_one(run.model, torch.tensor([[0], [1], [2]]))[0, 1:, :, 0]
    np.testing.assert_allclose(seen.h[:2], every.numpy(), atol=1e-6)


@pytest.mark.parametrize(("length", "said"), [(0, "0"), (50_001, "50,001")])
def test_a_trace_is_neither_empty_nor_too_long(length, said):
    with pytest.raises(ValueError, match=f"has {said} symbols; a trace holds 1 to 50,000"):
        trace(run_of(), "a" * length)


def test_unknown_characters_are_refused_or_skipped():
    run = run_of()
    with pytest.raises(UnknownCharacterError, match="the model never saw '!'"):
        trace(run, "ab!c")
    assert trace(run, "ab!c", unknown="skip").symbols == ["a", "b", "c"]
    with pytest.raises(ValueError, match="the text has 0 symbols"):
        trace(run, "!", unknown="skip")


def test_tracing_keeps_the_mode():
    run = run_of(dropout=0.5)
    run.model.train()
    first = trace(run, "abc")
    assert run.model.training
    assert np.array_equal(first.h, trace(run, "abc").h)
