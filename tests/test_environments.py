"""The benchmark of environments by size: what it counts in the texts of a network."""

from benchmarks.environments import counted, nested
from charrnn.structure.shares import Share

RIGHT = "\\begin{lemma}\na\n\\end{lemma}\n\n\\begin{proof}\nb\n\\end{proof}"
WRONG = RIGHT.replace("\\end{proof}", "\\end{lemma}")
OPEN = "\\begin{proof}\n\\begin{quote}\n" + 150 * "a" + "\\end{proof}"


def test_nested_by_hand():
    found = nested([RIGHT, WRONG, OPEN])
    kept = found["kept"]
    assert (kept["hits"], kept["total"], kept["value"]) == (4, 6, 4 / 6)
    assert found["wrong_names"]["hits"] == 1 and found["never_closed"]["hits"] == 1
    near, far = found["by_distance"]["0"], found["by_distance"]["100"]
    assert (near["hits"], near["total"]) == (3, 4)
    assert (far["hits"], far["total"]) == (1, 2)  # the proof and the quote inside of it
    assert found["by_distance"]["800"]["value"] is None


def test_intervals_are_of_texts_where_there_are_some():
    alone = counted([Share(1, 2)])
    assert (alone["low"], alone["high"]) == Share(1, 2).interval()
    many = counted([Share(1, 1), Share(0, 1)] * 20)
    assert 0.3 < many["low"] < many["value"] == 0.5 < many["high"] < 0.7
    assert counted([])["value"] is None
