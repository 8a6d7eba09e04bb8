"""The published file: what is in it, what it costs, and what is refused."""

import json
import pickle
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from charrnn.checkpoint import Checkpoint, CheckpointError, read_header, save_checkpoint
from charrnn.export import choose_precision, load_model, published, quantise, save_model
from charrnn.model import CharRNN, ModelConfig
from charrnn.sample import Sampling, draw
from charrnn.score import loss
from charrnn.vocab import Vocab

SYMBOLS = tuple("\n !abcdefé😀")
PROVENANCE = {
    "run": "tiny",
    "corpus": {"name": "hello", "licence": "CC0", "attribution": "nobody", "sha256": "00" * 32},
}
CELLS = ["lstm", "gru", "rnn"]


def random_model(cell="lstm", layers=2, hidden=37, seed=0) -> CharRNN:
    """A network whose two biases both matter."""
    generator = torch.Generator().manual_seed(seed)
    config = ModelConfig(len(SYMBOLS), cell=cell, hidden=hidden, layers=layers)
    model = CharRNN(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(-0.5, 0.5, generator=generator)
        model.decoder.weight.mul_(5)
    return model.eval()


def random_ids(n=60, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(SYMBOLS), n)


@torch.inference_mode()
def logits_of(model: CharRNN, ids: np.ndarray) -> np.ndarray:
    return model(torch.from_numpy(ids)[:, None])[0][:, 0].numpy()


def saved(path, model=None, precision="int8", vocab=None):
    """A published file and what was read back from it."""
    model = model or random_model()
    save_model(path, model, vocab or Vocab(SYMBOLS), PROVENANCE, precision)
    return model, *load_model(path)


# A second reader, of nothing but the text at the top of charrnn/export.py


def read_by_the_book(path) -> tuple[dict, dict]:
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    listed, data = json.loads(raw[8 : 8 + n]), raw[8 + n :]
    header = json.loads(listed.pop("__metadata__")["charrnn"])
    types = {"I8": "<i1", "F16": "<f2", "F32": "<f4"}
    stored = {}
    for name, tensor in listed.items():
        first, after = tensor["data_offsets"]
        values = np.frombuffer(data[first:after], types[tensor["dtype"]])
        stored[name] = values.reshape(tensor["shape"])
    return header, stored


def run_by_the_book(path, ids) -> np.ndarray:
    """The logits after each symbol, in float64, with a state array W wide for each layer."""
    header, stored = read_by_the_book(path)
    cell, hidden, layers = (header["model"][k] for k in ("cell", "hidden", "layers"))
    w = {name: values.astype(np.float64) for name, values in stored.items()}
    for name in [name for name in w if name.endswith(".scale")]:
        w[name.removesuffix(".scale")] *= w[name][:, None]
    width = -(-hidden // 32) * 32
    h, c, out = np.zeros((layers, width)), np.zeros((layers, hidden)), []

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    for symbol in ids:
        for n in range(layers):
            below = w["layers.0.lookup"][symbol] if n == 0 else w[f"layers.{n}.below"] @ h[n - 1]
            a = below + w[f"layers.{n}.bias"]
            u = w[f"layers.{n}.recurrent"] @ h[n]
            if cell == "lstm":
                i, f, g, o = np.split(a + u, 4)
                c[n] = sigmoid(f) * c[n] + sigmoid(i) * np.tanh(g)
                h[n, :hidden] = sigmoid(o) * np.tanh(c[n])
            elif cell == "gru":
                (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(a, 3), np.split(u, 3)
                r, z = sigmoid(a_r + u_r), sigmoid(a_z + u_z)
                new = np.tanh(a_n + r * (u_n + w[f"layers.{n}.bias_new"]))
                h[n, :hidden] = (1 - z) * new + z * h[n, :hidden]
            else:
                h[n, :hidden] = np.tanh(a + u)
        out.append(w["decoder.weight"] @ h[-1] + w["decoder.bias"])
    return np.array(out)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_reader_of_the_specification_computes_the_same(tmp_path, cell, layers, precision):
    path = tmp_path / "model.safetensors"
    _, read, _, _ = saved(path, random_model(cell, layers), precision)
    ids = random_ids()
    expected = logits_of(read, ids)
    assert np.abs(expected).max() > 1
    assert np.abs(run_by_the_book(path, ids) - expected).max() < 2e-5  # float32 sums of 37 terms


# What comes back


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("hidden", [5, 32, 37])
def test_weights_come_back_within_their_rounding(tmp_path, cell, layers, hidden):
    """int8: half a step of the row's scale; fp16: 11 bits."""
    model = random_model(cell, layers, hidden)
    ids, exact = random_ids(), model.state_dict()
    for precision in ("int8", "fp16"):
        _, read, _, _ = saved(tmp_path / "m.safetensors", model, precision)
        assert read.config == model.config
        for name, weight in read.state_dict().items():
            if weight.dim() == 1:
                continue
            along = 0 if name == "rnn.0.weight_ih_l0" else 1  # stored by symbol
            error = (weight - exact[name]).abs()
            top = exact[name].abs().amax(dim=along, keepdim=True)
            bound = top / 127 / 2 if precision == "int8" else exact[name].abs() * 2**-11
            assert (error <= bound * 1.0001 + 1e-7).all(), name
        difference = np.abs(logits_of(read, ids) - logits_of(model, ids)).max()
        assert 0 < difference < (0.5 if precision == "int8" else 0.02)


@pytest.mark.parametrize("cell", CELLS)
def test_biases_lose_nothing(tmp_path, cell):
    """Summed where only the sum matters; the GRU's recurrent bias of n is multiplied by r."""
    model, read, _, _ = saved(tmp_path / "m.safetensors", random_model(cell))
    old, new = model.state_dict(), read.state_dict()
    assert torch.equal(old["decoder.bias"], new["decoder.bias"])
    for layer in (0, 1):
        pair = [f"rnn.{layer}.bias_{kind}_l0" for kind in ("ih", "hh")]
        assert torch.allclose(sum(old[k] for k in pair), sum(new[k] for k in pair), atol=1e-7)
        if cell == "gru":
            assert torch.equal(old[pair[0]][2 * 37 :], new[pair[0]][2 * 37 :])
            assert torch.equal(old[pair[1]][2 * 37 :], new[pair[1]][2 * 37 :])


def test_the_model_is_ready_to_be_used(tmp_path):
    model, read, vocab, header = saved(tmp_path / "m.safetensors")
    assert not read.training and read.device.type == "cpu"
    assert {p.dtype for p in read.parameters()} == {torch.float32}
    assert vocab == Vocab(SYMBOLS)
    assert header["provenance"] == PROVENANCE and header["precision"] == "int8"
    assert header == read_header(tmp_path / "m.safetensors")
    again = published(model)
    for name, weight in read.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


def test_vocabularies_come_back(tmp_path):
    for vocab in (Vocab(SYMBOLS), Vocab(tuple(range(200, 200 + len(SYMBOLS))), "byte")):
        assert saved(tmp_path / "m.safetensors", vocab=vocab)[2] == vocab


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        saved(tmp_path / name, random_model(seed=4))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    saved(tmp_path / "b", random_model(seed=5))
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


# What is in the file


def test_tensors_of_the_file(tmp_path):
    path = tmp_path / "m.safetensors"
    _, _, _, header = saved(path, random_model("gru", 2))
    stored, v = load_file(path), len(SYMBOLS)
    matrices = {
        "layers.0.lookup": (v, 111),
        "layers.0.recurrent": (111, 64),
        "layers.1.below": (111, 64),
        "layers.1.recurrent": (111, 64),
        "decoder.weight": (v, 64),
    }
    vectors = {"decoder.bias": (v,)}
    for layer in (0, 1):
        vectors |= {f"layers.{layer}.bias": (111,), f"layers.{layer}.bias_new": (37,)}
    scales = {f"{name}.scale": shape[:1] for name, shape in matrices.items()}
    assert {k: t.shape for k, t in stored.items()} == matrices | vectors | scales
    for name in matrices:
        assert stored[name].dtype == np.int8
        if name != "layers.0.lookup":
            assert not stored[name][:, 37:].any() and stored[name][:, 36].any()
    assert header["tensors"]["layers.1.below"] == {"kept": "int8", "shape": [111, 37]}
    assert header["tensors"]["decoder.bias"] == {"kept": "float32", "shape": [v]}
    assert set(header["tensors"]) == set(matrices) | set(vectors)


def test_a_symbol_is_one_row(tmp_path):
    """Row s of the lookup is column s of torch's input matrix."""
    path = tmp_path / "m.safetensors"
    model, _, _, _ = saved(path, precision="fp16")
    rows = load_file(path)["layers.0.lookup"]
    column = model.rnn[0].weight_ih_l0[:, 3].detach().numpy()
    assert np.array_equal(rows[3], column.astype(np.float16))


def test_quantise_by_hand():
    """A scale of 1, halves to even; then a scale of 2; a row of zeros; one too small to scale."""
    rows = np.array([[127, 0.5, 1.5, -2.5], [-254, 1, 3, 5], [0, 0, 0, 0], [1e-38, 0, 0, 0]])
    whole, scale = quantise(rows.astype(np.float32))
    assert whole.tolist() == [[127, 0, 2, -2], [-127, 0, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert scale.tolist() == [1, 2, 1, 1]
    assert whole.dtype == np.int8 and scale.dtype == np.float32


@pytest.mark.parametrize(
    ("symbols", "hidden", "layers", "megabytes"),
    [(65, 512, 2, 3.36), (67, 512, 3, 5.48), (100, 700, 3, 10.3)],
)
def test_size(tmp_path, symbols, hidden, layers, megabytes):
    """A byte a weight: 3.4 MB for 2 x 512, 5.5 MB for 3 x 512, 10.3 MB for 3 x 700."""
    path = tmp_path / "m.safetensors"
    vocab = Vocab(tuple(chr(40 + i) for i in range(symbols)))
    save_model(path, CharRNN(ModelConfig(symbols, hidden=hidden, layers=layers)), vocab, PROVENANCE)
    assert path.stat().st_size == pytest.approx(megabytes * 1e6, rel=0.01)


# Which precision


def test_int8_is_chosen_where_it_costs_little():
    model, ids = random_model(), random_ids(2000)
    precision, own, rounded = choose_precision(model, Vocab(SYMBOLS), ids)
    options = {"lanes": 8, "warmup": 200}
    assert precision == "int8"
    assert own == loss(model, ids, **options)
    assert rounded == loss(published(model), ids, **options) != own


def test_half_precision_is_chosen_where_int8_costs_more_than_the_limit():
    """One weight of 1000 on a unit that is always 0 takes all 127 steps of its decoder row."""
    model = random_model("rnn", 1)
    with torch.no_grad():
        for parameter in model.rnn[0].parameters():
            parameter[0] = 0
        model.decoder.weight[:, 0] = 1000
    vocab = Vocab(SYMBOLS)
    ids = np.concatenate(list(draw(model, vocab, "a", Sampling(length=2000))))  # its own text
    options = {"lanes": 8, "warmup": 200}
    assert loss(published(model), ids, **options) > loss(model, ids, **options) + 0.005
    precision, own, rounded = choose_precision(model, vocab, ids)
    assert precision == "fp16" and own == loss(model, ids, **options)
    assert rounded == pytest.approx(own, abs=1e-3)


def test_the_limit_decides():
    model, ids = random_model(), random_ids(2000)
    _, own, rounded = choose_precision(model, Vocab(SYMBOLS), ids, limit=1)
    cost = rounded - own
    assert choose_precision(model, Vocab(SYMBOLS), ids, limit=cost + 1e-6)[0] == "int8"
    assert choose_precision(model, Vocab(SYMBOLS), ids, limit=cost - 1e-6)[0] == "fp16"


def test_ids_of_another_vocabulary():
    with pytest.raises(ValueError, match="id 99 is not in a vocabulary of 11"):
        choose_precision(random_model(), Vocab(SYMBOLS), np.array([1, 99]))


# What is refused on writing


def test_arguments_are_checked(tmp_path):
    path, model, vocab = tmp_path / "m", random_model(), Vocab(SYMBOLS)
    with pytest.raises(ValueError, match="precision is 'int4'; it must be one of int8, fp16"):
        save_model(path, model, vocab, PROVENANCE, "int4")
    with pytest.raises(ValueError, match="vocabulary has 3 symbols and the model 11"):
        save_model(path, model, Vocab.of("abc"), PROVENANCE)
    with pytest.raises(ValueError, match="provenance lacks run, corpus"):
        save_model(path, model, vocab, {})
    with pytest.raises(ValueError, match=r"lacks corpus\.licence, corpus\.attribution, corpus\.s"):
        save_model(path, model, vocab, {"run": "x", "corpus": {"name": "y"}})
    assert not path.exists()


def test_weights_that_do_not_fit_are_refused(tmp_path):
    path, vocab = tmp_path / "m", Vocab(SYMBOLS)
    model = random_model()
    with torch.no_grad():
        model.decoder.weight[0, 0] = 1e5
    with pytest.raises(ValueError, match=r"decoder\.weight holds weights beyond 65504"):
        save_model(path, model, vocab, PROVENANCE, "fp16")
    save_model(path, model, vocab, PROVENANCE, "int8")
    with torch.no_grad():
        model.rnn[1].weight_hh_l0[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"layers\.1\.recurrent holds numbers that are not finite"):
        save_model(path, model, vocab, PROVENANCE)


# What is refused on reading


def refused(path, pattern):
    with pytest.raises(CheckpointError, match=pattern) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("kept", [0, 7, 200, 0.5, -1])
def test_a_file_cut_short(tmp_path, kept):
    path = tmp_path / "m.safetensors"
    saved(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * kept) if kept == 0.5 else kept])
    refused(path, "not a complete safetensors file")


def test_foreign_files(tmp_path):
    path = tmp_path / "foreign"
    for raw in (b"hello", pickle.dumps({"weights": [1.0]}), bytes(10_000), b"\xff" * 10_000):
        path.write_bytes(raw)
        refused(path, "not a complete safetensors file")
    torch.save(random_model().state_dict(), path)
    refused(path, "not a complete safetensors file")
    save_file({"w": np.zeros(3, np.float32)}, path)
    refused(path, "was not written by charrnn")
    for header in ("[1, 2]", "3", '"charrnn-model-1"', "{"):
        save_file({"w": np.zeros(3, np.float32)}, path, metadata={"charrnn": header})
        refused(path, "has a broken header")
    save_file({"w": np.zeros(3, np.float32)}, path, metadata={"charrnn": "{}"})
    refused(path, "has format None; a published model has 'charrnn-model-1'")


def test_a_training_is_not_a_published_model(tmp_path):
    path, model = tmp_path / "best.safetensors", random_model()
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    save_checkpoint(path, Checkpoint(model.config, Vocab(SYMBOLS), {}, {}, {}, tensors))
    refused(path, "has format 'charrnn-training-1'.*charrnn export makes one")


def rewritten(path, change):
    """The file again, after `change(header, tensors)`."""
    saved(path)
    header, tensors = read_header(path), load_file(path)
    change(header, tensors)
    save_file(tensors, path, metadata={"charrnn": json.dumps(header)})


def replaced(name, value):
    return lambda header, tensors: tensors.__setitem__(name, value(tensors[name]))


def nan_first(values):
    values = values.copy()
    values[0] = np.nan
    return values


def last_column(values, number=1):
    values = values.copy()
    values[0, -1] = number
    return values


def in_model(**fields):
    return lambda header, tensors: header["model"].update(fields)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda h, t: t.pop("layers.1.below"), r"lacks 'layers\.1\.below'"),
        (lambda h, t: t.pop("decoder.weight.scale"), r"lacks 'decoder\.weight\.scale'"),
        (lambda h, t: h.pop("vocab"), "lacks 'vocab'"),
        (lambda h, t: h.pop("precision"), "lacks 'precision'"),
        (lambda h, t: h.pop("tensors"), "lacks 'tensors'"),
        (lambda h, t: h.update(precision="fp16"), r"layers\.0\.lookup is int8; it must be float16"),
        (lambda h, t: h.update(precision="int4"), "precision is 'int4'"),
        (lambda h, t: h["tensors"].pop("decoder.bias"), "list of tensors"),
        (lambda h, t: h["vocab"].update(symbols="abc"), "3 symbols for a model of 11"),
        (lambda h, t: h["vocab"].update(symbols="cba"), "sorted and distinct"),
        (lambda h, t: h.update(vocab=[]), "broken model file"),
        (lambda h, t: h.update(model=None), "broken model file"),
        (lambda h, t: t.update(more=np.zeros(1, np.float32)), "it holds more, which"),
        (in_model(cell="mlp"), "cell is 'mlp'"),
        (in_model(hidden=38), r"layers\.0\.lookup has shape \(11, 148\); by the header it has"),
        (in_model(hidden=60_000), "by the header it has"),
        (in_model(hidden=10**9), "hidden is 1000000000; it must be at most 65,536"),
        (in_model(hidden="37"), "broken model file"),
        (in_model(hidden=37.0), "broken model file"),
        (in_model(layers=3), r"lacks 'layers\.2\.below'"),
        (in_model(layers=90), r"lacks 'layers\.2\.below'"),
        (in_model(layers=10**12), "layers is 1000000000000; it must be at most 100"),
        (in_model(layers=1), r"it holds layers\.1\.below"),
        (in_model(extra=1), "extra"),
        (replaced("decoder.bias", lambda x: x.astype(np.float16)), "must be float32"),
        (replaced("decoder.bias", nan_first), r"decoder\.bias holds nan"),
        (replaced("decoder.weight.scale", nan_first), r"decoder\.weight\.scale holds nan"),
        (replaced("decoder.weight.scale", lambda x: -x), r"decoder\.weight\.scale holds -"),
        (replaced("decoder.weight", last_column), r"padding of decoder\.weight is not zero"),
        (
            replaced("layers.0.lookup", lambda x: last_column(x, -128)),
            r"layers\.0\.lookup holds -128",
        ),
        (replaced("layers.0.recurrent", lambda x: x.T.copy()), r"has shape \(64, 148\)"),
    ],
)
def test_broken_files_say_what_is_wrong(tmp_path, change, pattern):
    path = tmp_path / "broken.safetensors"
    rewritten(path, change)
    refused(path, pattern)
