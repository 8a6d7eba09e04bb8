/**
 * A text and what each guess of its characters depended on: the chosen character is framed, and
 * those before it are the more orange, the more its guess depended on them.
 */

import { element, grouped, say } from "./elements.mjs";
import { Painted } from "./painted.mjs";

const MOST_ORANGE = 0.75;

/**
 * Rows of a lower triangle, as charrnn/widgets/looked_back.py stores them: to character 1 one byte,
 * to character 2 two, and so on; each the square root of a share of its row's largest, of 255.
 */
export class Dependence {
  /** @param {string} base64 @param {number} length characters of the text */
  constructor(base64, length) {
    this.length = length;
    this.bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }

  /** How strongly the guess of one character depended on each before it: 0 to 1, root scale. */
  row(target) {
    const first = (target * (target - 1)) / 2;
    return this.bytes.subarray(first, first + target);
  }

  strength(target, i) {
    return i < target ? this.row(target)[i] / 255 : 0;
  }

  /** The character that one guess depended on most; null where it depended on none. */
  strongest(target) {
    const row = this.row(target);
    const most = row.reduce((best, value, i) => (value > row[best] ? i : best), 0);
    return row[most] > 0 ? most : null;
  }
}

/** What is said of a guess. @param {{labels: string[], half: number[]}} data */
export function toldOf(target, { labels, half }, dependence) {
  const which = `“${labels[target]}” (character ${grouped(target + 1)})`;
  const strongest = target > 0 ? dependence.strongest(target) : null;
  if (target === 0) return `${which} is the first: nothing came before it.`;
  if (strongest === null) return `The guess of ${which} depended on nothing before it.`;
  const away = target - strongest;
  const where = away === 1 ? "right before it" : `${grouped(away)} characters before it`;
  const count = half[target];
  const last = count === 1 ? "the last character" : `the last ${grouped(count)} characters`;
  return `The guess of ${which} depended most on “${labels[strongest]}”, ${where}; ` +
    `half of it on ${last}.`;
}

export class LookedBack {
  /** @param {{title: string, data: {symbols: string[], labels: string[], half: number[],
   *    weights: string}}} options */
  constructor({ title, data }) {
    this.data = data;
    this.dependence = new Dependence(data.weights, data.symbols.length);
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.painted = new Painted({ moved: () => this.#look() });
    const bar = element("span", { class: "charrnn-scale", "aria-hidden": "true" });
    bar.style.backgroundImage = `linear-gradient(to right, ${orange(0)}, ${orange(1)})`;
    const legend = element("p", { class: "charrnn-legend" }, "not at all", bar, "most",
      element("span", { class: "charrnn-counted" }, "Point at a character, tap it or go there " +
        "with the arrow keys, and see what its guess depended on."));
    this.element = element("section", { "aria-label": title,
      class: "charrnn-live charrnn-inspecting charrnn-looking" }, this.painted.element, this.told,
      legend);
    this.painted.show(data.symbols.map((text) => ({ text })));
  }

  #look() {
    const { at } = this.painted;
    this.painted.paint((i) => orange(this.dependence.strength(at, i)));
    say(this.told, toldOf(at, this.data, this.dependence));
  }
}

function orange(share) {
  return `rgba(207, 95, 18, ${(share * MOST_ORANGE).toFixed(3)})`;
}
