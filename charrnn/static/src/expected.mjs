/** What the network expected after one character: its best guesses as bars, what came marked. */

import { QUANTITIES, written } from "./colours.mjs";
import { element, grouped, say } from "./elements.mjs";
import { percent } from "./guesses.mjs";

const DEEP = 5;

export class Expected {
  constructor() {
    this.told = element("p", { role: "status", class: "charrnn-told" });
    this.rows = Array.from({ length: DEEP }, () => expectedRow());
    this.came = element("p", { class: "charrnn-told" });
    this.element = element("div", { class: "charrnn-expected" }, this.told,
      element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item)), this.came);
  }

  /** @param {import("./traced.mjs").Traced} traced @param {number} i which character
   *  @param {{layer: number, unit: number, quantity: string}} choice whose value is told */
  show(traced, i, choice) {
    const { vocab } = traced;
    const { guesses, came, given } = traced.expected(i);
    const label = vocab.label(traced.ids[traced.places[i].at]);
    const value = written(traced.value(i, choice));
    say(this.told, `After ${label}, character ${grouped(i + 1)} of ` +
      `${grouped(traced.places.length)}: ${QUANTITIES[choice.quantity].name} = ${value}`);
    this.rows.forEach((row, k) => showGuess(row, guesses[k], came, vocab));
    say(this.came, this.#after(guesses, came, given, vocab));
  }

  #after(guesses, came, given, vocab) {
    if (came === null) return "Here the text ends.";
    const rank = guesses.findIndex(({ id }) => id === came);
    const how = rank < 0 ? ", none of these" : "";
    return `${vocab.label(came)} came, to which it gave ${percent(given)}${how}.`;
  }
}

/** A line of a list of guesses. */
export function expectedRow() {
  const symbol = element("span", { class: "charrnn-symbol" });
  const bar = element("span", { class: "charrnn-bar" });
  const share = element("span", { class: "charrnn-share" });
  const track = element("span", { class: "charrnn-track" }, bar);
  const line = element("div", { class: "charrnn-guess" }, symbol, track, share);
  return { item: element("li", {}, line), symbol, bar, share };
}

/** @param {?{id: number, p: number}} guess @param {?number} came the id that is marked */
export function showGuess({ item, symbol, bar, share }, guess, came, vocab) {
  item.hidden = !guess; // a vocabulary may have fewer
  if (!guess) return;
  symbol.textContent = vocab.label(guess.id);
  bar.style.inlineSize = `${guess.p * 100}%`;
  share.textContent = percent(guess.p);
  item.classList.toggle("charrnn-came", guess.id === came);
}
