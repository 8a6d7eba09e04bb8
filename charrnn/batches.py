"""One stream of ids folded into B lanes, walked in steps of T; or lines, each for itself.

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
    def characters(self) -> float:
        """Characters predicted in a step."""
        return self.batch * self.seq

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


class Lines:
    """A list of lines, B of them side by side in a step, each read from an empty state to its end.

    A line is read behind the `restart` symbol that ends the one before, so it is predicted from its
    first character to the newline that closes it, and nothing of another line reaches it. With
    B = 3, and . for what stands behind a shorter line and is neither read nor predicted:

        inputs    \\n A n n a         targets   A n n a \\n
                  \\n I d a .                   I d a \\n .
                  \\n J o . .                   J o \\n . .

    An epoch takes all lines once, in an order drawn anew for each epoch from `seed`; the last step
    of an epoch may have fewer lines. Of a line longer than T only the beginning is read.
    """

    def __init__(self, ids: np.ndarray, restart: int, batch: int, seq: int, seed: int = 0) -> None:
        """ids: one-dimensional, lines that each end with `restart`. ValueError: no line."""
        if batch < 1 or seq < 1:
            raise ValueError(f"batch {batch} x seq {seq}: both must be at least 1")
        ends = np.flatnonzero(ids == restart)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        if not len(ends):
            raise ValueError("there are no lines to train on; the text has no line ends")
        self.ids, self.restart, self.batch, self.seq, self.seed = ids, restart, batch, seq, seed
        self.starts, self.lengths = starts, np.minimum(ends + 1 - starts, seq)
        self.cut = int((ends + 1 - starts > seq).sum())
        """How many lines are longer than T."""

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.starts) // self.batch)

    @property
    def characters(self) -> float:
        """Characters predicted in a step, on average."""
        return float(self.lengths.sum() / self.steps)

    def step(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of step `number`, counted through all epochs: each int64 (T', B'), T'
        the length of the longest of its lines. Behind a line's end the target is `IGNORED`."""
        epoch, index = divmod(number, self.steps)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.starts))
        chosen = order[index * self.batch : (index + 1) * self.batch]
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        columns = np.arange(lengths.max())
        inside = columns[:, None] < lengths  # (T', B')
        where = np.minimum(starts + columns[:, None], len(self.ids) - 1)
        line = self.ids[where].astype(np.int64)
        targets = np.where(inside, line, IGNORED)
        # Behind the end stands any symbol but the one that would empty the state.
        filler = 0 if self.restart else 1
        inputs = np.where(inside[1:], line[:-1], filler)
        first = np.full((1, len(chosen)), self.restart)
        return torch.from_numpy(np.concatenate([first, inputs])), torch.from_numpy(targets)


def arrange(
    ids: np.ndarray, batch: int, seq: int, restart: int | None = None, seed: int = 0
) -> Lanes | Lines:
    """The steps of a training: of a stream, or, for a model with a `restart` symbol, of lines."""
    if restart is None:
        return Lanes(ids, batch, seq)
    return Lines(ids, restart, batch, seq, seed)


IGNORED = -100
"""The target where nothing is predicted; what torch's cross-entropy leaves out by default."""
