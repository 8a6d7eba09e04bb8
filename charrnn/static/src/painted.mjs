/**
 * A text whose characters are coloured, one element each. One of them is looked at: the pointer's,
 * else the one that a click or the arrow keys chose. A stretch can be selected, by pointer, touch
 * or shift and arrow keys. Under each character its guesses can stand.
 */

import { element } from "./elements.mjs";
import { percent } from "./guesses.mjs";
import { chosenIn, lineFrom } from "./spots.mjs";

const CLASSES = new Map([["\n", "charrnn-newline"], ["\t", "charrnn-tab"]]);
const HOW = "arrow keys move";

export class Painted {
  /** @param {{moved: () => void, selected: ?() => void}} told when another character is looked at,
   *    and when another stretch is selected; without the second nothing can be selected */
  constructor({ moved, selected = null }) {
    Object.assign(this, { moved, selected, spots: [], places: [], chosen: 0, over: null });
    this.range = null;
    this.element = element("div", { class: "charrnn-painted", tabindex: 0, role: "application",
      "aria-label": `The text, coloured; ${HOW}${selected ? ", shift and arrow keys select" : ""}`,
      onpointerover: ({ target }) => this.#look(indexOf(target)),
      onpointerleave: () => this.#look(null),
      onclick: ({ target }) => this.#click(indexOf(target)),
      onkeydown: (event) => this.#key(event) });
    if (selected) document.addEventListener("selectionchange", () => this.#dragged());
  }

  /** The character that is looked at, by its place. */
  get at() {
    return this.over ?? this.chosen;
  }

  /** Show a text's characters; the last one is chosen. @param {{text: string}[]} places */
  show(places) {
    this.places = places;
    this.spots = places.map(({ text }, i) => spot(text, i));
    const parts = this.spots.flatMap((one, i) => (places[i].text === "\n" ? [one, "\n"] : [one]));
    this.element.replaceChildren(...parts);
    this.element.scrollTop = 0;
    Object.assign(this, { over: null, range: null, anchor: null });
    this.choose(places.length - 1);
  }

  /** @param {(i: number) => string} colour of the i-th character */
  paint(colour) {
    this.spots.forEach((one, i) => (one.firstChild.style.backgroundColor = colour(i)));
  }

  /** @param {?(i: number) => {label: string, p: number, came: boolean}[]} guesses null: none */
  under(guesses) {
    if (guesses === null && !this.element.classList.contains("charrnn-deep")) return;
    this.element.classList.toggle("charrnn-deep", guesses !== null);
    this.spots.forEach((one, i) => {
      one.replaceChildren(one.firstChild, ...(guesses?.(i) ?? []).map(row));
    });
  }

  choose(i) {
    this.chosen = Math.max(0, Math.min(i, this.spots.length - 1));
    this.#mark();
  }

  #look(i) {
    if (i === this.over) return;
    this.over = i;
    this.#mark();
  }

  #click(i) {
    if (i === null || !getSelection().isCollapsed) return; // the end of a drag
    this.select(null);
    this.choose(i);
  }

  #mark() {
    this.element.querySelector(".charrnn-at")?.classList.remove("charrnn-at");
    this.spots[this.at]?.classList.add("charrnn-at");
    this.element.querySelector(".charrnn-chosen-spot")?.classList.remove("charrnn-chosen-spot");
    this.spots[this.chosen]?.classList.add("charrnn-chosen-spot");
    this.moved();
  }

  /** What was selected with the pointer or by touch; its last character is chosen. */
  #dragged() {
    const range = chosenIn(this.element);
    if (!range || String(range) === String(this.range)) return;
    this.select(range);
    this.choose(range[1] - 1);
  }

  /** @param {?[number, number]} range from a place up to, but without, another; null: nothing */
  select(range) {
    if (String(range) === String(this.range)) return;
    this.range = range;
    const [from, to] = range ?? [0, 0];
    this.spots.forEach((one, i) => one.classList.toggle("charrnn-inside", i >= from && i < to));
    this.selected();
  }

  #key(event) {
    const to = this.#target(event);
    if (event.key === "Escape") this.#clear();
    if (to === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#clear(event.shiftKey && this.selected ? (this.anchor ?? this.chosen) : null);
    this.over = null;
    this.choose(to);
    if (this.anchor !== null) this.#extend();
    this.spots[this.chosen].scrollIntoView({ block: "nearest" });
  }

  /** Select nothing, but for what is about to be selected from an anchor. */
  #clear(anchor = null) {
    this.anchor = anchor;
    if (anchor !== null) return;
    getSelection().removeAllRanges();
    this.select(null);
  }

  /** From where shift was first held to the chosen character, both included. */
  #extend() {
    const ends = [this.anchor, this.chosen].sort((a, b) => a - b);
    this.select([ends[0], ends[1] + 1]);
  }

  #target({ key }) {
    if (key === "ArrowLeft") return this.chosen - 1;
    if (key === "ArrowRight") return this.chosen + 1;
    if (key === "Home") return 0;
    if (key === "End") return this.spots.length - 1;
    if (key === "ArrowUp") return lineFrom(this.spots, this.chosen, -1);
    return key === "ArrowDown" ? lineFrom(this.spots, this.chosen, 1) : null;
  }
}

/** One character. A newline's sign and a tab's come from the style sheet: who copies the text gets
 *  what stands in it. */
function spot(text, i) {
  const head = element("span", { class: CLASSES.get(text) }, text === "\n" ? "" : text);
  return element("span", { "data-i": i, class: "charrnn-spot" }, head);
}

function row({ label, p, came }) {
  const made = element("i", { class: came && "charrnn-came", title: percent(p) }, label);
  made.style.setProperty("--p", p.toFixed(3));
  return made;
}

function indexOf(target) {
  const found = target.closest("[data-i]");
  return found ? Number(found.dataset.i) : null;
}
