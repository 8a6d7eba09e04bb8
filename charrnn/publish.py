"""From a training to a recorded run: the published model, and only what may be passed on."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from charrnn import export
from charrnn.checkpoint import load_checkpoint
from charrnn.recipe import Texts, public
from charrnn.records import read_samples
from charrnn.runs import (
    HELD_OUT,
    RunError,
    find_run,
    held_out_losses,
    read_json,
    runs_folder,
    write_info,
)
from charrnn.structure.copying import COPY_LIMIT, compare


def published_facts(facts: dict) -> dict:
    """run.json without the folders of this machine: of a file only its name is left."""
    recipe = facts["recipe"] | {"corpus": public(facts["recipe"]["corpus"])}
    init_from = facts.get("init_from")
    return facts | {"recipe": recipe, "init_from": Path(init_from).name if init_from else None}


def published_samples(samples: list[dict], texts: Texts) -> list[dict]:
    """Samples as they may be passed on: where the corpus may not be, each ends before it copies
    more than `COPY_LIMIT` characters of the training text, and says where (`cut`) and how long its
    longest copied run is. RunError where the prompt copies more."""
    if texts.corpus.shareable or not samples:
        return samples
    train = texts.vocab.decode(np.asarray(texts.split.train))
    matches = compare([record["prompt"] + record["text"] for record in samples], train)
    published = []
    for record, match in zip(samples, matches, strict=True):
        start, stop = len(record["prompt"]), match.allowed()
        if stop < start:
            raise RunError(
                f"the samples' prompt copies more than {COPY_LIMIT} characters of "
                f"{texts.corpus.title}, which may not be passed on; train with another prompt"
            )
        text, longest = record["text"][: stop - start], match.longest_before(stop)
        cut = stop - start if len(text) < len(record["text"]) else None
        published.append(record | {"text": text, "cut": cut, "longest_copy": longest})
    return published


def publish(folder: str | Path, name: str, texts: Texts, target: Path | None = None) -> Path:
    """Make a recorded run of a finished training: `data/runs/<name>/`, replaced whole.

    Writes the published model, evaluates it beside the trained one, and keeps history and samples.
    Nothing of where its text or other runs lie on this machine goes along. Raises RunError where
    `texts` is not the run's text, or its samples begin with a long quotation of one that may not
    be passed on.
    """
    source = find_run(folder)
    facts = published_facts(read_json(source / "run.json"))
    if texts.corpus.sha256 != facts["corpus"]["sha256"]:
        raise RunError(f"{texts.corpus.name} is not the text {name} was trained on: other hash")
    samples = published_samples(read_samples(source / "samples.jsonl"), texts)
    checkpoint = load_checkpoint(source / "best.safetensors")
    model = checkpoint.model()
    target = target or runs_folder() / name
    partial = target.with_name(f".{target.name}.{int(time.time())}.partial")
    partial.mkdir(parents=True)
    try:
        keep = {k: facts["corpus"][k] for k in ("name", "licence", "attribution", "sha256")}
        provenance = {"run": name, "scale": facts["scale"], "corpus": keep}
        known = facts.get("losses", {})  # of these very weights, from the end of their training
        precision, own, rounded = export.choose_precision(
            model, checkpoint.vocab, texts.split.val, own=known.get("val"), **HELD_OUT
        )
        export.save_model(
            partial / "model.safetensors", model, checkpoint.vocab, provenance, precision
        )
        losses = held_out_losses(model, texts, known | {"val": own})
        published, _, _ = export.load_model(partial / "model.safetensors")
        again = held_out_losses(published, texts, {"val": rounded})
        facts["losses"] = losses | {f"{k}_published": v for k, v in again.items()}
        facts["published_precision"] = precision
        facts["name"] = name
        write_info(partial, facts)
        shutil.copy(source / "history.csv", partial / "history.csv")
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in samples]
        (partial / "samples.jsonl").write_text("".join(lines), encoding="utf-8")
        if (target / "measures.json").is_file():
            dropped = f"measures of the earlier {name} are dropped; run: charrnn measure {name}"
            print(dropped, file=sys.stderr)
        _put(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _put(folder: Path, target: Path) -> None:
    """Give a finished folder its final name; the earlier one goes once the new one has it."""
    earlier = folder.with_name(f"{folder.name}.earlier")
    if target.exists():
        target.rename(earlier)
    try:
        folder.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
