"""The page's figure in a notebook, by anywidget: the model runs in the notebook's own browser."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from charrnn.export import save_model
from charrnn.runs import Run
from charrnn.widgets.markup import Stored


def in_browser(run: Run, stored: Stored):
    """A widget that samples in the browser, by the script that the book's pages use.

    ImportError where anywidget is not installed.
    """
    options = {
        "title": stored.title,
        "recorded": [{"temperature": t, "text": x} for t, x in sorted(stored.recorded.items())],
        "prompt": stored.prompt,
        "length": stored.length,
        "seed": stored.seed,
        "temperature": stored.start,
    }
    figure = _figure()(weights=published_bytes(run), options=options)
    figure.stored = stored
    return figure


def published_bytes(run: Run) -> bytes:
    """The run's published file; of a training, the file that `charrnn export` would write."""
    file = run.folder / "model.safetensors"
    if file.is_file():
        return file.read_bytes()
    unknown = {"name": "", "licence": "", "attribution": "", "sha256": ""}
    corpus = {key: run.info.get("corpus", {}).get(key, "") for key in unknown}
    with TemporaryDirectory() as folder:
        target = Path(folder) / "model.safetensors"
        save_model(target, run.model, run.vocab, {"run": run.name, "corpus": corpus})
        return target.read_bytes()


@cache
def _figure() -> type:
    """The widget's class, made when it is first asked for: anywidget is an option."""
    try:
        import anywidget
    except ImportError:
        raise ImportError(
            "sampling in a notebook's browser needs anywidget; pip install anywidget, or leave "
            "in_browser out to sample in the kernel"
        ) from None
    import traitlets

    class Figure(anywidget.AnyWidget):
        _esm = files("charrnn").joinpath("static/charrnn.mjs").read_text(encoding="utf-8")
        weights = traitlets.Bytes().tag(sync=True)
        options = traitlets.Dict().tag(sync=True)

        def _repr_mimebundle_(self, **kwargs):
            bundle = super()._repr_mimebundle_(**kwargs)
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            return {**data, "text/html": self.stored.sampler()}, metadata

    return Figure
