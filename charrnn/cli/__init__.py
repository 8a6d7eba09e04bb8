"""The command line: `charrnn COMMAND ...`, one file a group of commands.

Exit status: 0 done, 2 wrong arguments or input, 130 stopped with everything saved, 1 anything else.
Messages go to stderr, one line each, and never a traceback (CHARRNN_DEBUG=1 shows it); stdout holds
what was asked for and nothing else.
"""

from __future__ import annotations

import argparse
import sys

import charrnn
from charrnn.cli import console, listing, looking, publishing, text, training
from charrnn.cli.options import Parser, add_command, joined

ABOUT = """\
Train character-level recurrent networks on any text, and have them write.

  charrnn train notes.txt                        a network for a text of your own
  charrnn sample runs/notes --temperature 0.8    text from it, on stdout
  charrnn score runs/notes other.txt             how likely it finds another text
  charrnn probe runs/notes notes.txt             what its units look at
"""
MORE = """\
`charrnn COMMAND --help` lists a command's options with examples.

Exit status: 0 done; 2 wrong arguments or input, said in one line; 130 stopped by Ctrl-C with
everything saved; 1 anything else (CHARRNN_DEBUG=1 shows where).
CHARRNN_CACHE moves the folder of prepared texts and compiled loops; CHARRNN_DATA is searched for
texts first. CHARRNN_NATIVE=0 computes without compiled loops, more slowly.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line as a parser; `args.run(args)` carries a command out."""
    parser = Parser(
        prog="charrnn",
        description=ABOUT,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"charrnn {charrnn.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", title="commands")
    for group in (training, text, looking, publishing, listing):
        group.add(lambda *names, **options: add_command(commands, *names, **options))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    console.mend_streams()
    parser = build_parser()
    try:
        args, rest = parser.parse_known_args(joined(sys.argv[1:] if argv is None else argv))
        if rest:
            getattr(args, "parser", parser).refuse(rest)
    except SystemExit as left:  # --help, --version, or wrong arguments
        return int(left.code or 0)
    if args.command is None:
        parser.print_help()
        return 0
    return console.carry_out(args)
