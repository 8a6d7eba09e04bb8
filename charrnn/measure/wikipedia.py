"""Wikipedia: markup, web addresses and XML by temperature, and in held-out articles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from charrnn.measure.material import PIECE, Material, as_text, share, spread, units
from charrnn.sample import sample_units
from charrnn.score import LN2, stream_nats
from charrnn.structure import brackets, markup, nesting, quotes, tags, utf8
from charrnn.structure.layers import LAYERS, layers
from charrnn.structure.shares import Share

TEMPERATURES = (0.5, 0.7, 0.8, 1.0, 1.2)
PAGE = "  <page>\n"
"""What a text begins with that is asked for a page: the file's first line of one."""
PAGE_TEMPERATURES = (0.8, 1.0)
PAGES = 4
"""Texts that are asked for a page, for each text of the sweep: pages are rare in the others."""
EDGES = (0, 10, 30, 100, 300, 1000, 3000)
"""Bins of distances, in characters."""
FEW = 10
"""A bin with fewer openings is left out."""
SCORED = 200_000
"""Characters of the validation text whose cost is told by layer, at most."""
LISTED = 12


@dataclass
class Known:
    """What the training text holds, gathered line by line."""

    urls: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    """Titles, and the targets of links to articles."""
    languages: set[str] = field(default_factory=set)
    stamps: set[str] = field(default_factory=set)
    characters: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, source: Iterable[str | bytes]) -> Known:
        """Of a text in pieces, cut anywhere."""
        known = cls()
        for text in whole_lines(source):
            known.add(text)
        return known

    def add(self, text: str) -> None:
        found = set(markup.urls(text)) - self.urls
        self.urls |= found
        self.hosts |= {markup.host(url) for url in found}
        self.domains |= {markup.domain(url) for url in found}
        self.pages |= {x.page for x in markup.links(text) if x.kind == "article"}
        self.pages |= {markup.page_name(title) for title in tags.contents(text, "title")}
        self.languages |= set(markup.languages(text))
        self.stamps |= set(tags.contents(text, "timestamp"))
        self.characters |= set(text)

    @property
    def dates(self) -> tuple[str, str] | None:
        """The first and the last valid timestamp."""
        valid = sorted(s for s in self.stamps if tags.timestamp(s))
        return (valid[0], valid[-1]) if valid else None


def whole_lines(source: Iterable[str | bytes], limit: int = PIECE) -> Iterator[str]:
    """The pieces of a text, moved so that each ends with a line, and as text; a line of more than
    about `limit` is cut."""
    rest = None
    for piece in source:
        piece = piece if rest is None else rest + piece
        cut = piece.rfind(b"\n" if isinstance(piece, bytes) else "\n") + 1
        if cut == 0 and len(piece) > limit:
            cut = len(piece)
        if cut:
            yield as_text(piece[:cut])
        rest = piece[cut:]
    if rest:
        yield as_text(rest) + "\n"


def measure(material: Material) -> dict:
    """A row a temperature, by its number as text, and one of `held_out` articles; `pages`, of texts
    that were asked for a page; `layers`, what the validation text costs by layer of syntax."""
    known = Known.of(material.source())
    held_out = Known.of([material.held_out])
    rows = {
        str(t): row(material.drawn[t], material.units[t], known, held_out) for t in TEMPERATURES
    }
    real = row(material.pieces, material.held_out_units, known, held_out)
    asked = {str(t): pages(asked_for_pages(material, t), known) for t in PAGE_TEMPERATURES}
    asked["held_out"] = pages(held_out_pages(material), known)
    gathered = {"urls": len(known.urls), "hosts": len(known.hosts), "pages": len(known.pages)}
    return rows | {
        "held_out": real,
        "pages": asked,
        "layers": by_layer(material),
        "edges": list(EDGES),
        "known": gathered | {"dates": known.dates},
    }


def row(samples: Sequence[str], raw: Sequence[str | bytes], known: Known, held_out: Known) -> dict:
    """Markup and addresses of several texts. `raw`: the same texts in the model's units."""
    nested = {
        "links": [markup.nest_links(s) for s in samples],
        "round": [brackets.nest_brackets(s, ["()"]) for s in samples],
        "blocks": [markup.nest_blocks(s) for s in samples],
        "quotes": [quotes.nest_quotes(s) for s in samples],
        "html": [_html(s) for s in samples],
    }
    shares = {f"{k}_closed": share([brackets.closed(n) for n in v]) for k, v in nested.items()}
    shares |= {
        f"{k}_right": share([brackets.closing_right(n) for n in v]) for k, v in nested.items()
    }
    plain = {
        "external": markup.external,
        "emphasis": markup.emphasis,
        "headings": markup.balanced_headings,
        "heading_steps": markup.heading_steps,
        "list_lines": markup.list_lines,
        "list_steps": markup.list_steps,
        "quotes_placed": quotes.placed,
        "entities": tags.entities,
    }
    shares |= {name: share([rule(s) for s in samples]) for name, rule in plain.items()}
    found = [s for s in raw if isinstance(s, bytes)]
    return shares | {
        "utf8": share([utf8.valid_sequences(s) for s in found]),
        "characters": share([utf8.known_characters(s, known.characters) for s in found]),
        "texts": len(samples),
        "distance": {k: _distances(nested[k]) for k in ("links", "round")},
        **_urls(samples, known, held_out),
        **_links(samples, known, held_out),
    }


def _html(text: str) -> list[nesting.Nesting]:
    """The HTML inside articles, section by section."""
    return brackets.nest_within(
        tags.escaped_tags(text), brackets.borders(text, markup.SECTION)
    )  # fmt: skip


def _distances(found: Sequence[list[nesting.Nesting]]) -> list[dict | None]:
    """Share of openings closed by their own name, a bin of EDGES each; None of fewer than FEW."""
    tables = [nesting.by_distance(sample, EDGES) for sample in found]
    bins = [share([table[i] for table in tables]) for i in range(len(EDGES) - 1)]
    return [b if b and b["total"] >= FEW else None for b in bins]


def _urls(samples: Sequence[str], known: Known, held_out: Known) -> dict:
    """Web addresses: `known` ones stand in the training text, letter for letter."""
    found = [markup.urls(s) for s in samples]
    rules = {
        "urls_plausible": markup.plausible,
        "urls_known": known.urls.__contains__,
        "hosts_known": lambda url: markup.host(url) in known.hosts,
        "domains_known": lambda url: markup.domain(url) in known.domains,
    }
    invented = _distinct(url for urls in found for url in urls if url not in known.urls)
    shares = {k: share([Share.of(map(rule, urls)) for urls in found]) for k, rule in rules.items()}
    return shares | {
        "urls": sum(map(len, found)),
        "invented_urls": invented[:LISTED],
        "invented_urls_in_all": len(invented),
        "invented_urls_in_held_out": sum(url in held_out.urls for url in invented),
    }


def _links(samples: Sequence[str], known: Known, held_out: Known) -> dict:
    """Links: how many have a label, how many lead to a page that the training text names."""
    found = [markup.links(s) for s in samples]
    articles = [[x for x in links if x.kind == "article" and x.page] for links in found]
    codes = [[x.target.split(":", 1)[0] for x in links if x.kind == "language"] for links in found]
    pages = [[x.page for x in links] for links in articles]
    invented = _distinct(page for names in pages for page in names if page not in known.pages)
    kinds = ("article", "category", "file", "language", "other")
    return {
        "labelled": share([Share.of(x.label is not None for x in links) for links in articles]),
        "pages_known": share([Share.of(page in known.pages for page in names) for names in pages]),
        "languages_known": share([Share.of(x in known.languages for x in c) for c in codes]),
        "links": {k: sum(x.kind == k for links in found for x in links) for k in kinds},
        "invented_pages": invented[:LISTED],
        "invented_pages_in_all": len(invented),
        "invented_pages_in_held_out": sum(page in held_out.pages for page in invented),
    }


def asked_for_pages(material: Material, temperature: float) -> list[str]:
    """Texts that begin with the first line of a page, as long as the others; bytes that are no
    UTF-8 as `surrogateescape` has them."""
    number, options = PAGES * material.samples, {"temperature": temperature, "seed": 2000}
    drawn = sample_units(
        material.run, number, PAGE, length=material.length, unknown="skip", **options
    )
    return [
        PAGE + (text if isinstance(text, str) else text.decode(errors="surrogateescape"))
        for text in drawn
    ]


def held_out_pages(material: Material) -> list[str]:
    """The held-out text from beginnings of pages on, as long as the others: the yardstick. A page
    that begins inside the last such text is left out, so that none is counted twice."""
    text, length = material.held_out, material.length + len(PAGE)
    starts = []
    at = text.find(PAGE)
    while at >= 0:
        starts.append(at)
        at = text.find(PAGE, at + length)
    return [text[start : start + length] for start in spread(starts)]


def pages(texts: Sequence[str], known: Known) -> dict:
    """XML of several texts that begin with a page, with `surrogateescape` for what is no UTF-8."""
    whole, parsed = tags.whole_pages(texts), share([tags.parsed(t) for t in texts])
    texts = [as_text(t.encode("utf-8", "surrogateescape")) for t in texts]
    nested = [tags.nest_pages(t) for t in texts]
    titles = [[markup.page_name(x) for x in tags.contents(t, "title")] for t in texts]
    stamps = [[s for s in tags.contents(t, "timestamp") if tags.timestamp(s)] for t in texts]
    first, last = known.dates or ("", "~")
    rules = {
        "tags": tags.well_formed,
        "order": tags.in_order,
        "dates": tags.dates,
        "numbers": tags.numbers,
        "addresses": tags.addresses,
        "hashes": tags.hashes,
    }
    unknown = _distinct(title for names in titles for title in names if title not in known.pages)
    return {name: share([rule(t) for t in texts]) for name, rule in rules.items()} | {
        "parsed": parsed,
        "tags_closed": share([brackets.closed(n) for n in nested]),
        "tags_right": share([brackets.closing_right(n) for n in nested]),
        "stamps_known": share([Share.of(x in known.stamps for x in s) for s in stamps]),
        "stamps_outside": share([Share.of(not first <= x <= last for x in s) for s in stamps]),
        "titles_known": share([Share.of(x in known.pages for x in names) for names in titles]),
        "distance": _distances(nested),
        "texts": len(texts),
        "whole_pages": len(whole),
        "redirects": sum("#redirect" in page.lower() for page in whole),
        "examples": sorted(_distinct(whole), key=len)[:2],
        "invented_titles": unknown[:LISTED],
    }


def by_layer(material: Material) -> list[dict]:
    """What the beginning of the validation text costs: a dict a layer with its `share` of the
    characters and its mean `bits` a character (a byte at byte level), the whole of it last."""
    ids = np.asarray(material.texts.split.val[: SCORED + 1], dtype=np.int64)
    if len(ids) < 2:
        return []
    text = units(material.texts.vocab, ids)
    places = layers(text.decode("latin-1") if isinstance(text, bytes) else text)[1:]
    bits = stream_nats(material.run.model, ids, lanes=8, warmup=1000).astype(np.float64) / LN2
    parts = [(name, places == i) for i, name in enumerate(LAYERS)]
    parts.append(("all", np.ones(len(bits), dtype=bool)))
    return [
        {
            "layer": name,
            "characters": int(where.sum()),
            "share": float(where.mean()),
            "bits": float(bits[where].mean()),
        }
        for name, where in parts
        if where.any()
    ]


def _distinct(things: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(things))
