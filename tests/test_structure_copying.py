"""Copying: exact against brute force, over pieces, and never printing what it finds unasked."""

import random
import tracemalloc

import numpy as np
import pytest

from charrnn.structure.copying import (
    CopiedRun,
    CopyError,
    check_no_long_copies,
    compare,
    copied_runs,
    longest_copied_run,
    novelty,
)
from charrnn.structure.shares import Share


def brute_lengths(sample, source):
    """At each place of the sample, the longest run that is found in the source by `in`."""
    lengths = []
    for i in range(len(sample)):
        n = 0
        while i + n < len(sample) and sample[i : i + n + 1] in source:
            n += 1
        lengths.append(n)
    return lengths


def brute_runs(sample, source, min_length):
    """Substrings found in the source that are inside no longer such substring of the sample."""
    n = len(sample)
    spans = [(i, j) for i in range(n) for j in range(i + 1, n + 1) if sample[i:j] in source]
    maximal = [
        (i, j)
        for i, j in spans
        if not any(a <= i and j <= b and (a, b) != (i, j) for a, b in spans)
    ]
    return [CopiedRun(i, j - i) for i, j in maximal if j - i >= min_length]


def random_text(rng, letters, longest):
    return "".join(rng.choice(letters) for _ in range(rng.randrange(longest)))


@pytest.mark.parametrize("letters", ["a", "ab", "abc", "abcdefgh"])
def test_lengths_equal_brute_force(letters):
    rng = random.Random(len(letters))
    for _ in range(150):
        sample, source = random_text(rng, letters, 30), random_text(rng, letters, 60)
        assert compare([sample], source)[0].lengths.tolist() == brute_lengths(sample, source)


@pytest.mark.parametrize("letters", ["ab", "abcd"])
def test_what_is_allowed_equals_brute_force(letters):
    """The longest beginning of a sample without a copied run longer than the limit."""
    rng = random.Random(11)
    for _ in range(100):
        sample, source = random_text(rng, letters, 20), random_text(rng, letters, 40)
        match = compare([sample], source)[0]
        longest = [
            max(brute_lengths(sample[:n], source), default=0) for n in range(len(sample) + 1)
        ]
        assert [match.longest_before(n) for n in range(len(sample) + 1)] == longest
        for limit in (1, 2, 4):
            allowed = max(n for n, length in enumerate(longest) if length <= limit)
            assert match.allowed(limit) == allowed


@pytest.mark.parametrize("letters", ["ab", "abcd"])
def test_runs_and_novelty_equal_brute_force(letters):
    rng = random.Random(7)
    for _ in range(60):
        sample, source = random_text(rng, letters, 14), random_text(rng, letters, 30)
        assert copied_runs(sample, source, 2) == brute_runs(sample, source, 2)
        for n, share in novelty(sample, source, [1, 2, 3, 5]).items():
            windows = [sample[i : i + n] for i in range(len(sample) - n + 1)]
            assert share == Share(sum(w not in source for w in windows), len(windows))


def test_many_samples_in_one_pass_equal_one_by_one():
    rng = random.Random(3)
    for _ in range(50):
        samples = [random_text(rng, "ab", 20) for _ in range(4)]
        source = random_text(rng, "ab", 40)
        together = [m.lengths.tolist() for m in compare(samples, source)]
        assert together == [brute_lengths(sample, source) for sample in samples]


def test_source_in_pieces_equals_whole_source():
    rng = random.Random(5)
    sample, source = random_text(rng, "abc", 60), "abcab" * 20 + random_text(rng, "abc", 100)
    whole = compare([sample], source)[0].lengths
    for size in (1, 2, 7, 64):
        cut = (source[i : i + size] for i in range(0, len(source), size))
        np.testing.assert_array_equal(compare([sample], cut)[0].lengths, whole)


def test_open_file_is_a_source(tmp_path):
    path = tmp_path / "source.txt"
    path.write_text("one line\nand a second\nend\n", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        assert longest_copied_run("XXine\nand a secX", file) == CopiedRun(2, 13)


def test_worked_example():
    sample, source = "the cat sat on it", "a cat sat; put it on"
    matches = compare([sample], source)[0]
    assert matches.longest() == CopiedRun(3, 8)  # " cat sat"
    found = [sample[run.start : run.start + run.length] for run in matches.runs(3)]
    assert found == [" cat sat", "at ", "t on", " it"]  # "at " of the source's "cat "
    assert matches.runs(4) == [CopiedRun(3, 8), CopiedRun(10, 4)]
    assert novelty("abcx", "abc", [3, 5]) == {3: Share(1, 2), 5: Share(0, 0)}


def test_nothing_in_common_and_empty_texts():
    assert longest_copied_run("abc", "xyz") == CopiedRun(0, 0)
    assert longest_copied_run("", "xyz") == CopiedRun(0, 0)
    assert longest_copied_run("abc", "") == CopiedRun(0, 0)
    assert copied_runs("", "", 1) == []
    assert compare([], "abc") == []


def test_runs_do_not_join_two_samples():
    assert [m.longest().length for m in compare(["ab", "cd"], "abcd")] == [2, 2]


def test_bytes_and_unicode():
    assert longest_copied_run(b"\x00\xff\x80", b"\xff\x80\x00") == CopiedRun(1, 2)
    assert longest_copied_run("Zürich ☃", "in Zürich") == CopiedRun(0, 6)


def test_memory_does_not_grow_with_the_source():
    sample, piece = "so it goes " * 20, "it never goes so " * 600
    compare([sample], [piece])
    tracemalloc.start()
    compare([sample], (piece for _ in range(50)))  # half a million characters
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000


def test_check_passes_at_the_limit_and_raises_above_it():
    source = "".join(random.Random(1).choice("abcdefghij") for _ in range(500))
    check_no_long_copies(["XX" + source[100:160]], source, limit=60)
    with pytest.raises(CopyError, match=r"sample 1 copies 61 characters .* offset 2 .*1 of 2"):
        check_no_long_copies(["short", "XX" + source[100:161]], source, limit=60)


def test_check_names_the_worst_sample_and_reveals_only_when_asked():
    source = "a secret sentence that must not be logged"
    samples = {"low": "a secret", "high": "xx" + source}
    with pytest.raises(CopyError, match=r"'high' copies 41 .* offset 2 ") as quiet:
        check_no_long_copies(samples, source, limit=5)
    assert "secret" not in str(quiet.value)
    with pytest.raises(ValueError, match="a secret sentence"):
        check_no_long_copies(samples, source, limit=5, reveal=True)


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="source is bytes"):
        longest_copied_run("abc", b"abc")
    with pytest.raises(ValueError, match="bytes and str: all must be"):
        compare(["abc", b"abc"], "abc")
    with pytest.raises(ValueError, match="pass a list"):
        compare("abc", "abc")
    with pytest.raises(ValueError, match="min_length 0"):
        copied_runs("abc", "abc", 0)
    with pytest.raises(ValueError, match="length 0"):
        novelty("abc", "abc", [0])
