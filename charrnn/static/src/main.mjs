/**
 * The two hosts of the same figures. A page of the book stores `<div data-charrnn=...>` with
 * recorded texts in it, and the figure takes its place; a notebook with anywidget calls `render`.
 */

import { address, LiveModel, openModel } from "./client.mjs";
import { element } from "./elements.mjs";
import { Evolution } from "./evolution.mjs";
import { Inspector } from "./inspector.mjs";
import { LookedBack } from "./lookedback.mjs";
import { Playground } from "./playground.mjs";
import { Sampler } from "./sampler.mjs";
import { STYLE } from "./style.mjs";
import { Transplant } from "./transplant.mjs";

const KINDS = {
  sampler: mountSampler,
  playground: mountPlayground,
  inspector: (place) => mountReading(place, Inspector),
  transplant: (place) => mountReading(place, Transplant),
  evolution: (place) => new Evolution({ title: place.dataset.title, data: dataIn(place) }),
  "looked-back": (place) =>
    new LookedBack({ title: place.dataset.title, data: dataIn(place) }),
};

/** Put the live figures of a page in the place of the stored ones. */
function mount(root) {
  for (const place of root.querySelectorAll("[data-charrnn]")) {
    const figure = KINDS[place.dataset.charrnn]?.(place);
    if (figure) place.replaceWith(figure.element);
  }
}

function mountSampler(place) {
  const { model, bytes, title, prompt, length, seed, temperature } = place.dataset;
  return new Sampler({
    title, prompt, length, seed,
    recorded: recordedIn(place),
    temperature: Number(temperature),
    size: Number(bytes),
    open: model ? (report) => openModel(address(model), report) : null,
  });
}

/** The texts that a stored figure shows, without their prompt: [{temperature, text}]. */
function recordedIn(place) {
  return [...place.querySelectorAll("[data-at]")].map((sample) => ({
    temperature: Number(sample.dataset.at),
    text: sample.querySelector("pre > span").textContent,
  }));
}

function mountPlayground(place) {
  const models = [...place.querySelectorAll("[data-model]")].map((part) => ({
    title: part.dataset.title,
    model: part.dataset.model,
    bytes: Number(part.dataset.bytes),
    prompt: part.dataset.prompt,
    recorded: recordedIn(part),
  }));
  return models.length > 0 ? new Playground(models) : null;
}

/** A figure that takes texts apart. What is stored stays where there is no model to load. */
function mountReading(place, Kind) {
  const { model, bytes, title } = place.dataset;
  if (!model) return null;
  const open = (report) => openModel(address(model), report);
  return new Kind({ title, data: dataIn(place), size: Number(bytes), open,
    stored: [...place.childNodes].filter((node) => node.nodeName !== "SCRIPT") });
}

function dataIn(place) {
  return JSON.parse(place.querySelector("script[type='application/json']").textContent);
}

/** anywidget's contract: the figure in `el`, fed from traits; returns how to take it away. */
function render({ model, el }) {
  style(el.getRootNode());
  const live = new LiveModel();
  const weights = model.get("weights");
  const { buffer, byteOffset, byteLength } = weights;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const open = (report) => live.load({ bytes }, report);
  const figure = new Sampler({ ...model.get("options"), size: byteLength, open });
  el.append(figure.element);
  return () => {
    live.close();
    figure.element.remove();
  };
}

/** The style sheet, once in a document (or a shadow root). */
function style(root) {
  const home = root.head ?? root;
  if (!home.querySelector("style[data-charrnn-style]")) {
    home.append(element("style", { "data-charrnn-style": true }, STYLE));
  }
}

// Sphinx names its root on every page that it makes; elsewhere the host calls.
if (typeof document !== "undefined" && document.documentElement.dataset.content_root != null) {
  style(document);
  mount(document);
}

export default { render };
