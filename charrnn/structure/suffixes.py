"""A suffix automaton of several texts (Blumer et al. 1985), and a source read through it.

Small pieces of a source are read symbol by symbol. A large one is cut into lanes, which NumPy reads
side by side. A lane begins with nothing matched and reads on, past its own end, until what it holds
begins there: then a run of the source that begins in a lane is found by that lane, whole, and what
is found altogether is the same to the last character.
"""

from collections.abc import Sequence

import numpy as np

Text = str | bytes
LARGE = 1 << 18
"""Symbols in a piece from which on it is read in lanes."""
LANES = 1 << 13
LARGEST_TABLE = 1 << 26
"""Entries of the table that lanes need, at most; texts with more are read symbol by symbol."""
NONE, TARGET = -1, (1 << 32) - 1
STEPS = 16
"""Steps between two looks at which lanes are done."""


class SuffixAutomaton:
    """The smallest automaton that reads every substring of the texts, and no other string.

    State 0 is the empty string. A state stands for substrings with the same set of end places:
    `length` is that of the longest, `link` the state of its longest suffix outside the state.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self.next: list[dict] = [{}]
        self.link = [-1]
        self.length = [0]
        self.ends: list[list[int]] = []  # for each text, the state after each of its characters
        last = 0
        for text in texts:
            states = []
            for symbol in text:
                last = self._extend(last, symbol)
                states.append(last)
            self.ends.append(states)
            last = self._extend(last, None)  # a fence that no source can match
        self.best = [0] * len(self.next)  # the longest string of the state seen in the source
        self._state = self._matched = 0
        self._lanes: Lanes | None = None

    def _add(self, length: int, edges: dict, link: int) -> int:
        self.length.append(length)
        self.next.append(edges)
        self.link.append(link)
        return len(self.next) - 1

    def _extend(self, last: int, symbol) -> int:
        new = self._add(self.length[last] + 1, {}, 0)
        at = last
        while at >= 0 and symbol not in self.next[at]:
            self.next[at][symbol] = new
            at = self.link[at]
        if at >= 0:
            self.link[new] = self._split(at, symbol)
        return new

    def _split(self, at: int, symbol) -> int:
        """The state of exactly the longest string of `at` plus symbol, split off where needed."""
        to = self.next[at][symbol]
        if self.length[to] == self.length[at] + 1:
            return to
        copy = self._add(self.length[at] + 1, dict(self.next[to]), self.link[to])
        self.link[to] = copy
        while at >= 0 and self.next[at].get(symbol) == to:
            self.next[at][symbol] = copy
            at = self.link[at]
        return copy

    def feed(self, piece: Text, large: int = LARGE, lanes: int = LANES) -> None:
        """Reads on in the source, always holding its longest suffix that is in a text.

        From `large` symbols on a piece is read in `lanes`.
        """
        if len(piece) >= large and len(self.next) > 1:
            if self._lanes is None:
                self._lanes = Lanes(self)
            if self._lanes.fits:
                self._lanes.read(piece, self._state, self._matched, lanes)
                self._hold_end(piece)
                return
        self._read(piece)

    def _read(self, piece: Text) -> None:
        edges, link, length, best = self.next, self.link, self.length, self.best
        state, matched = self._state, self._matched
        for symbol in piece:
            to = edges[state].get(symbol)
            if to is None:
                while state > 0 and to is None:
                    state = link[state]
                    to = edges[state].get(symbol)
                matched = length[state]
                if to is None:
                    continue
            state = to
            matched += 1
            if matched > best[state]:
                best[state] = matched
        self._state, self._matched = state, matched

    def _hold_end(self, piece: Text) -> None:
        """Holds the longest suffix of the source after a piece that lanes have read.

        Read from nothing, the last part of the piece gives it if it is shorter than that part.
        """
        state, matched, part = self._state, self._matched, 1024
        while part < len(piece):
            self._state = self._matched = 0
            self._read(piece[-part:])
            if self._matched < part:
                return
            part *= 8
        self._state, self._matched = state, matched
        self._read(piece)

    def matched(self) -> list[np.ndarray]:
        """For each text, the longest source run ending at each of its characters, (N,) int64."""
        best = self.best.copy()
        if self._lanes is not None:
            best = np.maximum(best, self._lanes.best).tolist()
        # A string in the source has its suffixes there too; long strings first, to pass it down.
        order = sorted(range(1, len(best)), key=self.length.__getitem__)
        for state in reversed(order):
            if best[state] and self.link[state]:
                best[self.link[state]] = self.length[self.link[state]]
        # What no string of the state itself has, its longest suffix outside may have.
        for state in order:
            best[state] = best[state] or best[self.link[state]]
        return [np.array([best[s] for s in states], dtype=np.int64) for states in self.ends]


class Lanes:
    """The automaton as arrays, through which many places of a source are read at once.

    The edge of a state by symbol s is in the slot base[state] + s, as the number of that state and,
    in the lower 32 bits, of the one it leads to; else there is no such edge. States with several
    edges have as many slots to themselves as there are symbols, and a state with one edge takes any
    slot that is left.
    """

    def __init__(self, automaton: SuffixAutomaton) -> None:
        states, symbols, targets = [], [], []
        for state, edges in enumerate(automaton.next):
            for symbol, to in edges.items():
                if symbol is not None:
                    states.append(state)
                    symbols.append(symbol if isinstance(symbol, int) else ord(symbol))
                    targets.append(to)
        alphabet, ids = np.unique(np.array(symbols, dtype=np.int64), return_inverse=True)
        states, targets = np.array(states, dtype=np.int64), np.array(targets, dtype=np.int64)
        n, self.unknown = len(automaton.next), len(alphabet)
        self.ids = np.full(int(alphabet.max(initial=0)) + 2, self.unknown, dtype=np.int64)
        self.ids[alphabet] = np.arange(len(alphabet))
        count = np.bincount(states, minlength=n)
        many = np.flatnonzero(count > 1)
        width = self.unknown + 1
        self.fits = len(many) * width + n <= LARGEST_TABLE
        self.best = np.zeros(n, dtype=np.int64)
        if self.fits:
            self.link = np.array([0, *automaton.link[1:]], dtype=np.int64)
            self.length = np.array(automaton.length, dtype=np.int64)
            self._fill(states, ids, targets, count, many, width)

    def _fill(self, states, ids, targets, count, many, width) -> None:
        alone = count[states] == 1
        singles = int(alone.sum())
        self.base = np.zeros(len(count), dtype=np.int64)
        self.base[many] = np.arange(1, len(many) + 1) * width
        self.edge = np.full((len(many) + 3) * width + singles, NONE, dtype=np.int64)
        slots = self.base[states] + ids
        self.edge[slots[~alone]] = (states[~alone] << 32) + targets[~alone]
        free = np.flatnonzero(self.edge[width:-width] == NONE)[:singles] + width
        self.base[states[alone]] = free - ids[alone]
        self.edge[free] = (states[alone] << 32) + targets[alone]

    def read(self, piece: Text, state: int, matched: int, lanes: int) -> None:
        """Reads a piece from a state on, with `matched` symbols held; `best` is brought up."""
        if isinstance(piece, bytes):
            codes = np.frombuffer(piece, dtype=np.uint8)
        else:
            codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        source = np.full(len(codes) + STEPS + 1, self.unknown, dtype=np.int64)
        source[: len(codes)] = self.ids[np.minimum(codes.astype(np.int64), len(self.ids) - 1)]
        edges = np.linspace(0, len(codes), min(lanes, len(codes)) + 1).astype(np.int64)
        at, end = edges[:-1].copy(), edges[1:]
        now, held = np.zeros_like(at), np.zeros_like(at)
        now[0], held[0] = state, matched
        while len(at):
            for _ in range(STEPS):
                now = self._step(source, at, now, held)
            going = at - held < end
            at, end, now, held = at[going], end[going], now[going], held[going]

    def _step(self, source, at, now, held) -> np.ndarray:
        """Each lane a symbol further, or, where its state has no such edge, at the longest suffix
        that the state does not hold; `at` and `held` change in place, the new states return."""
        slot = self.base[now]
        slot += source[at]
        found = self.edge[slot]
        stuck = np.flatnonzero((found >> 32) != now)
        found &= TARGET
        at += 1
        held += 1
        if len(stuck):
            old = now[stuck]
            new = self.link[old]
            found[stuck], held[stuck] = new, self.length[new]
            at[stuck] -= old != 0
        better = np.flatnonzero(held > self.best[found])
        if len(better):
            np.maximum.at(self.best, found[better], held[better])
        return found
