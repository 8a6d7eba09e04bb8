"""A state copied from text to text in the page, run by node: Python's numbers, to the last bit."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from portable_cases import NETWORKS, PROMPTS, write_network

from charrnn.portable import PortableStepper
from charrnn.runs import load_run
from charrnn.sample import sample
from charrnn.widgets.grafted import Grafting, choices, plain

GRAFTING = Path(__file__).parent / "page" / "grafting.mjs"
NODE = shutil.which("node")


def texts_of(run, name: str) -> tuple[str, str]:
    """Two texts of a network that end alike, of unlike lengths."""
    ends = run.vocab.decode(np.array([len(run.vocab) // 2]))
    ends = "a" if "�" in ends else ends
    donor, recipient = (
        prompt + sample(run, prompt, portable=True, length=length, seed=length).replace("�", "")
        for prompt, length in zip(PROMPTS[name], (31, 57), strict=True)
    )
    return donor + ends, recipient + ends


def copied_by_hand(run, texts, parts) -> tuple[list[list[int]], list[float]]:
    """What is read, and the scores after it, by arrays that are copied one by one."""
    restart = run.model.config.restart
    ids = [[*([] if restart is None else [restart]), *run.vocab.encode(t).tolist()] for t in texts]
    steppers = [PortableStepper(run.model) for _ in ids]
    for stepper, read in zip(steppers, ids, strict=True):
        for i in read[:-1]:
            stepper.step(np.array([i]))
    donor, recipient = steppers
    for part in parts:
        told = plain(part)
        layers = slice(None) if told["layer"] is None else told["layer"]
        units = slice(None) if told["unit"] is None else told["unit"]
        for letter in told["what"]:
            getattr(recipient, letter)[layers, ..., units] = getattr(donor, letter)[
                layers, ..., units
            ]
    return ids, recipient.step(np.array([ids[1][-1]]))[0].tolist()


def cases_of(folder: Path, name: str) -> list[dict]:
    """All that can be copied between two texts of one of the random networks."""
    path = write_network(folder, name)
    run = load_run(path)
    config = run.model.config
    units = [(config.layers - 1, config.hidden - 1), (0, 5)]
    graft, (donor, recipient) = Grafting(run), texts_of(run, name)
    kinds = [parts for _, parts in choices(config, units)]
    kinds.append((*kinds[-1], *kinds[-2]))  # two units at once
    cases = []
    for parts in kinds:
        sides = graft(donor, recipient, parts, seed=3)
        ids, logits = copied_by_hand(run, (donor, recipient), parts)
        found = {"guesses": [side.guesses for side in sides], "texts": [s.text for s in sides]}
        told = {"donor": donor, "recipient": recipient, "parts": [plain(part) for part in parts]}
        cases.append({"file": path.name, "ids": ids, "logits": logits} | told | found)
    return cases


@pytest.mark.skipif(NODE is None, reason="node is not installed: the page's model is not run")
def test_the_page_copies_what_python_copies(tmp_path):
    cases = [case for name in NETWORKS for case in cases_of(tmp_path, name)]
    assert len({json.dumps(case["logits"]) for case in cases}) > len(cases) / 2
    (tmp_path / "grafts.json").write_text(json.dumps(cases))
    ran = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", str(GRAFTING)],
        env=os.environ | {"CASES": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    passed = re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)
    assert int(passed.group(1)) == len(cases) + 2 and "# fail 0" in ran.stdout
