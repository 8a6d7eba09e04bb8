"""Text of a model, of a file or of a reader, made to do harm where it is shown or looked at."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

from trust import breakout, labelled
from trust.ledger import Row, row

HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "'><iframe srcdoc='<script>parent.hacked=1</script>'>",
    "</pre></style></textarea></title><b>",
    "<!-- --> --!> ]]> <![CDATA[ <?php",
    "&#x3c;script&#x3e; &lt;b&gt; &amp",
    "javascript:window.hacked=1 {{7*7}} ${1} `x`",
    "$\\frac{$ $\\href{javascript:alert(1)}{x}$ \\(",
    "```{raw} html\n<b>\n```\n# head\n[a](javascript:1)",
    "a\r\nb\rc\u2028d\u2029e\x85f",
    "\0 \x1b[31m\x1b]0;title\x07 \ud800 \udfff \ufffe",
    "\u202eabc\u2066 \u0301 \U0001f600",
)
"""Strings that are markup, or worse, wherever they are not escaped."""
FORMULAS = ("$x^$", "$\\frac{$", "\ud800\0$_$", "\u202e\x1b[31m$", "<b>&\r\n$a$")
"""Strings that Matplotlib takes for formulas, or cannot draw, where it is not told otherwise."""
UNITS = (
    "(", "<", ">", "{", "}", "[", "]", "[[", "]]", "{{", "'", '"', "$", "$$", "\\", "&", "^", "_",
    "#", "%", "|", "*", "=", "==", "/", "//", "/*", "*/", ".", ",", ":", ";", "-", "0", "a", "w",
    "é", "&lt;", "<a>", "</a>", "<!--", "http://a.", "\\begin{", "\\begin{lemma}", "\\end{lemma}",
    "\\item", "\\left", "\\verb|", "\\xymatrix{", "^{", "'''''", "<page>", "A_", "a->", "a(", "if(",
    "f(a){", "asm(", "\n", "\n\n", " ", "\t", "\r", "#if\n", "\n=", "\n*", "A:\n", "}\n",
    "int f(void)\n{\n",
)  # fmt: skip
"""What a long text is made of."""


# Pages


class Skeleton(HTMLParser):
    """The elements and the names of their attributes, in order; texts and values apart."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.bones, self.texts, self.values = [], [], []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.bones.append((tag, *(name for name, _ in attrs)))
        self.values += [value for _, value in attrs]

    def handle_endtag(self, tag) -> None:
        self.bones.append(("/", tag))

    def handle_data(self, data) -> None:
        self.texts.append(data)

    def handle_comment(self, data) -> None:
        self.bones.append(("comment",))

    handle_decl = handle_pi = unknown_decl = handle_comment


def _figures(text: str) -> dict[str, str]:
    """The HTML of everything that shows texts, by name, with `text` wherever one may stand."""
    import numpy as np
    import pandas as pd

    from charrnn import widgets
    from charrnn.widgets import grafted, lasting
    from charrnn.widgets.markup import Stored, block, script_data

    stored = Stored({0.5: text, 1.0: text + text}, text, text, model={"model": text, "bytes": 1})
    return {
        "sampler": stored.sampler(),
        "sample": widgets.sample_html(text, text, text).data,
        "block": block(text, text, text, 0.5),
        "script": script_data({"text": text, text: [text]}),
        "table": pd.DataFrame({text: [text]}, index=[text])._repr_html_(),
        "symbols": widgets.LookedBack(["a", text[0]], np.zeros((2, 2)), text).static_html(),
        "lists": grafted.lists([(text, [], text, text)], None),
        "lasting": lasting.shown(
            {"half_life": [1.0], "open": [0.5], "closed": [0.5], "gate": text, "longest": 9},
            0,
            text,
        ),
    }


def pages(quick: bool) -> Row:
    """Markup in every place of every figure: the elements are those of a harmless text.

    A table is pandas': it escapes markup, and passes NUL and lone surrogates on.
    """
    wanted = {name: Skeleton(markup).bones for name, markup in _figures("x").items()}
    outcomes, wrong = [], []
    for text in itertools.chain(HOSTILE, _drawn(60 if quick else 5000)):
        for name, markup in _figures(text or "x").items():
            found = Skeleton(markup)
            same = found.bones == wanted[name] and (name == "table" or _holds(markup))
            outcomes.append("text stayed text" if same else "became markup")
            wrong += [] if same else [f"{name}: {text!r}"]
    return row("markup in titles, prompts, texts, symbols and tables", outcomes, wrong)


def widgets(quick: bool) -> Row:
    """Widgets with a network: what they store and what they show live is as with a harmless text.

    A vocabulary holds no lone surrogates, so these are left out of the text that it reads.
    """
    symbols = "\nabc" + "".join(HOSTILE).encode(errors="ignore").decode()
    outcomes, wrong = [], []
    for text in [*HOSTILE[:: 5 if quick else 1], *([] if quick else _drawn(60))]:
        text = "".join(c for c in text.encode(errors="ignore").decode() if c in symbols) or "x"
        harmless = "".join("\n" if c == "\n" else "x" for c in text)
        plain = labelled.looked_into(harmless, symbols + "x")
        for name, figure in labelled.looked_into(text, symbols + "x").items():
            same = _alike(figure, plain[name])
            outcomes.append("text stayed text" if same else "became markup")
            wrong += [] if same else [f"{name}: {text!r}"]
    return row(
        "markup in titles, passages, rules and words of a network's widgets", outcomes, wrong
    )


def _alike(figure, plain) -> bool:
    """Whether two widgets differ in their texts only; no description of a part may be markup."""
    import ipywidgets

    pairs = [(figure.static_html(), plain.static_html())]
    for one, other in zip(_parts(figure), _parts(plain), strict=True):
        if getattr(one, "description_allow_html", False):
            return False
        pairs += [(one.value, other.value)] if isinstance(one, ipywidgets.HTML) else []
    return all(Skeleton(a).bones == Skeleton(b).bones and _holds(a) for a, b in pairs)


def _parts(widget) -> list:
    return [widget, *(p for child in getattr(widget, "children", ()) for p in _parts(child))]


def figures(quick: bool) -> Row:
    """Texts in titles, labels and symbols of figures: drawn, and never read as a formula."""
    import warnings

    outcomes, wrong = [], []
    tries = list(itertools.product(labelled.drawings("x"), FORMULAS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that the font lacks: a box is drawn
        for name, text in tries[:: 101 if quick else 1]:
            said = _failure(lambda t, name=name: _drawn_as_text(name, t), text)
            outcomes.append("text stayed text" if said is None else "a formula or an exception")
            wrong += [] if said is None else [f"{name}: {text!r}: {said}"]
    return row("hostile titles, names and symbols in Matplotlib's figures", outcomes, wrong)


def _drawn_as_text(name: str, text: str) -> None:
    """Draw a figure; ValueError where a word of it is taken for a formula that is not its own."""
    from charrnn.figures import png

    fig = labelled.drawings(text)[name]()
    png(fig)
    if found := _formulas(fig) - _formulas(labelled.drawings("x")[name]()):
        raise ValueError(f"{sorted(found)} are taken for formulas")


def _formulas(fig) -> set[str]:
    from matplotlib.text import Text

    words = [word for word in fig.findobj(Text) if word.get_parse_math()]
    return {word.get_text() for word in words if "$" in word.get_text()}


def round_trips(quick: bool) -> Row:
    """What a script of the page is told is what was written."""
    from charrnn.widgets.markup import attributes, script_data

    outcomes, wrong = [], []
    for text in itertools.chain(HOSTILE, _drawn(150 if quick else 20_000)):
        held = "".join(Skeleton(script_data({"a": text})).texts)
        value = Skeleton(f"<p {attributes({'a': text})}>").values
        shown = "".join("\ufffd" if c == "\0" or 0xD800 <= ord(c) < 0xE000 else c for c in text)
        right = json.loads(held) == {"a": text} and value == [shown]
        outcomes.append("read back the same" if right else "changed")
        wrong += [] if right else [repr(text)]
    return row("JSON in a script, and attributes, read back", outcomes, wrong)


def _holds(markup: str) -> bool:
    """Whether a page holds it as it is: no surrogate, no NUL, no \\r that becomes a newline."""
    return not any(c in "\0\r" or "\ud800" <= c <= "\udfff" for c in markup)


# LaTeX


def latex_reach(quick: bool) -> Row:
    """LaTeX that reads, writes or runs something outside of its folder."""
    from charrnn.typeset import find_engine

    what = "LaTeX that reads, writes or runs something outside"
    engine = find_engine()
    if engine is None:
        return Row(what, 1, {"no pdflatex here": 1})
    outcomes, wrong = [], []
    with TemporaryDirectory() as folder:
        secret = Path(folder) / "secret.tex"
        secret.write_text(breakout.SECRET + "\n")
        found = breakout.attacks(secret)
        for name in list(found)[:: 8 if quick else 1]:
            got = breakout.harm(found[name], secret, engine)
            outcomes.append("got at something" if got else "nothing read, written or run")
            wrong += [f"{name}: {line}" for line in got]
    return row(what, outcomes, wrong)


def latex_bombs(quick: bool) -> Row:
    """LaTeX without end: it is ended within its time, and nothing of it goes on."""
    from charrnn import typeset

    what = "LaTeX without end in time, memory, pages or files"
    engine, seconds = typeset.find_engine(), 2 if quick else typeset.SECONDS
    if engine is None:
        return Row(what, 1, {"no pdflatex here": 1})
    outcomes, wrong, slowest = [], [], 0.0
    for name, body in list(breakout.BOMBS.items())[:: 5 if quick else 1]:
        began = time.monotonic()
        found = typeset.typeset("Text. " + body, engine, seconds=seconds)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        ended = not found.compiled or name in ("a fork bomb", "a question")
        outcomes.append("ended" if ended and took < seconds + 5 else "went on")
        wrong += [] if outcomes[-1] == "ended" else [f"{name}: {took:.0f} s, {found.fault}"]
    return row(what, outcomes, wrong, f"the slowest took {slowest:.1f} s of {seconds} allowed")


# Structure


def c_is_parsed_only(quick: bool) -> Row:
    """C of a model starts nothing, loads nothing and compiles nothing; deep nesting is no crash."""
    from charrnn.structure import c_source

    c_source.c_source("int f(void)\n{\n\treturn 0;\n}\n")  # what is loaded once is loaded now
    seen: list[str] = []
    watching = [True]
    told = ("subprocess", "os.exec", "os.posix_spawn", "os.system", "os.fork", "ctypes", "compile")

    def hook(event: str, arguments: tuple) -> None:
        if watching[0] and (event.startswith(told) or event in ("import", "open", "exec")):
            seen.append(f"{event} {arguments!r:.80}")

    sys.addaudithook(hook)
    depth = 10_000 if quick else 100_000
    bodies = ["(" * depth, "{" * depth, "(" * depth + ")" * depth, "!" * depth + "a", "*" * depth]
    texts = [f"int f(void)\n{{\n\treturn {b};\n}}\n" for b in bodies]
    texts += ['#include </etc/passwd>\nint main(void)\n{\n\tsystem("id");\n}\n'] * 2
    outcomes, wrong = [], []
    try:
        for text in texts:
            c_source.findings(text)
            outcomes.append("parsed")
    finally:
        watching[0] = False
    wrong += [f"an event of the interpreter: {line}" for line in seen]
    return row(f"C, nested {depth:,} deep or hostile, under an audit hook", outcomes, wrong)


def structure_fuzz(quick: bool) -> Row:
    """Any text at all to everything that looks at texts."""
    looks, outcomes, wrong = _looks(), [], []
    texts = itertools.chain(
        HOSTILE, _drawn(60 if quick else 2000), _drawn_units(60 if quick else 5000)
    )
    for text in texts:
        for name, look in looks.items():
            said = _failure(look, text)
            outcomes.append("an answer" if said is None else "an exception")
            wrong += [] if said is None else [f"{name}({text!r:.200}): {said}"]
    return row("any text to what measures structure, and to the rules", outcomes, wrong)


def long_texts(quick: bool) -> Row:
    """One thing over and over: no exception, and twice the text takes about twice the time."""
    looks, outcomes, wrong, slowest = _looks(), [], [], (0.0, "")
    size = 4_000 if quick else 50_000
    units = UNITS[::6] if quick else UNITS
    for unit, (name, look) in itertools.product(units, looks.items()):
        text = unit * (size // len(unit))
        began = time.process_time()
        said = _failure(look, text)
        once = time.process_time() - began
        if said is None and once > 0.3:
            said = _grows(look, text)
        slowest = max(slowest, (once, f"{name} of {unit!r}"))
        outcomes.append("an answer, in linear time" if said is None else "slow or an exception")
        wrong += [] if said is None else [f"{name} of {unit!r} x {size // len(unit):,}: {said}"]
    notes = f"the slowest took {slowest[0]:.1f} s for {size:,} characters ({slowest[1]})"
    return row("one thing over and over", outcomes, wrong, notes)


def _grows(look: Callable, text: str) -> str | None:
    """Whether four times the text takes more than ten times as long."""
    times = []
    for part in (text[: len(text) // 4], text):
        began = time.process_time()
        look(part)
        times.append(time.process_time() - began)
    return (
        f"{times[1] / times[0]:.0f} x the time for 4 x the text"
        if times[1] > 10 * times[0]
        else None
    )


def _failure(look: Callable, text: str) -> str | None:
    try:
        look(text)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


def _looks() -> dict[str, Callable[[str], object]]:
    """All that looks at one text."""
    from charrnn import rules, typeset
    from charrnn.structure import (
        balancing,
        brackets,
        c_source,
        diagrams,
        diversity,
        essays,
        indentation,
        latex,
        layers,
        licence,
        loops,
        markup,
        names,
        plays,
        preprocessor,
        quotes,
        tags,
        utf8,
        words,
    )

    plain = [
        balancing.balanced, brackets.nest_brackets, c_source.c_source, c_source.findings,
        diagrams.diagrams, diversity.repeated_share, essays.footnote_marks,
        indentation.indentation, latex.latex_structure, latex.labels, latex.references,
        layers.layers, licence.marks, licence.whole, loops.find_cycle, markup.nest_links,
        markup.nest_blocks, markup.page_name, markup.links, markup.languages, markup.urls,
        markup.host, markup.domain, markup.plausible, markup.external, markup.headings,
        markup.balanced_headings, markup.heading_steps, markup.list_lines, markup.list_steps,
        markup.emphasis, names.lines, names.folded, names.well_formed, names.first_letter,
        names.ending, plays.play_structure, plays.speakers, preprocessor.preprocessor,
        preprocessor.included, quotes.nest_quotes, quotes.placed, tags.well_formed, tags.entities,
        tags.escaped_tags, tags.timestamp, tags.dates, tags.numbers, tags.addresses, tags.hashes,
        tags.pages, tags.nest_pages, tags.in_order, tags.parsed, words.words, typeset.cut,
    ]  # fmt: skip
    found = {f"{f.__module__.rsplit('.', 1)[-1]}.{f.__name__}": f for f in plain}
    found |= {f"rule {n}": lambda text, n=n: rules.labels(n, text) for n in rules.RULES}
    for look in (utf8.whole, utf8.valid_sequences):
        found[f"utf8.{look.__name__}"] = lambda t, look=look: look(
            t.encode("utf-8", "surrogatepass")
        )
    return found


# Generated texts


def _drawn(count: int) -> Iterator[str]:
    """Texts of any characters, surrogates and NUL too, and pieces of hostile ones."""
    from hypothesis import strategies as st

    anything = st.characters(codec=None, exclude_categories=())
    pieces = st.one_of(st.text(anything, max_size=8), st.sampled_from([*HOSTILE, "\r", "\n", "<"]))
    yield from _examples(st.lists(pieces, min_size=1, max_size=4).map("".join), count)


def _drawn_units(count: int) -> Iterator[str]:
    from hypothesis import strategies as st

    yield from _examples(st.lists(st.sampled_from(UNITS), max_size=40).map("".join), count)


def _examples(strategy, count: int) -> list[str]:
    """The same ones at every run."""
    from hypothesis import HealthCheck, Phase, given, settings

    kept: list[str] = []

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(text: str) -> None:
        kept.append(text)

    collect()
    return kept


CASES: dict[str, Callable[[bool], Row]] = {
    "pages": pages,
    "widgets": widgets,
    "figures": figures,
    "round trips": round_trips,
    "latex reach": latex_reach,
    "latex bombs": latex_bombs,
    "c": c_is_parsed_only,
    "fuzz": structure_fuzz,
    "long texts": long_texts,
}
