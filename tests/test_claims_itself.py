"""The verdict on the post's closing joke, on both sides of its rule."""

from types import SimpleNamespace

import pytest

from charrnn.claims.itself import CLAIMS
from charrnn.claims.rules import VERDICTS

(CLAIM,) = CLAIMS
LOOP = {"prompt": "", "start": 12, "period": 9, "repeats": 40, "text": "and the c"}
NONE = {"prompt": "The "}


def judge(greedy, **hits):
    near = {t: {"hits": hits.get(f"at_{t[2:]}", 0), "total": 16} for t in ("0.1", "0.2", "0.3")}
    measures = {"loops": {"greedy": greedy, "near_zero": near}}
    return CLAIM.rule(SimpleNamespace(measures=measures))


@pytest.mark.parametrize(
    ("greedy", "hits", "verdict"),
    [
        ([LOOP, NONE], {}, "held"),
        ([NONE], {"at_1": 1}, "held"),
        ([NONE], {"at_2": 3}, "held"),
        ([NONE], {"at_3": 16}, "not held"),  # 0.3 is not low any more
        ([NONE, NONE], {}, "not held"),
    ],
)
def test_a_loop_at_a_low_temperature(greedy, hits, verdict):
    assert judge(greedy, **hits)[1] == verdict
    assert verdict in VERDICTS


def test_the_number_names_the_earliest_loop():
    later = LOOP | {"start": 90, "text": "the RNN w"}
    blank = LOOP | {
        "start": 0,
        "period": 1,
        "text": " ",
    }  # says less, and is not the one that is told
    number, _ = judge([later, LOOP, blank], at_2=3)
    assert number == (
        "greedy decoding loops from 3 of 3 prompts, one at character 12, period 9: "
        "'and the c'; 0 of 16 samples at T = 0.1; 3 of 16 samples at T = 0.2"
    )


def test_a_long_loop_is_shortened_and_a_withheld_one_is_not_quoted():
    number, _ = judge([LOOP | {"period": 200, "text": "ab" * 100}])
    assert "ab …'" in number and len(number) < 220
    number, _ = judge([LOOP | {"text": ""}])
    assert "period 9;" in number and "'" not in number


def test_the_claim_is_of_the_book():
    assert (CLAIM.id, CLAIM.run) == ("C34", "book")
    with pytest.raises(KeyError):  # which makes it "not tested"
        CLAIM.rule(SimpleNamespace(measures={}))
