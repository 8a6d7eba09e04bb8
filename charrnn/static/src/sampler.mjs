/** A chapter's sampler: recorded texts behind a temperature slider, then the model itself. */

import { Settings, Temperature } from "./controls.mjs";
import { button, element, form, labelled, say, takeFocus } from "./elements.mjs";
import { Line } from "./line.mjs";
import { described, Loader } from "./loader.mjs";
import { Paper } from "./paper.mjs";
import { unknownIn } from "./unknown.mjs";

let made = 0;

export class Sampler {
  /**
   * @param {object} options
   * @param {{temperature: number, text: string}[]} options.recorded at least one
   * @param {?(report: Function) => Promise} options.open loads the model; null: recorded texts only
   * @param {number} options.size of the model's file, bytes
   */
  constructor({ title, recorded, open, size, prompt, length, seed, temperature }) {
    Object.assign(this, { recorded, prompt, job: `sampler ${(made += 1)}` });
    const stops = recorded.map((record) => record.temperature);
    this.temperature = new Temperature("Temperature", temperature, stops, () => this.#moved());
    this.paper = new Paper("Text of the model");
    this.status = element("p", { class: "charrnn-status", role: "status" });
    this.settings = new Settings({ seed, length, unit: "Characters" }, () => this.write());
    this.loader = open && new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.element = form(title, { class: "charrnn-live" }, () => this.write(),
      this.temperature.element, this.paper.element, this.status, this.loader?.element);
    this.#showRecorded();
  }

  /** The recorded text of the slider's stop. */
  #showRecorded() {
    const { value } = this.temperature;
    const record = this.recorded.find(({ temperature }) => temperature === value);
    this.paper.show(this.prompt, record.text);
    say(this.status, `Recorded at temperature ${value}.`);
  }

  #moved() {
    if (this.live) this.write();
    else this.#showRecorded();
  }

  #loaded(live) {
    this.live = live;
    if (live.vocab.level === "byte") say(this.settings.unit, "Bytes");
    this.temperature.free();
    this.field = element("textarea", { rows: 1, spellcheck: "false", onchange: () => this.write(),
      placeholder: "none: from a new line" });
    this.field.value = this.prompt;
    this.begin = element("button", { type: "submit", class: "charrnn-primary" }, "Write");
    this.another = button("Next seed", () => {
      this.settings.nextSeed();
      this.write();
    });
    this.onward = button("Continue", () => this.#continue());
    this.halt = button("Stop", () => this.live.stop(this.job));
    this.copy = button("Copy", () => this.#copy());
    this.foot = element("p", { class: "charrnn-foot" });
    const buttons = [this.begin, this.halt, this.onward, this.another, this.copy];
    const prompt = labelled("Prompt", this.field, "What the text begins with");
    const line = live.config.restart === null ? null : new Line(live, this.job).element;
    this.element.append(...[prompt, element("div", { class: "charrnn-buttons" }, ...buttons), line,
      this.settings.element, this.foot].filter((part) => part));
    say(this.foot, described(live));
    this.write();
    takeFocus(this.temperature.input);
  }

  /** A text from the beginning, at the settings that stand in the fields. */
  write() {
    if (!this.live) return;
    const settings = this.#settings();
    if (!settings) return;
    const prompt = this.field.value;
    this.skipped = unknownIn(prompt, this.live.vocab);
    this.paper.begin(prompt);
    this.#working(true);
    this.live.write(this.job, prompt, settings, (message) => this.#hear(message));
  }

  #continue() {
    const settings = this.#settings();
    if (!settings) return;
    this.paper.resume();
    this.#working(true);
    this.live.more(this.job, settings, (message) => this.#hear(message));
  }

  #settings() {
    try {
      return this.settings.read(this.temperature.value);
    } catch (error) {
      say(this.status, error.message);
      this.settings.element.open = true;
      return null;
    }
  }

  #hear(message) {
    if (message.type === "failed") {
      this.#working(false);
      say(this.status, message.message);
      return;
    }
    this.paper.write(message.text, message.done);
    if (!message.done) return;
    this.#working(false);
    this.#compare();
    say(this.foot, described(this.live, message));
  }

  #working(yes) {
    this.halt.disabled = !yes;
    this.onward.disabled = yes;
    const { value } = this.temperature;
    const at = `at temperature ${value}, seed ${this.settings.seed.value}.`;
    say(this.status, `${yes ? "Writing" : "Written in this page"} ${at} ${this.skipped}`);
  }

  /** Say so where the page wrote a recorded text again: the same network, seed and numbers. */
  #compare() {
    const { value } = this.temperature;
    const record = this.recorded.find(({ temperature }) => temperature === value);
    const length = Math.min(record?.text.length ?? 0, this.paper.text.length);
    if (this.paper.prompt !== this.prompt || length < 100) return;
    if (record.text.slice(0, length) !== this.paper.text.slice(0, length)) return;
    say(this.status, `${this.status.textContent}It is the recorded text, character for character.`);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.paper.prompt + this.paper.text);
      say(this.status, "Copied.");
    } catch {
      getSelection().selectAllChildren(this.paper.element);
      say(this.status, "The text is selected: copy it with Ctrl+C.");
    }
  }
}
