"""The claims on baby names, C23 to C25."""

from __future__ import annotations

from charrnn.claims.rules import Claim, percent
from charrnn.runs import Run

ABOUT_90 = (0.85, 0.95)
"""What may be called 90 %."""


def _names_size(run: Run) -> tuple[str, str]:
    lists = run.measures["names"]["lists"].values()
    lines, different = (sum(part[key] for part in lists) for key in ("lines", "different"))
    text = (
        f"{lines:,} lines, {different:,} different names; {run.info['corpus']['n_bytes']:,} bytes"
    )
    return text, "held" if 7_500 <= lines <= 8_500 else "held with a change"


def _new_names(run: Run) -> tuple[str, str]:
    rows = run.measures["names"]["by_temperature"]
    exact = {t: 1 - row["mass"]["training"] for t, row in rows.items()}
    text = (
        f"{percent(rows['1.0']['new'])} of {rows['1.0']['names']:,} names drawn at T = 1; exactly "
        f"{exact['1.0']:.1%}"
    )
    low, high = ABOUT_90
    if low <= exact["1.0"] <= high:
        return text, "held"
    # The post gives no temperature.
    meeting = [t for t, share in exact.items() if low <= share <= high]
    if not meeting:
        return f"{text}; at no temperature {low:.0%} to {high:.0%}", "not held"
    nearest = min(meeting, key=lambda t: abs(float(t) - 1))
    return f"{text}, and {exact[nearest]:.1%} at T = {nearest}", "held with a change"


def _favourites(run: Run) -> tuple[str, str]:
    names = run.measures["names"]["post"]["favourites"]
    known = sum(name["training"] or name["held_out"] for name in names)
    ranked = sorted((n for n in names if n["p"]), key=lambda name: -name["p"])
    text = f"{known} of the {len(names)} are in the list"
    if ranked:
        first, last = (
            f"{n['name']} once in {1 / n['p']:,.0f} names" for n in (ranked[0], ranked[-1])
        )
        text += f"; drawn at T = 1, {first}, {last}"
    return text, "not held" if known else "held"


CHAPTER = "08-names"

CLAIMS = (
    Claim("C23", "a list of 8000 baby names", "names", _names_size, CHAPTER),
    Claim(
        "C24",
        "90 % of the generated names are not in the list",
        "names",
        _new_names,
        CHAPTER,
        "names",
    ),
    Claim("C25", "the favourites, from Baby to Ahbort, are new", "names", _favourites, CHAPTER),
)
