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

Several processes that train together share the lanes out: each reads its own, and all of them the
same steps. Process r of R has the lanes from B * r // R on, up to those of process r + 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from charrnn.maps import let_go, rows


@dataclass(frozen=True)
class Lanes:
    """A stream of ids as B lanes of `steps` steps of T characters.

    `ids` is one-dimensional and may be a memory map: it is only read one step at a time, in bounded
    memory however long the text is.
    """

    ids: np.ndarray
    batch: int
    """B, of all processes together."""
    seq: int
    rank: int = 0
    """Which of the processes this is."""
    ranks: int = 1
    """How many processes share the lanes out."""

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

    def width(self, number: int) -> int:
        """Lanes in a step, of all processes together."""
        return self.batch

    def step(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of step `index`, each int64 of shape (T, B), B this process's own."""
        if not 0 <= index < self.steps:
            raise IndexError(f"step {index} of {self.steps}")
        own = share(self.batch, self.rank, self.ranks)
        starts = np.asarray(own) * self.lane_length + index * self.seq
        window = rows(self.ids, starts, self.seq + 1).astype(np.int64)  # (B, T + 1)
        both = torch.from_numpy(np.ascontiguousarray(window.T))
        return both[:-1], both[1:]

    def on(self, device: torch.device) -> LanesOnDevice:
        """The same lanes held by a device in one piece, so that a step costs no transfer.

        They go there one by one: this process holds no more than one of them in memory.
        """
        own = share(self.batch, self.rank, self.ranks)
        narrow = self.ids.dtype == np.uint8
        shape, dtype = (self.lane_length + 1, len(own)), torch.uint8 if narrow else torch.int32
        columns = torch.empty(shape, dtype=dtype, device=device)
        for column, lane in enumerate(own):
            start = lane * self.lane_length
            ids = np.array(self.ids[start : start + len(columns)], np.uint8 if narrow else np.int32)
            columns[:, column] = torch.from_numpy(ids).to(device)
            let_go(self.ids)
        return LanesOnDevice(columns, self.seq)


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

    def __init__(
        self,
        ids: np.ndarray,
        restart: int,
        batch: int,
        seq: int,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """ids: one-dimensional, lines that each end with `restart`. ValueError: no line.

        rank, ranks: which of the processes that share the lines of a step this is, and how many.
        """
        if batch < 1 or seq < 1:
            raise ValueError(f"batch {batch} x seq {seq}: both must be at least 1")
        ends = np.flatnonzero(ids == restart)
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        if not len(ends):
            raise ValueError("there are no lines to train on; the text has no line ends")
        self.ids, self.restart, self.batch, self.seq, self.seed = ids, restart, batch, seq, seed
        self.rank, self.ranks = rank, ranks
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

    def width(self, number: int) -> int:
        """Lines in a step, of all processes together."""
        return min(self.batch, len(self.starts) - number % self.steps * self.batch)

    def step(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of step `number`, counted through all epochs: each int64 (T', B'), T'
        the length of the longest of all its lines and B' this process's own number of them. Behind
        a line's end the target is `IGNORED`."""
        epoch, index = divmod(number, self.steps)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.starts))
        chosen = order[index * self.batch : (index + 1) * self.batch]
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        columns = np.arange(lengths.max())
        own = share(len(chosen), self.rank, self.ranks)
        starts, lengths = starts[own], lengths[own]
        inside = columns[:, None] < lengths  # (T', B')
        where = np.minimum(starts + columns[:, None], len(self.ids) - 1)
        line = self.ids[where].astype(np.int64)
        targets = np.where(inside, line, IGNORED)
        # Behind the end stands any symbol but the one that would empty the state.
        filler = 0 if self.restart else 1
        inputs = np.where(inside[1:], line[:-1], filler)
        first = np.full((1, len(own)), self.restart)
        return torch.from_numpy(np.concatenate([first, inputs])), torch.from_numpy(targets)


def arrange(
    ids: np.ndarray,
    batch: int,
    seq: int,
    restart: int | None = None,
    seed: int = 0,
    rank: int = 0,
    ranks: int = 1,
) -> Lanes | Lines:
    """The steps of a training: of a stream, or, for a model with a `restart` symbol, of lines."""
    if restart is None:
        return Lanes(ids, batch, seq, rank, ranks)
    return Lines(ids, restart, batch, seq, seed, rank, ranks)


def share(lanes: int, rank: int, ranks: int) -> range:
    """The lanes of process `rank` of `ranks`, of so many in all; or those of a group of groups."""
    return range(lanes * rank // ranks, lanes * (rank + 1) // ranks)


def check_shares(data: Lanes | Lines, ranks: int, groups: int) -> None:
    """ValueError unless every process has lanes in every step, and as many for each group."""
    if data.batch % (ranks * groups):
        who = " and ".join(
            [f"{ranks} processes"] * (ranks > 1) + [f"{groups} groups (accumulate)"] * (groups > 1)
        )
        raise ValueError(
            f"batch {data.batch} cannot be shared out equally over {who}; "
            f"take a multiple of {ranks * groups} (--batch)"
        )
    last = data.width(data.steps - 1)
    if last < ranks:
        raise ValueError(
            f"the last step of an epoch has {last} lines, which {ranks} processes cannot share; "
            "take another batch (--batch)"
        )


IGNORED = -100
"""The target where nothing is predicted; what torch's cross-entropy leaves out by default."""
