r"""Wiki markup: links, web addresses, headings, lists, templates, tables, emphasis.

    == Ferries ==
    * the line to [[Great Tamm|the island]], see [http://www.ferries.example.net/ its timetable]
    {{Infobox Strait | name = Orrel Sound}}

A text may be escaped, as in an XML dump: `&quot;`, `&lt;` and `&gt;` end a web address as the
characters do that they stand for. Texts are pieces, cut anywhere: what touches an end of the text
and could go on there is left out.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from charrnn.structure.brackets import borders, brackets, nest_within
from charrnn.structure.nesting import Mark, Nesting
from charrnn.structure.shares import Share

SECTION = re.compile(r"\n(?==)|</text>|<page>")
"""A border between sections: a heading, the end of an article, or the beginning of a page."""

_LINK_RUN = re.compile(r"\[{2,}+|\]{2,}+")
_BLOCK_RUN = re.compile(r"\{{2,}+|\}{2,}+|^[:*#]*+\{\||^\|\}(?!\})", re.MULTILINE)
_PREFIX = re.compile(r":?([A-Za-z-]++(?: [Tt]alk)?):")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple|tokipona|nostalgia")
_FILES = {"image", "file", "media"}
_SPACES = {
    "wikipedia", "wp", "project", "user", "template", "help", "portal", "mediawiki", "special",
    "talk", "wikt", "wiktionary", "wikisource", "wikiquote", "wikibooks", "commons", "meta",
    "user talk", "wikipedia talk", "template talk", "image talk", "category talk", "m", "w", "s",
    "q", "b",
}  # fmt: skip

LINK = re.compile(r"\[\[([^\[\]|\n{}<>]++)(\|[^\[\]\n]*+)?\]\]")
"""A complete link without another inside: its target, and its label with the bar, or None."""

SCHEMES = ("http", "https", "ftp")
_URL = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftp)://[^\s<>\[\]{}|\"]++")
_URL_END = re.compile(r"&(?:amp;)*+(?:quot|lt|gt|nbsp);|''")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*+")

_HEADING = re.compile(r"^(={2,}+)([^\n]*+)$", re.MULTILINE)
_LIST = re.compile(r"[*#:;]++")
_QUOTES = re.compile(r"'{2,}+")


def link_marks(text: str) -> list[Mark]:
    """`[[` and `]]` as marks. Of a run of n brackets, n // 2 marks are made from its left end, of
    an opening run from its right end, so that `[http://a [[b]]]` has one link."""
    marks: list[Mark] = []
    for run in _LINK_RUN.finditer(text):
        opens = text[run.start()] == "["
        odd = (run.end() - run.start()) % 2 if opens else 0
        places = range(run.start() + odd, run.end() - 1, 2)
        marks += [Mark(i, i + 2, "[[", opens) for i in places]
    return marks


def block_marks(text: str) -> list[Mark]:
    """Templates, `{{` to `}}` (runs as in `link_marks`), and tables, a line's `{|` to a `|}` that
    begins one."""
    marks: list[Mark] = []
    for run in _BLOCK_RUN.finditer(text):
        start, end, found = run.start(), run.end(), run.group()
        if "|" in found:
            marks.append(Mark(end - 2, end, "{|", found.endswith("{|")))
            continue
        opens = found[0] == "{"
        odd = (end - start) % 2 if opens else 0
        marks += [Mark(i, i + 2, "{{", opens) for i in range(start + odd, end - 1, 2)]
    return marks


def nest_links(text: str) -> list[Nesting]:
    """Which `[[` are closed inside their line, as `nest_within` judges it."""
    return nest_within(link_marks(text), borders(text))


def nest_blocks(text: str) -> list[Nesting]:
    """Which templates and tables are closed inside their section."""
    return nest_within(block_marks(text), borders(text, SECTION))


@dataclass(frozen=True)
class Link:
    """A complete `[[target]]` or `[[target|label]]` without another link inside."""

    target: str
    label: str | None

    @property
    def kind(self) -> str:
        """By what stands before the target's colon: "category", "file", "language" (the same
        article in another Wikipedia), "other" (another namespace or project), else "article"."""
        match = _PREFIX.match(self.target)
        if not match or self.target.startswith(":"):
            return "article"
        prefix = match[1]
        lower = prefix.lower()
        if lower == "category":
            return "category"
        if lower in _FILES:
            return "file"
        if lower in _SPACES:
            return "other"
        return "language" if _LANGUAGE.fullmatch(prefix) else "article"

    @property
    def page(self) -> str:
        """The page it leads to: see `page_name`."""
        return page_name(self.target)


def page_name(target: str) -> str:
    """A target as MediaWiki reads it: without the part after `#`, blanks for underscores, one
    blank for several, the first letter a capital."""
    name = " ".join(target.lstrip(":").split("#", 1)[0].replace("_", " ").split())
    return name[:1].upper() + name[1:]


def links(text: str) -> list[Link]:
    """The complete links of a text, in its order; of links inside one another the innermost."""
    return [Link(m[1].strip(), m[2] and m[2][1:]) for m in LINK.finditer(text)]


def languages(text: str) -> list[str]:
    """The codes of links to other Wikipedias, in the order of the text."""
    found = (link.target for link in links(text) if link.kind == "language")
    return [target.split(":", 1)[0] for target in found]


def url_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where web addresses stand: a scheme of `SCHEMES`, `://`, and what follows up to a blank, a
    bracket, a bar, a quote, two apostrophes, or one of these as an entity; without `,;.:!?` at
    its end, nor `)` where it holds no `(`. One that reaches the end of the text may go on, and is
    left out, as is one that has nothing after `://`."""
    for match in _URL.finditer(text):
        start, end = match.span()
        if stop := _URL_END.search(text, start, end):
            end = stop.start()
        elif end == len(text):
            continue
        trailing = ",;.:!?" if "(" in text[start:end] else ",;.:!?)"
        end = start + len(text[start:end].rstrip(trailing))
        if text[start:end].count("/") >= 2 and text[end - 3 : end] != "://":
            yield start, end


def urls(text: str) -> list[str]:
    """The web addresses of a text, with their ampersands as written.

    >>> urls("see http://a.example/x, or [ftp://b.example/y(z) it] and http://cut")
    ['http://a.example/x', 'ftp://b.example/y(z)']
    """
    return [text[start:end] for start, end in url_spans(text)]


def host(url: str) -> str:
    """The host of a web address, in lower case, without user and port; "" where it names none."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return authority.rsplit("@", 1)[-1].split(":", 1)[0].lower()


def domain(url: str) -> str:
    """The last part of the host: com, uk, ..."""
    return host(url).rsplit(".", 1)[-1]


def plausible(url: str) -> bool:
    """Whether a web address could be one by its form, whoever may have it.

    Its host has two or more labels of at most 63 letters, digits and inner hyphens, the last of two
    or more letters (or it is four numbers up to 255); a port is a number; the rest holds only what
    RFC 3986 allows, `%` before two hexadecimal digits. Letters outside ASCII are not allowed.
    """
    rest = url.partition("://")[2].replace("&amp;", "&").replace("&amp;", "&")
    authority, path = re.fullmatch(r"([^/?#]*+)(.*+)", rest, re.DOTALL).groups()
    name, _, port = authority.rsplit("@", 1)[-1].partition(":")
    labels = name.split(".")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return False
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    numeric = len(labels) == 4 and all(n.isdigit() and len(n) < 4 and int(n) < 256 for n in labels)
    last = labels[-1]
    return (numeric or (last.isalpha() and len(last) >= 2)) and bool(_PATH.fullmatch(path))


def external(text: str) -> Share:
    """`[http://... label]` closed inside its line, of all single `[` before a web address."""
    found = nest_within(brackets(text, ["[]"]), borders(text))
    starts = {m.start() for m in _URL.finditer(text)}
    ours = [(p.opening, p.right) for n in found for p in n.pairs]
    ours += [(p.opening, False) for n in found for p in n.left_open]
    judged = [right for opening, right in ours if opening.end in starts]
    return Share(sum(judged), len(judged))


@dataclass(frozen=True)
class Heading:
    """A line that begins with two or more `=`."""

    start: int
    left: int
    """Equals signs at its beginning."""
    right: int
    """Equals signs at its end."""
    title: str

    @property
    def balanced(self) -> bool:
        """As many at its end as at its beginning, at most six, and a title between."""
        return self.left == self.right <= 6 and bool(self.title)


def headings(text: str) -> list[Heading]:
    """The complete lines that begin with `==`; an escaped comment after one is not looked at."""
    found = []
    for match in _HEADING.finditer(text):
        if match.start() == 0 or match.end() == len(text):
            continue  # cut
        left, rest = len(match[1]), match[2].rstrip()
        rest = rest[: _comments_start(rest)]
        title = rest.rstrip("=")
        found.append(Heading(match.start(), left, len(rest) - len(title), title.strip()))
    return found


def _comments_start(line: str) -> int:
    """Where the escaped comments begin that a line ends with; its length where it ends with none.

    It walks back over the line once, however many comments there are.
    """
    end = len(line)
    while line.endswith("--&gt;", 0, end) and (start := line.rfind("&lt;!--", 0, end)) >= 0:
        end = start
        while end and line[end - 1].isspace():
            end -= 1
    return end


def balanced_headings(text: str) -> Share:
    """Headings with equal numbers of `=` on both sides, of all complete lines that begin as one."""
    found = headings(text)
    return Share(sum(h.balanced for h in found), len(found))


def heading_steps(text: str) -> Share:
    """Balanced headings at most one level deeper than the one before on the same page, of all
    neighbours."""
    found = [h for h in headings(text) if h.balanced]
    starts = [m.start() for m in re.finditer("<page>", text)]
    page = [bisect_right(starts, h.start) for h in found]
    same = [(a, b) for (a, i), (b, j) in pairwise(zip(found, page, strict=True)) if i == j]
    return Share(sum(b.left <= a.left + 1 for a, b in same), len(same))


def list_lines(text: str) -> Share:
    """Lines that begin with `*`, `#`, `:` or `;`, of all complete lines that are not empty."""
    found = [line for line in _complete(text) if line.strip()]
    return Share(sum(line[0] in "*#:;" for line in found), len(found))


def list_steps(text: str) -> Share:
    """List lines at most one sign deeper than the line before, of all whose line before is
    complete. (`**` under a line without signs is a step of two.)"""
    depths = [_depth(line) for line in _complete(text)]
    steps = [(a, b) for a, b in pairwise(depths) if b]
    return Share(sum(b <= a + 1 for a, b in steps), len(steps))


def emphasis(text: str) -> Share:
    """Complete lines in which italics and bold end, of all that have any.

    Two apostrophes switch italics, three bold, five both; four are an apostrophe and bold, more
    than five are apostrophes and both, as MediaWiki reads them.
    """
    runs = [[len(run) for run in _QUOTES.findall(line)] for line in _complete(text)]
    runs = [line for line in runs if line]
    return Share(sum(_balanced(line) for line in runs), len(runs))


def _balanced(runs: Iterable[int]) -> bool:
    lengths = list(runs)
    italics = sum(n == 2 or n >= 5 for n in lengths)
    bold = sum(n >= 3 for n in lengths)
    return italics % 2 == 0 and bold % 2 == 0


def _depth(line: str) -> int:
    signs = _LIST.match(line)
    return signs.end() if signs else 0


def _complete(text: str) -> list[str]:
    """The lines between the first and the last line end."""
    return text.split("\n")[1:-1]
