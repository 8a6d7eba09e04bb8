"""Options: one-line errors, numbers that are numbers, and texts that may begin with a dash."""

from __future__ import annotations

import argparse
import difflib
import math

TEXTS = ("--prompt", "--stop", "--sample-prompt", "--separator")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line."""

    def error(self, message: str):
        self.exit(2, f"charrnn: {message} ({self.prog} --help lists the options)\n")

    def refuse(self, words: list[str]):
        """Complain of arguments that are not known, with the option that may have been meant."""
        word, known = words[0].partition("=")[0], self._option_string_actions
        near = difflib.get_close_matches(word, known, 1, cutoff=0.8)
        hint = f"; did you mean {near[0]}?" if near and words[0].startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{hint}")


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions and examples as they are written; options in a column of their own."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def add_command(commands, name: str, summary: str, run, epilog: str = "", more: str = ""):
    """A command's parser: its summary shows in the list of commands and on top of its own help."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}." + (f"\n\n{more}" if more else ""),
        epilog=epilog,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_text(parser) -> None:
    """The option that says where a run's text is, for what needs that text."""
    parser.add_argument("--text", metavar="FILE", help="the run's text, if the file has moved")


def joined(argv: list[str]) -> list[str]:
    """The arguments with every text option and its value in one, so that a value may be "-x"."""
    read, rest = [], list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*read, word, *rest]
        read.append(f"{word}={rest.pop(0)}" if word in TEXTS and rest else word)
    return read


def number(text: str) -> float:
    """A finite number."""
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def seed(text: str) -> int:
    """A seed that every random generator takes."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is out of range; it must be 0 to 2^63 - 1")
    return value


def fractions(text: str) -> tuple[float, float, float]:
    """Two or three shares of a text: training, validation and (else 0) test."""
    parts = [number(part) for part in text.split(",")]
    if len(parts) not in (2, 3):
        raise argparse.ArgumentTypeError(f"{text!r} must be two or three shares, as 0.9,0.1")
    return tuple([*parts, 0.0][:3])


def steps(text: str) -> tuple[int, ...]:
    """Steps, with commas between."""
    read = tuple(int(part) for part in text.split(","))
    if min(read) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: steps are counted from 1")
    return read
