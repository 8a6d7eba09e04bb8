"""Characters a second: `charrnn.sample` beside stepped `torch.nn.LSTM`s and ONNX Runtime.

2 layers of 512, V = 65, one text and 256 texts at once. What others are divided by is the loop that
most programs have, one character at a time through `nn.LSTM` (1-of-k input, softmax, multinomial,
under inference_mode). Beside it `nn.LSTMCell`, torch's dynamic int8 quantisation, and on a CPU ONNX
Runtime, in float32 and in int8. Each side counts with its best number of threads. Steady state:
building the network and laying out its weights is not timed.

    python -m benchmarks sampling [--rounds 5] [--seconds 1] [--device cpu]
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from benchmarks.command import command
from benchmarks.rounds import (
    Effort,
    Side,
    best_threads,
    measure_cases,
    ratios,
    show_rows,
    thread_counts,
)

SIZE = {"hidden": 512, "layers": 2, "vocab": 65}
QUICK_SIZE = {"hidden": 32, "layers": 2, "vocab": 65}
CASES = {"one stream": 1, "256 streams": 256}


def sides(streams: int, device: str, size: dict, folder: str) -> list[Side]:
    """Everything that writes text on a device."""
    common = {"streams": streams, "device": device, **size}
    counts = thread_counts(device)

    def side(name: str, build: str, precision: str = "fp32", **more) -> Side:
        options = common | more
        return Side(name, f"benchmarks.steppers:{build}", options, precision, streams, counts)

    chosen = [side("ours", "ours"), side("nn.LSTM", "stepped")]
    chosen.append(side("nn.LSTMCell", "stepped", form="cells"))
    if device == "cpu":
        chosen.insert(1, side("ours", "ours", "int8", portable=True))
        chosen.append(side("nn.LSTM", "stepped", "int8", form="quantised"))
        chosen += onnx_sides(streams, size, folder)
    return chosen


def onnx_sides(streams: int, size: dict, folder: str) -> list[Side]:
    """ONNX Runtime's: both forms of the network, in both precisions, with each number of threads.
    None where it is not installed."""
    if not (find_spec("onnxruntime") and find_spec("onnx")):
        print("ONNX Runtime is left out: pip install onnx onnxruntime")
        return []
    return [
        Side(
            f"ONNX Runtime {form}",
            "benchmarks.steppers:onnx",
            {"form": form, "int8": precision == "int8", "streams": streams, "folder": folder}
            | {"threads": threads, **size},
            precision,
            streams,
            (threads,),
        )
        for form in ("lstm", "matmul")
        for precision in ("fp32", "int8")
        for threads in thread_counts("cpu")
    ]


def measure(effort: Effort) -> dict:
    """Rows, ratios, and in short how ours compares: with `nn.LSTM`, and int8 with int8."""
    size = QUICK_SIZE if effort.quick else SIZE
    with TemporaryDirectory() as folder:
        cases = {
            name: sides(streams, effort.device, size, folder) for name, streams in CASES.items()
        }
        rows = measure_cases(cases, effort)
    against = ratios(rows)
    return {
        "unit": "characters/s",
        "model": size,
        "rows": rows,
        "ratios": against,
        "ratio": by_case(against, "ours", "fp32"),
        "int8_ratio": int8_ratio(rows),
    }


def int8_ratio(rows: list[dict]) -> dict:
    """By case, how many times as fast ours in int8 is as the better form of ONNX Runtime's int8."""
    found = {}
    for case in CASES:
        rivals = [r for r in best_threads(rows) if (r["case"], r["precision"]) == (case, "int8")]
        rivals = [r for r in rivals if r["side"].startswith("ONNX")]
        if rivals:
            best = max(rivals, key=lambda r: r["median"])
            held = ratios(rows, {case: (best["side"], "int8")})
            found |= by_case(held, "ours", "int8", [case])
    return found


def by_case(held: list[dict], side: str, precision: str, cases: Iterable[str] = CASES) -> dict:
    """The ratios of one side in one precision, by case."""
    mine = [r for r in held if (r["side"], r["precision"]) == (side, precision)]
    return {r["case"]: r for r in mine if r["case"] in cases}


def show(result: dict) -> None:
    """The table, and ours against ONNX Runtime's int8."""
    show_rows(result)
    for case, ratio in result["int8_ratio"].items():
        print(
            f"{case}: ours int8 is {ratio['median']:.2f} times as fast as {ratio['against']} "
            f"({ratio['low']:.2f} to {ratio['high']:.2f})"
        )


def main(arguments: list[str] | None = None) -> None:
    command("sampling", __doc__.split("\n\n")[0], measure, show, arguments)


if __name__ == "__main__":
    main()
