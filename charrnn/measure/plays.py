"""The form of a play: by temperature, and in held-out plays."""

from __future__ import annotations

from charrnn.measure.material import Material, quantiles, share
from charrnn.structure import plays
from charrnn.structure.shares import largest_of

TEMPERATURES = (0.5, 0.7, 0.8, 0.9, 1.0, 1.2)


def measure(material: Material) -> dict:
    """A row a temperature, by its number as text, and one of `held_out` plays."""
    known, elsewhere = plays.speakers(material.train), plays.speakers(material.held_out)
    rows = {str(t): row(material.drawn[t], known, elsewhere) for t in TEMPERATURES}
    return rows | {"held_out": row(material.pieces, known, elsewhere, material.samples)}


def row(samples: list[str], known, elsewhere, few: int | None = None) -> dict:
    """`known`: speakers of the training text; `elsewhere`: those of the held-out text. `few`: so
    many of the texts stand for all where a maximum is asked for (None: all)."""
    found = [plays.play_structure(s, known) for s in samples]
    fields = ("headings", "well_formed", "changes", "capital_lines", "known_speeches")
    by_text = [list(plays.speeches(text)) for text in samples]
    speeches = [s for text in by_text for s in text]
    sizes = [s.characters for s in speeches]
    lines = [len(s.lines) for s in speeches]
    longest = [max((len(s.lines) for s in text), default=0) for text in by_text]
    invented = list(dict.fromkeys(name for f in found for name in f.invented))
    words_known = {word for name in known for word in name.split()}
    return {f: share([getattr(x, f) for x in found]) for f in fields} | {
        "speeches": len(speeches),
        "speech_characters": quantiles(sizes),
        "speech_lines": _with_maximum(quantiles(lines), longest, few),
        "speakers": len({s.speaker for s in speeches}),
        "invented": invented[:30],
        "invented_in_all": len(invented),
        "of_known_words": sum(words_known.issuperset(name.split()) for name in invented),
        "in_held_out": sum(name in elsewhere for name in invented),
        "lengths": sizes[:2000],
    }


def _with_maximum(found: dict | None, longest: list[int], few: int | None) -> dict | None:
    """Quantiles with the maximum of as many texts as `few` says, of the `longest` of each text."""
    return found and found | {"max": int(largest_of(longest, few or len(longest)))}
