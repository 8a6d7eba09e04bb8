"""`charrnn sample` and `charrnn score`: text out of a model, and text held against it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from charrnn.cli.console import calm, say
from charrnn.cli.options import number, seed
from charrnn.corpora.texts import check_file, normalised, pieces
from charrnn.eras import ERAS
from charrnn.runs import Run, load_run
from charrnn.sample import TEMPERATURES, Sampling, chosen_settings, sample_many, stream
from charrnn.score import score as score_text
from charrnn.vocab import POLICIES

SAMPLES = r"""
examples:
  charrnn sample runs/notes --temperature 0.8
  charrnn sample shakespeare --prompt "ROMEO:" --length 1000 --seed 7
  charrnn sample shakespeare --prompt $'ROMEO:\n' --stop $'\n\n'      (bash: $'\n' is a newline)
  charrnn sample shakespeare --prompt "ROMEO:" --portable             (as the book's pages do)
  printf 'ROMEO:\n' | charrnn sample shakespeare --prompt-file -
  charrnn sample names --n 5 --length 8 --separator $'\n'

Prompts are taken as they are: \n in one is a backslash and an n. The same run, options and seed
give the same text; on another machine it may differ somewhere, except with --portable.

if you come from char-rnn (sample.lua on the left):
  CHECKPOINT                    RUN: the folder of a training, or the name of a recorded run
  -primetext S                  --prompt S, with --echo to print it too
  -length 2000                  --length 2000
  -temperature T, -seed N       --temperature T, --seed N
  -temperature T before 3 June 2015     the same, and --era 2015-05-21
  -sample 0                     --greedy
  -gpuid N (-1: CPU)            --device cuda:N (--device cpu)
  -verbose 1                    --verbose
  -opencl 1                     no counterpart
"""
SCORES = """
examples:
  charrnn score shakespeare sonnet.txt
  charrnn score shakespeare - --json < sonnet.txt
  charrnn score shakespeare sonnet.txt --dynamic

Every character but the first is predicted from all that stand before it (by a model of single
lines, from its line's, and the first too). The loss in nats is the mean of -ln p; in bits it is
that divided by ln 2. With --dynamic the weights take a step towards each stretch of the text once
it is scored, which takes longer; RUN itself stays as it is.
"""


def add(command) -> None:
    """Add both commands."""
    _add_sample(command)
    parser = command("score", "how likely a model finds a text", run=score, epilog=SCORES)
    parser.add_argument("name", metavar="RUN", help="a training's folder or a recorded run's name")
    parser.add_argument("file", metavar="FILE", help="a text file, or - for standard input")
    _add_unknown(parser)
    parser.add_argument("--device", default="cpu", metavar="D", help="(cpu)")
    parser.add_argument(
        "--dynamic", action="store_true", help="let the model learn from what it has scored"
    )
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")


def _add_unknown(parser) -> None:
    parser.add_argument(
        "--unknown",
        choices=POLICIES,
        default="error",
        help="what to do with characters the model never saw (error)",
    )


def _add_sample(command) -> None:
    parser = command(
        "sample",
        "text from a model, on stdout",
        run=sample,
        more="Text appears as it is drawn, and stdout holds nothing else.",
        epilog=SAMPLES,
    )
    parser.add_argument("name", metavar="RUN", help="a training's folder or a recorded run's name")
    group = parser.add_argument_group("what to write")
    prompt = group.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", default="", metavar="S", help="what the text continues")
    prompt.add_argument("--prompt-file", metavar="FILE", help="a file with the prompt; -: stdin")
    group.add_argument("--length", type=int, default=500, metavar="N", help="characters (500)")
    group.add_argument("--stop", metavar="S", help="end before the first occurrence of S")
    group.add_argument("--echo", action="store_true", help="print the prompt first")
    group.add_argument("--n", type=int, metavar="N", help="as many texts, drawn side by side")
    group.add_argument(
        "--separator", default="\n---\n", metavar="S", help="between those texts (a line ---)"
    )
    group = parser.add_argument_group("how to draw")
    heat = group.add_mutually_exclusive_group()
    heat.add_argument(
        "--temperature",
        type=number,
        default=1.0,
        metavar="T",
        help="below 1 safer, above 1 wilder (1)",
    )
    heat.add_argument("--greedy", action="store_true", help="always the likeliest: --temperature 0")
    group.add_argument(
        "--temperature-on",
        choices=TEMPERATURES,
        help="what it divides; hidden: the top layer's h, so not the decoder's bias (logits)",
    )
    group.add_argument(
        "--era", choices=tuple(ERAS), help="as sampled then; 2015-05-21: --temperature-on hidden"
    )
    group.add_argument("--top-k", type=int, metavar="N", help="draw from the N likeliest only")
    group.add_argument(
        "--top-p", type=number, metavar="P", help="draw from the likeliest that hold a share P"
    )
    group.add_argument("--seed", type=seed, default=0, metavar="N", help="(0)")
    group.add_argument(
        "--portable",
        action="store_true",
        help="the same text on every machine and in the book's pages, from int8 weights; with a C "
        "compiler at hand the quickest way to a text on a CPU",
    )
    _add_unknown(group)
    group.add_argument("--device", default="cpu", metavar="D", help="auto, cpu, cuda or mps (cpu)")
    group.add_argument("--verbose", action="store_true", help="the run and the speed, on stderr")


def sample(args: argparse.Namespace) -> None:
    """Draw text and write it as it comes."""
    on = {} if args.temperature_on is None else {"temperature_on": args.temperature_on}
    settings = chosen_settings(
        args.era,
        **on,
        length=args.length,
        temperature=0.0 if args.greedy else args.temperature,
        top_k=args.top_k,
        top_p=args.top_p,
        seed=args.seed,
        stop=args.stop,
        unknown=args.unknown,
        portable=args.portable,
    )
    run = load_run(args.name).to(args.device)
    prompt = _prompt(args, run)
    if args.verbose:
        say(f"{run.name} ({run.folder}): {run.model.config}", str(settings))
    began, written, last = time.perf_counter(), 0, ""
    for piece in _pieces(args, run, prompt, settings):
        _write(piece)
        written, last = written + len(piece), piece or last
    if sys.stdout.isatty() and not last.endswith("\n"):
        _write("\n")
    if args.verbose:
        seconds = time.perf_counter() - began
        say(f"{written:,} characters in {seconds:.2f} s, {written / seconds:,.0f} a second")


def _pieces(args, run: Run, prompt: str | bytes, settings: Sampling) -> Iterator[str]:
    """What to write, in order."""
    options = vars(settings)
    opening = run.vocab.decode(run.vocab.encode(prompt, args.unknown)) if args.echo else ""
    if args.n is None:
        drawn = stream(run, prompt, **options)
        first = next(drawn, "")  # whatever is wrong with the prompt is found before it is written
        yield opening
        yield first
        yield from drawn
        return
    for number_, text in enumerate(sample_many(run, args.n, prompt, **options)):
        yield (args.separator if number_ else "") + opening + text


def _write(text: str) -> None:
    """Text to stdout at once, as UTF-8 whatever the terminal's settings are. A terminal is shown
    control characters; a file or pipe gets them as they are."""
    text = calm(text) if sys.stdout.isatty() else text
    sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
    sys.stdout.buffer.flush()


def _prompt(args, run: Run) -> str | bytes:
    if args.prompt_file is not None:
        return read_text(args.prompt_file, run.vocab.level)
    try:
        args.prompt.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no UTF-8
        return os.fsencode(args.prompt)
    return args.prompt


def read_text(file: str, level: str) -> str | bytes:
    """A file (-: standard input) as a model of that level reads texts.

    At char level as for training: decoded, without byte order mark, with LF line ends. At byte
    level as it is. Raises CorpusError where it cannot be read.
    """
    if file == "-":
        source, name = [sys.stdin.buffer.read()], "standard input"
    else:
        check_file(Path(file))
        source, name = pieces(Path(file)), file
    if level == "byte":
        return b"".join(source)
    return b"".join(normalised(source, name)).decode()


def score(args: argparse.Namespace) -> None:
    """Print how likely the model finds the text."""
    run = load_run(args.name).to(args.device)
    text = read_text(args.file, run.vocab.level)
    found = score_text(run, text, unknown=args.unknown, dynamic=args.dynamic)
    first = 1 if run.model.config.restart is None else 0  # characters that nothing predicts
    skipped = len(text) - found.targets - first
    facts = {
        "nats_per_char": found.nats_per_char,
        "bits_per_char": found.bits_per_char,
        "bits_per_byte": found.bits_per_byte,
        "characters": found.targets,
        "bytes": found.n_bytes,
        "skipped": skipped,
        "level": run.vocab.level,
        "dynamic": args.dynamic,
    }
    if args.json:
        print(json.dumps(facts))
        return
    for name in ("nats_per_char", "bits_per_char", "bits_per_byte"):
        print(f"{name.replace('_', ' '):16}{facts[name]:.4f}")
    unit = "bytes" if run.vocab.level == "byte" else "characters"
    left_out = f"; {skipped:,} it never saw are left out" if skipped else ""
    counted = "all but the first" if first else "all of them"
    print(f"{unit:16}{found.targets:,} ({counted}{left_out})")
    if args.dynamic:
        print(f"{'dynamic':16}the model learnt from each stretch once it was scored")
