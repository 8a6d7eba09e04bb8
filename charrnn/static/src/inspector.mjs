/** The inspector: a text coloured by a unit, what was expected, and units found and turned. */

import { Chooser } from "./chooser.mjs";
import { tint } from "./colours.mjs";
import { button, element, form, grouped, labelled, say, takeFocus } from "./elements.mjs";
import { Expected } from "./expected.mjs";
import { Finding } from "./finding.mjs";
import { Lasting } from "./lasting.mjs";
import { described, Loader } from "./loader.mjs";
import { Painted } from "./painted.mjs";
import { Strip } from "./strip.mjs";
import { Traced } from "./traced.mjs";
import { Turning } from "./turning.mjs";
import { unknownIn } from "./unknown.mjs";
import { Vocab } from "./vocab.mjs";

const OWN = "own";
let inspectors = 0;

export class Inspector {
  /**
   * @param {object} options
   * @param {{passages: {name: string, text: string}[], units: [number, number][],
   *   rules: object[], quantity: "c" | "h", memory: ?object}} options.data
   * @param {(report: Function) => Promise} options.open loads the model
   * @param {number} options.size of the model's file, bytes
   * @param {Node[]} options.stored what is shown until it is loaded
   */
  constructor({ title, data, size, open, stored }) {
    Object.assign(this, { data, job: `inspector ${(inspectors += 1)}`, turn: 0 });
    this.loader = new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.stored = element("div", { class: "charrnn-kept" }, ...stored);
    this.element = form(title, { class: "charrnn-live charrnn-inspecting" }, () => {},
      this.stored, this.loader.element);
  }

  #loaded(live) {
    Object.assign(this, { live, vocab: new Vocab(live.vocab) });
    this.#build();
    this.stored.remove();
    this.element.append(...this.#parts());
    say(this.foot, described(live));
    takeFocus(this.passage);
    return this.#read();
  }

  #build() {
    const { live, data, job } = this;
    const go = (layer, unit) => this.chooser.go(layer, unit);
    this.chooser = new Chooser(live.config, data, () => this.#colour());
    this.painted = new Painted({ moved: () => this.#look(), selected: () => this.#select() });
    this.expected = new Expected();
    this.strip = new Strip(live.config, go);
    const noun = live.vocab.level === "byte" ? "byte" : "character";
    this.lasting = data.memory ? new Lasting(data.memory, live.config, noun, go) : null;
    this.finding = new Finding(go);
    this.turning = new Turning(live, `${job}, turned`, () => this.#before());
    this.deep = element("input", { type: "checkbox", onchange: () => this.#deepen() });
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
    this.#buildTexts();
  }

  #buildTexts() {
    const options = this.data.passages.map(({ name }, i) => element("option", { value: i }, name));
    this.passage = element("select", { onchange: () => this.#read() }, ...options,
      element("option", { value: OWN }, "Your own text"));
    this.own = element("textarea", { rows: 3, spellcheck: "false" });
    this.ownPart = element("div", { class: "charrnn-own", hidden: true },
      labelled("Your own text, up to 2,000 characters", this.own),
      button("Read", () => this.#read(), { class: "charrnn-primary" }));
  }

  #parts() {
    const heading = (text) => element("h2", {}, text);
    const deep = element("label", { class: "charrnn-check" }, this.deep,
      element("span", {}, "Its five guesses under every character"));
    const hint = element("p", { class: "charrnn-foot" }, "Point at a character, tap it or go " +
      "there with the arrow keys, and see what was expected after it.");
    const lasting = this.lasting ? [heading("How long does it hold what it holds?"),
      this.lasting.element] : [];
    this.results = element("div", { class: "charrnn-reader", hidden: true }, this.chooser.element,
      this.painted.element, deep, hint, this.expected.element,
      heading("All units after this character"), this.strip.element, ...lasting,
      heading("Which units follow a stretch of text?"), this.finding.element,
      heading("What does it write if the unit is held?"), this.turning.element);
    return [labelled("Text", this.passage), this.ownPart, this.status, this.results, this.foot];
  }

  /** Let the network read the chosen text. */
  async #read() {
    const own = this.passage.value === OWN;
    this.ownPart.hidden = !own;
    if (own && !this.own.value) return this.own.focus();
    const text = own ? this.own.value : this.data.passages[this.passage.value].text;
    const turn = (this.turn += 1);
    say(this.status, "Reading …");
    try {
      const found = await this.live.trace(this.job, text);
      if (turn === this.turn) this.#show(new Traced(found, this.vocab, this.live.config), text);
    } catch (error) {
      if (turn === this.turn) say(this.status, error.message);
    }
  }

  #show(traced, text) {
    this.traced = traced;
    this.results.hidden = false;
    const count = traced.places.length;
    const read = `Read: ${grouped(count)} character${count === 1 ? "" : "s"}.`;
    say(this.status, `${read} ${unknownIn(text, this.live.vocab)}`);
    this.finding.begin(traced);
    this.painted.show(traced.places);
    this.#deepen();
    this.#colour();
  }

  /** Another unit or quantity. */
  #colour() {
    const choice = this.chooser.value;
    this.painted.paint((i) => tint(this.traced.value(i, choice), choice.quantity));
    if (choice.quantity !== this.finding.quantity) this.#select();
    this.lasting?.show(choice);
    this.turning.turn(choice);
    this.#look();
  }

  /** Another character. */
  #look() {
    const { traced, painted: { at } } = this;
    const choice = this.chooser.value;
    this.expected.show(traced, at, choice);
    this.strip.show((layer) => traced.row(at, layer, choice.quantity), choice);
  }

  #select() {
    this.finding.select(this.painted.range, this.chooser.value.quantity);
  }

  #deepen() {
    const { vocab, traced } = this;
    this.painted.under(!this.deep.checked ? null : (i) => {
      const { guesses, came } = traced.expected(i);
      return guesses.map(({ id, p }) => ({ label: vocab.label(id), p, came: id === came }));
    });
  }

  /** What a text goes on from: all up to the chosen character. */
  #before() {
    return this.traced.upTo(this.painted.chosen);
  }
}
