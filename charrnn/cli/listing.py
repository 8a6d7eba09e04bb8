"""`charrnn corpora` and `charrnn runs`: what there is, and what is known of it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from charrnn.cli.console import say
from charrnn.corpora import corpus_names, describe, fetch, verify
from charrnn.runs import Run, RunError, list_runs, load_run, read_info
from charrnn.score import LN2


def add(command) -> None:
    """Add both commands."""
    parser = command(
        "corpora",
        "texts that are known by name: list, fetch, verify",
        run=corpora,
        more=(
            "list: all of them, with size, licence, and where each would come from now\n"
            "fetch NAME...: bring them to this machine and check their hashes\n"
            "verify [NAME...]: read what is here again, byte by byte"
        ),
        epilog="example:\n  charrnn corpora fetch tinyshakespeare",
    )
    parser.add_argument("action", nargs="?", default="list", choices=("list", "fetch", "verify"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true", help="list: as JSON")
    parser = command(
        "runs",
        "trained networks: list them, show one",
        run=runs,
        more=(
            "list: the recorded runs, and trainings in the folder runs/ here\n"
            "show RUN: its text, network, training, losses, device and vocabulary"
        ),
        epilog="example:\n  charrnn runs show runs/notes",
    )
    parser.add_argument("action", nargs="?", default="list", choices=("list", "show"))
    parser.add_argument("name", nargs="?", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="as JSON")


def corpora(args: argparse.Namespace) -> None:
    """List, fetch or verify corpora."""
    if args.action == "list":
        if args.names:
            raise ValueError(f"list takes no names; did you mean: corpora fetch {args.names[0]}?")
        _list_corpora(args.json)
    elif args.action == "fetch":
        if not args.names:
            raise ValueError("name what to fetch; `charrnn corpora list` shows what there is")
        for name in args.names:
            found = fetch(name, progress=sys.stderr.isatty())
            print(f"{name}: {found.n_bytes:,} bytes in {found.path}")
    else:
        for name in args.names or corpus_names():
            print(verify(name, required=bool(args.names)), flush=True)


def _list_corpora(as_json: bool) -> None:
    found = describe()
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for entry in found:
        size = f"{entry['bytes']:,}" if entry["bytes"] else "-"
        print(f"{entry['name']:22}{size:>13}  {entry['title']}")
        print(f"{'':37}{entry['licence']}; {entry['source']}")


def runs(args: argparse.Namespace) -> None:
    """List runs, or show one."""
    if args.action == "show":
        if args.name is None:
            raise ValueError("name the run to show; `charrnn runs list` shows what there is")
        facts = shown(load_run(args.name))
        print(json.dumps(facts, indent=1, ensure_ascii=False) if args.json else _as_text(facts))
        return
    if args.name is not None:
        raise ValueError(f"list takes no run; did you mean: runs show {args.name}?")
    rows = [row for folder in (*list_runs(), *_own_runs()) if (row := _row(folder))]
    if args.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    if not rows:
        say("no runs yet; charrnn train TEXT makes one")
    for row in rows:
        bits = f"{row['val_bits_per_char']:.3f}" if row["val_bits_per_char"] else "-"
        size = f"{row['layers']} x {row['hidden']} {row['cell']}"
        print(f"{row['name']:22}{row['scale']:8}{size:16}{bits:>7} bits  {row['folder']}")


def _own_runs() -> list[Path]:
    """Trainings in runs/ of the working folder, where `charrnn train` puts them."""
    return sorted(p.parent for p in Path("runs").glob("*/run.json"))


def _row(folder: Path) -> dict | None:
    """One line of the list; None, with a note, where the folder's run.json is not one."""
    try:
        info = read_info(folder)
        nats = info.get("losses", {}).get("val")
        return {
            "name": info["name"],
            "scale": info["scale"],
            **{k: info["model"][k] for k in ("cell", "hidden", "layers", "parameters")},
            "val_bits_per_char": nats / LN2 if nats else None,
            "folder": str(folder),
        }
    except RunError as error:
        say(f"charrnn: note: {error}")
    except (KeyError, TypeError, OverflowError) as error:
        say(f"charrnn: note: {folder / 'run.json'} is damaged ({type(error).__name__}: {error})")
    return None


def shown(run: Run) -> dict:
    """Everything about a run that fits on a screen, as char-rnn's inspect_checkpoint did."""
    config = run.model.config
    info = {k: v for k, v in run.info.items() if k not in ("recipe", "model")}
    symbols = list(run.vocab.symbols)
    return {
        "folder": str(run.folder),
        "network": config.to_dict() | {"parameters": run.model.n_parameters},
        **info,
        "history": {
            "lines": len(run.history.get("step", ())),
            "last_train_loss": _last(run, "train_loss"),
            "last_val_loss": _last(run, "val_loss"),
        },
        "samples": len(run.samples),
        "measures": sorted(run.measures),
        "vocabulary": {
            "level": run.vocab.level,
            "size": len(run.vocab),
            "symbols": symbols if run.vocab.level == "byte" else "".join(symbols),
        },
    }


def _last(run: Run, column: str) -> float | None:
    values = [v for v in run.history.get(column, ()) if v == v]
    return float(values[-1]) if values else None


def _as_text(facts: dict, indent: str = "") -> str:
    """Nested facts as lines, a name and a value each."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", _as_text(value, indent + "  ")]
        elif name == "symbols":
            lines.append(f"{indent}{name:24}{value!r}")
        elif value not in (None, "", []):
            text = f"{value:.6g}" if isinstance(value, float) else value
            lines.append(f"{indent}{name:24}{text}")
    return "\n".join(lines)
