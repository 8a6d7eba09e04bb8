"""A recording as CUDA makes one, of what a function does on a CPU.

Every operation is kept with the very tensors it read and wrote, and done again on those: numbers
that Python computed meanwhile stay as they were, and whatever should change has to lie in a tensor
that stays in place. Asking for a value on the host is an error, as it is in a recording on CUDA.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WARM_UP = 3


class Recording(TorchDispatchMode):
    """The operations of a stretch of code."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("a value was asked for on the host")
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self.calls:
            again = func(*args, **kwargs)
            for kept, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(new, torch.Tensor) and not _shared(kept, new):
                    kept.copy_(new)


def _shared(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether both are the same memory: an operation in place, or a view."""
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def record(work, device, generator=None):
    """As `charrnn.cuda.graphs.record`. The recording itself computes as well; its traces are for
    whoever records to undo, as those of the calls before it."""
    for _ in range(WARM_UP):
        work()
    recording = Recording()
    with recording:
        work()
    return recording.replay
