import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as safetensors_bytes

from charrnn.checkpoint import (
    FORMAT,
    Checkpoint,
    CheckpointError,
    copy_matching,
    load_checkpoint,
    optimizer_tensors,
    read_header,
    restore_optimizer,
    save_checkpoint,
    write_atomically,
)
from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab

ROOT = Path(__file__).parents[1]
CORPUS = {"name": "tiny", "licence": "CC0-1.0 — žluťoučký", "n_bytes": 5, "shareable": True}


def make_model(vocab: Vocab, seed=0, **changes) -> CharRNN:
    config = ModelConfig(**{"vocab_size": len(vocab), "hidden": 4, "layers": 2} | changes)
    return CharRNN(config, torch.Generator().manual_seed(seed)).eval()


def make(text: str | bytes = "hello", **changes) -> Checkpoint:
    vocab = Vocab.of(text)
    model = make_model(vocab, **changes)
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors["rng.cpu"] = torch.Generator().manual_seed(1).get_state()
    tensors["state.0"] = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(2))
    settings, progress = {"lr": 0.1, "sample_steps": [1, 2]}, {"step": 7, "best_loss": 1 / 3}
    return Checkpoint(model.config, vocab, CORPUS, settings, progress, tensors)


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "deep" / "er" / "last.safetensors"
    save_checkpoint(path, make())
    return path


# Round trips


@pytest.mark.parametrize("text", ["hello", '漢字 \n"\\ é', b"\x00\xffbytes"])
def test_a_checkpoint_comes_back_as_it_was(tmp_path, text):
    before, path = make(text), tmp_path / "last.safetensors"
    save_checkpoint(path, before)
    after = load_checkpoint(str(path))
    assert (after.config, after.vocab) == (before.config, before.vocab)
    assert (after.corpus, after.settings) == (CORPUS, before.settings)
    assert after.progress == before.progress
    assert after.tensors.keys() == before.tensors.keys()
    for name, tensor in before.tensors.items():
        assert after.tensors[name].dtype == tensor.dtype
        assert torch.equal(after.tensors[name], tensor), name


def test_the_weights_come_back_exactly_and_make_the_model(saved):
    model, ids = load_checkpoint(saved).model(), torch.tensor([[0], [1], [2]])
    assert not model.training
    for name, value in make_model(Vocab.of("hello")).state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    assert torch.equal(model(ids)[0], make_model(Vocab.of("hello"))(ids)[0])


def test_parts_are_found_by_prefix(saved):
    checkpoint = load_checkpoint(saved)
    assert set(checkpoint.part("rng")) == {"cpu"}
    assert set(checkpoint.part("state")) == {"0"}
    assert "rnn.0.weight_hh_l0" in checkpoint.part("model")
    assert checkpoint.part("mod") == {}


def test_tensors_are_the_processes_own(saved):
    """Not views of the file, which would lie at odd addresses and change with it."""
    checkpoint = load_checkpoint(saved)
    before = {k: v.clone() for k, v in checkpoint.tensors.items()}
    saved.write_bytes(b"\0" * saved.stat().st_size)
    assert all(torch.equal(v, before[k]) for k, v in checkpoint.tensors.items())


def test_the_header_is_readable_json_that_explains_itself(saved):
    header = read_header(saved)
    assert header["format"] == FORMAT
    assert header["vocab"] == {"level": "char", "symbols": "ehlo"}
    assert header["model"]["hidden"] == 4
    length = int.from_bytes(saved.read_bytes()[:8], "little")
    raw = json.loads(saved.read_bytes()[8 : 8 + length])
    assert json.loads(raw["__metadata__"]["charrnn"]) == header


def test_saving_replaces_what_was_there(saved):
    save_checkpoint(saved, make("other"))
    assert load_checkpoint(saved).vocab == Vocab.of("other")
    assert os.listdir(saved.parent) == [saved.name]


@pytest.mark.parametrize("name", ["AdamW", "Adam", "RMSprop"])
def test_an_optimizer_goes_on_as_if_it_had_never_stopped(tmp_path, name):
    def step(model, optimizer, seed):
        ids = torch.randint(4, (5, 2), generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        model(ids)[0].square().sum().backward()
        optimizer.step()

    def fresh():
        model = make_model(Vocab.of("hello"))
        return model, getattr(torch.optim, name)(model.parameters(), lr=0.01)

    model, optimizer = fresh()
    step(model, optimizer, 0)
    kept = make()
    kept.tensors = optimizer_tensors(optimizer)
    save_checkpoint(tmp_path / "x", kept)
    again, restored = fresh()
    again.load_state_dict(model.state_dict())
    restore_optimizer(restored, load_checkpoint(tmp_path / "x").part("optimizer"))
    step(model, optimizer, 1)
    step(again, restored, 1)
    for ours, theirs in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# Files that are no checkpoints


def header_of(**changes) -> str:
    header = {
        "format": FORMAT,
        "model": {"vocab_size": 1},
        "vocab": {"level": "char", "symbols": "a"},
        "corpus": {},
        "settings": {},
        "progress": {},
    }
    return json.dumps({k: v for k, v in (header | changes).items() if v is not None})


def foreign(metadata=None) -> bytes:
    return safetensors_bytes({"a": torch.zeros(3)}, metadata=metadata)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a complete safetensors file"),
        (b"some text that somebody called .safetensors", "not a complete safetensors file"),
        (pickle.dumps({"weights": [1, 2]}), "not a complete safetensors file"),
        (b"PK\x03\x04" + b"\0" * 200, "not a complete safetensors file"),
        (foreign(), "is a safetensors file, but was not written by charrnn"),
        (foreign({"format": "pt"}), "is a safetensors file, but was not written by charrnn"),
        (foreign({"charrnn": "{oops"}), "has a broken header"),
        (foreign({"charrnn": "[1]"}), "has a broken header"),
        (foreign({"charrnn": "{}"}), f"has format None; this version reads '{FORMAT}'"),
        (foreign({"charrnn": header_of(format="charrnn-training-9")}), "has format 'charrnn-tr"),
        (foreign({"charrnn": header_of(vocab=None)}), "has a broken header .*vocab"),
        (foreign({"charrnn": header_of(vocab={})}), "has a broken header .*symbols"),
        (foreign({"charrnn": header_of(model={"size": 3})}), "has a broken header .*size"),
        (foreign({"charrnn": header_of(model={"vocab_size": 0})}), "has a broken header .*is 0"),
        (
            foreign({"charrnn": header_of(model={"vocab_size": 2})}),
            "1 symbols for a model of 2",
        ),
        (foreign({"charrnn": header_of(progress=[1])}), "has a broken header"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, data, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=message) as told:
        load_checkpoint(path)
    assert isinstance(told.value, ValueError)
    assert str(told.value).startswith(str(path))
    assert "\n" not in str(told.value)


def test_weights_of_another_network_are_refused(saved):
    checkpoint = load_checkpoint(saved)
    checkpoint.config = replace(checkpoint.config, hidden=5)
    with pytest.raises(CheckpointError, match=r"the checkpoint is broken: .*size mismatch"):
        checkpoint.model()


def test_broken_weights_are_named_with_their_file(saved):
    kept = load_checkpoint(saved)
    kept.tensors["model.decoder.bias"][0] = torch.nan
    save_checkpoint(saved, kept)
    with pytest.raises(CheckpointError, match=r"decoder\.bias holds numbers .* \(in .*last\.safet"):
        load_checkpoint(saved).model()


@pytest.mark.parametrize("written", ['"charrnn.sha256": "', r'"charrnn\u002esha256":"'])
def test_a_seal_that_stands_elsewhere_does_not_go_unread(saved, written):
    data = saved.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    text = data[8:end].replace(b'"charrnn.sha256":"', written.encode())
    saved.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])
    with pytest.raises(CheckpointError, match="its seal must stand there"):
        load_checkpoint(saved)


def test_an_unknown_field_is_told_what_there_is(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(foreign({"charrnn": header_of(model={"vocab_size": 1, "depth": 2})}))
    with pytest.raises(CheckpointError, match="model has 'depth'; it may have vocab_size, cell"):
        load_checkpoint(path)


def test_the_smallest_right_header_is_accepted(tmp_path):
    (tmp_path / "x").write_bytes(foreign({"charrnn": header_of()}))
    assert load_checkpoint(tmp_path / "x").vocab.symbols == ("a",)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved, share):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        load_checkpoint(saved)


def test_a_torch_save_is_refused_and_nothing_is_ever_unpickled(tmp_path, saved, monkeypatch):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "model.pt")

    def forbidden(*args, **kwargs):
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(module, name, forbidden)
    monkeypatch.setattr(torch, "load", forbidden)
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        load_checkpoint(tmp_path / "model.pt")
    load_checkpoint(saved).model()


def test_no_file_is_no_file(tmp_path):
    for path in (tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no checkpoint at {path}"):
            load_checkpoint(path)


# Written whole or not at all


@pytest.mark.parametrize("broken", ["replace", "fsync", "write"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "kept"
    write_atomically(path, b"old")

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    if broken == "write":
        data = memoryview(bytearray(10))[::2]  # not contiguous: refused half way into the writing
        with pytest.raises(BufferError):
            write_atomically(path, data)
    else:
        monkeypatch.setattr(os, broken, fail)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
        monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept"]
    write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer"


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be flushed here")
def test_a_file_system_that_cannot_flush_a_folder_is_no_failure(tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def fsync(number):
        calls.append(os.fstat(number).st_mode)
        if os.path.isdir(f"/proc/self/fd/{number}"):
            raise OSError(22, "Invalid argument")
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "kept", b"new")
    assert (tmp_path / "kept").read_bytes() == b"new"
    assert len(calls) == 2


WRITERS = """
import os, signal, sys, time
from pathlib import Path
from charrnn.checkpoint import write_atomically
path = Path(sys.argv[1])
for pause in map(float, sys.argv[2:]):
    write_atomically(path, bytes(20_000_000))
    child = os.fork()
    if child == 0:
        for round in range(1, 1_000_000):
            write_atomically(path, bytes([round % 256]) * 20_000_000)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    data = path.read_bytes()
    print(len(data), data == data[:1] * len(data))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_a_process_killed_while_writing_leaves_a_whole_file(tmp_path):
    """20 MB over and over, killed at five moments: the file is always of one piece."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WRITERS, str(tmp_path / "big")]
    pauses = ["0.007", "0.023", "0.041", "0.067", "0.103"]
    told = subprocess.run(command + pauses, env=environment, capture_output=True, check=True)
    assert told.stdout.decode().splitlines() == ["20000000 True"] * len(pauses)
    assert {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")} == {"big"}


# Weights to start from


def start_from(here: str, there: str, **changes) -> tuple[CharRNN, CharRNN, Checkpoint, list]:
    """A model for `here` started from one for `there`; and as it was before."""
    source = make(there, seed=5, **changes)
    fresh, model = (make_model(Vocab.of(here), seed=6, **changes) for _ in range(2))
    missing = copy_matching(model, Vocab.of(here), source)
    return model, fresh, source, missing


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_same_vocabulary_takes_over_everything(cell):
    model, _, source, missing = start_from("hello", "hello", cell=cell)
    assert missing == []
    for name, value in source.part("model").items():
        assert torch.equal(model.state_dict()[name], value), name


def test_symbols_are_matched_by_symbol_and_not_by_id():
    model, fresh, source, missing = start_from("help", "hello!")  # ehlp from !ehlo
    assert missing == ["p"]
    weights, old = model.state_dict(), source.part("model")
    for symbol, here, there in (("e", 0, 1), ("h", 1, 2), ("l", 2, 3)):
        assert source.vocab.ids[symbol] == there
        for name in ("decoder.weight", "decoder.bias"):
            assert torch.equal(weights[name][here], old[name][there])
        rows = "rnn.0.weight_ih_l0"
        assert torch.equal(weights[rows][:, here], old[rows][:, there])
    for name in ("decoder.weight", "decoder.bias"):
        assert torch.equal(weights[name][3], fresh.state_dict()[name][3])
    assert torch.equal(weights[rows][:, 3], fresh.state_dict()[rows][:, 3])
    for name in ("rnn.0.weight_hh_l0", "rnn.1.weight_ih_l0", "rnn.1.bias_hh_l0"):
        assert torch.equal(weights[name], old[name])


def test_vocabularies_may_share_nothing():
    model, fresh, source, missing = start_from("abc", "xyz")
    assert missing == ["a", "b", "c"]
    assert torch.equal(model.decoder.weight, fresh.decoder.weight)
    assert torch.equal(model.rnn[0].weight_ih_l0, fresh.rnn[0].weight_ih_l0)
    assert torch.equal(model.rnn[0].weight_hh_l0, source.part("model")["rnn.0.weight_hh_l0"])


def test_the_source_is_left_as_it_was():
    model, _, source, _ = start_from("hello", "hello")
    before = {k: v.clone() for k, v in source.tensors.items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(torch.equal(v, before[k]) for k, v in source.tensors.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": "gru"}, "the weights to start from have cell lstm, this model gru; they must"),
        ({"hidden": 5}, "the weights to start from have hidden 4, this model 5; they must agree"),
        ({"layers": 1}, "the weights to start from have layers 2, this model 1; they must agree"),
    ],
)
def test_another_network_cannot_be_started_from(changes, message):
    model = make_model(Vocab.of("hello"), **changes)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=message):
        copy_matching(model, Vocab.of("hello"), make())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_dropout_and_forget_bias_may_differ():
    model = make_model(Vocab.of("hello"), dropout=0.5, forget_bias=0.0)
    assert copy_matching(model, Vocab.of("hello"), make()) == []
