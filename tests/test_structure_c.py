"""C source, on a driver for a machine that does not exist, and on mistakes made on purpose."""

import time

import pytest

from charrnn.structure.brackets import closing_right, paired
from charrnn.structure.c_source import c_source, findings
from charrnn.structure.c_text import CText
from charrnn.structure.licence import MARKS, marks, whole
from charrnn.structure.preprocessor import included, preprocessor
from charrnn.structure.shares import Share

DRIVER = r"""
half a line */ of what came before;
	return 1;
out:
	return 0;
}

/*
 * A kettle on the bus { with (brackets in its comment.
 */
#include <linux/kettle.h>
#include "spout.h"

#define KETTLE_LIMIT	\
	(1 << 4)	/* { */

static int water = 3;

static inline int full(struct kettle *k) { return k->level == KETTLE_LIMIT; }

struct kettle {
	const char *name;
	int level;
} __packed;

static const struct cup cups[] = {
	{ "small", 1 },
	{ "large", 2 },
};

static int __init kettle_boil(struct kettle *k, int wanted)
{
	int now = 0, tries;
	char *text = "never } closed \" by this";

	if (!k)
		return -EINVAL;
	for (tries = 0; tries < wanted; tries++) {
		now = full(k) + water;
		if (now == '}')
			goto out;
	}
	printk(KERN_INFO KETTLE "%s: %d\n", text, now);
out:
	return now;
}

static void kettle_stop(struct kettle *k)
{
	list_for_each_entry(cup, &k->cups, list) {
		pour(k, cup);
	}
}

module_init(kettle_boil);

static int unfinished(void)
{
	int what_the_cut_took = 1;
"""


def test_items_of_a_driver():
    piece = CText(DRIVER)
    names = [piece.text[i.start : i.end].split("\n")[0] for i in piece.items]
    assert names == [
        "static int water = 3;",
        "static inline int full(struct kettle *k) { return k->level == KETTLE_LIMIT; }",
        "struct kettle {",
        "static const struct cup cups[] = {",
        "static int __init kettle_boil(struct kettle *k, int wanted)",
        "static void kettle_stop(struct kettle *k)",
        "module_init(kettle_boil);",
    ]
    assert all(piece.text[i.start - 1] == "\n" == piece.text[i.end] for i in piece.items)
    assert [i.body for i in piece.items] == [False] * 4 + [True] * 2 + [False]
    assert all(i.balanced for i in piece.items if i.body)


def test_a_driver_without_mistakes():
    found = c_source(DRIVER)
    assert found.sound == Share(7, 7)
    assert found.mistakes.hits == 0
    assert found.balanced == Share(2, 2)
    assert found.functions == 3
    # k; k, wanted, now, tries, text, water; k and the cup that no one declared.
    assert found.declared == Share(8, 9)
    assert found.undeclared_names == ("cup",)
    assert found.all_declared == Share(2, 3)
    assert found.used == Share(3, 3)
    assert found.void_returns == Share(0, 1)
    assert found.missing_returns == Share(0, 2)
    assert found.labels == Share(1, 1)
    assert found.vacuous == Share(0, 3)
    assert found.own_calls == Share(1, 4)  # full, of full, printk, list_for_each_entry and pour


def test_wherever_the_cut_falls_nothing_becomes_a_mistake():
    for cut in range(0, len(DRIVER), 7):
        for piece in (DRIVER[cut:], DRIVER[:cut]):
            text = CText(piece)
            found = c_source(text)
            assert found.sound.hits == found.sound.total, piece[:200]
            assert found.balanced.hits == found.balanced.total
            assert found.labels.hits == found.labels.total
            for rule in (paired, closing_right):
                assert rule(text.brackets()).hits == rule(text.brackets()).total
            for share in (text.comments_closed(), text.strings_closed()):
                assert share.hits == share.total


def test_comments_strings_and_brackets_of_a_driver():
    piece = CText(DRIVER)
    assert len(piece.code) == len(piece.plain) == len(DRIVER)
    assert "brackets in its comment" not in piece.code and "never" not in piece.code
    assert "KETTLE_LIMIT" in piece.code.split("static int water")[0]
    assert "KETTLE_LIMIT" not in piece.plain.split("static int water")[0]
    assert len(piece.comments) == 2
    assert piece.comments_closed() == Share(2, 2)
    assert piece.strings_closed() == Share(5, 5)
    units = piece.brackets()
    assert paired(units).value == closing_right(units).value == 1
    assert [m.name for m in units[-1].pending] == ["{"]  # cut off, and so are what the first lacks
    assert not any(n.unopened or n.left_open for n in units)
    assert not any(n.pending for n in units[:-1])
    assert piece.comment_lines().hits == 4


def function(body, head="static int f(int a)"):
    return f"\n{head}\n{{\n{body}\n}}\n"


def test_undeclared_names_are_found_in_their_scope():
    found = c_source(function("\tif (a) {\n\t\tint b = 1;\n\t\ta = b;\n\t}\n\treturn b + c;"))
    assert found.declared == Share(1, 3)  # b is declared only where it is in scope
    assert set(found.undeclared_names) == {"b", "c"}
    early = c_source(function("\tx = a;\n\t{\n\t\tint x;\n\t}\n\treturn 0;"))
    assert early.undeclared_names == ("x",)


@pytest.mark.parametrize(
    "statement",
    [
        "call(a);",
        "a = s_member(&a)->deep;",
        "a = LIMIT | MAX_ORDER;",
        "a = (u32)(a);",
        "a = sizeof(u64) + sizeof(struct thing);",
        "a = container_of(a, struct thing, member)->x;",
        "list_for_each_entry(a, &a, list) { a++; }",
        "DEFINE_WAIT(wait); a = wait.flags;",
        "struct thing t = { .first = a, [2] = a }; a = t.x;",
        'printk(KERN_ERR PREFIX "%d" SUFFIX, a);',
        'asm volatile("mov %0, r1" : "=r" (elsewhere) : : "memory");',
        "unsigned long uninitialized_var(x); a = x;",
        "int (*g)(int) = call_back; a = g(1);",
        "enum { one = 1 }; a = one;",
        "for (int i = 0; i < a; i++) a += i;",
        "a = offsetof(struct thing, member);",
        "again: if (a) goto again;",
        "a = current->pid;",
        "typeof(a) b; a = b;",
    ],
)
def test_what_a_piece_cannot_tell_is_no_use(statement):
    found = c_source(
        f"\n#define call_back {function('	' + statement + chr(10) + '	return a;')}"
    )
    assert found.sound == Share(1, 1)
    assert found.undeclared_names == ()


def test_names_at_file_level_are_known_before_and_behind():
    text = function("\treturn a + later + g + one + macro;") + "\nint later;\n\nint g(void);\n"
    text += "\nenum numbers { one, two };\n\n#define macro 3\n"
    assert c_source(text).undeclared_names == ()
    assert c_source(text).sound == Share(4, 4)


def test_unused_locals():
    found = c_source(
        function("\tint used, error;\n\tint b = 2;\n\n\tused = a->error;\n\treturn used;")
    )
    assert found.used == Share(1, 3)
    tag = function("\tstruct node *node;\n\tint out;\n\n\tif (a)\n\t\tgoto out;\nout:\n\treturn a;")
    assert c_source(tag).used == Share(0, 2)  # a tag and a label are other names
    with_macro = function("\tint b;\n\n#ifdef X\n\tb = 1;\n#endif\n\treturn a;")
    assert c_source(with_macro).used == Share(1, 1)


def test_returns():
    value, none = function("\treturn 1;", "void f(int a)"), function("\treturn;", "void g(void)")
    pointer = function("\treturn a;", "static void *h(void *a)")
    missing, empty = function("\ta = 1;"), function("", "int e(void)")
    found = c_source(value + none + pointer + missing + empty)
    assert found.functions == 5
    assert found.void_returns == Share(1, 2) and found.returning == ("f",)
    assert found.missing_returns == Share(1, 2)


def test_vacuous_comparisons_and_assignments_to_oneself():
    body = "\tif (a == a || a->b [1]!=a->b[1] || a < b)\n\t\ta = a;\n"
    body += "\tif (g() == g() || 1 == 1)\n\t\ta++;\n\treturn *a++ == *a++;"
    found = c_source(function(body))
    assert found.vacuous == Share(2, 6)
    assert found.compared == ("a == a", "a->b [1]!=a->b[1]")
    assert found.self_assigned == Share(1, 1)


def test_jumps_without_a_label():
    found = c_source(function("\tif (a)\n\t\tgoto bail;\n\tgoto out;\nout:\n\treturn 0;"))
    assert found.labels == Share(1, 2)


def test_findings_stand_where_they_are():
    text = function("\tint x;\n\n\tif (a == a)\n\t\treturn y;", "void f(int a)")
    text += function("\treturn (;", "int broken(void)")
    found = [(f.kind, text[f.start : f.end]) for f in findings(text)]
    assert found == [
        ("unused", "x"),
        ("vacuous", "a == a"),
        ("returned", "return y;"),
        ("undeclared", "y"),
        ("broken", "int broken(void)\n{\n\treturn (;\n}"),
    ]
    assert findings(DRIVER[: DRIVER.index("static void kettle_stop")]) == []


def test_uses_by_their_line():
    filler = "\ta = 1;\n" * 50
    found = c_source(function(f"\ta = 1;\n{filler}\tb = 1;\n\treturn 0;"))
    assert [s.total for s in found.declared_by_line] == [3, 5, 10, 20, 14]
    assert [s.total - s.hits for s in found.declared_by_line] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "broken",
    [
        function("\treturn (a;"),
        function("\tif (a {\n\t\treturn 1;\n\t}\n\treturn 0;"),
        function("\tint = 3;\n\treturn 0;"),
        function("\tif (a) {\n\t\treturn 1;\n\treturn 0;"),
        function("\treturn a\n"),
        function("\tcall(a)\n\tcall(a);\n\treturn 1;"),
        "\nstatic int f(int a)\n\n",
        "\nint a[] = { 1, 2 ;\n};\n",
        "\nreturn 3;\n",
        "\nif (a)\n\tb();\n",
    ],
)
def test_what_does_not_parse_is_not_sound_and_stays_in_its_item(broken):
    whole_one = function("\treturn a;", "int whole(int a)")
    found = c_source(whole_one + broken + whole_one)
    assert found.sound.total - found.sound.hits >= 1
    assert found.sound.hits == 2 and found.functions == 2


def test_a_brace_too_few_or_too_many():
    few = c_source(function("\tif (a) {\n\t\treturn 1;\n\treturn 0;"))
    assert few.balanced == Share(0, 1)
    many = function("\tif (a)\n\t\treturn 1;\n\t}\n\treturn 0;")
    found = c_source(many + function("\treturn a;"))
    assert found.balanced == Share(1, 2)
    assert found.sound.hits < found.sound.total  # what follows the brace too many is stray
    assert [item.stray for item in CText(many).items] == [False, True]


def test_brackets_by_their_form_and_in_order():
    units = CText("\nint a[3) = { (1 };\n").brackets()
    assert closing_right(units) == Share(0, 2) and paired(units) == Share(1, 3)
    right = CText("\nint a[3] = { (1) };\n").brackets()
    assert closing_right(right) == paired(right) == Share(3, 3)


def test_a_brace_that_is_missing_is_a_mistake_of_its_item_and_so_is_one_too_many():
    missing = "".join(
        f"int f{i}(int x)\n{{\n\tif (x) {{\n\t\tg(x);\n\treturn 0;\n\n" for i in range(4)
    )
    # Two braces of each function lack their end; the last function may have been cut.
    text = CText("\n\n" + missing)
    assert paired(text.brackets()) == Share(12, 18)
    assert [text.text[i.start : i.end] for i in text.items] == [
        part.rstrip("\n") for part in missing.split("\n\n")[:3]
    ]
    assert c_source(text).balanced == Share(0, 3) and c_source(text).sound == Share(0, 3)
    closed = missing.replace("\treturn 0;\n\n", "\treturn 0;\n}\n\n")  # one of the two is there
    assert paired(CText("\n\n" + closed).brackets()) == Share(16, 20)
    assert c_source("\n\n" + closed).balanced == Share(0, 4)
    more = "".join(f"int f{i}(int x)\n{{\n\tg(x);\n}}\n}}\n}}\n\n" for i in range(4))
    assert paired(CText("\n\n" + more).brackets()) == Share(12, 20)


def test_comments_and_strings_that_are_not_closed():
    opened = CText("\n/* one /* two */\nint a; /* three */\n/* four")
    assert opened.comments_closed() == Share(1, 2)
    assert CText('\nchar *a = "one;\nchar *b = "two";\n').strings_closed() == Share(1, 2)
    assert CText('\nchar *a = "joined \\\n line";\n').strings_closed() == Share(1, 1)
    assert CText('\nchar *a = "cut here').strings_closed() == Share(0, 0)
    assert CText("\nint a; // ' \" {\nchar b = '\"';\n").strings_closed() == Share(0, 0)


def test_a_comment_that_the_cut_went_through():
    piece = CText("s not begun { here\n * but ends */ int half;\nint whole;\n")
    assert piece.text[piece.begin :] == "int whole;\n"
    assert [piece.text[i.start : i.end] for i in piece.items] == ["int whole;"]
    macro = CText("define HALF \\\n\tgoes_on(a) \\\n\tand_ends\n\nint whole;\n")
    assert macro.plain.strip() == "int whole;"


CONDITIONS = r"""
#ifndef _KETTLE_H
#define _KETTLE_H

#ifndef _SPOUT_H
#define _SPUOT_H

#include <linux/kettle.h>
#include <linux/kettle.h>
#include <asm/nothing.h>
#include "spout.h"
#include <linux/broken.h
#inlcude <linux/other.h>
#

#ifdef CONFIG_STEAM
int steam(void);
#endif /* CONFIG_STEAM */
#if defined(CONFIG_TEA) || defined(CONFIG_COFFEE)
#endif /* CONFIG_WATER */
#endif
/* #include <linux/comment.h> */
int f(void)
{
#ifdef A
	return 1;
#else
	return 2;
#endif
}

int g(void)
{
#ifdef A
	return 1;
}
#endif
#endif /* _KETTLE_H */
"""


def test_preprocessor_by_hand():
    found = preprocessor(CONDITIONS, {"linux/kettle.h"})
    assert found.keywords == Share(21, 22)  # all but inlcude
    assert found.includes == Share(4, 5)
    assert found.known == Share(2, 3)
    assert found.paths == ("linux/kettle.h", "asm/nothing.h")
    assert found.invented == ("asm/nothing.h",)
    assert found.guards == Share(1, 2)
    assert found.ends == Share(2, 3)
    assert len(found.end_distances) == 2 and found.end_distances[0] == len("\nint steam(void);\n")
    assert found.inside == Share(1, 2)
    assert included(CONDITIONS) == {"linux/kettle.h": 2, "asm/nothing.h": 1}


NOTICE = """/*
 * This program is Free Software; you can redistribute it and/or modify it under the GNU General
 * Public License. It comes WITHOUT ANY
 * WARRANTY, even of MERCHANTABILITY. You should have received a copy.
 */"""


def test_the_licence_is_known_by_its_phrases():
    assert marks(NOTICE) == list(MARKS) and whole(NOTICE)
    lines = NOTICE.split("\n")
    assert marks("\n".join(lines[:2])) == list(MARKS[:2])
    assert not whole("\n".join(lines[2:] + lines[:2]))
    assert whole("/* Under the GNU General Public License. */\n" + NOTICE)
    assert marks("/* no warranty of MERCHANTABILITY, says the BSD */") == []
    assert marks("int license;") == [] and not whole("")


@pytest.mark.parametrize("text", ["", "\n", "no line end", "Prose, of which nothing is C.\n" * 3])
def test_texts_without_any_c(text):
    found, directives = c_source(text), preprocessor(text)
    assert found.functions == 0 and found.declared == Share(0, 0)
    assert found.balanced == Share(0, 0) and found.sound.hits == 0
    assert directives.includes == Share(0, 0) and directives.paths == ()
    assert CText(text).strings_closed() == CText(text).comments_closed() == Share(0, 0)


HOSTILE = [
    "((((",
    "[[[[",
    "{\n",
    "\n{",
    "}\n}",
    "/*",
    '"',
    "'",
    "\\\n",
    "\n#",
    "A B ",
    "struct a, ",
]
HOSTILE += [
    "if (a ",
    "asm(",
    "a:\n",
    "\n\t",
    "\nint a[",
    "#if 1\n",
    "\nvoid f(void)\n{\n",
    "f(a)\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_no_more_than_their_length(unit):
    text = "\nint f(void)\n{\n\tx = " + unit * (100_000 // len(unit)) + "\n}\n"
    before = time.process_time()
    piece = CText(text)
    c_source(piece), preprocessor(piece), piece.brackets()
    piece.comments_closed(), piece.strings_closed(), piece.comment_lines()
    assert time.process_time() - before < 6


def test_without_the_parser_an_import_error_says_what_to_install(monkeypatch):
    import sys

    from charrnn.structure import c_grammar

    c_grammar._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_c", None)
    with pytest.raises(ImportError, match="pip install tree-sitter tree-sitter-c"):
        c_source(function("\treturn a;"))
