"""Try everything in full: `python -m trust` lists the parts, `python -m trust crashes` tries one.

python -m trust --all            every part, two hours; results and table are written
python -m trust crashes --quick  a part as `make test` tries it; nothing is written
python -m trust --table          write the table of trust/README.md anew from the results
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from trust.ledger import HERE, Row, save, written

PARTS = (
    "crashes",
    "texts",
    "files",
    "recipes",
    "downloads",
    "hostile",
    "arithmetic",
    "dependencies",
    "soak",
)


def attempt(part: str, quick: bool) -> list[Row]:
    """Every case of a part; what came of each is printed as it comes."""
    rows = []
    for name, case in import_module(f"trust.{part}").CASES.items():
        began = time.monotonic()
        found = case(quick)
        rows.append(found)
        seconds = time.monotonic() - began
        print(
            f"{part} {name}: {found.tried:,} tried, {found.outcomes} ({seconds:.0f} s)", flush=True
        )
        for line in found.wrong:
            print(f"  WRONG: {line}", flush=True)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where something happened that should not have."""
    parser = argparse.ArgumentParser(
        prog="python -m trust",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--all", action="store_true", help="every part")
    parser.add_argument(
        "--quick", action="store_true", help="as in `make test`; nothing is written"
    )
    parser.add_argument("--table", action="store_true", help="write the table anew")
    args = parser.parse_args(arguments)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(PARTS)}")
    parts = PARTS if args.all else args.parts
    if not parts and not args.table:
        parser.print_help()
        return 0
    failed = False
    for part in parts:
        began = time.monotonic()
        rows = attempt(part, args.quick)
        failed |= any(r.wrong for r in rows)
        if not args.quick:
            print(f"written to {save(part, rows, time.monotonic() - began)}")
    if not args.quick:
        readme = HERE / "README.md"
        readme.write_text(written(PARTS, readme.read_text(encoding="utf-8")), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
