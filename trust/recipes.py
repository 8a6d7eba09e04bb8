"""The readers of the catalogue, of recipes and of settings: an object, or one clear line.

Hypothesis changes files that are right, a value or a key at a time, and writes texts of its own;
atheris, where it is installed, looks for inputs that reach new lines of the readers.
"""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from trust.ledger import Row, row

INPUTS = 1000
SECONDS = 60
"""Of atheris, a reader."""
ODD = (
    *(None, True, False, 0, 1, -1, 2.5, 10**15, 10**400, 16**6000, 1e308, -0.0),
    *(float("nan"), float("inf"), float("-inf"), "", "none", "\0", "\ud800", "a\nb", "../x", "/x"),
    *("http://", "ftp://a/b", "0" * 64, "x" * 10_000, [], {}, [[]], [None], ["a", 1], {"a": {}}),
)
"""Values that are put where others were."""


def _packaged(name: str) -> str:
    return (resources.files("charrnn") / name).read_text(encoding="utf-8")


def read_catalogue(text: str) -> None:
    from charrnn.corpora.catalogue import read

    read(text)


def read_a_recipe(text: str) -> None:
    """At one of the scales, which depends on the text's length."""
    from charrnn.recipe import SCALES, read_recipe

    read_recipe(text, "tried", SCALES[len(text) % len(SCALES)])


def read_settings(text: str) -> None:
    from charrnn.settings import TrainConfig

    read = _json(text)
    TrainConfig.from_dict(read)
    json.dumps(TrainConfig.from_dict(read).to_dict())


def read_run(text: str) -> None:
    """As a training that goes on reads its run.json, up to the text, which is not there."""
    from charrnn.runs import RunError, run_texts

    with TemporaryDirectory(prefix="charrnn-trust-") as name:
        (Path(name) / "run.json").write_text(text, encoding="utf-8", errors="replace")
        try:
            run_texts(Path(name), Path(name) / "nowhere.txt", progress=False)
        except RunError:
            raise
        except ValueError as error:
            if "there is no file" not in str(error):
                raise


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None  # what reads the file says so


def _recipe_text() -> str:
    return _packaged("recipes/wikipedia.toml")


@cache
def _run_text() -> str:
    from charrnn.recipe import load_recipe
    from charrnn.runs import recipe_to_dict

    kept = recipe_to_dict(load_recipe("shakespeare", "laptop"))
    return json.dumps({"recipe": kept, "corpus": {"sha256": "0" * 64}})


def _settings_text() -> str:
    return json.dumps(json.loads(_run_text())["recipe"]["training"])


READERS: dict[str, tuple[Callable[[str], None], Callable[[], str], bool]] = {
    "catalogue": (read_catalogue, lambda: _packaged("corpora.toml"), True),
    "recipe": (read_a_recipe, _recipe_text, True),
    "settings": (read_settings, _settings_text, False),
    "run": (read_run, _run_text, False),
}
"""By name: the reader, a text that it takes, and whether that is TOML (else JSON)."""


def toml(value: object) -> str:
    """A value as TOML writes it, tables inline; what TOML has no word for as a string of it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else f"0x{abs(value):x}"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(str(value))


def _as_json(read: dict) -> str:
    """JSON, but for an integer that has more digits than Python writes."""
    try:
        return json.dumps(read)
    except ValueError:
        return "{}"


def tables(read: dict) -> str:
    return "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in read.items())


def mutated(read: dict, seed: int) -> dict:
    """A copy with one to three values, keys or tables changed, removed or moved, by a seed."""
    rng, made = random.Random(seed), copy.deepcopy(read)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(made))
        if not places:
            break
        table, key = rng.choice(places)
        act = rng.randrange(4)
        if act == 0:
            del table[key]
        elif act == 1 and isinstance(table, dict):
            table[rng.choice(("", "other", "é", "restart", "name", "x" * 500))] = table[key]
        elif act == 2:
            other, at = rng.choice(places)
            table[key] = copy.deepcopy(other[at]) if _has(other, at) else None
        else:
            table[key] = rng.choice(ODD)
    return made


def _has(table: dict | list, key) -> bool:
    return key in table if isinstance(table, dict) else key < len(table)


def _places(value: object):
    """Every (table or list, key) there is, at any depth."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def verdict(reader: Callable[[str], None], text: str) -> tuple[str, str]:
    """What came of a text: read or refused, and what is wrong with that or ""."""
    try:
        reader(text)
    except ValueError as error:
        said = str(error)
        good = 0 < len(said) < 2000 and "\n" not in said and type(error) is not UnicodeEncodeError
        return "refused", "" if good else f"the message: {said[:300]!r}"
    except Exception as error:
        return "failed", f"{type(error).__name__}: {str(error)[:200]}"
    return "read", ""


def generated(name: str, inputs: int) -> Row:
    """Texts by hypothesis: files that are right with changes, and texts of any kind."""
    import tomllib

    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    reader, text_of, is_toml = READERS[name]
    right = text_of()
    read = tomllib.loads(right) if is_toml else json.loads(right)
    write = tables if is_toml else _as_json
    if name == "catalogue":  # a few of its tables, for time
        read = {key: read[key] for key in ("hello", "paul_graham")}
    short = write(read)
    cut = st.tuples(st.integers(0, len(short)), st.text(max_size=5))
    texts = st.one_of(
        st.integers(0, 2**32).map(lambda n: write(mutated(read, n))),
        st.integers(0, 2**32).map(lambda n: write(mutated(read, n))),
        cut.map(lambda at: short[: at[0]] + at[1] + short[at[0] + len(at[1]) :]),
        st.text(alphabet="[]{}=.,'\"#\n a1-:_tT\\u", max_size=60),
        st.text(max_size=60),
    )
    outcomes, wrong = [], []

    @seed(1)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(texts)
    def attempt(text: str) -> None:
        outcome, fault = verdict(reader, text)
        outcomes.append(outcome)
        if fault and len(wrong) < 5:
            wrong.append(f"{fault} for {text[:300]!r}")

    for text in (right, "[" * 100_000, "a = " + "[" * 100_000, ".".join("a" * 100_000) + " = 1"):
        outcome, fault = verdict(reader, text)
        outcomes.append(outcome)
        wrong += [f"{fault} for {text[:80]!r}, {len(text):,} characters"] if fault else []
    if outcomes[0] != "read":
        wrong.append(f"the text that is right was {outcomes[0]}")
    attempt()
    return row(f"{name}: files with changes, and texts of any kind (hypothesis)", outcomes, wrong)


GUIDED = """
import sys, time, json
import atheris
with atheris.instrument_imports(include=["charrnn.fields", "charrnn.settings", "charrnn.recipe",
        "charrnn.runs", "charrnn.corpora.catalogue", "charrnn.model", "tomllib"]):
    import charrnn.corpora.catalogue, charrnn.recipe, charrnn.runs
from trust.recipes import READERS, verdict
reader, text_of, _ = READERS[sys.argv[1]]
ends, found = time.monotonic() + float(sys.argv[2]), {"outcomes": {}, "wrong": []}

def one(data):
    text = data.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    outcome, fault = verdict(reader, text)
    found["outcomes"][outcome] = found["outcomes"].get(outcome, 0) + 1
    if fault and len(found["wrong"]) < 5:
        found["wrong"].append(f"{fault} for {text[:300]!r}")
    if time.monotonic() > ends:
        print("FOUND", json.dumps(found), flush=True)
        import os
        os._exit(0)

folder = sys.argv[3]
open(folder + "/right", "w").write(text_of())
atheris.Setup(["fuzz", "-rss_limit_mb=4096", "-max_len=8000", "-timeout=20",
               "-artifact_prefix=" + folder + "/", "-seed=1", folder], one)
atheris.Fuzz()
"""


def guided(name: str, seconds: float) -> Row:
    """Texts by atheris, in a process of its own, for so many seconds."""
    from importlib.util import find_spec

    what = f"{name}: texts that reach new lines of the reader (atheris, {seconds:.0f} s)"
    if find_spec("atheris") is None:
        return Row(what, 0, {}, (), "atheris is not installed here: not tried")
    with TemporaryDirectory(prefix="charrnn-trust-") as folder:
        ask = [sys.executable, "-c", GUIDED, name, str(seconds), folder]
        ended = subprocess.run(ask, capture_output=True, text=True, timeout=4 * seconds + 120)
    said = [line for line in ended.stdout.splitlines() if line.startswith("FOUND ")]
    if not said:
        fault = f"the fuzzer ended with {ended.returncode}: {ended.stderr[-300:]}"
        return Row(what, 1, {"stopped": 1}, (fault,))
    found = json.loads(said[0].removeprefix("FOUND "))
    return Row(what, sum(found["outcomes"].values()), found["outcomes"], tuple(found["wrong"]))


def _case(name: str) -> Callable[[bool], Row]:
    def case(quick: bool) -> Row:
        return generated(name, INPUTS if quick else 20 * INPUTS)

    return case


def _guided_case(name: str) -> Callable[[bool], Row]:
    def case(quick: bool) -> Row:
        if quick:  # a few changes to what is right, by another seed than hypothesis takes
            reader, text_of, _ = READERS[name]
            right = text_of()
            tried = [verdict(reader, right[:at]) for at in range(0, len(right), len(right) // 20)]
            wrong = [fault for _, fault in tried if fault]
            return row(f"{name}: cut short", [outcome for outcome, _ in tried], wrong)
        return guided(name, SECONDS)

    return case


CASES: dict[str, Callable[[bool], Row]] = {
    **{name: _case(name) for name in READERS},
    **{f"{name}, guided": _guided_case(name) for name in READERS},
}
