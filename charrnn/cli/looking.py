"""`charrnn probe`: which units of a model follow a rule, on a text of one's own."""

from __future__ import annotations

import argparse
import json
import sys

from charrnn.cli.text import read_text
from charrnn.probe.census import is_scores, measured, rank_units
from charrnn.probe.ranking import FEWEST, Correlations, Scores
from charrnn.rules import KINDS, RULES, rules_for
from charrnn.runs import load_run

ABOUT = """\
Every unit of the network is held against rules such as "inside a quotation". Units, thresholds and
signs are chosen on the first half of the text and measured on the second.

of c|h: an LSTM's memory (figures show tanh(c)), or what it shows of it. Layers and units count
from 0, as in Python: charrnn.trace(run, text).unit(LAYER, UNIT)."""
MORE = """
examples:
  charrnn probe war_and_peace novel.txt --rule inside_quotes
  charrnn probe runs/notes notes.txt                  (every rule, its best unit)
  charrnn probe linux driver.c --kind c --top 3
  charrnn probe --list                                (the rules)
"""


def add(command) -> None:
    """Add the command."""
    parser = command(
        "probe",
        "which units of a model follow a rule",
        run=probe,
        more=ABOUT,
        epilog=MORE,
    )
    parser.add_argument(
        "name", metavar="RUN", nargs="?", help="a training's folder or a recorded run's name"
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a text file, or - for stdin")
    parser.add_argument(
        "--rule", action="append", metavar="NAME", help="a rule; may be given several times (all)"
    )
    parser.add_argument("--kind", choices=KINDS, help="all rules for such texts")
    parser.add_argument("--of", choices=("c", "h"), default="c", help="what of a unit (c)")
    parser.add_argument("--top", type=int, metavar="N", help="units of each rule (10, or 1 of all)")
    parser.add_argument("--list", action="store_true", help="list the rules and stop")
    parser.add_argument(
        "--unknown",
        choices=("error", "skip"),
        default="error",
        help="what to do with characters the model never saw (error)",
    )
    parser.add_argument("--device", default="cpu", metavar="D", help="(cpu)")
    parser.add_argument("--json", action="store_true", help="one JSON object, rule by rule")


def probe(args: argparse.Namespace) -> None:
    """Rank units and print the best."""
    if args.list:
        for rule in RULES.values():
            print(f"{rule.name:22}{rule.title:44}{', '.join(rule.texts)}")
        return
    if args.name is None or args.file is None:
        raise ValueError("give a run and a text file, or --list for the rules")
    names = wanted(args.rule, args.kind)
    top = args.top if args.top is not None else 10 if args.rule else 1
    if top < 1:
        raise ValueError(f"top is {top}; it must be at least 1")
    run = load_run(args.name).to(args.device)
    text = known(run, read_text(args.file, run.vocab.level), args.unknown)
    found = rank_units(run, text, names, args.of, progress=sys.stderr.isatty())
    missing = [name for name in args.rule or () if name not in found]
    if missing:
        raise ValueError(
            f"the text has too few characters for {', '.join(missing)}: each half needs at least "
            f"{FEWEST} inside and {FEWEST} outside"
        )
    tables = {name: rows(scores, top, run.model.config.hidden) for name, scores in found.items()}
    if args.json:
        print(json.dumps({"of": args.of, "characters": len(text), "rules": tables}))
    else:
        show(tables, found, args.of)


def wanted(named: list[str] | None, kind: str | None) -> list[str]:
    """The rules that were asked for. ValueError on one that there is not."""
    if named and kind:
        raise ValueError("give --rule or --kind, not both")
    for name in named or ():
        if name not in RULES:
            raise ValueError(f"there is no rule {name!r}; there are {', '.join(RULES)}")
    return named or [rule.name for rule in rules_for(kind)] if named or kind else list(RULES)


def known(run, text: str | bytes, unknown: str) -> str | bytes:
    """The text without what the model cannot read, where that is to be skipped."""
    ids = run.vocab.encode(text, unknown=unknown)
    if len(ids) < 4 * FEWEST:
        raise ValueError(f"the text has {len(ids)} symbols; at least {4 * FEWEST} are needed")
    return run.vocab.decode_bytes(ids) if run.vocab.level == "byte" else run.vocab.decode(ids)


def rows(scores: Scores | Correlations, top: int, hidden: int) -> list[dict]:
    """The best units of a rule, best first by the first half."""
    first, second = measured(scores)
    table = []
    for unit in scores.best(top).tolist():
        layer, number = divmod(unit, hidden)
        row = {"layer": layer, "unit": number}
        if is_scores(scores):
            row |= {
                "f1": float(second[unit]),
                "auc": float(scores.auc[unit]),
                "on": "above" if scores.above[unit] else "below",
                "threshold": float(scores.threshold[unit]),
                "f1_found": float(first[unit]),
                "f1_guessing": scores.guessing,
            }
        else:
            row |= {"r": float(scores.r[unit]), "r_found": float(scores.r_found[unit])}
        table.append(row)
    return table


def show(tables: dict[str, list[dict]], found: dict, quantity: str) -> None:
    """Tables for a person."""
    for name, table in tables.items():
        print(f"{RULES[name].title} ({name})")
        if is_scores(found[name]):
            print(f"  F1 of always saying yes: {found[name].guessing:.3f}")
        for row in table:
            place = f"  layer {row['layer']} unit {row['unit']:4d}"
            if "r" in row:
                print(f"{place}  r {row['r']:+.3f}")
            else:
                yes = f"{quantity} {row['on']} {row['threshold']:.3g}"
                print(f"{place}  F1 {row['f1']:.3f}  AUC {row['auc']:.3f}  yes where {yes}")
