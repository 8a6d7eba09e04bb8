"""Footnote marks such as [2] in essays."""

from __future__ import annotations

from charrnn.measure.material import Material
from charrnn.structure import essays


def measure(material: Material) -> dict:
    """The share of texts that hold a mark: by temperature, and of `held_out` essays."""
    rows = {str(t): essays.share_with_marks(s).as_dict() for t, s in material.drawn.items()}
    return rows | {"held_out": essays.share_with_marks(material.pieces).as_dict()}
