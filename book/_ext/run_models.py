"""The recorded runs' published models beside the pages that run them: _static/models/."""

import shutil
from pathlib import Path

RUNS = Path(__file__).resolve().parents[2] / "data" / "runs"


def copy_models(app, exception) -> None:
    """Put every run's model into the built site; nothing where the build failed."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "models"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for model in sorted(RUNS.glob("*/model.safetensors")):
        shutil.copyfile(model, target / f"{model.parent.name}.safetensors")


def setup(app) -> dict:
    """Sphinx calls this."""
    app.connect("build-finished", copy_models)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
