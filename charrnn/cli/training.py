"""`charrnn train` and `charrnn resume`."""

from __future__ import annotations

import argparse
import sys
import textwrap

from charrnn import distributed
from charrnn.cli.console import quoted, say
from charrnn.cli.options import add_text, fractions, number, seed, steps
from charrnn.cli.together import one_voice
from charrnn.devices import PRECISIONS, choose_device, choose_precision, describe_device
from charrnn.eras import ERAS
from charrnn.model import CELLS, INITS, SWITCHES, CharRNN, ModelConfig
from charrnn.plan import MODEL, TEXT, TRAINING, Plan, plan_training
from charrnn.recipe import SCALES, SPLITS, model_config, recipe_names
from charrnn.runs import LENGTHS, Run, find_run, load_run, resume_run, train_recipe
from charrnn.score import LN2
from charrnn.settings import OPTIMIZERS, SCHEDULES
from charrnn.vocab import LEVELS

EXAMPLES = """\
examples:
  charrnn train notes.txt                              sizes chosen by the length of the text
  charrnn train shakespeare --scale laptop             a recipe: text, network and training
  charrnn train notes.txt --hidden 256 --minutes 20    one's own choice
  charrnn train poems.txt --init-from runs/notes       start from the weights of another run
  charrnn train python --scale smoke --out r           seconds, without a download

Ctrl-C saves everything; `charrnn resume` then goes on as if nothing had happened.

on several GPUs, or processors' cores, sharing out the lanes (`resume` in the same way):
  torchrun --nproc-per-node 2 -m charrnn train notes.txt --batch 128

if you come from char-rnn (train.lua on the left):
  -data_dir DIR                 TEXT: the file itself; join several with cat
  -rnn_size, -num_layers        --hidden, --layers
  -model lstm|gru|rnn           --cell
  -dropout                      --dropout
  -seq_length, -batch_size      --seq, --batch
  -max_epochs                   --epochs (or --steps, --minutes)
  -learning_rate, -decay_rate   --optimizer rmsprop --lr, --decay-rate
  -learning_rate_decay          --schedule decay --lr-decay
  -learning_rate_decay_after    --schedule decay --lr-decay-after
  -grad_clip 5                  --clip-norm 0 --clip-value X with X = 5 / SEQ: the loss is a mean
                                over the steps of a sequence here, a sum there
  -train_frac, -val_frac        --split 0.95,0.05,0 --split-kind char-rnn
  -init_from CHECKPOINT         charrnn resume RUN (everything), or --init-from RUN (weights alone)
  -checkpoint_dir, -savefile    --out
  -eval_val_every, -seed        --eval-every, --seed
  -print_every                  not needed: a bar shows every step, history.csv keeps the losses
  -gpuid N (-1: CPU)            --device cuda:N (--device cpu)
  -accurate_gpu_timing          not needed: characters a second are in history.csv
  -opencl 1                     no counterpart: CUDA, Apple's MPS and the CPU are supported
  inspect_checkpoint.lua        charrnn runs show RUN
  convert_gpu_cpu_checkpoint    not needed: every run opens on every device
  char-rnn's own defaults:      --era char-rnn, which for a text without a recipe stands for
                                --hidden 128 --layers 2 --dropout 0 --batch 50 --seq 50 --epochs 50
                                --optimizer rmsprop --lr 2e-3 --schedule decay --clip-norm 0
                                --clip-value 0.1 --split 0.95,0.05,0 --split-kind char-rnn
                                --init uniform --forget-bias 1 (and --seed 123 there)
  the program of 21 May 2015:   --era 2015-05-21: --detach-top-h --recurrent-dropout --forget-bias 0
                                --schedule constant --hidden 100 --batch 100 --epochs 30, else alike
"""


def add(command) -> None:
    """Add both commands."""
    _add_train(command)
    parser = command(
        "resume",
        "go on with a stopped training",
        run=resume,
        more="A new total counts from the start of the training, as if it had been asked for then.",
        epilog="example:\n  charrnn resume runs/notes --epochs 20",
    )
    parser.add_argument("name", metavar="RUN", help="the training's folder")
    _add_lengths(parser)
    add_text(parser)
    _add_accumulate(parser)
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    _add_precision(parser)
    _add_deterministic(parser)
    parser.add_argument("--quiet", action="store_true", help="no bar and no report")


def _add_precision(group) -> None:
    group.add_argument("--precision", choices=("auto", *PRECISIONS), help="(auto: the quickest)")


def _add_deterministic(group) -> None:
    group.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        help="the same bits each time, also on a GPU, which is slower then (no)",
    )


def _add_lengths(parser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--epochs", type=number, metavar="N", help="passes over the training text")
    group.add_argument("--steps", type=int, metavar="N", help="updates of the weights")
    group.add_argument("--minutes", type=number, metavar="M", help="time spent on training")


def _add_accumulate(group) -> None:
    group.add_argument(
        "--accumulate",
        type=int,
        metavar="N",
        help="compute a step in N groups of lanes, one after the other, to save memory (1)",
    )


def _add_train(command) -> None:
    parser = command(
        "train",
        "train a network on a text",
        run=train,
        more=(
            "TEXT is a file, or a name. Recipes, which bring settings of their own:\n"
            f"{textwrap.fill(', '.join(recipe_names()), 90)}.\n"
            "Any other text gets sizes by its length. Every option replaces one setting."
        ),
        epilog=EXAMPLES,
    )
    parser.add_argument("text", metavar="TEXT", help="a file, a recipe, or a corpus")
    parser.add_argument("--out", metavar="RUN", help="a new folder for the run (runs/NAME)")
    parser.add_argument(
        "--scale",
        choices=SCALES,
        help="post: the post's own; laptop: about an hour on two cores; smoke: seconds, on a text "
        "that comes with the project (post with a GPU, else laptop)",
    )
    parser.add_argument(
        "--era",
        choices=tuple(ERAS),
        help="settings of the post's program on that day, or of char-rnn as it was left; a recipe "
        "keeps its sizes, and options here win",
    )
    parser.add_argument("--init-from", metavar="RUN", help="start from the weights of a run")
    parser.add_argument("--quiet", action="store_true", help="no bar and no report")
    _add_network(parser.add_argument_group("the network"))
    _add_training(parser)
    _add_text(parser.add_argument_group("the text"))
    _add_samples(parser.add_argument_group("checks and samples on the way"))


def _add_network(group) -> None:
    group.add_argument("--cell", choices=tuple(CELLS), help="(lstm)")
    group.add_argument("--hidden", type=int, metavar="N", help="units in a layer")
    group.add_argument("--layers", type=int, metavar="N", help="one above the other")
    group.add_argument("--dropout", type=number, metavar="P", help="share of units left out (0)")
    group.add_argument(
        "--forget-bias",
        type=number,
        metavar="X",
        help="first bias of the LSTM's forget gate (-2: nearly shut)",
    )
    group.add_argument("--init", choices=INITS, help="first weights; uniform: U(-0.08, 0.08)")
    group.add_argument(
        "--recurrent-dropout",
        action=argparse.BooleanOptionalAction,
        help="dropout also hits what the next step reads, afresh at each (no)",
    )
    group.add_argument(
        "--detach-top-h",
        action=argparse.BooleanOptionalAction,
        help="no gradient through the h of the step before in the top layer (no)",
    )


def _add_training(parser) -> None:
    group = parser.add_argument_group("its training")
    group.add_argument("--batch", type=int, metavar="N", help="places of the text read at once")
    group.add_argument(
        "--seq", type=int, metavar="N", help="characters the gradient looks back over"
    )
    _add_accumulate(group)
    _add_lengths(group)
    group.add_argument("--optimizer", choices=OPTIMIZERS, help="(adamw)")
    group.add_argument("--lr", type=number, metavar="X", help="learning rate (0.003)")
    group.add_argument("--schedule", choices=SCHEDULES, help="of the learning rate (cosine)")
    group.add_argument("--warmup", type=int, metavar="N", help="cosine: first steps, slower (100)")
    group.add_argument("--lr-decay", type=number, metavar="X", help="decay: factor an epoch (0.97)")
    group.add_argument(
        "--lr-decay-after", type=number, metavar="N", help="decay: from that epoch on (10)"
    )
    group.add_argument(
        "--alpha", "--decay-rate", type=number, metavar="X", help="RMSProp's smoothing (0.95)"
    )
    group.add_argument("--weight-decay", type=number, metavar="X", help="AdamW's (0)")
    group.add_argument(
        "--clip-norm", type=number, metavar="X", help="largest norm of the gradient (1; 0: any)"
    )
    group.add_argument(
        "--clip-value", type=number, metavar="X", help="largest element of the gradient (0: any)"
    )
    group.add_argument("--seed", type=seed, metavar="N", help="of weights and dropout")
    group.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps (auto)")
    _add_precision(group)
    _add_deterministic(group)


def _add_text(group) -> None:
    group.add_argument("--level", choices=LEVELS, help="what is read and predicted (char)")
    group.add_argument(
        "--split",
        type=fractions,
        metavar="A,B,C",
        help="shares for training, validation and test (0.9,0.05,0.05)",
    )
    group.add_argument(
        "--split-kind",
        choices=SPLITS,
        help="contiguous: the end of the text is held out; char-rnn: the end of every lane; lines: "
        "for lists, shuffled, each line read for itself; pages: whole pages of a wiki dump",
    )


def _add_samples(group) -> None:
    group.add_argument("--eval-every", type=int, metavar="N", help="steps between validations")
    times = group.add_mutually_exclusive_group()
    times.add_argument("--sample-every", type=int, metavar="N", help="steps between samples")
    times.add_argument("--sample-steps", type=steps, metavar="N,N,...", help="steps with a sample")
    group.add_argument("--sample-prompt", metavar="S", help="what every sample continues")
    group.add_argument("--sample-length", type=int, metavar="N", help="characters (400)")
    group.add_argument("--sample-temperature", type=number, metavar="T", help="(0.8)")
    group.add_argument(
        "--save-minutes", type=number, metavar="M", help="longest time between checkpoints (5)"
    )


def train(args: argparse.Namespace) -> None:
    """Plan, say what was planned, train, say how it went."""
    options = {name: getattr(args, name, None) for name in (*MODEL, *TRAINING, *TEXT)}
    with one_voice(args):
        bars = _watched(args)
        plan = plan_training(
            args.text, args.out, args.scale, args.init_from, bars, args.era, **options
        )
        args.folder = plan.folder
        if not args.quiet:
            say(*planned(plan))
        run = train_recipe(plan.recipe, plan.folder, plan.init_from, bars, plan.texts)
        if not args.quiet:
            say(*outcome(run))


def resume(args: argparse.Namespace) -> None:
    """Go on, and say how it went."""
    changeable = (*LENGTHS, "device", "precision", "accumulate", "deterministic")
    changes = {name: getattr(args, name) for name in changeable}
    with one_voice(args):
        folder = args.folder = distributed.in_turn(lambda: find_run(args.name))
        before = load_run(folder).info.get("steps") if not args.quiet else None
        run = resume_run(folder, _watched(args), args.text, **changes)
        if args.quiet:
            return
        if run.info["steps"] == before:
            say(f"{folder} was finished at step {before:,}; --epochs or --steps prolong it")
        say(*outcome(run))


def _watched(args: argparse.Namespace) -> bool:
    """Whether to draw bars: in a log it would be one endless line."""
    return sys.stderr.isatty() and not args.quiet


def planned(plan: Plan) -> list[str]:
    """What is about to be trained, for the person who waits for it."""
    recipe, texts = plan.recipe, plan.texts
    training, config = recipe.training, model_config(recipe, texts.vocab)
    device = choose_device(training.device)
    precision = choose_precision(device, training.precision, config)
    unit = "bytes" if texts.vocab.level == "byte" else "characters"
    part = "" if texts.characters == texts.whole else f" of {texts.whole:,}"
    sizes = [len(s) for s in (texts.split.train, texts.split.val, texts.split.test)]
    dropout = f", dropout {config.dropout:g}" if config.dropout else ""
    switches = "".join(f", {name}" for name in _switches(config))
    rows = {
        "text": f"{texts.corpus.title}: {texts.characters:,}{part} {unit}, "
        f"{len(texts.vocab)} distinct",
        "settings": plan.origin,
        "network": f"{config.layers} x {config.hidden} {config.cell}{dropout}{switches}, "
        f"{CharRNN(config).n_parameters:,} parameters",
        "device": f"{describe_device(device)}, {precision}{_together()}",
        "split": f"{recipe.split}: {sizes[0]:,} to train on, {sizes[1]:,} to validate, "
        f"{sizes[2]:,} to test",
        "training": _length(plan),
        "folder": f"{plan.folder} (progress is in its history.csv)",
    }
    if plan.init_from:
        rows["weights"] = f"from {plan.init_from}; new to it: {plan.fresh} of {len(texts.vocab)}"
    return [f"{name:10}{value}" for name, value in rows.items()]


def _switches(config: ModelConfig) -> list[str]:
    """What is not as usual in a network's training, in the words of its options."""
    changed = {k: v for k, v in config.to_dict().items() if k in SWITCHES}
    if config.dropout == 0:
        changed.pop("recurrent_dropout", None)
    return [k.replace("_", " ") + (f" {v}" if v is not True else "") for k, v in changed.items()]


def _together() -> str:
    ranks = distributed.ranks()
    return f", one of {ranks} processes alike" if ranks > 1 else ""


def _length(plan: Plan) -> str:
    training = plan.recipe.training
    total, epoch = plan.total_steps, plan.steps_per_epoch
    long = f"{training.minutes:g} minutes" if total is None else f"{total:,} steps"
    share = "" if total is None else f" ({total / epoch:.3g} epochs)"
    lines = plan.recipe.split == "lines"
    size = f"{training.batch} lines" if lines else f"{training.batch} x {training.seq}"
    if training.accumulate > 1:
        size += f" in {training.accumulate} groups"
    return (
        f"{long}{share} of {size}, {training.optimizer}, "
        f"lr {training.lr:g} ({training.schedule}), seed {training.seed}"
    )


def outcome(run: Run) -> list[str]:
    """Losses, a sample, and what to type next."""
    info = run.info
    unit = "byte" if run.vocab.level == "byte" else "character"
    lines = []
    for part, name in (("val", "validation"), ("test", "test")):
        nats = info["losses"].get(part)
        if nats is not None:
            bits = f"{nats:.4f} nats, {nats / LN2:.4f} bits per {unit}"
            lines.append(f"{name:12}{bits} ({info['split'][part]:,} {unit}s)")
    lines.append(
        f"{'took':12}{info['seconds']:.0f} s, {info['chars_per_second']:,.0f} {unit}s a second; "
        f"best at step {info['best_step']:,} of {info['steps']:,}"
    )
    if run.samples:
        last = run.samples[-1]
        lines += [f"--- sample at temperature {last['temperature']:g} ---", last["text"], "---"]
    folder = quoted(run.folder)
    drawn = f" --era {info['era']}" if "era" in info else ""
    then = f"charrnn sample {folder} --temperature 0.8{drawn}"
    return [*lines, f"the run is in {folder}; next: {then}"]
