"""One stream of ids folded into B lanes, walked in steps of T.

The text is cut into B equal lanes; a step takes T columns of all lanes at once, and the recurrent
state of a lane at the end of one step is its state at the start of the next. So a lane reads
its part of the text from end to end, while the gradient looks back T characters at most
(truncated BPTT). With the alphabet, B = 3 and T = 4:

      stream   a b c d e f g h i j k l m n o p q r s t u v w x y z
                      step 0     step 1
      lane 0        [a b c d] [e f g h]      targets: b c d e | f g h i
      lane 1        [i j k l] [m n o p]               j k l m | n o p q
      lane 2        [q r s t] [u v w x]               r s t u | v w x y

Every lane has `len(stream) - 1` // B inputs, cut down to whole steps of T; the characters after the
last whole step (here z) are left out of that epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Lanes:
    """A stream of ids as B lanes of `steps` steps of T characters.

    `ids` is one-dimensional and may be a memory map: it is only read one step at a time.
    """

    ids: np.ndarray
    batch: int
    seq: int

    def __post_init__(self) -> None:
        if self.batch < 1 or self.seq < 1:
            raise ValueError(f"batch {self.batch} x seq {self.seq}: both must be at least 1")
        if self.steps < 1:
            raise ValueError(
                f"{len(self.ids)} characters are too few for batch {self.batch} x seq {self.seq}, "
                f"which needs {self.batch * self.seq + 1}; lower one of the two"
            )

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return (len(self.ids) - 1) // self.batch // self.seq

    @property
    def lane_length(self) -> int:
        """Inputs in a lane."""
        return self.steps * self.seq

    def step(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of step `index`, each int64 of shape (T, B)."""
        if not 0 <= index < self.steps:
            raise IndexError(f"step {index} of {self.steps}")
        starts = np.arange(self.batch)[:, None] * self.lane_length + index * self.seq
        window = np.asarray(self.ids[starts + np.arange(self.seq + 1)], dtype=np.int64)  # (B, T+1)
        both = torch.from_numpy(np.ascontiguousarray(window.T))
        return both[:-1], both[1:]

    def on(self, device: torch.device) -> LanesOnDevice:
        """The same lanes held by a device in one piece, so that a step costs no transfer."""
        starts = range(0, self.batch * self.lane_length, self.lane_length)
        lanes = [self.ids[s : s + self.lane_length + 1] for s in starts]
        window = np.stack(lanes)  # (B, lane_length + 1)
        kept = window if window.dtype == np.uint8 else window.astype(np.int32)
        return LanesOnDevice(torch.from_numpy(np.ascontiguousarray(kept.T)).to(device), self.seq)


@dataclass(frozen=True)
class LanesOnDevice:
    """What `Lanes.on` returns: `columns` is (steps * T + 1, B), one or four bytes an id."""

    columns: torch.Tensor
    seq: int

    def step(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Lanes.step`, on the device."""
        both = self.columns[index * self.seq : (index + 1) * self.seq + 1].long()
        return both[:-1], both[1:]


def shuffle_lines(ids: np.ndarray, newline: int, seed: int) -> np.ndarray:
    """The same lines in an order drawn from `seed`, each ended by one newline.

    For texts that are lists: an alphabetical list split at its end would hold out other letters
    than those trained on.
    """
    ends = np.flatnonzero(ids == newline)
    lines = [line for line in np.split(ids, ends + 1) if len(line) and line[0] != newline]
    if not lines:
        raise ValueError("there are no lines to shuffle; the text is empty")
    order = np.random.default_rng(seed).permutation(len(lines))
    stop = np.array([newline], dtype=ids.dtype)
    return np.concatenate(
        [np.concatenate([lines[i][lines[i] != newline], stop]) for i in order]
    ).astype(ids.dtype)
