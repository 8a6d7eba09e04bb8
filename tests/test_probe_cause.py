"""Units held and states copied, in a network whose quote cell we know."""

import string
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from quote_network import CELL, HIDDEN, LAYER, quote_run

from charrnn.model import CharRNN, ModelConfig
from charrnn.probe.cause import (
    CLOSERS,
    Part,
    clamp,
    continued,
    first_close,
    pairs_without_opening,
    still_inside,
    transplant,
)
from charrnn.rules import RULES, labels
from charrnn.sample import Sampling, pick, sample_many, uniform_stream
from charrnn.vocab import Vocab

VOCAB = Vocab.of(string.ascii_letters + string.digits + '\n "".,')
ON, OFF = 1.0, -1.0
SETTINGS = {"n": 6, "length": 150, "seed": 3}
EVERY_CELL = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])


@pytest.fixture(scope="module")
def run():
    return quote_run(VOCAB)


def random_run(cell="lstm", restart=None):
    model = CharRNN(ModelConfig(4, cell, hidden=6, layers=2, restart=restart))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return SimpleNamespace(model=model.eval(), vocab=Vocab.of("abcd"))


# Holding a unit


def quotes(texts) -> list[int]:
    return [text.count('"') for text in texts]


def test_a_free_cell_closes_the_quotation_once(run):
    assert quotes(clamp(run, 'Yes, "I do not', LAYER, CELL, None, **SETTINGS)) == [1] * 6
    assert quotes(clamp(run, 'Yes, "I" do not', LAYER, CELL, None, **SETTINGS)) == [0] * 6


def test_a_cell_held_off_closes_none(run):
    assert quotes(clamp(run, 'Yes, "I do not', LAYER, CELL, OFF, **SETTINGS)) == [0] * 6


def test_a_cell_held_on_closes_again_and_again(run):
    """One symbol in ten is a quote, before and after the first: about 15 of 150."""
    for prompt in ('Yes, "I do not', "There is none"):
        assert min(quotes(clamp(run, prompt, LAYER, CELL, ON, **SETTINGS))) > 5


def test_another_unit_held_changes_nothing_of_it(run):
    for value in (ON, OFF):
        assert quotes(clamp(run, 'Yes, "I do not', LAYER, CELL + 1, value, **SETTINGS)) == [1] * 6


@EVERY_CELL
def test_nothing_held_is_sampling(cell):
    run = random_run(cell)
    free = sample_many(run, 3, "abc", length=20, seed=5)
    assert clamp(run, "abc", 0, 0, None, n=3, length=20, seed=5) == free
    assert clamp(run, "abc", 1, 2, 0.9, n=3, length=20, seed=5) != free


def test_only_units_that_are_there_can_be_held():
    with pytest.raises(ValueError, match="layer is 2; it must be a whole number, 0 to 1"):
        clamp(random_run(), "a", 2, 0, 1.0)
    with pytest.raises(ValueError, match="unit is 6; it must be a whole number, 0 to 5"):
        clamp(random_run(), "a", 0, 6, 1.0)


# Contexts of their own


@torch.no_grad()
def one_stream(model, context, settings, stream, held=()):
    """The continuation of one context through `CharRNN.forward`; an LSTM's c is held by hand."""
    numbers, drawn, state = uniform_stream(settings.seed, stream + 1), [], None
    for symbol in context[:-1]:
        state = model(torch.tensor([[symbol]]), state)[1]
    symbol = int(context[-1])
    for _ in range(settings.length):
        logits, state = model(torch.tensor([[symbol]]), state)
        for layer, unit, value in held:  # of the top layer, so that nothing above has read it
            assert layer == model.config.layers - 1
            h, c = state
            h[layer, 0, unit] *= np.tanh(value) / torch.tanh(c[layer, 0, unit])
            c[layer, 0, unit] = value
            logits = model.decoder(h[-1])[None]
        symbol = int(pick(logits[0].numpy(), next(numbers)[stream:], settings)[0])
        drawn.append(symbol)
    return drawn


@EVERY_CELL
@pytest.mark.parametrize("length", [1, 7])
def test_each_context_goes_on_as_it_would_alone(cell, length):
    model = random_run(cell).model
    contexts = np.random.default_rng(0).integers(4, size=(5, length))
    settings = Sampling(length=30, temperature=0.8, seed=2)
    drawn = continued(model, contexts, settings)
    assert drawn.shape == (5, 30) and drawn.dtype == np.int64
    for k, context in enumerate(contexts):
        assert drawn[k].tolist() == one_stream(model, context, settings, k)


def test_units_are_held_in_every_context():
    model, held = random_run().model, ((1, 2, -2.0), (1, 4, 1.5))
    contexts = np.random.default_rng(0).integers(4, size=(4, 6))
    settings = Sampling(length=40, seed=2)
    drawn = continued(model, contexts, settings, held)
    assert not np.array_equal(drawn, continued(model, contexts, settings))
    for k, context in enumerate(contexts):
        assert drawn[k].tolist() == one_stream(model, context, settings, k, held)


def test_one_context_is_a_sample():
    run = random_run()
    drawn = continued(run.model, run.vocab.encode("badcab")[None], Sampling(length=30, seed=4))
    assert run.vocab.decode(drawn[0]) == sample_many(run, 1, "badcab", length=30, seed=4)[0]


def test_the_temperature_may_divide_the_hidden_state():
    run = random_run()
    with torch.no_grad():
        run.model.decoder.bias.copy_(torch.linspace(-3, 3, len(run.vocab)))
    chosen = {"length": 30, "seed": 4, "temperature": 0.5, "temperature_on": "hidden"}
    drawn = continued(run.model, run.vocab.encode("badcab")[None], Sampling(**chosen))
    assert run.vocab.decode(drawn[0]) == sample_many(run, 1, "badcab", **chosen)[0]
    chosen["temperature_on"] = "logits"
    assert run.vocab.decode(drawn[0]) != sample_many(run, 1, "badcab", **chosen)[0]


def test_a_context_may_hold_a_restart():
    model = random_run(restart=0).model
    contexts = np.array([[1, 2, 0, 3], [0, 3, 1, 2]])
    settings = Sampling(length=25, seed=1)
    for k, row in enumerate(continued(model, contexts, settings)):
        assert row.tolist() == one_stream(model, contexts[k], settings, k)


def test_nothing_is_drawn_of_no_length():
    contexts = np.zeros((3, 2), np.int64)
    assert continued(random_run().model, contexts, Sampling(length=0)).shape == (3, 0)


# When a text leaves


@pytest.mark.parametrize(
    ("text", "closers", "expected"),
    [
        ('I do" not', ('"', "”"), 5),
        ("”", ('"', "”"), 1),
        ("link]] and ]", ("]]",), 6),
        ("a ) or ]", ("]", ")"), 3),
        ("never", ('"',), None),
        ("", ('"',), None),
    ],
)
def test_a_text_has_closed_with_the_end_of_the_mark(text, closers, expected):
    assert first_close(text, closers) == expected


def test_closers_are_those_of_rules():
    assert set(CLOSERS) <= {rule.name for rule in RULES.values() if not rule.graded}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("inside_quotes", 'so "it is" not'),
        ("inside_quotes", "so “it is” not"),
        ("inside_quotes", "so &quot;it is&quot; not"),
        ("inside_parentheses", "so (it is) not"),
        ("inside_link", "a [[link|here]] too"),
        ("inside_template", "a {{box|of=some}} too"),
        ("inside_tag", "a <ref name=x> too"),
        ("inside_comment", "int x; /* why * not */ int y;"),
        ("inside_string", 'puts("so it is");'),
        ("inside_math", "let $x > y$ be"),
        ("inside_math", r"let \(x > y\) be"),
        ("inside_math", r"let \[x > y\] be"),
        ("inside_url", "[http://www.example.org/x here]"),
    ],
)
def test_a_text_has_closed_where_the_labels_of_its_rule_end(rule, text):
    inside = labels(rule, text)
    start = int(inside.argmax()) + 1
    end = start + int((~inside[start:]).argmax())  # the first character outside
    assert 1 < start < end and start + first_close(text[start:], CLOSERS[rule]) == end + 1


def test_the_share_that_is_still_inside():
    """Of four texts one closes with its first character, one with its third, two never do."""
    assert still_inside([1, None, 3, None], 4).tolist() == [1, 0.75, 0.75, 0.5, 0.5]
    assert still_inside([4], 4).tolist() == [1, 1, 1, 1, 0]


def test_a_held_cell_keeps_the_text_inside(run):
    contexts = np.stack([run.vocab.encode(text) for text in ('say "now', 'or "then')])
    shares = {}
    for name, value in (("on", ON), ("off", OFF)):
        held = ((LAYER, CELL, value),)
        drawn = continued(run.model, np.repeat(contexts, 10, axis=0), Sampling(length=80), held)
        closes = [first_close(run.vocab.decode(row), CLOSERS["inside_quotes"]) for row in drawn]
        shares[name] = still_inside(closes, 80)
    assert shares["off"].min() == 1 and shares["on"][-1] < 0.2
    assert (np.diff(shares["on"]) <= 0).all()


# Copying states


def state(*shape, start=0.0):
    h = start + torch.arange(float(np.prod(shape))).reshape(shape)
    return h, h + 1000


@pytest.mark.parametrize(
    ("part", "places"),
    [
        (Part(), np.s_[:, :, :, :]),
        (Part("h"), np.s_[:1, :, :, :]),
        (Part("c"), np.s_[1:, :, :, :]),
        (Part("c", (1,)), np.s_[1:, 1:2, :, :]),
        (Part("hc", (2, 0), (3, 1)), np.s_[:, [0, 2], :, 1::2]),
        (Part("h", units=(0,)), np.s_[:1, :, :, :1]),
    ],
)
def test_a_part_is_copied_and_nothing_else(part, places):
    donor, recipient = state(3, 2, 4, start=5000.0), state(3, 2, 4)
    expected = torch.stack(recipient).numpy()
    expected[places] = torch.stack(donor).numpy()[places]
    mixed = part.copy(donor, recipient)
    assert np.array_equal(torch.stack(mixed), expected)
    assert torch.equal(recipient[0], state(3, 2, 4)[0])  # which stays as it was


def test_a_network_without_memories_has_only_h_to_copy():
    donor, recipient = state(2, 1, 3, start=50.0)[:1], state(2, 1, 3)[:1]
    assert torch.equal(Part("c").copy(donor, recipient)[0], donor[0])
    assert torch.equal(Part("hc").copy(donor, recipient)[0], donor[0])


@torch.no_grad()
def predicted(model, texts):
    """The probabilities after each text."""
    logits = model(torch.from_numpy(texts.T.astype(np.int64)))[0][-1]
    return torch.softmax(logits.double(), dim=-1).numpy()


@EVERY_CELL
def test_all_of_a_state_is_the_donors_and_nothing_of_it_the_recipients(cell):
    model, random = random_run(cell).model, np.random.default_rng(0)
    donors, recipients = random.integers(4, size=(5, 9)), random.integers(4, size=(5, 6))
    donors[:, -1] = recipients[:, -1]
    ours, theirs = predicted(model, recipients), predicted(model, donors)
    assert np.abs(ours - theirs).max() > 0.01
    for nothing in (None, []):
        np.testing.assert_allclose(transplant(model, donors, recipients, nothing), ours, atol=1e-6)
    np.testing.assert_allclose(transplant(model, donors, recipients, Part()), theirs, atol=1e-6)
    pieces = [Part("hc", (0,)), Part("hc", (1,), (0, 2, 4)), Part("hc", (1,), (1, 3, 5))]
    np.testing.assert_allclose(transplant(model, donors, recipients, pieces), theirs, atol=1e-6)
    some = transplant(model, donors, recipients, pieces[:2])
    assert min(np.abs(some - other).max() for other in (ours, theirs)) > 1e-4


def test_the_cell_alone_turns_the_prediction(run):
    """Copied from a text inside quotes it makes the closing one likely, and the other way round."""
    inside, outside = (
        run.vocab.encode(text)[None] for text in ('He said "so it', "He said, so it")
    )
    quote = run.vocab.ids['"']

    def closing(donors, recipients, part):
        return transplant(run.model, donors, recipients, part)[0, quote]

    cell = Part("c", (LAYER,), (CELL,))
    assert closing(outside, inside, None) == pytest.approx(0.1, abs=0.03)
    assert closing(inside, outside, None) < 1e-4
    assert closing(inside, outside, cell) == pytest.approx(0.1, abs=0.05)
    assert closing(outside, inside, cell) < 1e-4
    others = Part("hc", (LAYER,), tuple(set(range(HIDDEN)) - {CELL}))
    assert closing(inside, outside, others) < 1e-4
    assert closing(outside, inside, others) > 0.05


def test_pairs_end_in_the_same_symbol():
    ids = np.array([[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="end in different symbols; let them end alike"):
        transplant(random_run().model, ids, ids[::-1], None)


# Pairs of texts


def test_a_pair_lacks_the_mark_that_opened():
    text = 'abcdefghijklmnop "quoted" rest and "no" more'
    vocab = Vocab.of(text)
    inside = labels("inside_quotes", text)
    whole, shorn = pairs_without_opening(vocab.encode(text), vocab, inside, ['"'], 20, 9)
    assert [vocab.decode(row) for row in whole] == ['efghijklmnop "quoted']
    assert [vocab.decode(row) for row in shorn] == ["defghijklmnop quoted"]


def test_pairs_are_spread_over_the_text_and_of_one_length():
    text = "".join(f'{k:04d} is before "number {k:04d}" and so on, ' for k in range(50))
    vocab = Vocab.of(text)
    inside = labels("inside_quotes", text)
    whole, shorn = pairs_without_opening(vocab.encode(text), vocab, inside, ['"'], 60, 7)
    assert whole.shape == shorn.shape == (7, 60)
    for one, other in zip(whole, shorn, strict=True):
        one, other = vocab.decode(one), vocab.decode(other)
        opening = one.rindex('"')
        assert other[1:] == one[:opening] + one[opening + 1 :] and one[-4:].isdigit()
    numbers = [int(vocab.decode(row)[-4:]) for row in whole]
    assert numbers[0] <= 2 and numbers[-1] == 49
    gaps = np.diff(numbers)
    assert gaps.min() >= gaps.max() - 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 30 + ' "1234" ', "five characters with its mark"),
        ("x" * 30 + ' "123" ', "fewer than five"),
        ('xxxxx "12345" ', "too close to the text's beginning"),
        ("x" * 30 + ' "123456789" ', "half the context or more"),
        ("x" * 30 + " “12345” ", "another mark"),
        ("x" * 30 + ' "12345', "not closed"),
    ],
)
def test_stretches_that_make_no_pair(text, why):
    vocab = Vocab.of(text + '"')
    start = max(text.find('"'), text.find("“"))
    end = len(text) if why == "not closed" else len(text) - 2
    inside = (np.arange(len(text)) >= start) & (np.arange(len(text)) < end)
    whole, shorn = pairs_without_opening(vocab.encode(text), vocab, inside, ['"'], 20, 9)
    assert len(whole) == (why == "five characters with its mark")
    assert whole.shape == shorn.shape and whole.shape[1] == 20


def test_pairs_of_bytes():
    text = ("é" * 12 + ' "quoted é" and').encode()
    vocab = Vocab.of(text)
    inside = labels("inside_quotes", text)
    whole, shorn = pairs_without_opening(vocab.encode(text), vocab, inside, ['"'], 24, 9)
    assert bytes(vocab.decode_bytes(whole[0])).endswith(' "quoted é'.encode())
    assert bytes(vocab.decode_bytes(shorn[0])).endswith("é quoted é".encode())
