import os

import pytest
import torch

from charrnn import devices, native
from charrnn.devices import (
    arithmetic,
    choose_device,
    choose_precision,
    cpu_has_bf16,
    describe_device,
)
from charrnn.model import ModelConfig
from charrnn.native import fixed_point

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine with so many GPUs, with or without MPS."""

    def make(gpus: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


@pytest.mark.parametrize(
    ("gpus", "mps", "chosen"),
    [(1, False, "cuda"), (1, True, "cuda"), (0, True, "mps"), (0, False, "cpu")],
)
def test_auto_takes_the_best_device(machine, gpus, mps, chosen):
    machine(gpus, mps)
    assert choose_device().type == chosen


def test_a_device_can_be_named(machine):
    machine(gpus=2, mps=True)
    for name in ("cpu", "cuda", "mps", "cuda:0", "cuda:1"):
        assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "device 'cuda' is not available here; use auto or cpu"),
        ("cuda:0", "device 'cuda:0' is not available here; use auto or cpu"),
        ("mps", "device 'mps' is not available here; use auto or cpu"),
    ],
)
def test_a_device_that_is_not_there_is_an_error(machine, name, message):
    machine()
    with pytest.raises(ValueError, match=message):
        choose_device(name)


@pytest.mark.parametrize("name", ["tpu", "gpu", "CUDA", "cuda:x", "cuda:", "cuda:-1", "cpu:1", ""])
def test_what_is_no_device_is_an_error(machine, name):
    machine(gpus=1)
    with pytest.raises(ValueError, match=f"device is {name!r}; it must be auto, cpu, cuda, cuda:N"):
        choose_device(name)


def test_a_gpu_beyond_the_last_is_an_error(machine):
    machine(gpus=2)
    with pytest.raises(ValueError, match=r"device 'cuda:2': this machine has 2 GPU\(s\)"):
        choose_device("cuda:2")


# Precision


@pytest.mark.parametrize(
    ("capability", "chosen"),
    [((9, 0), "fp16"), ((8, 0), "fp16"), ((7, 5), "fp16"), ((7, 0), "fp16"), ((6, 1), "fp32")],
)
def test_auto_precision_is_what_the_gpu_multiplies(monkeypatch, capability, chosen):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert choose_precision(CUDA) == chosen


def test_a_gpu_takes_the_precision_it_is_given(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert [choose_precision(CUDA, n) for n in ("fp32", "fp16", "bf16")] == ["fp32", "fp16", "bf16"]


def test_an_old_gpu_refuses_bf16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    with pytest.raises(ValueError, match="bf16 needs a GPU from Ampere on; use fp16 or fp32"):
        choose_precision(CUDA, "bf16")


@pytest.fixture
def cpu(monkeypatch):
    """Makes a CPU with or without the instructions for bfloat16."""

    def make(avx512: bool, amx: bool) -> None:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)

    return make


@pytest.mark.parametrize(
    ("avx512", "amx", "has"),
    [(True, False, True), (False, True, True), (True, True, True), (False, False, False)],
)
def test_a_cpu_has_bf16_with_either_set_of_instructions(cpu, avx512, amx, has):
    cpu(avx512, amx)
    assert cpu_has_bf16() is has
    assert choose_precision(CPU) == ("bf16" if has else "fp32")
    assert choose_precision(CPU, "fp32") == "fp32"


def test_a_torch_that_cannot_tell_has_no_bf16(monkeypatch):
    for check in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, check, raising=False)
    assert cpu_has_bf16() is False


def test_a_cpu_refuses_what_it_is_slow_at(cpu):
    cpu(avx512=False, amx=False)
    for name in ("bf16", "fp16"):
        with pytest.raises(ValueError, match=f"no fast {name} arithmetic; use precision fp32"):
            choose_precision(CPU, name)
    cpu(avx512=True, amx=True)
    assert choose_precision(CPU, "bf16") == "bf16"
    with pytest.raises(ValueError, match="no fast fp16 arithmetic"):
        choose_precision(CPU, "fp16")


LARGE = ModelConfig(97, hidden=512)


@pytest.fixture
def compiled(monkeypatch):
    """Makes the compiled LSTM be there, or not be, for a reason."""

    def make(reason: str | None) -> None:
        monkeypatch.setattr(native, "why_not", lambda name: reason)

    return make


def test_auto_takes_int16_on_a_cpu_where_it_pays(cpu, compiled):
    cpu(avx512=False, amx=False)
    compiled(None)
    assert choose_precision(CPU, "auto", LARGE) == "int16"
    for other in ({"cell": "gru"}, {"hidden": 16}, {"hidden": 500}, {"restart": 3}):
        model = ModelConfig(97, **{"hidden": 512, **other})
        assert choose_precision(CPU, "auto", model) == "fp32"
    compiled("there is no C compiler")
    assert choose_precision(CPU, "auto", LARGE) == "fp32"
    cpu(avx512=True, amx=False)
    assert choose_precision(CPU, "auto", LARGE) == "bf16"
    compiled(None)
    assert choose_precision(CPU, "auto", LARGE) == "int16"
    cpu(avx512=True, amx=True)
    assert choose_precision(CPU, "auto", LARGE) == "bf16"


@pytest.mark.parametrize(
    ("device", "model", "missing", "reason"),
    [
        (CPU, {}, "there is no C compiler", "there is no C compiler"),
        (CPU, {"cell": "gru"}, None, "it is for lstm cells, not gru"),
        (CPU, {"hidden": 500}, None, "a hidden size that is a multiple of 16, not 500"),
        (CUDA, {}, None, "it is for a CPU, not cuda"),
        (MPS, {}, None, "it is for a CPU, not mps"),
    ],
)
def test_int16_is_refused_where_it_cannot_be_had(compiled, device, model, missing, reason):
    compiled(missing)
    with pytest.raises(ValueError, match=f"precision int16 .*{reason}; use auto or fp32"):
        choose_precision(device, "int16", ModelConfig(97, **model))


def test_int16_can_be_asked_for_by_name(compiled):
    compiled(None)
    assert choose_precision(CPU, "int16") == "int16"
    small = ModelConfig(97, hidden=16, restart=3)
    assert choose_precision(CPU, "int16", small) == "int16"


def test_a_precision_is_switched_on_and_off():
    x = torch.ones(2, 2)
    for name, dtype, fixed in (
        ("fp32", torch.float32, False),
        ("bf16", torch.bfloat16, False),
        ("int16", torch.float32, True),
    ):
        with arithmetic(CPU, name):
            assert (x @ x).dtype == dtype and fixed_point.is_on() is fixed
        assert (x @ x).dtype == torch.float32 and not fixed_point.is_on()


def test_mps_computes_in_fp32():
    assert choose_precision(MPS) == choose_precision(MPS, "fp32") == "fp32"
    with pytest.raises(ValueError, match="precision bf16 is not supported on mps; use fp32"):
        choose_precision(MPS, "bf16")


@pytest.mark.parametrize("device", [CPU, CUDA, MPS])
def test_what_is_no_precision_is_an_error(device):
    with pytest.raises(ValueError, match="precision is 'fp8'; it must be auto, fp32, bf16, fp16"):
        choose_precision(device, "fp8")


def test_devices_are_described(monkeypatch):
    assert describe_device(CPU).startswith("CPU (")
    for threads, told in ((1, ", 1 thread)"), (2, ", 2 threads)")):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert describe_device(CPU).endswith(told)
    assert describe_device(MPS) == "Apple GPU (MPS)"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    assert describe_device(CUDA) == "NVIDIA H200"


def test_what_deterministic_changes_is_put_back(monkeypatch):
    monkeypatch.setenv(devices.WORKSPACE, ":0:0")
    memory, cudnn = torch.utils.deterministic, torch.backends.cudnn
    look = lambda: (  # noqa: E731
        torch.get_deterministic_debug_mode(),
        cudnn.deterministic,
        cudnn.benchmark,
        memory.fill_uninitialized_memory,
        os.environ[devices.WORKSPACE],
    )
    before = look()
    with pytest.raises(ValueError, match="of another kind"), devices.deterministic():
        assert look() == (2, True, False, False, ":4096:8")
        raise ValueError("of another kind")
    assert look() == before
    with devices.deterministic(False):
        assert look() == before


def test_deterministic_too_late_is_said_with_what_to_do():
    said = f"set {devices.WORKSPACE} before"
    with (
        pytest.raises(ValueError, match=r"start it with CUBLAS_WORKSPACE_CONFIG=:4096:8"),
        devices.deterministic(),
    ):
        raise RuntimeError(said)
