/** Turning a unit: the text goes on with the unit held at a value, and beside it as it would. */

import { QUANTITIES, written } from "./colours.mjs";
import { button, element, labelled, say } from "./elements.mjs";
import { Paper } from "./paper.mjs";

const FARTHEST_HELD = 0.999; // beyond, c would be so large that no step could move it back
const LASTING = { temperature: 0.8, topK: null, topP: null, length: 300 };
const REMINDED = 60; // characters of the prompt that are shown

/** Where a cell stands whose tanh is v; the other networks' h is v itself. */
export function heldAt(v, cell) {
  return cell === "lstm" ? Math.atanh(Math.max(-FARTHEST_HELD, Math.min(v, FARTHEST_HELD))) : v;
}

export class Turning {
  /** @param {import("./client.mjs").LiveModel} live @param {string} job
   *  @param {() => string} prompt what the text goes on from */
  constructor(live, job, prompt) {
    Object.assign(this, { live, job, prompt, busy: 0 });
    this.value = element("input", { type: "range", min: -1, max: 1, step: 0.05, value: 1,
      oninput: () => this.#tell() });
    this.shown = element("output", {});
    this.name = element("span", {});
    this.seed = element("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
      value: 1 });
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.sides = ["As it is", "Held"].map((name, i) => turningSide(name, `${job} ${i}`));
    this.element = element("div", { class: "charrnn-turning" },
      element("label", { class: "charrnn-temperature" }, this.name, this.value, this.shown),
      this.#buttons(), this.status,
      element("div", { class: "charrnn-sides" }, ...this.sides.map((side) => side.element)));
    this.sides.forEach((side) => (side.element.hidden = true));
  }

  #buttons() {
    this.begin = button("Write on from here", () => this.write(), { class: "charrnn-primary" });
    const another = button("Next seed", () => {
      this.seed.value = (Number(this.seed.value) || 0) + 1;
      this.write();
    });
    return element("div", { class: "charrnn-buttons charrnn-chosen" }, this.begin, another,
      labelled("Seed", this.seed, "Both texts draw with the same random numbers"));
  }

  /** Another unit is looked at. @param {import("./chooser.mjs").Choice} choice */
  turn(choice) {
    this.choice = choice;
    this.#tell();
  }

  #tell() {
    const v = written(Number(this.value.value));
    say(this.name, `Hold ${this.#unit()} at ${this.#quantity()} =`);
    say(this.shown, v);
    this.value.setAttribute("aria-valuetext", v);
  }

  #unit() {
    const { layer, unit } = this.choice;
    return this.live.config.layers > 1 ? `unit ${unit} of layer ${layer + 1}` : `unit ${unit}`;
  }

  #quantity() {
    return QUANTITIES[this.live.config.cell === "lstm" ? "c" : "h"].name;
  }

  /** Both texts from the same place, drawn with the same numbers. */
  write() {
    const seed = this.seed.value === "" ? NaN : Number(this.seed.value);
    const v = Number(this.value.value);
    const { layer, unit } = this.choice;
    const held = [{ layer, unit, value: heldAt(v, this.live.config.cell) }];
    say(this.sides[1].name, `${this.#unit()} held at ${written(v)}`.replace(/^u/, "U"));
    const prompt = this.prompt();
    this.busy = 2;
    say(this.status, "Writing …");
    [null, held].forEach((kept, i) => this.#write(this.sides[i], prompt, { seed, held: kept }));
  }

  #write(side, prompt, settings) {
    side.element.hidden = false;
    side.paper.begin(reminder(prompt));
    const asked = { ...LASTING, ...settings };
    this.live.write(side.job, prompt, asked, (message) => this.#hear(side, message));
  }

  #hear(side, message) {
    if (message.type === "failed") {
      say(this.status, message.message);
      return;
    }
    side.paper.write(message.text, message.done);
    if (!message.done) return;
    this.busy -= 1;
    if (this.busy > 0) return;
    const same = this.sides[0].paper.text === this.sides[1].paper.text;
    const compared = same ? " Held, it writes the same." : "";
    say(this.status, `Written at temperature 0.8, both with seed ${this.seed.value}.${compared}`);
  }
}

function turningSide(title, job) {
  const paper = new Paper(`Text, ${title.toLowerCase()}`);
  const name = element("p", { class: "charrnn-name" }, title);
  const home = element("div", { class: "charrnn-side" }, name, paper.element);
  return { paper, name, job, element: home };
}

/** The end of a prompt, from the beginning of a word. */
export function reminder(prompt) {
  const characters = [...prompt];
  if (characters.length <= REMINDED) return prompt;
  return `… ${characters.slice(-REMINDED).join("").replace(/^\S*\s/, "")}`;
}
