"""What is measured of a Wikipedia run: by hand, and on a whole training of a few steps."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn import measure
from charrnn.measure import wikipedia
from charrnn.measure.wikipedia import Known, whole_lines
from charrnn.model import CharRNN, ModelConfig
from charrnn.recipe import load_recipe, sample_text
from charrnn.runs import load_run, train_recipe
from charrnn.score import loss
from charrnn.vocab import Vocab

TRAINING = """  <page>
    <title>Orrel Sound</title>
    <id>101</id>
    <revision>
      <id>7</id>
      <timestamp>2005-03-14T09:26:53Z</timestamp>
      <contributor><ip>192.0.2.4</ip></contributor>
      <text xml:space="preserve">[[Verrany|the country]] [http://www.orrel.example.org/a tides]
[[de:Sund]] é</text>
    </revision>
  </page>
"""


def known(text=TRAINING):
    return Known.of([text.encode()])


def test_what_the_training_text_holds():
    found = known()
    assert found.urls == {"http://www.orrel.example.org/a"}
    assert found.hosts == {"www.orrel.example.org"} and found.domains == {"org"}
    assert found.pages == {"Orrel Sound", "Verrany"} and found.languages == {"de"}
    assert found.dates == ("2005-03-14T09:26:53Z", "2005-03-14T09:26:53Z")
    assert "é" in found.characters
    assert Known().dates is None


@pytest.mark.parametrize("size", [1, 7, 40, 10_000])
def test_a_source_in_pieces_holds_the_same(size):
    raw = TRAINING.encode()
    cut = [raw[i : i + size] for i in range(0, len(raw), size)]
    assert Known.of(cut) == known()
    assert Known.of([TRAINING[i : i + size] for i in range(0, len(TRAINING), size)]) == known()


def test_pieces_end_with_lines():
    assert list(whole_lines(["a\nb", "c\nd"])) == ["a\n", "bc\n", "d\n"]
    assert list(whole_lines([b"\xc3", b"\xa9\n"])) == ["é\n"]
    assert list(whole_lines([])) == [] and list(whole_lines(["a\n"])) == ["a\n"]
    # A line without an end is cut, so that it does not have to be held whole.
    assert list(whole_lines(["aa", "aa", "a\n"], limit=3)) == ["aaaa", "a\n"]


def row(*samples):
    held_out = Known.of([b"http://c.example.org/x [[Hask]]\n"])
    return wikipedia.row(samples, [s.encode() for s in samples], known(), held_out)


def test_addresses_are_known_or_invented():
    sample = "\nhttp://www.orrel.example.org/a http://c.example.org/x http://c.example.org/x .\n"
    found = row(sample, "\nhttp://d..com/ .\n")
    assert found["urls"] == 4
    assert found["urls_known"]["value"] == 1 / 4 and found["hosts_known"]["value"] == 1 / 4
    assert found["domains_known"]["value"] == 3 / 4 and found["urls_plausible"]["value"] == 3 / 4
    assert found["invented_urls"] == ["http://c.example.org/x", "http://d..com/"]
    assert found["invented_urls_in_all"] == 2 and found["invented_urls_in_held_out"] == 1


def test_links_are_known_or_invented():
    found = row("\n[[verrany]] [[Hask|x]] [[Hask]]\n", "\n[[de:A]] [[xx:B]] [[Orrel_Sound#a|b]]\n")
    assert found["pages_known"]["value"] == 2 / 4 and found["labelled"]["value"] == 2 / 4
    assert found["links"]["article"] == 4 and found["links"]["language"] == 2
    assert found["invented_pages"] == ["Hask"] and found["invented_pages_in_held_out"] == 1
    assert found["languages_known"] is None  # one text of the two has any: no interval


def test_markup_of_texts_is_pooled_with_an_interval():
    found = row("\n(a) [[b]]\n== c ==\n", "\n(a\n[[b\n== c =\n")
    assert found["round_closed"] == {"value": 0.5, "low": 0.0, "high": 1.0, "total": 2}
    assert found["links_closed"]["value"] == 0.5 and found["headings"]["value"] == 0.5
    assert found["utf8"] is None
    assert found["distance"]["round"] == [None] * 6  # two of them are too few
    bins = row("\n(a)" * 6 + "\n", "\n(a)\n(bcd\n(efgh\n(ijkl\n")["distance"]["round"]
    assert len(bins) == len(wikipedia.EDGES) - 1
    assert bins[0]["value"] == 7 / 10 and bins[1:] == [None] * 5


def test_bytes_are_measured_as_bytes():
    raw = ["é ".encode() + b"\xc3 " + "ü ".encode(), "é ".encode() * 2]
    text = [r.decode(errors="replace") for r in raw]
    found = wikipedia.row(text, raw, known(), known())
    assert found["utf8"]["total"] == 5 and found["utf8"]["value"] == 4 / 5
    assert found["characters"]["value"] == 3 / 4  # the training text has no ü


def test_pages_by_hand():
    other = TRAINING.replace("2005-03-14", "2006-03-14").replace("Orrel Sound", "Hask")
    wrong = TRAINING.replace("2005-03-14", "2005-02-30").replace("</contributor>", "")
    found = wikipedia.pages([TRAINING, other, wrong], known())
    assert found["texts"] == 3 and found["whole_pages"] == 2
    assert found["order"]["value"] == 1.0 and found["parsed"]["value"] == 2 / 3
    assert found["dates"]["value"] == 2 / 3 and found["numbers"]["value"] == 1.0
    assert found["stamps_known"]["value"] == 1 / 2 == found["stamps_outside"]["value"]
    assert found["titles_known"]["value"] == 2 / 3 and found["invented_titles"] == ["Hask"]
    assert found["hashes"] is None and found["redirects"] == 0
    assert found["examples"] == [other.strip(), TRAINING.strip()]
    assert 0.9 < found["tags_closed"]["value"] < 1


def test_no_page_at_all_is_measured_as_nothing():
    found = wikipedia.pages([], known())
    assert found["order"] is None and found["examples"] == [] and found["texts"] == 0
    assert found["distance"] == [None] * 6


def test_held_out_pages_are_cut_as_long_as_the_samples():
    material = SimpleNamespace(held_out="x\n" + TRAINING + TRAINING, length=100)
    found = wikipedia.held_out_pages(material)
    assert len(found) == 2 and {len(t) for t in found} == {100 + len(wikipedia.PAGE)}
    assert all(t.startswith(wikipedia.PAGE) for t in found)
    material.length = len(TRAINING)  # the second page begins inside the first text
    assert len(wikipedia.held_out_pages(material)) == 1
    assert wikipedia.held_out_pages(SimpleNamespace(held_out="no page", length=5)) == []


def material(text):
    vocab = Vocab.of(text)
    model = CharRNN(ModelConfig(len(vocab), hidden=8, layers=1), torch.Generator().manual_seed(1))
    split = SimpleNamespace(val=vocab.encode(text))
    texts = SimpleNamespace(vocab=vocab, split=split)
    return SimpleNamespace(run=SimpleNamespace(model=model.eval(), vocab=vocab), texts=texts)


@pytest.mark.parametrize("text", [TRAINING, TRAINING.encode()])
def test_layers_add_up_to_the_loss(text):
    given = material(text)
    found = wikipedia.by_layer(given)
    whole = found.pop()
    ids = np.asarray(given.texts.split.val)
    assert whole["layer"] == "all" and whole["characters"] == len(ids) - 1
    assert whole["bits"] == pytest.approx(loss(given.run.model, ids) / np.log(2), rel=1e-5)
    assert sum(r["characters"] for r in found) == whole["characters"]
    assert sum(r["share"] * r["bits"] for r in found) == pytest.approx(whole["bits"])
    links = {r["layer"]: r["characters"] for r in found}
    assert links["[[ of a link"] == 4 and links["http:// and www."] == len("http://www.")


def test_a_text_with_nothing_to_predict_has_no_layers():
    assert wikipedia.by_layer(material("a")) == []


def test_a_tiny_run_is_measured_whole(tmp_path):
    recipe = load_recipe("wikipedia", "smoke", steps=3, warmup=1, batch=4, seq=20)
    text = sample_text("wiki.xml").read_bytes()
    path = tmp_path / "wiki.xml"
    path.write_bytes(text[:12_000])
    recipe = replace(recipe, corpus=str(path), level="byte", model={"hidden": 8, "layers": 1},
                     split="contiguous", fractions=(0.6, 0.2, 0.2))  # fmt: skip
    run = train_recipe(recipe, tmp_path / "run", progress=False)
    measure.measure_run(run.folder, samples=2, length=60, progress=lambda line: None)
    kept = load_run(run.folder).measures["wikipedia"]
    json.dumps(kept, allow_nan=False)
    assert set(kept) >= {"0.5", "0.7", "0.8", "1.0", "1.2", "held_out", "pages", "layers", "edges"}
    assert set(kept["held_out"]) == set(kept["1.0"]) and set(kept["pages"]) >= {"0.8", "held_out"}
    assert kept["held_out"]["entities"]["value"] == 1.0 and kept["layers"][-1]["layer"] == "all"
    assert kept["pages"]["0.8"]["texts"] == 2 * wikipedia.PAGES


def test_a_models_address_is_no_link_on_a_page():
    from charrnn.widgets import sample_html

    page = sample_html("http://www.humah.example.org/ <a href='http://x.example'>y</a>").data
    assert "<a" not in page and "http://www.humah.example.org/" in page
