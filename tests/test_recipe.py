"""Recipes: the ones that come along, changes to them, their texts, and sizes for any other text."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from charrnn.corpora import corpus_names
from charrnn.recipe import (
    SCALES,
    Recipe,
    change,
    load_recipe,
    located,
    model_config,
    open_texts,
    own_text,
    portable,
    public,
    read_recipe,
    recipe_names,
    repository,
    sample_text,
)
from charrnn.settings import TrainConfig

SHORT = [name for name in recipe_names() if name not in ("book", "python")]
ALL = [(name, scale) for name in recipe_names() for scale in SCALES]


def recipe_for(path: Path, **changes) -> Recipe:
    training = TrainConfig(batch=2, seq=5, steps=1)
    model = {"hidden": 4, "layers": 1}
    return replace(Recipe("t", "t", "smoke", str(path), model, training), **changes)


class TestTheRecipes:
    @pytest.mark.parametrize(("name", "scale"), ALL)
    def test_each_loads_at_each_scale(self, name, scale):
        recipe = load_recipe(name, scale)
        assert (recipe.name, recipe.scale) == (name, scale)
        assert recipe.title and sum(recipe.fractions) == pytest.approx(1)
        assert recipe.fractions[1] > 0, "a training is selected by its validation part"
        assert set(recipe.model) <= {"cell", "hidden", "layers", "dropout", "forget_bias"}
        if scale == "smoke" and name not in ("hello", "book", "python"):
            assert Path(recipe.corpus).parent == repository() / "data" / "samples"
        else:
            assert recipe.corpus in corpus_names()

    @pytest.mark.parametrize("name", SHORT)
    def test_smoke_needs_no_download_and_its_prompt_is_in_its_text(self, name):
        recipe = load_recipe(name, "smoke")
        texts = open_texts(recipe, progress=False)
        texts.vocab.encode(recipe.training.sample_prompt)
        assert model_config(recipe, texts.vocab).vocab_size == len(texts.vocab)

    def test_the_posts_own_sizes(self):
        shakespeare = load_recipe("shakespeare", "post")
        assert shakespeare.model["hidden"] == 512 and shakespeare.model["layers"] == 3
        essays = load_recipe("paul_graham", "post")
        assert (essays.model["hidden"], essays.model["layers"], essays.model["dropout"]) == (
            512,
            2,
            0.5,
        )
        assert (essays.training.batch, essays.training.seq) == (100, 100)

    def test_the_word_none_in_a_recipe_is_no_value(self, monkeypatch, tmp_path):
        text = (files("charrnn") / "recipes" / "hello.toml").read_text()
        assert "lr = " in text
        (tmp_path / "recipes").mkdir()
        changed = re.sub(r"lr = [0-9.e-]+", 'lr = 3e-3, clip_norm = "none"', text)
        (tmp_path / "recipes" / "hello.toml").write_text(changed)
        monkeypatch.setattr("charrnn.recipe.resources.files", lambda package: tmp_path)
        assert load_recipe("hello", "laptop").training.clip_norm is None

    def test_names_that_there_are_not(self):
        with pytest.raises(ValueError, match="no recipe 'hamlet'; there are book, enwik8, hello"):
            load_recipe("hamlet")
        with pytest.raises(
            ValueError, match="scale is 'big'; it must be one of post, laptop, smoke"
        ):
            load_recipe("hello", "big")

    def test_changes_replace_single_settings(self):
        recipe = load_recipe("shakespeare", "post", lr=0.1, minutes=2)
        assert recipe.training.lr == 0.1 and recipe.training.batch == 100
        assert (recipe.training.epochs, recipe.training.minutes) == (None, 2)


class TestChange:
    def test_a_new_length_ousts_the_old(self):
        old = TrainConfig(epochs=3, lr=0.5)
        assert change(old, steps=7) == replace(old, epochs=None, steps=7)
        assert change(old, lr=0.1).epochs == 3

    def test_none_changes_nothing(self):
        old = TrainConfig(epochs=3)
        assert change(old, steps=None, lr=None) == old

    def test_two_lengths_are_one_too_many(self):
        with pytest.raises(ValueError, match="exactly one of epochs, steps, minutes"):
            change(TrainConfig(epochs=3), steps=1, minutes=1)


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"split": "odd"}, "split is 'odd'; it must be one of contiguous, char-rnn, lines"),
            ({"fractions": (0.5, 0.4, 0.2)}, "three numbers that sum to 1"),
            ({"fractions": (0.5, 0.5)}, "three numbers that sum to 1"),
            ({"scale": "big"}, "scale is 'big'"),
            ({"fractions": (0.0, 0.5, 0.5)}, "the first above 0"),
            ({"fractions": (1.5, -0.5, 0.0)}, "each 0 or more"),
            ({"fractions": ("a", 0.5, 0.5)}, "three numbers that sum to 1"),
            ({"fractions": (float("nan"), 0.5, 0.5)}, "three numbers that sum to 1"),
            ({"fractions": 3}, "split fractions are 3"),
            ({"limit": 0}, "limit is 0; it must be above 0"),
            ({"limit": 2.5}, "limit is 2.5; it must be a whole number"),
            ({"seed": -1}, "seed is -1; it must be 0 or more"),
            ({"level": "word"}, r"level is 'word'; it must be one of char, byte \(or left out\)"),
            ({"era": "1997"}, "era is '1997'; it must be one of 2015-05-21, char-rnn"),
            ({"model": {"width": 3}}, "model has 'width'; it may have cell, hidden"),
            ({"model": {"vocab_size": 3}}, "model has 'vocab_size'; it may have cell, hidden"),
            ({"model": {"hidden": -1}}, "hidden is -1"),
            ({"model": {"dropout": 10**400}}, "it must be finite"),
            ({"model": 3}, "model is 3; it must be a table"),
            ({"training": {}}, r"training is \{\}; it must be a TrainConfig"),
        ],
    )
    def test_wrong_ones(self, changes, message, tmp_path):
        with pytest.raises(ValueError, match=message):
            recipe_for(tmp_path, **changes)

    def test_a_sample_text_that_is_not_here(self):
        with pytest.raises(FileNotFoundError, match="smoke scale needs a checkout"):
            sample_text("nothing.txt")


class TestTexts:
    def write(self, tmp_path, text: str) -> Path:
        (tmp_path / "t.txt").write_text(text, encoding="utf-8")
        return tmp_path / "t.txt"

    def test_a_contiguous_split_covers_the_text(self, tmp_path):
        text = "abcdefghij" * 10
        texts = open_texts(recipe_for(self.write(tmp_path, text)), progress=False)
        parts = [texts.split.train, texts.split.val, texts.split.test]
        assert [len(p) for p in parts] == [90, 5, 5]
        assert "".join(texts.vocab.decode(p) for p in parts) == text
        assert (texts.characters, texts.whole) == (100, 100)

    def test_a_limit_reads_the_beginning(self, tmp_path):
        file = self.write(tmp_path, "a" * 40 + "b" * 60)
        texts = open_texts(recipe_for(file, limit=40), progress=False)
        assert (texts.characters, texts.whole) == (40, 100)
        assert texts.vocab.decode(texts.split.test) == "aa" and len(texts.vocab) == 2

    def test_char_rnns_split_depends_on_batch_and_seq(self, tmp_path):
        file = self.write(tmp_path, "abcdefghijklmnopqrstuvwxyz")
        recipe = recipe_for(file, split="char-rnn", fractions=(0.5, 0.5, 0.0))
        texts = open_texts(recipe, progress=False)
        assert texts.vocab.decode(texts.split.train) == "abcdeklmno"
        assert texts.vocab.decode(texts.split.val) == "fghijpqrst"

    def test_lines_are_shuffled_whole_by_the_recipes_seed(self, tmp_path):
        names = [f"name{i}" for i in range(50)]
        file = self.write(tmp_path, "\n".join(names))
        recipe = recipe_for(file, split="lines", fractions=(0.5, 0.5, 0.0))

        def lines(r: Recipe) -> list[str]:
            split = open_texts(r, progress=False).split
            vocab = open_texts(r, progress=False).vocab
            return vocab.decode(np.concatenate([split.train, split.val])).splitlines()

        assert sorted(lines(recipe)) == sorted(names) and lines(recipe) != names
        assert lines(recipe) == lines(recipe) != lines(replace(recipe, seed=1))

    def test_lines_need_line_ends(self, tmp_path):
        file = self.write(tmp_path, "no line ends here at all")
        with pytest.raises(ValueError, match="has no line ends; split it contiguous"):
            open_texts(recipe_for(file, split="lines"), progress=False)

    def test_a_level_of_ones_own(self, tmp_path):
        file = self.write(tmp_path, "\N{SNOWMAN}" * 30)
        assert open_texts(recipe_for(file), progress=False).whole == 30
        assert open_texts(recipe_for(file, level="byte"), progress=False).whole == 90


class TestWhatARunKeeps:
    """Of where its text is: enough to go on with, and nothing private once it is published."""

    @pytest.mark.parametrize(
        ("corpus", "kept", "public_"),
        [
            ("shakespeare", "shakespeare", "shakespeare"),
            ("/home/me/notes.txt", "/home/me/notes.txt", "notes.txt"),
            (str(sample_text("play.txt")), "data/samples/play.txt", "data/samples/play.txt"),
        ],
    )
    def test_a_corpus(self, corpus, kept, public_):
        assert portable(corpus) == kept and located(kept) == corpus
        assert public(corpus) == public(kept) == public_

    def test_without_a_checkout(self, monkeypatch):
        monkeypatch.setattr("charrnn.recipe.repository", lambda: None)
        assert located("data/samples/play.txt") == portable("data/samples/play.txt")
        assert public("data/samples/play.txt") == "data/samples/play.txt"


class TestOwnText:
    def sizes(
        self, n: int, device: str = "cpu", scale: str | None = None
    ) -> tuple[dict, TrainConfig]:
        recipe, sentence = own_text("a/notes.txt", n, device, scale)
        assert recipe.name == "notes" and recipe.corpus == "a/notes.txt"
        assert sentence.startswith(f"{n:,} characters: {recipe.model['layers']} layers of")
        return recipe.model, recipe.training

    def test_larger_texts_get_wider_networks(self):
        widths = [self.sizes(n)[0]["hidden"] for n in (2_000, 50_000, 1_000_000, 10_000_000)]
        assert widths == [64, 128, 256, 256]
        assert self.sizes(1_000_000, "cuda")[0]["hidden"] == 512
        assert self.sizes(10_000_000, "cuda")[0]["layers"] == 3

    def test_a_cpu_reads_about_twenty_million_characters(self):
        for n in (500_000, 1_000_000, 5_000_000, 100_000_000):
            epochs = self.sizes(n)[1].epochs
            assert n * epochs <= 21e6 or epochs == 0.1

    def test_every_length_fits_into_its_batch(self):
        for n in (30, 300, 3_000, 9_999, 10_000, 20_000, 30_000, 300_000):
            training = self.sizes(n)[1]
            assert n * 0.9 > training.batch * training.seq

    def test_smoke_is_short_whatever_the_length(self):
        assert self.sizes(10**9, "cuda", "smoke")[1].steps == 150


RIGHT = (files("charrnn") / "recipes" / "shakespeare.toml").read_text(encoding="utf-8")


class TestReading:
    """A recipe's text: whatever is wrong in it is one line that says where."""

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                'title = "Shakespeare"',
                "title = 3",
                "recipe t: title is 3; it must be a string",
            ),
            ("seed = 1\n", "", "recipe t lacks seed; it must have title, corpus, seed"),
            ("seed = 1\n", "seed = true\n", "recipe t: seed is True; it must be a whole number"),
            (
                'genre = "play.txt"',
                'genre = "../../etc/x.txt"',
                "genre is .* a file in data/",
            ),
            ("seed = 1\n", "seed = 1\nspeed = 2\n", "recipe t has 'speed'; it may have title"),
            ("[smoke]", "[smokes]", "recipe t has 'smokes'; it may have"),
            ('kind = "contiguous"', 'kind = "even"', "recipe t, split: kind is 'even'; it must be"),
            ("[0.9, 0.05, 0.05]", "[0.9, 0.05]", "fractions is .* it must be a list of 3"),
            ("[0.9, 0.05, 0.05]", "[0.9, 0.9, 0.05]", "three numbers that sum to 1"),
            (
                "steps = 150",
                "stpes = 150",
                "recipe t, smoke: training has 'stpes'; it may",
            ),
            (
                "steps = 150",
                "steps = 0x" + "f" * 5000,
                "steps is int too large to show; it must",
            ),
            (
                "layers = 2 }",
                'layers = "2" }',
                "recipe t, smoke: layers is '2'; it must be",
            ),
            ("seed = 1\n", "seed = \n", "recipe t is not TOML"),
            ("seed = 1\n", "seed = " + "[" * 100_000, "recipe t cannot be read: it is nested too"),
            ("seed = 1\n", "a." * 100_000 + "b = 1\n", "recipe t cannot be read: it is nested too"),
        ],
    )
    def test_what_is_wrong_is_named(self, old, new, message):
        assert old in RIGHT
        with pytest.raises(ValueError, match=message) as caught:
            read_recipe(RIGHT.replace(old, new), "t", "smoke")
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000

    def test_a_smoke_text_is_named_by_its_place(self):
        assert read_recipe(RIGHT, "t", "smoke").corpus == "data/samples/play.txt"
        assert read_recipe(RIGHT, "t", "post").corpus == "shakespeare"
