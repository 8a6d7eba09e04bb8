"""`charrnn probe` as a person uses it."""

import json

import pytest

from charrnn.cli import main
from charrnn.rules import RULES


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network of seconds on a dialogue, and the dialogue's file."""
    from charrnn.recipe import Recipe
    from charrnn.runs import train_recipe
    from charrnn.settings import TrainConfig

    folder = tmp_path_factory.mktemp("probe")
    file = folder / "talk.txt"
    file.write_text('"Come in," said Ann. "It is late."\nBob went to Rome, and sat down.\n' * 60)
    config = TrainConfig(batch=2, seq=20, steps=4, eval_every=2, lr=0.01, schedule="constant")
    recipe = Recipe("talk", "Talk", "smoke", str(file), {"hidden": 6, "layers": 2}, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(folder / "cache"))
        train_recipe(recipe, folder / "run", progress=False)
    return folder / "run", file


def asked(capsys, *args):
    status = main(["probe", *map(str, args)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_rule_prints_its_best_units(run, capsys):
    status, out, err = asked(capsys, *run, "--rule", "inside_quotes", "--top", "3")
    assert (status, err) == (0, "")
    assert out.startswith("inside a quotation (inside_quotes)")
    assert out.count(" unit ") == 3
    assert "F1 of always saying yes" in out


def test_without_a_rule_every_rule_prints_its_best(run, capsys):
    _, out, _ = asked(capsys, *run)
    assert "position in the line" in out
    assert "in a speaker's name" not in out  # the text has none
    assert out.count("r +") + out.count("r -") >= 2


def test_json_holds_the_same(run, capsys):
    status, out, _ = asked(capsys, *run, "--rule", "inside_quotes", "--top", "2", "--json")
    read = json.loads(out)
    assert status == 0
    assert [set(row) >= {"layer", "unit", "f1", "auc"} for row in read["rules"]["inside_quotes"]]
    assert read["of"] == "c"
    rows = read["rules"]["inside_quotes"]
    assert rows[0]["f1_found"] >= rows[1]["f1_found"]
    assert all(0 <= row["layer"] < 2 and 0 <= row["unit"] < 6 for row in rows)


def test_the_rules_are_listed(capsys):
    status, out, _ = asked(capsys, "--list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(RULES)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--rule", "inside_qutes"], "no rule 'inside_qutes'; there are inside_url, "),
        (["--rule", "inside_link"], "too few characters for inside_link"),
        (["--rule", "word_length", "--kind", "c"], "give --rule or --kind, not both"),
        (["--rule", "word_length", "--top", "0"], "top is 0; it must be at least 1"),
    ],
)
def test_one_line_says_what_is_wrong(run, capsys, more, told):
    status, out, err = asked(capsys, *run, *more)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_text_that_is_missing_short_or_strange(run, tmp_path, capsys):
    folder, _ = run
    assert "give a run and a text file" in asked(capsys, folder)[2]
    assert "there is no file" in asked(capsys, folder, tmp_path / "none.txt")[2]
    short = tmp_path / "short.txt"
    short.write_text("Come in")
    assert "at least 40 are needed" in asked(capsys, folder, short)[2]
    strange = tmp_path / "strange.txt"
    strange.write_text("Come in €" * 30)
    status, _, err = asked(capsys, folder, strange)
    assert status == 2 and "€" in err
    assert asked(capsys, folder, strange, "--unknown", "skip")[0] == 0
