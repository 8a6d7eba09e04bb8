/** What a network expects next: bars to choose from, and the rows of guesses under a text. */

import { element } from "./elements.mjs";
import { Vocab } from "./vocab.mjs";

export const percent = (p) =>
  (p >= 0.0995 ? `${Math.round(p * 100)} %` : `${(p * 100).toFixed(1)} %`);

/** The likeliest next characters as buttons with bars, largest first. */
export class Bars {
  /** @param {(id: number) => void} chosen what a click does */
  constructor(count, chosen) {
    this.rows = Array.from({ length: count }, (_, i) => this.#row(() => chosen(this.ids[i])));
    this.element = element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item));
  }

  #row(onclick) {
    const symbol = element("span", { class: "charrnn-symbol" });
    const bar = element("span", { class: "charrnn-bar" });
    const share = element("span", { class: "charrnn-share" });
    const button = element("button", { type: "button", onclick, class: "charrnn-guess" },
      symbol, element("span", { class: "charrnn-track" }, bar), share);
    return { item: element("li", {}, button), button, symbol, bar, share };
  }

  /** @param {{id: number, p: number}[]} guesses @param {Vocab} vocab */
  show(guesses, vocab) {
    this.ids = guesses.map(({ id }) => id);
    this.rows.forEach(({ item, button, symbol, bar, share }, i) => {
      item.hidden = i >= guesses.length;
      if (item.hidden) return;
      const { id, p } = guesses[i];
      symbol.textContent = vocab.label(id);
      bar.style.inlineSize = `${p * 100}%`;
      share.textContent = percent(p);
      button.setAttribute("aria-label", `${vocab.label(id)}, ${percent(p)}: write it`);
    });
  }
}

/**
 * The post's rows: every character, and under it what the network expected after it, red where
 * it was sure. Under the last one stands what it expects now.
 */
export class Rows {
  constructor(depth) {
    this.depth = depth;
    this.element = element("div", { class: "charrnn-rows", tabindex: 0, role: "region",
      "aria-label": "The guesses after each character" });
  }

  /** @param {{id: number, guesses: {id: number, p: number}[]}[]} rows @param {Vocab} vocab */
  show(rows, vocab) {
    const head = rows.map(({ id }) => element("th", { scope: "col" }, vocab.label(id)));
    const body = Array.from({ length: this.depth }, (_, i) =>
      element("tr", {}, ...rows.map((row, k) => this.#cell(row, i, rows[k + 1]?.id, vocab))));
    this.element.replaceChildren(element("table", {},
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
    this.element.scrollLeft = this.element.scrollWidth;
  }

  #cell({ guesses }, i, came, vocab) {
    const guess = guesses[i];
    if (!guess) return element("td", {});
    const cell = element("td", { title: percent(guess.p) }, vocab.label(guess.id));
    cell.style.setProperty("--p", guess.p.toFixed(3));
    if (guess.id === came) cell.className = "charrnn-came";
    return cell;
  }
}

/** A text with the characters marked that the model's vocabulary lacks. */
export function marked(text, vocab) {
  if (vocab.level !== "char") return [text];
  const unknown = new Set(new Vocab(vocab).encode(text).unknown.map(({ index }) => index));
  return [...text].map((character, i) => (unknown.has(i)
    ? element("mark", { title: "not in the training text: skipped" }, character) : character));
}
