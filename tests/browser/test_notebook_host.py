"""The module in its second host: what anywidget does with it, without a notebook around it."""

import pytest
from live_figure import Figure, expected, model_file

from charrnn.runs import load_run
from charrnn.widgets.slider import stored_form

pytestmark = pytest.mark.browser
RUN = "tinyshakespeare"
HOST = """
async ([file, options]) => {
  const { default: widget } = await import("../_static/charrnn.mjs");
  const bytes = await (await fetch(`../_static/models/${file}`)).arrayBuffer();
  const padded = new Uint8Array(bytes.byteLength + 8); // a notebook's buffers begin anywhere
  padded.set(new Uint8Array(bytes), 8);
  const traits = { weights: new DataView(padded.buffer, 8), options };
  const el = document.querySelector("article").appendChild(document.createElement("div"));
  el.id = "host";
  window.workers = 0;
  const { terminate } = Worker.prototype;
  Worker.prototype.terminate = function () { window.workers += 1; terminate.call(this); };
  window.cleanUp = widget.render({ model: { get: (name) => traits[name] }, el });
}
"""


def options() -> dict:
    stored = stored_form(load_run(RUN), length=200)
    recorded = [{"temperature": t, "text": text} for t, text in sorted(stored.recorded.items())]
    fields = {"title": stored.title, "prompt": "", "length": 200, "seed": 7, "temperature": 0.8}
    return fields | {"recorded": recorded}


def test_a_notebook_s_widget_is_the_page_s_figure(open_page):
    with open_page("02-training") as page:
        page.evaluate(HOST, [model_file(RUN).name, options()])
        figure = Figure(page)
        assert figure.text == options()["recorded"][4]["text"]
        assert page.locator("style[data-charrnn-style]").count() == 1
        figure.load()
        assert figure.text == expected(RUN, temperature=0.8, seed=7, length=200)
        page.evaluate("cleanUp()")
        assert page.locator("#host").inner_html() == ""
        assert page.evaluate("workers") == 1
