"""Text out: what is drawn, from which probabilities, and where it ends."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.model import CharRNN, ModelConfig
from charrnn.portable import PortableStepper
from charrnn.sample import (
    Sampling,
    TorchStepper,
    _characters,
    _until,
    draw,
    make_stepper,
    pick,
    probabilities,
    sample,
    sample_many,
    stream,
    uniform_stream,
)
from charrnn.stepper import Stepper
from charrnn.vocab import UnknownCharacterError, Vocab

BELOW_ONE = np.nextafter(1.0, 0.0)


def random_run(text="hello world\n", cell="lstm", layers=2, hidden=16, seed=0):
    """A small untrained network over the symbols of a text, its scores spread out."""
    vocab = Vocab.of(text)
    config = ModelConfig(len(vocab), cell=cell, hidden=hidden, layers=layers)
    model = CharRNN(config, torch.Generator().manual_seed(seed)).eval()
    with torch.no_grad():
        model.decoder.weight.mul_(8)
    return SimpleNamespace(model=model, vocab=vocab)


def memoryless_run(logits, symbols):
    """A network whose scores are always `logits`, whatever it has read."""
    model = CharRNN(ModelConfig(len(symbols), cell="rnn", hidden=1, layers=1)).eval()
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.copy_(torch.as_tensor(np.asarray(logits, np.float32)))
    return SimpleNamespace(model=model, vocab=Vocab(tuple(symbols)))


def cycle_run(symbols, after):
    """A network that is certain: after symbols[i] comes after[i]."""
    level = "byte" if isinstance(symbols, bytes) else "char"
    vocab = Vocab(tuple(symbols), level)
    n = len(vocab)
    model = CharRNN(ModelConfig(n, cell="rnn", hidden=n, layers=1)).eval()
    with torch.no_grad():
        model.rnn[0].weight_ih_l0.copy_(10 * torch.eye(n))
        model.rnn[0].weight_hh_l0.zero_()
        model.decoder.weight.zero_()
        for s, t in zip(symbols, after, strict=True):
            model.decoder.weight[vocab.ids[t], vocab.ids[s]] = 1000.0
    return SimpleNamespace(model=model, vocab=vocab)


# The probabilities that are drawn from

FOUR = np.log(np.array([[0.125, 0.5, 0.25, 0.125]]))
"""Scores of four symbols with these probabilities."""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1 / 8, 4 / 8, 2 / 8, 1 / 8]),
        ({"temperature": 0.5}, [1 / 22, 16 / 22, 4 / 22, 1 / 22]),  # squares, 64ths
        ({"temperature": 0}, [0, 1, 0, 0]),
        ({"top_k": 1}, [0, 1, 0, 0]),
        ({"top_k": 2}, [0, 2 / 3, 1 / 3, 0]),
        ({"top_k": 3}, [1 / 7, 4 / 7, 2 / 7, 0]),  # of equals the one with the lower id
        ({"top_k": 4}, [1 / 8, 4 / 8, 2 / 8, 1 / 8]),
        ({"top_k": 99}, [1 / 8, 4 / 8, 2 / 8, 1 / 8]),
        ({"top_p": 0.01}, [0, 1, 0, 0]),
        ({"top_p": 0.45}, [0, 1, 0, 0]),
        ({"top_p": 0.55}, [0, 2 / 3, 1 / 3, 0]),
        ({"top_p": 0.8}, [1 / 7, 4 / 7, 2 / 7, 0]),
        ({"top_p": 0.9}, [1 / 8, 4 / 8, 2 / 8, 1 / 8]),
        ({"top_p": 1.0}, [1 / 8, 4 / 8, 2 / 8, 1 / 8]),
        # 4/7 of what top_k = 3 leaves is the first symbol, so 0.6 needs the second
        ({"top_k": 3, "top_p": 0.6}, [0, 2 / 3, 1 / 3, 0]),
        ({"top_k": 3, "top_p": 0.55}, [0, 1, 0, 0]),
        # squares: 16/22 = 0.727 is the first symbol, at the temperature
        ({"temperature": 0.5, "top_p": 0.7}, [0, 1, 0, 0]),
    ],
)
def test_probabilities_by_hand(settings, expected):
    for logits in (FOUR, FOUR.astype(np.float32), np.repeat(FOUR, 3, axis=0)):
        p = probabilities(logits, Sampling(**settings))
        exact = probabilities(logits, Sampling(portable=True, **settings))
        assert p.shape == logits.shape and p.dtype == exact.dtype == np.float64
        assert p == pytest.approx(np.broadcast_to(expected, p.shape), abs=1e-7)
        assert exact == pytest.approx(p, abs=1e-6)


def test_probabilities_take_any_leading_shape_and_leave_the_logits_alone():
    logits = np.random.default_rng(0).normal(size=(2, 3, 7)).astype(np.float32)
    before = logits.copy()
    for settings in (Sampling(), Sampling(temperature=0), Sampling(top_k=2, top_p=0.5)):
        p = probabilities(logits, settings)
        assert p.shape == (2, 3, 7)
        assert p.sum(axis=-1) == pytest.approx(1)
    assert np.array_equal(logits, before)


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-300, 1e-6, 1.0, 100, 1e300])
@pytest.mark.parametrize("truncated", [{}, {"top_k": 2}, {"top_p": 0.5}])
@pytest.mark.parametrize("portable", [False, True])
def test_no_temperature_and_no_score_gives_a_warning_or_nan(temperature, truncated, portable):
    settings = Sampling(temperature=temperature, portable=portable, **truncated)
    for row in ([0, 1, 2], [1e38, -1e38, 0], [-3e38, -3e38, -3e38], [0, 1e-30, -1e-30]):
        logits = np.array([row], np.float32)
        p = probabilities(logits, settings)
        assert np.isfinite(p).all() and p.sum() == pytest.approx(1)
        assert 0 <= pick(logits, np.array([0.5]), settings)[0] < 3


def test_near_zero_temperature_is_greedy_and_a_high_one_uniform():
    logits = np.array([[0.0, 3.0, 1.0, -2.0]])
    for temperature in (0, 1e-300, 1e-6):
        assert probabilities(logits, Sampling(temperature=temperature)).tolist() == [[0, 1, 0, 0]]
    hot = probabilities(logits, Sampling(temperature=1e300))
    assert hot == pytest.approx(0.25)
    # ranked by score even where the probabilities are equal to the last bit
    one = probabilities(logits, Sampling(temperature=1e300, top_k=1))
    assert one.tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_numbers_are_an_error(bad):
    with pytest.raises(ValueError, match="not finite"):
        probabilities(np.array([[0.0, bad]]), Sampling())
    run = random_run()
    with torch.no_grad():
        run.model.decoder.bias[0] = bad
    with pytest.raises(ValueError, match="weights are broken"):
        sample(run, "h", length=3)


def test_portable_weights_end_at_minus_87():
    """Where exp is no longer computed; at that score itself it still is."""
    logits = np.array([[0, -87, np.nextafter(np.float32(-87), np.float32(-88))]], np.float32)
    for temperature, scores in ((1.0, logits), (0.25, logits / 4)):
        settings = Sampling(temperature=temperature, portable=True)
        assert (probabilities(scores, settings) > 0).tolist() == [[True, True, False]]
        plain = Sampling(temperature=temperature)
        assert (probabilities(scores, plain) > 0).all()


# One symbol from a uniform number


def test_pick_by_hand():
    """Cumulative 1/8, 5/8, 7/8, 1: a number on a boundary belongs to the symbol above it."""
    logits = np.log(np.array([[0.125, 0.5, 0.25, 0.125]]))
    cases = {0.0: 0, 0.12: 0, 0.13: 1, 0.62: 1, 0.63: 2, 0.87: 2, 0.88: 3, BELOW_ONE: 3}
    for u, expected in cases.items():
        assert pick(logits, np.array([u]), Sampling()).tolist() == [expected]
    rows = np.repeat(logits, len(cases), axis=0)
    assert pick(rows, np.array(list(cases)), Sampling()).tolist() == list(cases.values())


def test_a_number_just_below_one_never_gives_the_id_v():
    """Sums of float64 probabilities may end below 1; comparing with 1 would run off the end."""
    rng = np.random.default_rng(1)
    for v in (1, 2, 3, 65, 300):
        logits = rng.normal(scale=3, size=(200, v)).astype(np.float32)
        for settings in (Sampling(), Sampling(temperature=0.3), Sampling(top_k=2)):
            p = probabilities(logits, settings)
            for u in (0.0, BELOW_ONE):
                together = pick(logits, np.full(200, u), settings)
                alone = np.array([pick(row[None], np.array([u]), settings)[0] for row in logits])
                assert np.array_equal(together, alone)
                assert together.max() < v
                assert (p[np.arange(200), together] > 0).all()


def test_frequencies_match_the_probabilities():
    """Chi-square of 20,000 characters on 4 degrees of freedom; it exceeds 23.5 by chance once in
    10,000 seeds. The same characters held against another temperature exceed it a hundredfold."""
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5], np.float32)
    text = sample(memoryless_run(logits, "abcde"), "a", length=20_000, temperature=0.8, seed=5)
    counts = np.array([text.count(s) for s in "abcde"])

    def chi_square(temperature):
        expected = probabilities(logits[None], Sampling(temperature=temperature))[0] * len(text)
        return ((counts - expected) ** 2 / expected).sum()

    assert chi_square(0.8) < 23.5
    assert chi_square(1.2) > 235


def test_streams_drawn_together_have_the_right_frequencies_too():
    """500 streams of 40: the same bound, one false alarm in 10,000 seeds."""
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5], np.float32)
    text = "".join(sample_many(memoryless_run(logits, "abcde"), 500, length=40, seed=3))
    counts = np.array([text.count(s) for s in "abcde"])
    expected = probabilities(logits[None], Sampling())[0] * 20_000
    assert ((counts - expected) ** 2 / expected).sum() < 23.5


# Priming, length and seed


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_first_character_is_drawn_after_the_whole_prompt(cell):
    run, prompt = random_run(cell=cell), "hello wor"
    with torch.inference_mode():
        logits = run.model(torch.from_numpy(run.vocab.encode(prompt).astype(np.int64))[:, None])[0]
    p = np.exp(logits[:, 0].double().numpy())
    p /= p.sum(axis=1, keepdims=True)
    after = {}
    for seed in range(30):
        u = np.random.Generator(np.random.PCG64(seed)).random()
        after[seed] = [run.vocab.symbols[i] for i in (p.cumsum(axis=1) > u).argmax(axis=1)]
    first = [sample(run, prompt, length=1, seed=seed) for seed in after]
    assert first == [symbols[-1] for symbols in after.values()]
    assert first != [symbols[-2] for symbols in after.values()], "the test must tell them apart"


def test_what_was_drawn_is_read_before_the_next_draw():
    run = cycle_run("abcde", "bcdea")
    assert sample(run, "a", length=7) == "bcdeabc"
    assert sample(run, "abcabd", length=3) == "eab"


def test_a_continuation_goes_on_as_if_it_had_been_the_prompt():
    """Greedy: reading the first half of the text back gives the second half."""
    run = random_run()
    text = sample(run, "he", length=40, temperature=0)
    assert sample(run, "he" + text[:15], length=25, temperature=0) == text[15:]


@pytest.mark.parametrize("length", [0, 1, 7, 600])
def test_length(length):
    run = random_run()
    assert len(sample(run, "h", length=length)) == length
    assert [len(t) for t in sample_many(run, 3, "h", length=length)] == [length] * 3


def test_seeds():
    run = random_run()
    texts = [sample(run, "h", length=60, seed=s) for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("greedy", [{"temperature": 0}, {"top_k": 1}, {"top_p": 1e-9}])
def test_greedy_ignores_the_seed(greedy):
    run = random_run()
    texts = {sample(run, "h", length=60, seed=s, **greedy) for s in range(4)}
    assert texts == {sample(run, "h", length=60, temperature=0)}
    assert len({sample(run, "h", length=60, seed=s) for s in range(4)}) == 4


def test_stream_gives_the_characters_of_sample_as_they_are_drawn():
    run, settings = random_run(), {"length": 50, "temperature": 0.7, "seed": 3}
    assert list(stream(run, "he", **settings)) == list(sample(run, "he", **settings))
    endless = stream(run, "he", **settings | {"length": 10**12})
    assert "".join(itertools.islice(endless, 50)) == sample(run, "he", **settings)


def test_unknown_characters_in_the_prompt():
    run = random_run()
    with pytest.raises(UnknownCharacterError, match="the model never saw 'é' 'Z'"):
        sample(run, "heéZl")
    assert sample(run, "heéZl", unknown="skip") == sample(run, "hel")


def test_empty_prompt():
    """It starts a line where the model knows lines, and with the first symbol elsewhere."""
    assert sample(cycle_run("\nab", "ab\n"), length=4) == "ab\na"
    assert sample(cycle_run("abc", "bca"), length=4) == "bcab"
    assert sample(cycle_run(b"\nab", b"ab\n"), length=4) == "ab\na"
    run = random_run()
    assert sample(run, "", seed=4) == sample(run, "\n", seed=4)
    assert sample(run, "éé", unknown="skip", seed=4) == sample(run, "\n", seed=4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"length": -1}, "length is -1; it must be 0 or more"),
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": 0}, "top_k is 0; it must be at least 1"),
        ({"top_p": 0}, "top_p is 0; it must be above 0"),
        ({"top_p": 1.1}, "top_p is 1.1"),
        ({"seed": -1}, "seed is -1"),
        ({"stop": ""}, "stop is empty"),
        ({"unknown": "ignore"}, "unknown is 'ignore'; it must be one of error, skip"),
    ],
)
def test_settings_are_checked(setting, message):
    with pytest.raises(ValueError, match=message):
        sample(random_run(), "h", **setting)


def plainly(run, prompt, length, seed, temperature):
    """A text drawn as it always was: float32 scores, and weights and their sums in float64."""
    stepper, text = Stepper(run.model), ""
    numbers = np.random.Generator(np.random.PCG64(seed)).random(length)
    for i in run.vocab.encode(prompt):
        logits = stepper.step(np.array([i]))[0]
    for u in numbers:
        shifted = (logits.astype(np.float64) - float(logits.max())) / temperature
        reached = np.exp(shifted).cumsum()
        drawn = int(np.argmax(reached > u * reached[-1]))
        text += run.vocab.symbols[drawn]
        logits = stepper.step(np.array([drawn]))[0]
    return text


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_texts_that_need_not_be_portable_are_drawn_from_float32_scores(cell, temperature):
    run = random_run(cell=cell)
    text = plainly(run, "hell", 400, 11, temperature)
    options = {"length": 400, "seed": 11, "temperature": temperature}
    assert sample(run, "hell", **options) == text
    assert sample(run, "hell", portable=False, **options) == text


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0}, {"top_k": 3}, {"top_p": 0.6}, {"top_k": 5, "top_p": 0.9}]
)
def test_every_way_of_portable_sampling_gives_one_text(settings):
    run, options = random_run(), {"length": 60, "seed": 2, "portable": True, **settings}
    text = sample(run, "he", **options)
    assert list(stream(run, "he", **options)) == list(text)
    assert sample_many(run, 1, "he", **options) == [text]
    texts = sample_many(run, 5, "he", **options)
    assert texts[0] == text and sample_many(run, 3, "he", **options) == texts[:3]
    assert sample(run, "he", stop=text[40:44], **options) == text[: text.index(text[40:44])]
    if settings == {"temperature": 0}:
        assert set(texts) == {text}


# Stop strings


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [
        ("aaab", "aab", "a"),  # the stop's own beginning comes twice
        ("ababac", "abac", "ab"),
        ("xyz", "x", ""),
        ("xyz", "z", "xy"),
        ("xyz", "zz", "xyz"),
        ("xyz", "xyzx", "xyz"),  # the end of the text may not swallow what was held back
        ("", "a", ""),
    ],
)
def test_stop_by_hand(text, stop, kept):
    assert "".join(_until(iter(text), stop)) == kept


def test_stop_is_the_simple_definition_on_random_strings():
    """And nothing is held back longer than it must be: what has been read less what has been given
    out is always the longest end of the text that begins the stop."""
    rng = np.random.default_rng(2)
    for _ in range(2000):
        text = "".join(rng.choice(list("ab"), rng.integers(0, 14)))
        stop = "".join(rng.choice(list("ab"), rng.integers(1, 6)))
        out, read = [], []
        characters = (read.append(s) or s for s in text)
        for i, piece in enumerate(_until(characters, stop)):
            seen = "".join(read)
            if len(seen) < len(text):
                waiting = max(n for n in range(len(stop)) if seen.endswith(stop[:n]))
                assert i < len(seen) - waiting
            out.append(piece)
        assert "".join(out) == text.split(stop)[0]


def test_stop_ends_every_way_of_sampling():
    run = cycle_run("abcde", "bcdea")
    assert sample(run, "a", length=50, stop="ea") == "bcd"
    assert "".join(stream(run, "a", length=50, stop="ea")) == "bcd"
    assert sample_many(run, 3, "a", length=50, stop="ea") == ["bcd"] * 3
    assert sample(run, "a", length=50, stop="ac") == ("bcdea" * 10)
    assert sample(run, "a", length=3, stop="de") == "bcd", "held back, but never completed"


def test_stop_in_the_prompt_does_not_count():
    assert sample(cycle_run("abcde", "bcdea"), "abc", length=20, stop="ab") == "de"


def test_many_streams_end_once_all_have_stopped():
    """Texts that stop early do not cost the steps up to `length`."""
    run = cycle_run("abcde", "bcdea")
    assert sample_many(run, 2, "a", length=10**9, stop="e") == ["bcd", "bcd"]


# Bytes


def test_bytes_of_one_character_come_together():
    """2, 3 and 4 bytes, and at the end one cut short."""
    whole = "aé€😀"
    vocab = Vocab.of(whole.encode())
    steps = [np.array([i]) for i in vocab.encode(whole)]
    assert list(_characters(iter(steps), vocab)) == list(whole)
    assert list(_characters(iter(steps[:-1]), vocab)) == ["a", "é", "€", "\ufffd"]
    seen = [list(_characters(iter(steps[:n]), vocab))[:-1] for n in (4, 5)]
    assert seen == [["a", "é"], ["a", "é"]], "the third character is held back until complete"


def test_byte_level_end_to_end():
    """c3 a9 is é: the network gives its bytes one at a time, the text has it whole."""
    run = cycle_run(b"a\xa9\xc3", b"\xc3a\xa9")
    assert sample(run, "a", length=6) == "éaéa"
    assert sample(run, "é", length=3) == "aé"
    assert sample(run, "a", length=4) == "éa\ufffd", "length counts bytes"
    assert sample(run, "a", length=60, stop="aé") == "é"
    assert sample_many(run, 2, "a", length=60, stop="aé") == ["é", "é"]


def test_byte_level_streams_decode_as_one_text():
    """Random bytes, most of them not UTF-8: stream, sample and sample_many agree."""
    run = random_run(bytes(range(256)))
    settings = Sampling(length=300, seed=9)
    ids = [row[0] for row in draw(run.model, run.vocab, "x", settings)]
    text = sample(run, "x", length=300, seed=9)
    assert text == run.vocab.decode(ids) == sample_many(run, 2, "x", length=300, seed=9)[0]
    assert all(len(piece) == 1 for piece in stream(run, "x", length=300, seed=9))


# Many streams at once


def test_many_texts():
    run = random_run()
    texts = sample_many(run, 5, "he", length=40, seed=2)
    assert len(texts) == 5 == len(set(texts))
    assert texts == sample_many(run, 5, "he", length=40, seed=2)
    with pytest.raises(ValueError, match="n is 0; it must be at least 1"):
        sample_many(run, 0)


def test_a_stream_does_not_depend_on_its_neighbours():
    run = random_run()
    texts = sample_many(run, 6, "he", length=40, seed=2)
    assert sample_many(run, 3, "he", length=40, seed=2) == texts[:3]
    assert sample(run, "he", length=40, seed=2) == texts[0]
    shorter = sample_many(run, 6, "he", length=25, seed=2)
    assert shorter == [text[:25] for text in texts]


def test_uniform_numbers():
    """Stream 0 has PCG64's own sequence, over the edges of its blocks; others have their own."""
    rows = np.array(list(itertools.islice(uniform_stream(7, 3), 700)))
    assert rows.shape == (700, 3)
    assert np.array_equal(rows[:, 0], np.random.Generator(np.random.PCG64(7)).random(700))
    assert len(np.unique(rows)) == rows.size
    assert rows.min() >= 0 and rows.max() < 1


def test_torch_and_numpy_step_alike():
    """The stepper for other devices, here on the CPU: logits to 2e-5, the same text."""
    run = random_run()
    assert isinstance(make_stepper(run.model), Stepper)
    assert isinstance(make_stepper(run.model, 3, portable=True), PortableStepper)
    ours, theirs = Stepper(run.model, 3), TorchStepper(run.model, 3)
    for ids in np.random.default_rng(0).integers(0, len(run.vocab), (20, 3)):
        assert np.abs(ours.step(ids) - theirs.step(ids)).max() < 2e-5


# Units that are held


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_units_are_held_from_the_first_character_drawn(cell, portable):
    """While the prompt is read they are free; its last character is read when drawing begins."""
    run = random_run(cell=cell)
    settings = Sampling(length=60, seed=3, portable=portable, held=((0, 2, 0.9), (1, 5, -0.8)))
    stepper = make_stepper(run.model, 2, portable)
    for i in run.vocab.encode("hello")[:-1]:
        stepper.step(np.full(2, i))
    stepper.hold(0, [2], [0.9])
    stepper.hold(1, [5], [-0.8])
    ids, numbers, drawn = np.full(2, run.vocab.ids["o"]), uniform_stream(3, 2), []
    for _ in range(60):
        drawn.append(ids := pick(stepper.step(ids), next(numbers), settings))
    found = np.array(list(draw(run.model, run.vocab, "hello", settings, 2)))
    assert np.array_equal(found, drawn)
    text = sample(run, "hello", **vars(settings))
    assert text != sample(run, "hello", **vars(settings) | {"held": ()})


def test_nothing_is_held_that_is_not_there():
    with pytest.raises(ValueError, match="unit is 16; it must be a whole number, 0 to 15"):
        sample(random_run(), "hello", held=((0, 16, 0.5),))


def test_with_units_held_the_cpu_steps_whatever_device_the_model_is_on(monkeypatch):
    model = random_run().model
    monkeypatch.setattr(CharRNN, "device", torch.device("cuda"))
    assert isinstance(make_stepper(model), TorchStepper)
    assert isinstance(make_stepper(model, holding=True), Stepper)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temperature": "1"}, "temperature is '1'; it must be a number"),
        ({"temperature": True}, "temperature is True; it must be a number"),
        ({"top_k": 2.5}, "top_k is 2.5; it must be a whole number"),
        ({"seed": 0.5}, "seed is 0.5; it must be a whole number"),
        ({"length": None}, "length is None; it must be a whole number"),
    ],
)
def test_what_is_no_number_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Sampling(**settings)


@pytest.mark.parametrize("temperature", [1e30, 1e38, 1e300])
def test_a_hidden_state_divided_by_a_huge_number_leaves_the_bias(temperature):
    run = random_run()
    with torch.no_grad():
        run.model.decoder.bias.copy_(torch.linspace(-900.0, 0.0, len(run.vocab)))
    settings = {"temperature": temperature, "temperature_on": "hidden", "length": 20}
    assert sample(run, "h", **settings) == run.vocab.symbols[-1] * 20
