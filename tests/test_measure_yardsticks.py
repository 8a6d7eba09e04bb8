"""What stands beside a network's loss: compressors, crops, closing marks by distance."""

import math

import numpy as np
import pytest
import torch

from charrnn.measure import yardsticks
from charrnn.measure.compressors import COMPRESSORS, bits_given
from charrnn.model import CharRNN, ModelConfig
from charrnn.score import LN2, stream_nats


class TestCompressors:
    @pytest.mark.parametrize("name", COMPRESSORS)
    def test_what_was_read_before_costs_next_to_nothing(self, name):
        noise = np.random.default_rng(0).integers(97, 123, 4000).astype(np.uint8).tobytes()
        again = bits_given(noise, noise, COMPRESSORS[name])
        alone = 8 * len(COMPRESSORS[name](noise))
        # bzip2 sorts contexts and has no way to point back at what it read.
        assert again < (0.9 if name.startswith("bzip2") else 0.1) * alone

    @pytest.mark.parametrize("name", COMPRESSORS)
    def test_what_is_new_costs_about_its_entropy(self, name):
        random = np.random.default_rng(1)
        train, text = (random.integers(0, 256, 5000).astype(np.uint8).tobytes() for _ in range(2))
        assert bits_given(train, text, COMPRESSORS[name]) == pytest.approx(8 * 5000, rel=0.03)

    def test_only_those_with_a_window_remember_a_text_of_long_ago(self):
        noise = np.random.default_rng(2).integers(0, 256, 120_000).astype(np.uint8).tobytes()
        once = noise[:20_000]
        bits = {name: bits_given(noise, once, f) for name, f in COMPRESSORS.items()}
        assert bits["xz -9e"] < bits["gzip -9"] / 10
        assert bits["zstd -22"] < bits["gzip -9"] / 10


class TestCrops:
    def test_each_is_read_from_an_empty_state(self):
        model = CharRNN(ModelConfig(5, hidden=8), torch.Generator().manual_seed(0)).eval()
        ids = np.random.default_rng(0).integers(0, 5, 40).astype(np.uint8)
        crops = [stream_nats(model, ids[i : i + 11]) for i in (0, 10, 20)]
        found = yardsticks.crops_loss(model, ids[:33], crop=10, batch=2)
        assert found == pytest.approx(float(np.concatenate(crops).mean()), abs=1e-5)

    def test_a_text_shorter_than_a_crop(self):
        model = CharRNN(ModelConfig(5, hidden=8))
        with pytest.raises(ValueError, match="11 characters hold no crop of 11"):
            yardsticks.crops_loss(model, np.zeros(11, dtype=np.uint8), crop=11)


class TestClosing:
    CODE = (
        "int first;\nint f(void)\n{\n\treturn 1;\n}\n\n"
        "int g(void)\n{\n\tif (x) { y(); }\n\treturn 2;\n}\n"
    )

    def test_braces_are_found_where_they_close(self):
        pairs = [p for n in yardsticks.braces(self.CODE) for p in n.pairs]
        assert [self.CODE[p.closing.start] for p in pairs] == ["}", "}", "}"]
        assert sorted(p.distance for p in pairs) == [6, 12, 29]

    def test_quotations_end_with_their_paragraph(self):
        text = 'cut\n\n"Yes," he said.\n\n"No\n\n"Never," said she.\n'
        pairs = [p for n in yardsticks.quotation_marks(text) for p in n.pairs if p.right]
        assert [p.distance for p in pairs] == [4, 6]

    def test_a_mark_belongs_to_its_bin_and_costs_what_its_place_costs(self):
        nats = np.full(len(self.CODE) - 1, 5.0)
        ends = [i for i, c in enumerate(self.CODE) if c == "}"]
        nats[ends[1] - 1] = 0.5 * LN2  # that of y(), 6 characters from its opening
        found = yardsticks.closing(yardsticks.braces(self.CODE), {"network": nats})
        assert found["edges"][:4] == [0, 10, 30, 60]
        assert found["count"][:4] == [1, 2, 0, 0]
        likely = [share["value"] for share in found["network"]["likely"]]
        assert likely[:3] == [1.0, 0.0, None]
        assert found["network"]["bits"][0] == pytest.approx(0.5)
        assert found["network"]["bits"][1] == pytest.approx(5 / LN2)

    def test_half_a_chance_counts_as_likely(self):
        nats = np.full(len(self.CODE) - 1, math.log(2))
        found = yardsticks.closing(yardsticks.braces(self.CODE), {"network": nats})
        assert [s["hits"] for s in found["network"]["likely"][:3]] == [1, 2, 0]
