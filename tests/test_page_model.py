"""The page's model in WebAssembly, run by node: the same texts and scores as Python's reference."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from portable_cases import NETWORKS, held_cases, trace_case, write_cases

from charrnn.portable import PortableStepper
from charrnn.runs import load_run
from charrnn.sample import sample

ROOT = Path(__file__).resolve().parents[1]
WHOLE = ROOT / "tests" / "page" / "whole.mjs"
NODE = shutil.which("node")
RECORDED = ((0.0, None, None), (0.4, None, None), (0.8, None, 0.95), (1.2, 40, None))
"""Temperature, top_k, top_p."""


def recorded_cases(name: str, prompt: str) -> list[dict]:
    """1,000 characters of a recorded run at several settings, by Python's reference."""
    run, stepper = load_run(name), None
    stepper = PortableStepper(run.model)
    for i in run.vocab.encode(prompt):
        logits = stepper.step(np.array([i]))[0].tolist()
    file = str(run.folder / "model.safetensors")
    rows = []
    for seed, (temperature, top_k, top_p) in enumerate(RECORDED):
        settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        settings |= {"seed": seed, "length": 1000}
        text = sample(run, prompt, portable=True, **settings)
        rows.append({"file": file, "prompt": prompt, "text": text, "logits": logits} | settings)
    return rows


@pytest.mark.skipif(NODE is None, reason="node is not installed: the page's model is not run")
def test_the_page_writes_what_python_writes(tmp_path):
    cases = write_cases(tmp_path)
    files = {name: tmp_path / f"{name}.safetensors" for name in NETWORKS}
    for name, path in files.items():
        cases += held_cases(path, name)
    traces = [trace_case(path, name) for name, path in files.items()]
    (tmp_path / "traces.json").write_text(json.dumps(traces))
    cases += recorded_cases("tinyshakespeare", "ROMEO:\n")
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    ran = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", str(WHOLE)],
        env=os.environ | {"CASES": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)
    passed = int(re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE).group(1))
    assert passed >= len(cases) + len(traces) + 9
    assert "# fail 0" in ran.stdout
