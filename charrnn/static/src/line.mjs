/** How likely a line of the reader's own is, letter by letter: for models of single lines. */

import { element, grouped, labelled, say } from "./elements.mjs";
import { percent } from "./guesses.mjs";
import { unknownIn } from "./unknown.mjs";
import { Vocab } from "./vocab.mjs";

const LINE_LENGTH = 60; // characters of a line, as many as a row of letters can show
const AT_ONE = { temperature: 1, topK: null, topP: null };

export class Line {
  /** @param {import("./client.mjs").LiveModel} live whose config has a restart symbol */
  constructor(live, job) {
    Object.assign(this, { live, job: `${job}, line`, vocab: new Vocab(live.vocab) });
    this.field = element("input", { type: "text", maxlength: LINE_LENGTH, spellcheck: "false",
      autocomplete: "off", autocapitalize: "words", oninput: () => this.judge() });
    this.said = element("p", { class: "charrnn-odds", role: "status" });
    this.letters = element("ol", { class: "charrnn-letters" });
    this.element = element("div", { class: "charrnn-reader" },
      labelled("How likely is a line of your own?", this.field), this.said, this.letters);
  }

  /** Read the line in the field, and say how likely it is at temperature 1. */
  async judge() {
    const line = this.field.value;
    this.letters.replaceChildren();
    const unknown = unknownIn(line, this.live.vocab);
    if (unknown || !line) {
      say(this.said, unknown && "It cannot be written: the model knows no such character.");
      return;
    }
    try {
      const end = this.vocab.symbol(this.live.config.restart);
      const ended = line + (typeof end === "number" ? String.fromCharCode(end) : end);
      const rows = await this.live.read(this.job, ended, AT_ONE, 0, 4 * LINE_LENGTH + 2);
      this.#show(line, rows);
    } catch (error) {
      say(this.said, error.message);
    }
  }

  /** `rows` begin with the restart symbol; what is given after each is the next one's chance. */
  #show(line, rows) {
    const chances = rows.slice(0, -1).map(({ given }) => given);
    const likely = chances.reduce((product, chance) => product * chance, 1);
    say(this.said, `“${line}” is one line in ${odds(1 / likely)} at temperature 1.`);
    this.letters.replaceChildren(...chances.map((chance, i) =>
      element("li", {}, element("b", {}, this.vocab.label(rows[i + 1].id)),
        element("span", {}, percent(chance)))));
  }
}

/** 12345.6 as "12,346", 1.2 as "1.2", and what has more than 15 digits as a power of ten. */
export function odds(number) {
  if (number < 10) return number.toFixed(1);
  return number < 1e15 ? grouped(number) : `10 to the ${Math.round(Math.log10(number))}`;
}
