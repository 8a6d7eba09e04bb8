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
    if (this.waiting?.fresh) return; // it was stopped before its first piece
    const { scrollHeight, clientHeight } = this.element;
    const from = scrollHeight > clientHeight ? scrollHeight - clientHeight / 3 : null;
    this.waiting = { pieces: [], fresh: false, from };
  }

  /** A piece of the text. `done`: it was the last, for now. */
  write(piece, done) {
    if (piece) this.waiting.pieces.push(piece);
    if (done) this.#flush(true);
    else if (!this.calm.matches && !this.asked) {
      this.asked = requestAnimationFrame(() => this.#flush());
    }
  }

  #flush(done = false) {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (!this.waiting || (this.waiting.pieces.length === 0 && !done)) return;
    if (this.waiting.fresh) this.#clear(this.waiting.prompt);
    this.#append(this.waiting.pieces.join(""));
    if (this.waiting.from != null) this.element.scrollTop = this.waiting.from;
    Object.assign(this.waiting, { pieces: [], fresh: false });
  }

  #clear(prompt) {
    this.element.scrollTop = 0;
    this.text = "";
    this.prompt = prompt;
    this.last = element("span", {}, element("b", {}, prompt));
    this.element.replaceChildren(this.last);
  }

  /** Long texts stand in several blocks, so that a new piece lays out only the last anew. A block
   *  ends with a line end, which its own end takes the place of. */
  #append(piece) {
    this.text += piece;
    const end = piece.lastIndexOf("\n") + 1;
    const full = end > 0 && this.last.textContent.length + end > BLOCK;
    this.last.append(full ? piece.slice(0, end) : piece);
    if (!full) return;
    this.last.className = "charrnn-block";
    this.last = element("span", {}, piece.slice(end));
    this.element.append(this.last);
  }
}
