"""What is measured of a run on C source: rows by hand, and a whole run of a few steps."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn import measure
from charrnn.measure import kernel, scope
from charrnn.recipe import load_recipe
from charrnn.runs import load_run, train_recipe
from charrnn.structure.copying import compare
from charrnn.vocab import Vocab

SAMPLE = """
#include <linux/kettle.h>
#include <linux/teapot.h>

#define SPOUTS 2

/* One of many. */
static int boil(struct kettle *k)
{
	int ret;

	if (k->level == k->level)
		return spout;
	return 0;
}

static void pour(struct kettle *k)
{
	return boil(k);
}
"""


def test_a_row_by_hand():
    row = kernel.row([SAMPLE, SAMPLE + "/* more */\n"], {"linux/kettle.h"})
    json.dumps(row, allow_nan=False)
    assert row["functions"] == 4 and row["macros"] == 2
    assert row["sound"]["value"] == 1 and row["mistakes"]["value"] == 0
    assert row["brackets"]["value"] == row["balanced"]["value"] == row["indented"]["value"] == 1
    assert row["used"]["value"] == 0  # ret is not used
    assert row["vacuous"]["value"] == 1 and row["compared"] == ["k->level == k->level"]
    assert row["void_returns"]["value"] == 1 and row["returning"] == ["pour"]
    assert row["declared"]["value"] == pytest.approx(2 / 3) and row["undeclared"] == ["spout"]
    assert row["own_calls"]["value"] == 1
    assert row["known"]["value"] == 0.5 and row["invented"] == ["linux/teapot.h"]
    assert row["declared_by_line"]["1"]["total"] == 6  # k, k; k
    assert row["brackets_by_distance"]["0"]["value"] == 1
    assert row["labels"] is None and row["end_distances"] is None
    assert row["licence"]["value"] == 0


def test_a_row_of_nothing():
    row = kernel.row(["", "not c\n"], set())
    json.dumps(row, allow_nan=False)
    assert row["functions"] == 0 and row["sound"] is None and row["indented"] is None
    assert set(row["indented_by_depth"].values()) == {None}


LICENCE = (
    "/*\n * This program is free software; you can redistribute it and/or modify it under\n */\n"
)


def test_what_is_copied_and_where():
    source = LICENCE + "int a = 1;\n" * 3
    text = "\n" + LICENCE + "int b(void)\n{\n\treturn 2;\n}\n"
    texts = [text, "x" * len(text)]
    found = kernel.copied(texts, compare(texts, source))
    first, second = found["longest"]
    assert first["length"] == len(LICENCE) + 4 and first["licence"]  # and "int "
    assert first["text"] == text[first["start"] : first["start"] + first["length"]]
    assert second["length"] == 0 and not second["licence"]
    assert found["licence"] is None  # only one of the two texts has a long run
    assert found["licence_run"] == len(LICENCE) + 4
    dashes = "-" * (len(LICENCE) + 50)
    hidden = f"\n{LICENCE}x\n{dashes}\n"  # its longest run is not that of the licence
    both = kernel.copied([hidden] * 2, compare([hidden] * 2, f"\n{LICENCE}\n y {dashes}"))
    assert not both["longest"][0]["licence"] and both["licence"]["value"] == 1.0
    assert both["licence_run"] == len(LICENCE) + 1
    places = [kernel._places(t, m) for t, m in zip(texts, compare(texts, source), strict=True)]
    assert places[0][0].value == 1 and 0 < places[0][1].value < 0.3
    assert places[1][0].total == 0
    hidden = kernel.copied(texts, compare(texts, source), shareable=False)
    assert [run["text"] for run in hidden["longest"]] == ["", ""]


def test_a_text_is_kept_with_its_marks():
    kept = kernel.mark(
        SAMPLE, compare([SAMPLE], "#include <linux/kettle.h>\n#include <linux/tea")[0]
    )
    told = {(kind, kept["text"][start:end]) for start, end, kind in kept["marks"]}
    assert ("undeclared", "spout") in told and ("unused", "ret") in told
    assert ("returned", "return boil(k);") in told
    assert ("copied", "#include <linux/kettle.h>\n#include <linux/tea") in told
    bytes_before = "/* grü".encode() + b"\xffe */\n"
    raw = kernel.mark(bytes_before + SAMPLE.encode(), compare([b"a"], b"b")[0])
    assert raw["text"] == "/* gr\u00fc\ufffde */\n" + SAMPLE  # as the sample is shown
    told = {(kind, raw["text"][start:end]) for start, end, kind in raw["marks"]}
    assert ("undeclared", "spout") in told and ("unused", "ret") in told


def test_included_paths_of_a_source_in_pieces():
    pieces = [b"#include <a.h>\n\xff", b"\n# include <b/c.h>\n// <d.h>\n"]
    assert kernel._known_paths(pieces) == {"a.h", "b/c.h"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run of bytes on a driver, part of which is no UTF-8."""
    folder = tmp_path_factory.mktemp("kernel")
    text = folder / "driver.c"
    text.write_bytes((SAMPLE.encode() + b"/* gr\xfc\xdfe */\n") * 60)
    recipe = load_recipe("linux", "smoke", steps=3, warmup=1, batch=4, seq=20)
    recipe = replace(recipe, corpus=str(text), level="byte", model={"hidden": 8, "layers": 1})
    run = train_recipe(recipe, folder / "run", progress=False)
    measure.measure_run(run.folder, samples=2, length=200, progress=lambda line: None)
    return load_run(run.folder)


def test_a_run_is_measured_at_every_temperature_and_beside_real_text(measured):
    kept = measured.measures["kernel"]
    json.dumps(kept, allow_nan=False)
    rows = [str(t) for t in kernel.TEMPERATURES]
    assert list(kept) == ["samples", "length", "paths", "rows", "marked", "scope"]
    assert list(kept["rows"]) == [*rows, "held_out"]
    assert (kept["samples"], kept["length"], kept["paths"]) == (4, 400, 2)
    assert kept["rows"]["0.8"].keys() == kept["rows"]["held_out"].keys()
    shown = {r["seed"]: r["text"] for r in measured.measures["shown"]["samples"]
             if r["temperature"] == 0.8 and not r["slider"]}  # fmt: skip
    for seed, text in enumerate(kept["marked"]):  # the very texts that every run keeps
        assert text["text"] == shown[seed]


def test_held_out_text_of_the_training_texts_kind_is_without_fault(measured):
    real = measured.measures["kernel"]["rows"]["held_out"]
    for key in ("sound", "balanced", "brackets", "indented", "comments_closed", "known"):
        assert real[key] is None or real[key]["value"] == 1, key
    assert real["copied"]["longest"][0]["length"] == 200  # of the length of the other measures
    assert np.isfinite(real["mistakes"]["value"])


class Copier:
    """A model that expects, in each lane, what stood eight characters ago."""

    def __init__(self, size):
        self.size = size

    def __call__(self, ids):
        logits = torch.zeros(*ids.shape, self.size)
        for t in range(7, len(ids)):
            logits[t, torch.arange(ids.shape[1]), ids[t - 7]] = 20.0
        return logits, None


def test_what_a_name_costs_is_counted_over_its_letters():
    vocab = Vocab.of("abcx")
    run = SimpleNamespace(vocab=vocab, model=Copier(len(vocab)))
    pairs = [("abc", "ab"), ("abcabcab", "abc"), ("abcabcab", "x")]
    unknown, expected, unexpected = scope.costs(run, pairs)
    assert unknown == pytest.approx(2 * np.log2(len(vocab)))  # too early to expect anything
    assert expected == pytest.approx(0, abs=1e-3)
    assert unexpected == pytest.approx(20 / np.log(2), rel=1e-3)


def test_a_function_with_its_name_and_with_another():
    declared, name = scope._function("kettle", "kettle", 2)
    another, same = scope._function("turnip", "kettle", 2)
    assert name == same == "kettle)"
    assert declared.count("kettle") == 1 and another.count("kettle") == 0
    assert declared.replace("kettle", "turnip") == another
    assert declared.endswith("\tkfree(") and declared.count("\n") == 5


def test_no_scope_where_the_vocabulary_lacks_the_letters():
    run = SimpleNamespace(vocab=Vocab.of("xyz\n"), model=None)
    assert scope.measure(run) is None


class Rememberer(Copier):
    """A model that expects, after a name with `*` before it, that very name in kfree(...)."""

    def __call__(self, ids):
        logits = torch.zeros(*ids.shape, self.size)
        for lane in range(ids.shape[1]):
            text = "".join(map(chr, ids[:, lane].tolist()))
            name = text[text.index("*") + 1 : text.index(")")]
            place = text.index("kfree(") + len("kfree(") - 1
            for i, letter in enumerate(name):
                logits[place + i, lane, ord(letter)] = 20.0
        return logits, None


def test_what_a_declaration_saves_is_told_for_every_distance():
    vocab = Vocab.of("".join(map(chr, range(128))))
    assert vocab.encode("*").tolist() == [ord("*")]
    found = scope.measure(SimpleNamespace(vocab=vocab, model=Rememberer(len(vocab))))
    assert found["lines"] == list(scope.LINES) and found["names"] == len(scope.NAMES)
    declared, another, saved = (
        np.array([kept["value"] for kept in found[k]]) for k in ("declared", "another", "saved")
    )
    assert len(saved) == len(scope.LINES)
    np.testing.assert_allclose(saved, another - declared)
    assert (declared == pytest.approx(7, abs=0.01)) and (saved > 20).all()
    assert all(kept["low"] > 0 for kept in found["saved"])
