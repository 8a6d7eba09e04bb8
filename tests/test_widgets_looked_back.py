"""What each guess depended on: colours, words and data; text stays text."""

import base64
import json
import re

import numpy as np
import pytest
from test_widgets import EVIL, Page

from charrnn.widgets import looked_back

WEIGHTS = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [1, 1, 0, 0], [9, 0, 1, 0]], float)


def stored(figure) -> dict:
    (data,) = re.findall(
        r'<script type="application/json">(.*?)</script>', figure.static_html(), re.DOTALL
    )
    assert not set("<>&") & set(data)
    return json.loads(data)


def test_a_line_says_what_a_guess_depended_on():
    figure = looked_back("ab\nd", WEIGHTS, "A title")
    assert [figure.told(k) for k in range(4)] == [
        "“a” (character 1) is the first: nothing came before it.",
        "The guess of “b” (character 2) depended most on “a”, right before it; half of it on the "
        "last character.",
        "The guess of “↵” (character 3) depended most on “a”, 2 characters before it; half of it "
        "on the last character.",
        "The guess of “d” (character 4) depended most on “a”, 3 characters before it; half of it "
        "on the last 3 characters.",
    ]
    figure = looked_back("abc", np.zeros((3, 3)), "")
    assert figure.told(2) == "The guess of “c” (character 3) depended on nothing before it."


def test_rows_may_begin_with_the_second_character():
    one, other = looked_back("abcd", WEIGHTS, "x"), looked_back("abcd", WEIGHTS[1:], "x")
    assert one.static_html() == other.static_html()


def test_the_data_are_the_roots_of_each_row_s_shares():
    figure = looked_back("ab\nd", WEIGHTS, EVIL)
    data = stored(figure)
    assert data["symbols"] == ["a", "b", "\n", "d"] and data["labels"] == ["a", "b", "↵", "d"]
    assert list(base64.b64decode(data["weights"])) == [255, 255, 255, 255, 0, 85]
    assert data["half"] == [1, 1, 1, 3]


def test_without_a_script_the_last_character_s_colours_show():
    figure = looked_back("ab\nd", WEIGHTS, EVIL)
    page = Page(figure.static_html())
    assert page.pre == ["\nab\nd"]
    spans = [span["class"].split() for span in page.all("span")]
    assert spans == [["o10"], [], ["o3", "nl"], ["at"]]
    assert figure.told(3) in page_text(figure.static_html())
    assert page.all("div")[0]["data-charrnn"] == "looked-back"


def page_text(markup: str) -> str:
    return re.sub(r"<[^>]*>", "", markup)


def test_markup_is_text_wherever_it_stands():
    text = EVIL + "</script>"
    figure = looked_back(text, np.tril(np.ones((len(text), len(text))), -1), EVIL)
    page = Page(figure.static_html())
    assert {tag for tag, _ in page.tags} == {"div", "style", "p", "pre", "span", "script"}
    assert page.pre == ["\n" + text] and page.all("div")[0]["data-title"] == EVIL
    assert figure.static_html().count("</script>") == 1
    assert stored(figure)["symbols"] == list(text)
    figure.position.value = 5
    assert Page(figure.shown.value).pre == ["\n" + text]


def test_bytes_are_numbers_beyond_ascii():
    figure = looked_back([97, 10, 0xC3, 0xA9], WEIGHTS, "x")
    assert stored(figure)["symbols"] == ["a", "\n", "0xC3", "0xA9"]


def test_the_slider_chooses():
    figure = looked_back("ab\nd", WEIGHTS, "x")
    figure.position.value = 3
    page = Page(figure.shown.value)
    names = [span["class"].split() for span in page.all("span")]
    assert names == [["o10"], ["o10"], ["nl", "at"], []]
    assert figure.told(2) in page_text(figure.shown.value)


def test_four_hundred_characters_take_less_than_160_kb():
    weights = np.tril(np.random.default_rng(0).random((400, 400)), -1)
    assert len(looked_back("a" * 400, weights, "x").static_html()) < 160_000


@pytest.mark.parametrize(
    ("symbols", "weights", "message"),
    [
        ("a", np.zeros((1, 1)), "there are 1 symbols; allowed are 2 to 480"),
        ("a" * 481, np.zeros((481, 481)), "there are 481 symbols"),
        ("abc", np.zeros((3, 4)), r"weights have shape \(3, 4\); 3 symbols need \(2, 3\) or \(3,"),
        ("abc", np.full((3, 3), -1.0), "a weight is negative"),
        ("abc", np.full((3, 3), np.nan), "a weight is negative or no finite number"),
        ("abc", np.eye(3), "a guess depends on its own character or a later one"),
        ("abc", np.eye(3)[1:], "a guess depends on its own character or a later one"),
    ],
)
def test_what_is_wrong_is_one_line(symbols, weights, message):
    with pytest.raises(ValueError, match=message):
        looked_back(symbols, weights, "x")
