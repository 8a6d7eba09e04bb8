/** Any model of the book: what comes next, by hand; and two temperatures side by side. */

import { address, isOpen, openModel } from "./client.mjs";
import { Settings, Temperature } from "./controls.mjs";
import { button, element, form, labelled, say, takeFocus } from "./elements.mjs";
import { Bars, marked, Rows } from "./guesses.mjs";
import { described, Loader } from "./loader.mjs";
import { Paper } from "./paper.mjs";
import { unknownIn } from "./unknown.mjs";
import { Vocab } from "./vocab.mjs";

const GUESSES = 12;
const DEPTH = 5;
const COLUMNS = 48;

export class Playground {
  /**
   * @param {{title: string, model: string, bytes: number, prompt: string,
   *   recorded: {temperature: number, text: string}[]}[]} models
   */
  constructor(models) {
    this.models = models;
    const options = models.map(({ title }, i) => element("option", { value: i }, title));
    this.choice = element("select", { onchange: () => this.#choose() }, ...options);
    this.loader = new Loader({ size: models[0].bytes, loaded: (live) => this.#loaded(live),
      open: (report) => openModel(address(this.model.model), report) });
    this.sides = [0.5, 1.0].map((temperature, i) => new Side(this, i, temperature));
    this.settings = new Settings({ seed: 1, length: 600, unit: "Characters" }, () => this.write());
    this.status = element("p", { class: "charrnn-status", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
    this.#buildReader();
    const chosen = element("div", { class: "charrnn-buttons charrnn-chosen" },
      labelled("Model", this.choice), this.loader.element);
    const sides = element("div", { class: "charrnn-sides" }, ...this.sides.map((s) => s.element));
    this.element = form("Playground", { class: "charrnn-live" }, () => this.write(),
      chosen, this.reader, sides, this.status, this.#buttons(), this.foot);
    this.#choose();
  }

  get model() {
    return this.models[Number(this.choice.value)];
  }

  #buildReader() {
    this.field = element("textarea", { rows: 2, spellcheck: "false", oninput: () => this.read() });
    this.echo = element("p", { class: "charrnn-echo" });
    this.bars = new Bars(GUESSES, (id) => this.#take(id));
    this.rows = new Rows(DEPTH);
    this.reader = element("div", { class: "charrnn-reader", hidden: true },
      labelled("Prompt", this.field, "What both texts begin with"), this.echo,
      element("h2", {}, "What comes next"), this.bars.element,
      element("h2", {}, "Its five guesses after each character"), this.rows.element,
      element("h2", {}, "Two temperatures, one seed"));
  }

  #buttons() {
    this.begin = element("button", { type: "submit", class: "charrnn-primary" }, "Write both");
    this.halt = button("Stop", () => this.sides.forEach((side) => side.stop()));
    this.onward = button("Continue", () => this.#all((side, settings) => side.more(settings)));
    this.another = button("Next seed", () => {
      this.settings.nextSeed();
      this.write();
    });
    const buttons = [this.begin, this.halt, this.onward, this.another];
    this.controls = element("div", { hidden: true },
      element("div", { class: "charrnn-buttons" }, ...buttons), this.settings.element);
    return this.controls;
  }

  /** Another model: its recorded texts, until it is loaded. */
  #choose() {
    this.sides.forEach((side) => side.stop());
    this.live = null;
    this.reader.hidden = this.controls.hidden = true;
    this.field.value = this.model.prompt;
    this.loader.offer(this.model.bytes);
    this.sides.forEach((side) => side.recorded(this.model.recorded));
    say(this.status, "Recorded texts; the sliders move among them.");
    say(this.foot, "");
    if (isOpen(address(this.model.model))) this.loader.load();
  }

  #loaded(live) {
    this.live = live;
    this.vocab = new Vocab(live.vocab);
    this.reader.hidden = this.controls.hidden = false;
    this.settings.unit.textContent = live.vocab.level === "byte" ? "Bytes" : "Characters";
    this.sides.forEach((side) => side.temperature.free());
    say(this.foot, described(live));
    this.read();
    this.write();
    takeFocus(this.field);
  }

  /** What the model expects after the prompt as it stands, at the first slider's temperature. */
  async read() {
    const prompt = this.field.value;
    this.echo.replaceChildren(...marked(prompt, this.live.vocab));
    this.echo.hidden = !unknownIn(prompt, this.live.vocab);
    const settings = { temperature: this.sides[0].temperature.value, topK: null, topP: null };
    const { live } = this;
    try {
      const rows = await live.read("reader", prompt, settings, GUESSES, COLUMNS);
      if (live !== this.live) return; // another model was chosen meanwhile
      this.bars.show(rows.at(-1).guesses, this.vocab);
      this.rows.show(rows, this.vocab);
    } catch (error) {
      say(this.status, error.message);
    }
  }

  /** A character chosen by hand goes behind the prompt. */
  #take(id) {
    const { level, symbols } = this.live.vocab;
    if (level === "byte" && symbols[id] > 127) return; // a part of a character only
    this.field.value += level === "byte" ? String.fromCharCode(symbols[id]) : symbols[id];
    this.read();
  }

  write() {
    this.#all((side, settings) => side.write(this.field.value, settings));
  }

  /** Let both sides work at the settings that stand in the fields. */
  #all(work) {
    if (!this.live) return;
    try {
      const settings = this.sides.map((side) => this.settings.read(side.temperature.value));
      this.sides.forEach((side, i) => work(side, settings[i]));
      this.settled();
    } catch (error) {
      say(this.status, error.message);
      this.settings.element.open = true;
    }
  }

  /** Show whether anything is being written. */
  settled() {
    const busy = this.sides.some((side) => side.busy);
    this.halt.disabled = !busy;
    this.onward.disabled = busy;
    const skipped = unknownIn(this.field.value, this.live.vocab);
    const seed = this.settings.seed.value;
    say(this.status, `${busy ? "Writing" : "Written"} with seed ${seed}. ${skipped}`);
  }
}

/** One of the two columns. */
class Side {
  constructor(owner, i, temperature) {
    Object.assign(this, { owner, job: `side ${i}`, busy: false, wanted: temperature });
    this.paper = new Paper(`Text ${"AB"[i]}`);
    this.element = element("div", { class: "charrnn-side" });
    this.name = `Temperature ${"AB"[i]}`;
    this.first = i === 0;
  }

  /** Show recorded texts; the slider has their temperatures. */
  recorded(records) {
    this.busy = false;
    const stops = records.map(({ temperature }) => temperature);
    const wanted = this.temperature?.value ?? this.wanted;
    this.temperature = new Temperature(this.name, wanted, stops, () => this.#moved());
    this.records = records;
    this.element.replaceChildren(this.temperature.element, this.paper.element);
    this.#showRecord();
  }

  #showRecord() {
    const { value } = this.temperature;
    this.paper.show("", this.records.find(({ temperature }) => temperature === value).text);
  }

  #moved() {
    const { owner } = this;
    if (!owner.live) {
      this.#showRecord();
      return;
    }
    if (this.first) owner.read();
    try {
      this.write(owner.field.value, owner.settings.read(this.temperature.value));
      owner.settled();
    } catch (error) {
      say(owner.status, error.message);
    }
  }

  write(prompt, settings) {
    this.paper.begin(prompt);
    this.busy = true;
    const { live } = this.owner;
    live.write(this.job, prompt, settings, (message) => this.#hear(live, message));
  }

  more(settings) {
    this.paper.resume();
    this.busy = true;
    const { live } = this.owner;
    live.more(this.job, settings, (message) => this.#hear(live, message));
  }

  stop() {
    if (this.busy) this.owner.live.stop(this.job);
  }

  #hear(live, message) {
    if (live !== this.owner.live) return; // another model was chosen meanwhile
    if (message.type === "failed") {
      this.busy = false;
      this.owner.settled();
      say(this.owner.status, message.message);
      return;
    }
    this.paper.write(message.text, message.done);
    if (!message.done) return;
    this.busy = false;
    this.owner.settled();
    say(this.owner.foot, described(this.owner.live, message));
  }
}
