"""A character LSTM as an ONNX model, one step: ids and state in, logits and state out.

Two forms, since which is the faster depends on the runtime: "lstm" has ONNX's own LSTM operator, a
layer each, and 1-of-k input; "matmul" spells the cell out, reads its input by row lookup, and has
one matrix product a layer. `int8` puts them through ONNX Runtime's dynamic quantisation (int8
weights, activations rounded as they come).
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from charrnn.model import CharRNN, ModelConfig

FORMS = ("lstm", "matmul")
OPSET, IR = 17, 9
Weights = dict[str, np.ndarray]


class Graph:
    """Nodes and constants, gathered one by one."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], outputs: list[str] | str, **attributes) -> str:
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]


def build(model: CharRNN, form: str) -> onnx.ModelProto:
    """The model of a network. Inputs: ids (S,) int64, and h and c of each layer, (S, H); outputs:
    logits (S, V), and h and c anew. ValueError for another form, or a cell that is no LSTM."""
    if form not in FORMS:
        raise ValueError(f"form is {form!r}; it must be one of {', '.join(FORMS)}")
    if model.config.cell != "lstm":
        raise ValueError(f"cell is {model.config.cell!r}; only an lstm is written as ONNX here")
    graph, below = Graph(), ""
    weights = {name: w.detach().numpy() for name, w in model.named_parameters()}
    for layer in range(model.config.layers):
        add = _lstm_operator if form == "lstm" else _spelled_out
        below = add(graph, weights, layer, below, model.config.vocab_size)
    graph.constant("decoder", weights["decoder.weight"].T)
    graph.constant("decoder_bias", weights["decoder.bias"])
    graph.node("MatMul", [below, "decoder"], "scores")
    graph.node("Add", ["scores", "decoder_bias"], "logits")
    return _checked(graph, model.config)


def _checked(graph: Graph, config: ModelConfig) -> onnx.ModelProto:
    """The graph with its inputs and outputs."""

    def states(suffix: str) -> list[onnx.ValueInfoProto]:
        names = [f"{part}{layer}{suffix}" for layer in range(config.layers) for part in "hc"]
        shape = ["S", config.hidden]
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names]

    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["S"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["S", config.vocab_size])
    inputs, outputs = [ids, *states("")], [logits, *states("_")]
    made = helper.make_graph(graph.nodes, "step", inputs, outputs, graph.constants)
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    whole.ir_version = IR  # that of the operator set, so that older runtimes read it
    onnx.checker.check_model(whole)
    return whole


def _spelled_out(graph: Graph, weights: Weights, layer: int, below: str, vocab: int) -> str:
    """A layer as products and gates (torch's order of gates: i, f, g, o)."""
    n, h, c = f"l{layer}_", f"h{layer}", f"c{layer}"
    w, u, bias = _layer(weights, layer)
    if layer == 0:
        graph.constant(n + "rows", w.T + bias)
        graph.constant(n + "u", u.T)
        graph.node("Gather", [n + "rows", "ids"], n + "x")
        graph.node("MatMul", [h, n + "u"], n + "product")
    else:
        graph.constant(n + "wu", np.concatenate([w.T, u.T]))
        graph.constant(n + "x", bias)
        graph.node("Concat", [below, h], n + "both", axis=1)
        graph.node("MatMul", [n + "both", n + "wu"], n + "product")
    graph.node("Add", [n + "product", n + "x"], n + "gates")
    parts = [n + p for p in "ifgo"]
    graph.node("Split", [n + "gates"], parts, axis=1)
    for p, kind in zip(parts, ("Sigmoid", "Sigmoid", "Tanh", "Sigmoid"), strict=True):
        graph.node(kind, [p], p + "_")
    graph.node("Mul", [n + "f_", c], n + "kept")
    graph.node("Mul", [n + "i_", n + "g_"], n + "written")
    graph.node("Add", [n + "kept", n + "written"], c + "_")
    graph.node("Tanh", [c + "_"], n + "shown")
    return graph.node("Mul", [n + "o_", n + "shown"], h + "_")


def _lstm_operator(graph: Graph, weights: Weights, layer: int, below: str, vocab: int) -> str:
    """A layer as ONNX's LSTM (its order of gates: i, o, f, g), which wants a time axis."""
    n, h, c = f"l{layer}_", f"h{layer}", f"c{layer}"
    w, u, bias = (_reordered(x) for x in _layer(weights, layer))
    graph.constant(n + "w", w[None])
    graph.constant(n + "u", u[None])
    graph.constant(n + "bias", np.concatenate([bias, np.zeros_like(bias)])[None])
    graph.constant(n + "axis", np.array([0]))
    if layer == 0:
        graph.constant("one_of_k", np.eye(vocab, dtype=np.float32))
        below = graph.node("Gather", ["one_of_k", "ids"], "x")
    for name in (below, h, c):
        graph.node("Unsqueeze", [name, n + "axis"], f"{n}{name}_1")
    inputs = [f"{n}{below}_1", n + "w", n + "u", n + "bias", "", f"{n}{h}_1", f"{n}{c}_1"]
    outputs = ["", n + "h_after", n + "c_after"]
    node = helper.make_node("LSTM", inputs, outputs, name=n + "lstm", hidden_size=u.shape[1])
    graph.nodes.append(node)
    graph.node("Squeeze", [n + "c_after", n + "axis"], c + "_")
    return graph.node("Squeeze", [n + "h_after", n + "axis"], h + "_")


def _layer(weights: Weights, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (4H, n), U (4H, H) and the sum of the two biases (4H,)."""
    part = f"rnn.{layer}."
    bias = weights[part + "bias_ih_l0"] + weights[part + "bias_hh_l0"]
    return weights[part + "weight_ih_l0"], weights[part + "weight_hh_l0"], bias


def _reordered(x: np.ndarray) -> np.ndarray:
    i, f, g, o = np.split(x, 4)
    return np.concatenate([i, o, f, g])


def write(model: CharRNN, form: str, int8: bool, folder: Path, per_column: bool = False) -> Path:
    """The model as a file; where it is there already, that one.

    per_column: a scale for each column of a matrix instead of one for all of it, which is ONNX
    Runtime's default and the faster.
    """
    kind = ("int8-columns" if per_column else "int8") if int8 else "fp32"
    file = folder / f"{form}-{kind}.onnx"
    if file.exists():
        return file
    made = build(model, form)
    if not int8:
        onnx.save(made, file)
        return file
    with tempfile.TemporaryDirectory() as place, _quiet():
        plain = Path(place) / "model.onnx"
        onnx.save(made, plain)
        quantize_dynamic(plain, file, per_channel=per_column, weight_type=QuantType.QInt8)
    return file


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that quantising gives at every call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


class OnnxStepper:
    """S texts side by side, as `charrnn.score.stepped_nats` wants it: ids (S,) to logits (S, V)."""

    def __init__(self, file: Path, streams: int, threads: int = 1, pack: bool = True) -> None:
        """pack: lay the weights out anew for matrix products. Products of a float32 matrix with a
        single vector are faster without."""
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_prepacking", str(int(not pack)))
        self.session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        states = self.session.get_inputs()[1:]
        self.names = [s.name for s in states]
        self.state = [np.zeros((streams, s.shape[1]), np.float32) for s in states]

    def step(self, ids: np.ndarray) -> np.ndarray:
        given = dict(zip(self.names, self.state, strict=True))
        logits, *self.state = self.session.run(None, given | {"ids": ids})
        return logits
