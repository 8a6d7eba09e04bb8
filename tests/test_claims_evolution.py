"""The verdict on the order in which things are learned, on each side of its rule."""

from types import SimpleNamespace

import pytest

from charrnn.claims.evolution import CLAIMS, POST, inversions

STEPS = list(range(10, 1010, 10))
ORDER = {"spaces": 10, "stops": 80, "quotes": 60, "short": 100, "middle": 200, "marks": 300,
         "closed": 600, "long": 500, "names": 700}  # fmt: skip


def judged(**changed):
    at = ORDER | changed
    measures = {name: {"half": {"stays": step}} for name, step in at.items()}
    found = {"steps": STEPS, "neighbours": 4, "measures": measures}
    (claim,) = CLAIMS
    return claim.rule(SimpleNamespace(measures={"evolution": found}))


def test_the_post_s_order_holds():
    number, verdict = judged()
    assert verdict == "held"
    assert number == (
        "half of the way to held-out text for good, by iteration: blanks 10, quotation marks 60, "
        "commas and full stops 80, short words 100, words of 4 to 6 letters 200, ? and ! 300, long "
        "words 500, quotations closed 600, names 700"
    )


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"names": 560}, "held"),  # four samples early are within what is pooled
        ({"names": 400}, "held with a change"),  # before two others, but it alone is out of place
        ({"spaces": 1000}, "held with a change"),
        ({"names": 400, "middle": 30}, "not held"),
        ({"spaces": 1000, "names": 50}, "not held"),
        ({"names": None}, "held with a change"),
        ({"spaces": None}, "held with a change"),
        ({"spaces": None, "names": 400}, "not held"),
    ],
)
def test_verdicts(changed, verdict):
    assert judged(**changed)[1] == verdict


def test_what_is_out_of_place_is_told():
    number, _ = judged(names=400)
    assert number.endswith("; names before quotations closed, names before long words")
    assert "names never" in judged(names=None)[0]


def test_a_run_without_these_measures_is_a_missing_number():
    (claim,) = CLAIMS
    with pytest.raises(KeyError, match="evolution"):
        claim.rule(SimpleNamespace(measures={}))


def test_pairs_of_one_stage_have_no_order():
    names = [name for _, row in POST for name in row]
    assert inversions(dict.fromkeys(names, 3), 0) == []
    assert len(inversions({name: -i for i, name in enumerate(names)}, 0)) == 32
