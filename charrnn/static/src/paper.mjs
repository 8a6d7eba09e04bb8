/** What a text is written on: the prompt in bold, then the model's text as it comes. */

import { element } from "./elements.mjs";

const BLOCK = 1500;

export class Paper {
  /** @param {string} label for screen readers */
  constructor(label) {
    this.element = element("pre", { class: "charrnn-paper", tabindex: 0, role: "region",
      "aria-label": label });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.show("", "");
  }

  /** A whole text at once. */
  show(prompt, text) {
    this.waiting = null;
    this.#clear(prompt);
    this.#append(text);
  }

  /** A text begins; what is here stays until its first piece has come. */
  begin(prompt) {
    this.waiting = { prompt, pieces: [], fresh: true };
  }

  /** More of the same text follows: its last lines move up, so that what comes can be read. */
  resume() {
    const { scrollHeight, clientHeight } = this.element;
    const from = scrollHeight > clientHeight ? scrollHeight - clientHeight / 3 : null;
    this.waiting = { pieces: [], fresh: false, from };
  }

  /** A piece of the text. `done`: it was the last, for now. */
  write(piece, done) {
    if (piece) this.waiting.pieces.push(piece);
    if (done) this.#flush();
    else if (!this.calm.matches && !this.asked) {
      this.asked = requestAnimationFrame(() => this.#flush());
    }
  }

  #flush() {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (!this.waiting || this.waiting.pieces.length === 0) return;
    if (this.waiting.fresh) this.#clear(this.waiting.prompt);
    this.#append(this.waiting.pieces.join(""));
    if (this.waiting.from != null) this.element.scrollTop = this.waiting.from;
    Object.assign(this.waiting, { pieces: [], fresh: false });
  }

  #clear(prompt) {
    this.element.scrollTop = 0;
    this.text = "";
    this.prompt = prompt;
    this.last = element("span", {});
    this.element.replaceChildren(element("b", {}, prompt), this.last);
  }

  /** Long texts stand in several blocks, so that a new piece lays out only the last anew. */
  #append(piece) {
    if (piece === "") return;
    this.text += piece;
    this.last.append(piece);
    if (this.last.textContent.length > BLOCK && piece.includes("\n")) this.#newBlock();
  }

  /** The text after the last line end becomes the beginning of a new block. */
  #newBlock() {
    const text = this.last.textContent;
    const end = text.lastIndexOf("\n");
    this.last.textContent = text.slice(0, end);
    this.last.className = "charrnn-block";
    this.last = element("span", {}, text.slice(end + 1));
    this.element.append(this.last);
  }
}
