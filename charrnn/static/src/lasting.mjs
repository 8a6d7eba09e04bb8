/** How long a unit holds what it holds: a line, and all units' half-lives to choose from. */

import { element, grouped, say } from "./elements.mjs";

const HIGH = 120;
const BROAD = 640;
const LEAST = 0.25; // characters: lower half-lives are drawn as this
const TEAL = "rgba(16, 152, 173, .75)";
const FAINT = "rgba(128, 128, 128, .45)";

/** @param {number} characters as "0.4", "9.5", "12", "1,234" */
export function lengthOf(characters) {
  const tenths = Math.floor(10 * characters + 0.5);
  return tenths < 100 ? String(tenths / 10) : grouped(characters);
}

/** A half-life in words: "0.4 characters", "at least 8,000 bytes". */
function halfOf({ half_life: lives, longest }, number, noun) {
  const said = lengthOf(lives[number]);
  return `${lives[number] >= longest ? "at least " : ""}${said} ${noun}${said === "1" ? "" : "s"}`;
}

/**
 * What is said of a unit.
 * @param {object} memory as charrnn/widgets/lasting.py stores it
 * @param {number} number of the unit, counted through all layers
 * @param {string} noun "character" or "byte"
 */
export function lastingLine(memory, number, noun) {
  const [open, closed] = [memory.open, memory.closed].map((shares) =>
    `${Math.round(100 * shares[number])} %`);
  return `Half of what it holds is gone after ${halfOf(memory, number, noun)}; its ` +
    `${memory.gate} gate is nearly open (above 0.9) ${open} of the time and nearly closed ` +
    `(below 0.1) ${closed}.`;
}

/** The units by half-life, the shortest first, equals by number. */
export function byHalfLife(lives) {
  return Array.from(lives.keys()).sort((a, b) => lives[a] - lives[b] || a - b);
}

/** How high a half-life stands on the log scale, 0 to 1. */
export function heightOf(characters, longest) {
  const share = Math.log(Math.max(characters, LEAST) / LEAST) / Math.log(longest / LEAST);
  return Math.min(1, share);
}

export class Lasting {
  /** @param {object} memory @param {{layers: number, hidden: number}} config
   *  @param {string} noun @param {(layer: number, unit: number) => void} chosen */
  constructor(memory, config, noun, chosen) {
    const order = byHalfLife(memory.half_life);
    const longest = Math.max(memory.longest, 1, memory.half_life[order.at(-1)]);
    Object.assign(this, { memory, config, noun, order, longest });
    this.line = element("p", { class: "charrnn-told", role: "status" });
    this.pointed = element("p", { class: "charrnn-foot" });
    this.canvas = element("canvas", { width: BROAD, height: HIGH, role: "img",
      "aria-label": `The half-lives of all ${grouped(order.length)} units, the shortest at the ` +
        `left; on a logarithmic scale up to ${lengthOf(longest)} ${noun}s`,
      onpointermove: (event) => this.#point(this.#under(event)),
      onpointerleave: () => this.#point(null),
      onclick: (event) => chosen(...this.#place(this.over ?? this.#under(event))) });
    this.marker = element("span", { class: "charrnn-marker", "aria-hidden": "true" });
    this.element = element("div", { class: "charrnn-lasting" }, this.line,
      element("div", { class: "charrnn-fielded" }, this.canvas, ...this.#ticks(), this.marker),
      this.pointed);
    this.#draw();
  }

  /** Another unit is looked at. */
  show({ layer, unit }) {
    const number = layer * this.config.hidden + unit;
    say(this.line, lastingLine(this.memory, number, this.noun));
    const share = (this.order.indexOf(number) + 0.5) / this.order.length;
    this.marker.style.insetInlineStart = `calc(${100 * share}% - 1px)`;
    this.#point(null);
  }

  /** Tell another unit's; a click, whose place is rounded, goes to the one that was told. */
  #point(number) {
    this.over = number;
    say(this.pointed, number === null
      ? "All units by half-life, the shortest at the left; click to go to one."
      : this.#told(number));
  }

  #told(number) {
    const [layer, unit] = this.#place(number);
    const where = this.config.layers > 1 ? `layer ${layer + 1}, unit ${unit}` : `unit ${unit}`;
    return `${where}: ${halfOf(this.memory, number, this.noun)}`;
  }

  #place(number) {
    return [Math.floor(number / this.config.hidden), number % this.config.hidden];
  }

  /** The unit under the pointer. */
  #under({ offsetX }) {
    const last = this.order.length - 1;
    const at = Math.floor((offsetX / this.canvas.clientWidth) * this.order.length);
    return this.order[Math.max(0, Math.min(at, last))];
  }

  /** 1, 10, 100 ... as far as the scale goes. */
  get stops() {
    return [1, 10, 100, 1000, 10_000].filter((stop) => stop < 0.8 * this.longest);
  }

  #ticks() {
    return this.stops.map((stop) => {
      const tick = element("span", { class: "charrnn-tick", "aria-hidden": "true" }, grouped(stop));
      tick.style.insetBlockEnd = `${100 * heightOf(stop, this.longest)}%`;
      return tick;
    });
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const broad = BROAD / this.order.length;
    context.fillStyle = TEAL;
    this.order.forEach((number, k) => {
      const high = HIGH * heightOf(this.memory.half_life[number], this.longest);
      const [from, to] = [k, k + 1].map((edge) => Math.round(edge * broad));
      context.fillRect(from, HIGH - high, to - from, high);
    });
    context.fillStyle = FAINT;
    for (const stop of this.stops) {
      context.fillRect(0, HIGH - Math.round(HIGH * heightOf(stop, this.longest)), BROAD, 1);
    }
  }
}
