"""From a training to a recorded run: replaced whole, and nothing that may not be passed on."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fox_run import LINES, TRAINING

from charrnn.publish import publish
from charrnn.runs import RunError, load_run, train_recipe
from charrnn.score import loss
from charrnn.structure.copying import longest_copied_run


def test_a_recorded_run(folder, texts, tmp_path):
    target = publish(folder, "mine", texts, tmp_path / "runs" / "mine")
    assert {p.name for p in target.iterdir()} == {
        "run.json", "history.csv", "samples.jsonl", "model.safetensors"
    }  # fmt: skip
    run = load_run(target)
    assert run.name == "mine" and run.info["published_precision"] in ("int8", "fp16")
    losses = run.info["losses"]
    assert losses["val_published"] == pytest.approx(losses["val"], abs=0.005)
    ids = np.asarray(texts.split.val)
    assert losses["val_published"] == pytest.approx(loss(run.model, ids), abs=1e-6)
    assert [p.name for p in target.parent.iterdir()] == ["mine"], "nothing is left beside it"


def test_an_earlier_one_is_replaced_whole(folder, texts, tmp_path, capsys):
    target = tmp_path / "mine"
    target.mkdir()
    (target / "measures.json").write_text("{}")
    publish(folder, "mine", texts, target)
    assert not (target / "measures.json").exists()
    out, err = capsys.readouterr()
    assert out == "" and "measures of the earlier mine are dropped" in err


def test_nothing_says_where_things_lie_on_this_machine(recipe, texts, folder, tmp_path):
    again = replace(recipe, training=replace(TRAINING, steps=1))
    source = tmp_path / "again"
    run = train_recipe(again, source, init_from=folder, progress=False, texts=texts)
    assert run.info["recipe"]["corpus"] == recipe.corpus, "a training needs it to go on"
    target = publish(source, "mine", texts, tmp_path / "mine")
    info = load_run(target).info
    assert (info["recipe"]["corpus"], info["init_from"]) == ("fox.txt", "fox")
    for file in target.iterdir():
        content = file.read_bytes()
        for private in (Path(recipe.corpus).parent, folder.parent, tmp_path):
            assert str(private).encode() not in content, file


def test_another_text_is_refused(folder, texts, tmp_path):
    other = replace(texts, corpus=replace(texts.corpus, sha256="0" * 64))
    with pytest.raises(RunError, match="fox is not the text mine was trained on: other hash"):
        publish(folder, "mine", other, tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_samples_of_a_text_that_may_not_be_passed_on_are_cut(copy, texts, tmp_path):
    closed = replace(texts, corpus=replace(texts.corpus, shareable=False))
    records = [
        {"step": 2, "prompt": "", "text": "quick! " + LINES[:90] + "quick!"},
        {"step": 4, "prompt": LINES[4:40], "text": LINES[40:90]},
        {"step": 6, "prompt": "the", "text": " slow fox"},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (copy / "samples.jsonl").write_text(lines)
    kept = load_run(publish(copy, "mine", closed, tmp_path / "closed")).samples
    assert [r["text"] for r in kept] == ["quick! " + LINES[:60], LINES[40:64], " slow fox"]
    assert [r["cut"] for r in kept] == [67, 24, None]
    train = LINES[: len(texts.split.train)]
    for record in kept:
        longest = longest_copied_run(record["prompt"] + record["text"], train).length
        assert longest == record["longest_copy"] <= 60
    open_ = load_run(publish(copy, "mine", texts, tmp_path / "open")).samples
    assert open_ == records


def test_a_prompt_that_may_not_be_passed_on(copy, texts, tmp_path):
    closed = replace(texts, corpus=replace(texts.corpus, shareable=False))
    record = {"step": 2, "prompt": LINES[:61], "text": "."}
    (copy / "samples.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(RunError, match="prompt copies more than 60 characters of fox"):
        publish(copy, "mine", closed, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_failure_leaves_the_earlier_one(folder, texts, tmp_path, monkeypatch):
    target = tmp_path / "mine"
    target.mkdir()
    (target / "run.json").write_text("{}")
    monkeypatch.setattr(sys.modules["charrnn.export"], "load_model", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(folder, "mine", texts, target)
    assert (target / "run.json").read_text() == "{}"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_what_its_training_measured_is_not_measured_again(folder, texts, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(folder, source)
    info = json.loads((source / "run.json").read_text())
    told = info["losses"] | {"val": info["losses"]["val"] + 1e-4}  # as a GPU's rounding may differ
    (source / "run.json").write_text(json.dumps(info | {"losses": told}))
    losses = load_run(publish(source, "mine", texts, tmp_path / "mine")).info["losses"]
    assert {part: losses[part] for part in told} == told
    assert losses["val_published"] != told["val"]
