/** Which unit is looked at, and how: layer, number and quantity, or one of those that are named. */

import { QUANTITIES, tint } from "./colours.mjs";
import { button, element, labelled } from "./elements.mjs";

const STOPS = [-1, -0.5, 0, 0.5, 1];

/**
 * @typedef {{layer: number, unit: number, quantity: "c" | "h"}} Choice layers and units count from
 *   0; a reader sees layers counted from 1
 */

export class Chooser {
  /**
   * @param {{layers: number, hidden: number, cell: string}} config
   * @param {{units: [number, number][], rules: object[], quantity: string}} known the units to
   *   begin with, and those that a rule names
   * @param {() => void} changed
   */
  constructor(config, { units, rules, quantity }, changed) {
    Object.assign(this, { config, changed });
    const [[layer, unit]] = units;
    this.#build(layer, unit, config.cell === "lstm" ? quantity : "h");
    this.named = namedUnits(rules, units);
    const fields = [this.#namedField(), ...this.#fields()].filter((field) => field);
    this.legend = element("p", { class: "charrnn-legend" });
    this.element = element("div", { class: "charrnn-chooser" },
      element("div", { class: "charrnn-buttons charrnn-chosen" }, ...fields), this.legend);
    this.#show();
  }

  /** @returns {Choice} */
  get value() {
    const layer = this.layer ? Number(this.layer.value) : 0;
    return { layer, unit: this.#unit(), quantity: this.quantity.value };
  }

  /** Choose another unit. */
  go(layer, unit, quantity = this.quantity.value) {
    if (this.layer) this.layer.value = layer;
    this.unit.value = unit;
    this.quantity.value = this.config.cell === "lstm" ? quantity : "h";
    this.#change();
  }

  #build(layer, unit, quantity) {
    const { layers, hidden } = this.config;
    const onchange = () => this.#change();
    const numbers = Array.from({ length: layers }, (_, l) =>
      element("option", { value: l }, String(l + 1)));
    this.layer = layers > 1 ? element("select", { onchange }, ...numbers) : null;
    if (this.layer) this.layer.value = layer;
    this.unit = element("input", { type: "number", min: 0, max: hidden - 1, step: 1, value: unit,
      oninput: onchange });
    this.quantity = element("select", { onchange }, ...Object.entries(QUANTITIES).map(
      ([key, { about }]) => element("option", { value: key }, about)));
    this.quantity.value = quantity;
  }

  #fields() {
    const { hidden, cell } = this.config;
    const layer = this.layer && labelled("Layer", this.layer, "Counted from 1, the lowest");
    const steps = element("div", { class: "charrnn-steps" },
      labelled("Unit", this.unit, `0 to ${hidden - 1}, counted from 0`),
      button("‹", () => this.#step(-1), { "aria-label": "Previous unit" }),
      button("›", () => this.#step(1), { "aria-label": "Next unit" }));
    return [layer, steps, cell === "lstm" ? labelled("Colour by", this.quantity) : null];
  }

  /** The named units as a list to choose from; where there is only one and no rule, none. */
  #namedField() {
    if (this.named.length < 2) return null;
    const options = this.named.map(({ text }, k) => element("option", { value: k }, text));
    this.list = element("select", { onchange: () => this.#follow() },
      element("option", { value: "" }, "any"), ...options);
    return labelled("A unit by what it does", this.list);
  }

  #follow() {
    const named = this.named[this.list.value];
    if (named) this.go(named.layer, named.unit, named.quantity);
  }

  #step(by) {
    const { hidden } = this.config;
    this.unit.value = (this.#unit() + by + hidden) % hidden;
    this.#change();
  }

  #counted() {
    const { layers, hidden } = this.config;
    const units = `units from 0 to ${hidden - 1}`;
    return layers > 1 ? `Layers count from 1, ${units}.` : `Units count from 0 to ${hidden - 1}.`;
  }

  /** The number in the field; what is none, or too large, counts as the nearest there is. */
  #unit() {
    const number = Math.trunc(Number(this.unit.value)) || 0;
    return Math.max(0, Math.min(number, this.config.hidden - 1));
  }

  #change() {
    this.#show();
    this.changed();
  }

  /** Name the unit in the list where it has a name, and tell what the colours mean. */
  #show() {
    const { layer, unit, quantity } = this.value;
    const same = (one) => one.layer === layer && one.unit === unit;
    const named = this.named.findIndex(same);
    if (this.list && !same(this.named[this.list.value] ?? {})) {
      this.list.value = named < 0 ? "" : named;
    }
    const bar = element("span", { class: "charrnn-scale", "aria-hidden": "true" });
    bar.style.backgroundImage = `linear-gradient(to right, ${STOPS.map((v) => tint(v, quantity))})`;
    const { name } = QUANTITIES[quantity];
    const [off, on] = quantity === "c" ? ["red", "blue"] : ["blue", "green"];
    this.legend.replaceChildren(`${name} = −1, ${off}`, bar, `1, ${on}`);
    this.legend.append(element("span", { class: "charrnn-counted" }, this.#counted()));
  }
}

/** The units that rules name, and the others to begin with: {layer, unit, quantity, text}. */
export function namedUnits(rules, units) {
  const where = (layer, unit) => `layer ${layer + 1}, unit ${unit}`;
  const ruled = rules.map(({ title, layer, unit, quantity, ...fit }) => (
    { layer, unit, quantity, text: `${title}: ${where(layer, unit)}${fitOf(fit)}` }));
  const also = units.filter(([l, u]) => !ruled.some((one) => one.layer === l && one.unit === u));
  return [...ruled, ...also.map(([layer, unit]) => ({ layer, unit, text: where(layer, unit) }))];
}

/** How well a unit follows its rule, as far as that is known. */
function fitOf({ auc, f1, r }) {
  const known = Object.entries({ AUC: auc, F1: f1, r }).filter(([, number]) => number != null);
  const shown = known.map(([name, number]) => `${name} ${Number(number).toFixed(2)}`);
  return shown.length > 0 ? ` (${shown.join(", ")})` : "";
}
