"""A network whose weights were set by hand so that one unit is a quote cell, and we know it.

Two LSTM layers of 48 units. Unit 0 of the first layer is on at a double quote and off elsewhere.
Unit 5 of the second keeps +1 inside double quotes and -1 outside: at a quote its input gate opens,
its forget gate closes, and the candidate has the sign that the unit does not have. The gates of
these two are all but 0 or 1. All other units have random weights, go about as far up and down, and
see neither of them, nor does the decoder, except for the quote's own score: with the cell on about
one symbol in ten closes the quotation, with the cell off a quote all but never comes.
"""

from types import SimpleNamespace

import numpy as np
import torch

from charrnn.model import CharRNN, ModelConfig
from charrnn.vocab import Vocab

HIDDEN, LAYER, CELL = 48, 1, 5
UNIT = LAYER * HIDDEN + CELL
"""The cell, counted through all layers."""
OPEN, SHUT = 20.0, -20.0
"""What a logistic gate is given: within 2e-9 of 1, and of 0."""


def quote_run(vocab: Vocab):
    """The network, as a run with `.model` and `.vocab`."""
    model = CharRNN(ModelConfig(len(vocab), hidden=HIDDEN), torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(1)
    quote = vocab.ids[ord('"') if vocab.level == "byte" else '"']
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            most = 0.4 if name.startswith("decoder") else 3
            parameter.uniform_(-most, most, generator=random)
        below, above = model.rnn
        _alone(below, 0)
        _alone(above, CELL)
        above.weight_ih_l0[:, 0] = 0  # only the cell reads what unit 0 shows
        gates = np.arange(4) * HIDDEN  # input, forget, candidate, output
        below.bias_ih_l0[gates] = torch.tensor([OPEN, SHUT, SHUT, OPEN])
        below.weight_ih_l0[gates[2], quote] = 2 * OPEN
        seen = np.tanh(1.0)  # of unit 0: +seen at a quote, else -seen
        above.bias_ih_l0[gates + CELL] = torch.tensor([0.0, 0.0, 3.0, OPEN])
        above.weight_ih_l0[gates[0] + CELL, 0] = OPEN / seen
        above.weight_ih_l0[gates[1] + CELL, 0] = SHUT / seen
        above.weight_hh_l0[gates[2] + CELL, CELL] = SHUT / seen  # 3 at first, then 3 - 20, 3 + 20
        model.decoder.weight[:, CELL] = 0
        model.decoder.weight[quote] = 0
        model.decoder.weight[quote, CELL] = 10 / seen
        model.decoder.bias[quote] = np.log(len(vocab) / 9) - 10
    return SimpleNamespace(model=model.eval(), vocab=vocab)


def _alone(layer: torch.nn.LSTM, unit: int) -> None:
    """No unit of a layer sees this one, and it sees nothing."""
    rows = np.arange(4) * HIDDEN + unit
    layer.weight_hh_l0[:, unit] = 0
    for weights in (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0):
        weights[rows] = 0
