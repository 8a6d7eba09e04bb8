/** Which units are on inside a selected stretch of a text and off outside it. */

import { button, element, grouped, say } from "./elements.mjs";
import { Ranking } from "./ranking.mjs";

const LISTED = 10;
const PATIENT = 12; // milliseconds of work before the page may draw

export class Finding {
  /** @param {(layer: number, unit: number) => void} chosen what a click on a unit does */
  constructor(chosen) {
    Object.assign(this, { chosen, rankings: new Map(), turn: 0 });
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.ask = button("Which units are on inside and off outside?", () => this.#find());
    this.list = element("ol", { class: "charrnn-ranked" });
    this.caveat = element("p", { class: "charrnn-foot" });
    this.element = element("div", { class: "charrnn-finding" }, this.told,
      element("div", { class: "charrnn-buttons" }, this.ask), this.list, this.caveat);
  }

  /** Another text was read. @param {import("./traced.mjs").Traced} traced */
  begin(traced) {
    this.traced = traced;
    this.rankings.clear();
    this.select(null);
  }

  /** @param {?[number, number]} range @param {string} quantity that is compared */
  select(range, quantity = this.quantity) {
    const { places } = this.traced;
    const whole = range && range[1] - range[0] === places.length;
    Object.assign(this, { range: whole ? null : range, quantity, turn: this.turn + 1 });
    this.ask.disabled = !this.range;
    this.list.replaceChildren();
    this.list.hidden = this.caveat.hidden = true;
    say(this.told, this.range ? `Selected: ${shortened(this.traced, range)}` :
      "Select a stretch of the text: drag over it, or hold shift and press the arrow keys.");
  }

  async #find() {
    const { range: [from, to], traced: { layers, hidden } } = this;
    const turn = (this.turn += 1);
    say(this.caveat, "Ranking the units …");
    this.caveat.hidden = false;
    const ranking = this.#ranking();
    while (!ranking.prepare(PATIENT)) await new Promise((go) => setTimeout(go));
    if (turn !== this.turn) return; // something else was selected meanwhile
    this.list.replaceChildren(...ranking.best(from, to, LISTED).map((fit) => this.#item(fit)));
    this.list.hidden = false;
    const reached = ranking.chance(from, to).toFixed(2);
    say(this.caveat, "AUC is 1 where a unit tells inside from outside without fault, 0.5 where " +
      `it tells nothing. With ${grouped(layers * hidden)} units some always fit a short stretch ` +
      `by chance: for one as long elsewhere in this text, the best of them reaches ${reached} ` +
      `(median of ${ranking.shifts} places).`);
  }

  #ranking() {
    const { rankings, quantity, traced } = this;
    if (!rankings.has(quantity)) {
      rankings.set(quantity, new Ranking(traced.table(quantity), traced.layers * traced.hidden));
    }
    return rankings.get(quantity);
  }

  #item({ unit: number, area, on }) {
    const { hidden, layers } = this.traced;
    const [layer, unit] = [Math.floor(number / hidden), number % hidden];
    const where = `${layers > 1 ? `layer ${layer + 1}, ` : ""}unit ${unit}`;
    const bar = element("span", { class: "charrnn-bar" });
    bar.style.inlineSize = `${Math.max(0, 200 * (area - 0.5))}%`;
    const parts = [element("span", { class: "charrnn-where" }, where),
      element("span", { class: "charrnn-way" }, on ? "on" : "off"),
      element("span", { class: "charrnn-track", "aria-hidden": "true" }, bar),
      element("span", { class: "charrnn-share" }, `AUC ${area.toFixed(3)}`)];
    const made = element("button", { type: "button", class: "charrnn-guess",
      onclick: () => this.chosen(layer, unit) }, ...parts);
    return element("li", {}, made);
  }
}

/** The selected text in one line, its middle left out where it is long. */
function shortened({ places }, [from, to]) {
  const text = places.slice(from, to).map((place) => place.text).join("").replace(/\s/g, " ");
  const characters = [...text];
  const brief = characters.length > 60
    ? `${characters.slice(0, 30).join("")} … ${characters.slice(-30).join("")}` : text;
  const count = to - from === 1 ? "1 character" : `${grouped(to - from)} characters`;
  return `“${brief}”, ${count}`;
}
