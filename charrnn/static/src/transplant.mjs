/** A part of one text's state copied into another text: what comes next, before and after. */

import { button, element, form, labelled, say, takeFocus } from "./elements.mjs";
import { expectedRow, showGuess } from "./expected.mjs";
import { percent } from "./guesses.mjs";
import { described, Loader } from "./loader.mjs";
import { Paper } from "./paper.mjs";
import { reminder } from "./turning.mjs";
import { unknownIn } from "./unknown.mjs";
import { Vocab } from "./vocab.mjs";

const TYPED = "typed";
const SHOWN = 8;
const DRAWN = { temperature: 0.8, topK: null, topP: null, length: 200 };
const SIDES = ["the donor", "the recipient", "the recipient with the part"];
let transplants = 0;

export class Transplant {
  /**
   * @param {object} options
   * @param {{donor: string, recipient: string, start: number,
   *   choices: {text: string, parts: import("./grafting.mjs").Part[]}[]}} options.data
   * @param {(report: Function) => Promise} options.open loads the model
   * @param {number} options.size of the model's file, bytes
   * @param {Node[]} options.stored what is shown until it is loaded
   */
  constructor({ title, data, size, open, stored }) {
    Object.assign(this, { data, job: `transplant ${(transplants += 1)}` });
    this.loader = new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.stored = element("div", { class: "charrnn-kept" }, ...stored);
    this.element = form(title, { class: "charrnn-live charrnn-grafting" }, () => this.run(),
      this.stored, this.loader.element);
  }

  #loaded(live) {
    Object.assign(this, { live, vocab: new Vocab(live.vocab) });
    this.#build();
    this.stored.remove();
    this.element.append(...this.#parts());
    say(this.foot, described(live));
    takeFocus(this.part);
    for (const field of [this.donor, this.recipient]) field.scrollTop = field.scrollHeight;
    this.run();
  }

  #build() {
    const again = () => this.run();
    const text = (value) => {
      const field = element("textarea", { rows: 3, spellcheck: "false", onchange: again });
      field.value = value;
      return field;
    };
    [this.donor, this.recipient] = [text(this.data.donor), text(this.data.recipient)];
    this.#buildPart(again);
    this.seed = element("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
      value: 1, onchange: again });
    this.sides = SIDES.map((name, i) => new GraftedSide(name, i));
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
  }

  /** What is copied: one of those that are named, or a unit whose number is typed. */
  #buildPart(onchange) {
    const { layers, hidden } = this.live.config;
    const options = this.data.choices.map(({ text }, k) => element("option", { value: k }, text));
    this.part = element("select", { onchange }, ...options,
      element("option", { value: TYPED }, `${this.#letter()} of a unit of your choice`));
    this.part.value = this.data.start;
    const numbers = Array.from({ length: layers }, (_, l) =>
      element("option", { value: l }, String(l + 1)));
    this.layer = element("select", { onchange }, ...numbers);
    this.unit = element("input", { type: "number", min: 0, max: hidden - 1, step: 1, value: 0,
      onchange });
    this.typed = element("div", { class: "charrnn-buttons charrnn-chosen", hidden: true },
      layers > 1 ? labelled("Layer", this.layer, "Counted from 1, the lowest") : null,
      labelled(`Unit, 0 to ${hidden - 1}`, this.unit));
  }

  #parts() {
    const another = button("Next seed", () => {
      this.seed.value = (Number(this.seed.value) || 0) + 1;
      this.run();
    });
    const copy = element("button", { type: "submit", class: "charrnn-primary" }, "Copy");
    this.results = element("div", { class: "charrnn-sides charrnn-three", hidden: true },
      ...this.sides.map((side) => side.element));
    return [
      element("div", { class: "charrnn-sides" },
        labelled("The donor, whose state is copied", this.donor),
        labelled("The recipient", this.recipient)),
      element("p", { class: "charrnn-foot" }, "Both must end in the same character. They are " +
        "read up to but without it, then the state is copied, then that character is read."),
      element("div", { class: "charrnn-buttons charrnn-chosen" },
        labelled("What is copied", this.part), this.typed),
      element("div", { class: "charrnn-buttons charrnn-chosen" }, copy, another,
        labelled("Seed", this.seed, "All three texts draw with the same random numbers")),
      this.status, this.results, this.foot];
  }

  #letter() {
    return this.live.config.cell === "lstm" ? "c" : "h";
  }

  /** What the select and the fields say is copied: {text, parts}. */
  #choice() {
    if (this.part.value !== TYPED) return this.data.choices[this.part.value];
    const unit = this.unit.value === "" ? NaN : Number(this.unit.value);
    const layer = Number(this.layer.value);
    const where = this.live.config.layers > 1 ? `layer ${layer + 1}, unit ${unit}` : `unit ${unit}`;
    const what = this.#letter();
    return { text: `${what} of ${where}`, parts: [{ what, layer, unit }] };
  }

  /** Read both texts, copy, and let all three go on. */
  run() {
    if (!this.live) return;
    this.typed.hidden = this.part.value !== TYPED;
    const [donor, recipient] = [this.donor.value, this.recipient.value];
    const { text, parts } = this.#choice();
    const seed = this.seed.value === "" ? NaN : Number(this.seed.value);
    this.asked = { text, texts: [donor, recipient, recipient], seed };
    say(this.status, "Reading …");
    const asked = { donor, recipient, parts, settings: { ...DRAWN, seed } };
    this.live.graft(this.job, asked, (message) => this.#hear(message));
  }

  #hear(message) {
    if (message.type === "failed") {
      say(this.status, message.message);
      return;
    }
    if (message.guesses) this.#show(message.guesses);
    if (this.results.hidden) return; // still reading
    this.sides.forEach(({ paper }, i) => paper.write(message.texts[i], message.done));
    if (message.done) say(this.status, this.#told());
  }

  #show(guesses) {
    const { text, texts } = this.asked;
    this.guesses = guesses;
    this.results.hidden = false;
    this.sides.forEach((side, i) => {
      side.show(guesses[i], this.vocab);
      side.paper.begin(reminder(texts[i]));
    });
    say(this.sides[2].name, `The recipient with ${text} copied`);
  }

  /** The likeliest of each in a line, for who does not see the bars. */
  #told() {
    const { seed, texts } = this.asked;
    const first = this.guesses.map(([{ id, p }], i) =>
      `“${this.vocab.label(id)}” (${percent(p)}) for ${SIDES[i]}`);
    const skipped = unknownIn(`${texts[0]}${texts[1]}`, this.live.vocab);
    return `Likeliest next: ${first.join(", ")}. The texts go on at temperature 0.8, all three ` +
      `with seed ${seed}. ${skipped}`;
  }
}

/** One of the three: its likeliest next symbols as bars, and its text. */
class GraftedSide {
  constructor(name, i) {
    const title = `${name[0].toUpperCase()}${name.slice(1)}${i < 2 ? ", as it is" : ""}`;
    this.name = element("p", { class: "charrnn-name" }, title);
    this.rows = Array.from({ length: SHOWN }, () => expectedRow());
    this.paper = new Paper(`What is written by ${name}`);
    this.element = element("div", { class: "charrnn-side" }, this.name,
      element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item)),
      this.paper.element);
  }

  show(guesses, vocab) {
    this.rows.forEach((row, k) => showGuess(row, guesses[k], null, vocab));
  }
}
