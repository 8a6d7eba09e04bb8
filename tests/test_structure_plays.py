"""The form of plays, on a small scene written for the purpose."""

import math

import pytest

from charrnn.structure.plays import (
    Speech,
    Spread,
    blocks,
    heading,
    play_structure,
    speakers,
    speeches,
)
from charrnn.structure.shares import Share

SCENE = """KEEPER:
Who rings the bell at such an hour?

FIRST SAILOR:
A ship is in,
and all her masts are gone.

KEEPER:
Then light the lamp.

KEEPER:

The wind has dropped,
and no one spoke a word.

Young BOATSWAIN:
Aye.
"""


@pytest.mark.parametrize(
    ("line", "speaker"),
    [
        ("KING HENRY VI:", "KING HENRY VI"),
        ("First Citizen:", "First Citizen"),
        ("Ghost of CLARENCE:", "Ghost of CLARENCE"),
        ("Senators, &C:", "Senators, &C"),
        ("ROMEO & JULIET:", "ROMEO & JULIET"),
        ("First 'Prentice:", "First 'Prentice"),
        ("[GOWER]:", "[GOWER]"),
        ("Master's-Mate:", "Master's-Mate"),
        ("KING HENRY VI", None),
        ("king:", None),
        ("He said this:", None),
        ("Jeweller::", None),
        ("LADY  CAPULET:", None),
        ("A: B:", None),
        ("of KING:", None),
        (":", None),
        ("", None),
        ("Act 3:", None),
        ("The Most Noble And The Most High And Mighty KING:", None),
    ],
)
def test_heading(line, speaker):
    assert heading(line) == speaker


def test_blocks():
    assert blocks("a\nb\n\nc\n \n\nd\n", cut_ends=False) == ["a\nb", "c", "d"]
    assert blocks("a\nb\n\nc\n \n\nd\n") == ["c"]
    assert blocks("one block only") == []
    assert blocks("\n\nwhole\n\nhal") == ["whole"]  # cut at the empty line: nothing is lost
    assert blocks("") == []
    assert blocks("", cut_ends=False) == []


def test_speeches():
    assert speeches("A:\nB.\n  \n\nNo heading.\n\nC:\n", cut_ends=False) == [Speech("A", ("B.",))]
    assert Speech("A", ("To be,", "or not.")).characters == 14


def test_scene_by_hand():
    found = play_structure(SCENE, {"KEEPER", "NURSE"}, cut_ends=False)
    # Six blocks; the fourth is a heading without speech, the fifth speech without heading.
    assert found.headings == Share(5, 6)
    assert found.well_formed == Share(4, 6)
    # Of neighbours, both well formed: KEEPER-SAILOR and SAILOR-KEEPER; the rest is interrupted.
    assert found.changes == Share(2, 2)
    assert found.capital_lines == Share(4, 5)
    assert found.known_speeches == Share(2, 4)
    assert found.known_speakers == Share(1, 3)
    assert found.speakers == ("KEEPER", "FIRST SAILOR", "Young BOATSWAIN")
    assert found.invented == ("FIRST SAILOR", "Young BOATSWAIN")
    assert found.speech_lines == Spread(4, 1, 1, pytest.approx(1.7), 2)
    assert found.speech_characters.largest == len("A ship is in,\nand all her masts are gone.")
    assert found.line_characters.n == 5


def test_cut_ends_leave_out_the_first_and_last_block():
    found = play_structure(SCENE)
    assert found.headings == Share(3, 4)
    assert found.well_formed == Share(2, 4)
    assert found.speakers == ("FIRST SAILOR", "KEEPER")
    assert play_structure(SCENE[20:-3]) == found  # wherever the cut falls in those two


def test_same_speaker_twice_is_no_change():
    text = "A:\nOne.\n\nA:\nTwo.\n\nB:\nThree.\n"
    assert play_structure(text, cut_ends=False).changes == Share(1, 2)


def test_samples_are_pooled_but_not_joined():
    text = "A:\nOne.\n\nB:\nTwo.\n"
    found = play_structure([text, text], cut_ends=False)
    assert found.well_formed == Share(4, 4)
    assert found.changes == Share(2, 2)  # 3 if the samples were one text


def test_prose_has_no_form():
    prose = "It was late.\nHe said: go.\n\nThe end was near.\n\nSo it went on."
    found = play_structure(prose, cut_ends=False)
    assert found.well_formed == Share(0, 3)
    assert found.speakers == ()
    assert found.speech_lines.n == 0
    assert math.isnan(found.speech_lines.median)


def test_speakers_are_the_reference_of_their_own_text():
    counts = speakers(SCENE)
    assert counts == {"KEEPER": 2, "FIRST SAILOR": 1, "Young BOATSWAIN": 1}
    found = play_structure(SCENE, counts, cut_ends=False)
    assert found.known_speeches == Share(4, 4)
    assert found.invented == ()


def test_empty_text():
    found = play_structure("")
    assert found.well_formed == Share(0, 0)
    assert found.known_speakers == Share(0, 0)
