# ruff: noqa: E101 -- C is indented by tabs, and continued with spaces
"""Indentation by depth, on lines whose right tabs are known."""

import pytest

from charrnn.structure.c_text import CText
from charrnn.structure.indentation import indentation, judged
from charrnn.structure.shares import Share

GOOD = """
	cut();
}

struct kettle {
	int level;
	struct {
		int deep;
	} spout;
};

static const struct cup cups[] = {
	{ .name = "small",
	  .size = 1 },
	{
		.name = "large",
		.size = 2,
	},
};

static int boil(struct kettle *k,
		int wanted)
{
	int now = 0;
#ifdef CONFIG_STEAM
	int steam;
#endif

	/* a comment
	 * of two lines */
	if (wanted < k->level &&
	    wanted > 0) {
		now = k->level;
	} else if (wanted)
		for (now = 0; now < 3; now++)
			pour(k);
	else
		now = 1;

	switch (now) {
	case 1:
		pour(k);
		break;
	default:
		if (k)
			goto out;
	}
	do {
		list_for_each_entry(k, &all,
				    list)
			if (k) {
				now++;
				pour(k);
			}
	} while (now);
out:
	return call(k,
		    now);
}
"""


def lines(text):
    return [(j.due, j.right, j.bare) for j in judged(CText(text))]


def test_a_text_in_the_kernels_style_is_right_throughout():
    found = indentation(GOOD)
    assert found.right.value == 1
    assert found.bare.hits == found.bare.total == 5
    assert found.tabs.value == found.within.value == found.trimmed.value == 1
    # struct: 1, 2 and }; cups: two entries, the fields of one and its }; the function.
    assert [s.total for s in found.by_depth] == [18, 10, 4, 2, 0, 0]


def test_each_line_is_due_what_its_braces_say():
    text = "\nint f(void)\n{\n\tif (a) {\n\t\tb();\n\t}\n\tif (c)\n\t\td();\n\te();\n}\n"
    expected = [(1, False), (2, False), (1, False), (1, False), (2, True), (1, False), (0, False)]
    assert [(due, bare) for due, right, bare in lines(text)] == expected
    assert all(right for _, right, _ in lines(text))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("\ta();", "\t\ta();"),
        ("\ta();", "        a();"),
        ("\ta();", "a();"),
        ("\tif (a)\n\t\tb();", "\tif (a)\n\tb();"),
        ("\tif (a) {\n\t\tb();\n\t}", "\tif (a) {\n\t\tb();\n\t\t}"),
        ("\tswitch (a) {\n\tcase 1:\n\t\tb();\n\t}", "\tswitch (a) {\n\t\tcase 1:\n\t\tb();\n\t}"),
        ("\tfor (;;)\n\t\twhile (a)\n\t\t\tb();", "\tfor (;;)\n\t\twhile (a)\n\t\tb();"),
    ],
)
def test_one_line_is_wrong(good, bad):
    frame = "\nint f(void)\n{{\n{}\n\treturn 0;\n}}\n"
    right, wrong = (indentation(frame.format(body)).right for body in (good, bad))
    assert right.hits == right.total
    assert (wrong.hits, wrong.total) == (right.total - 1, right.total)


@pytest.mark.parametrize(
    "line",
    [
        "  /* note */ a();",
        "label:",
        "# if 1",
        "\t\t",
        "\ta = b +\n  c;",
        "\ta(b,\n      c);",
        "  * note */",
    ],
)
def test_what_is_not_judged(line):
    if line.startswith("  * "):
        line = "\t/* a\n" + line
    found = indentation(f"\nint f(void)\n{{\n{line}\n\treturn 0;\n}}\n")
    assert found.right.hits == found.right.total


def test_only_items_are_judged_and_the_cut_may_fall_anywhere():
    for cut in range(len(GOOD)):
        for piece in (GOOD[cut:], GOOD[:cut]):
            found = indentation(piece)
            assert found.right.hits == found.right.total


def test_spaces_long_lines_and_white_space_at_line_ends():
    text = "\nint f(void)\n{\n        a();\n\tb(); \n" + "\t" + "c" * 73 + "();\n}\n"
    found = indentation(text)
    assert found.tabs == Share(2, 3)
    assert found.trimmed == Share(5, 6)
    assert found.within == Share(5, 6)  # 8 + 73 + 3 columns
    assert found.right == Share(2, 3)


@pytest.mark.parametrize("text", ["", "\n", "Prose.\n\nMore of it.\n", "\nint a;\n"])
def test_nothing_to_judge(text):
    assert indentation(text).right == Share(0, 0)
    assert indentation(text).by_depth[0] == Share(0, 0)


@pytest.mark.parametrize("unit", ["{", "}\n", "(\n", "if (a)\n", "\t", "case 1:\n", "\n"])
def test_hostile_texts(unit):
    indentation("\nint f(void)\n{\n" + unit * (200_000 // len(unit)) + "\n}\n")
