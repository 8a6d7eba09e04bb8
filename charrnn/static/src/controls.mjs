/** The settings of a text: fields, what stands in them, and what is wrong with it. */

import { element, labelled } from "./elements.mjs";
import { checkSettings } from "./pick.mjs";

const LONGEST = 20000;

/** A temperature slider with its value beside it. */
export class Temperature {
  /**
   * @param {string} text its label
   * @param {number} value
   * @param {number[]} stops the temperatures it can stand at, until `free` is called
   * @param {() => void} moved
   */
  constructor(text, value, stops, moved) {
    this.stops = stops;
    const nearest = stops.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a));
    this.input = element("input", { type: "range", min: 0, max: stops.length - 1, step: 1,
      value: stops.indexOf(nearest) });
    this.input.addEventListener("input", () => {
      this.#show();
      moved();
    });
    this.output = element("output", {});
    this.element = element("label", { class: "charrnn-temperature" },
      element("span", {}, text), this.input, this.output);
    this.#show();
  }

  get value() {
    return this.stops ? this.stops[Number(this.input.value)] : Number(this.input.value);
  }

  set value(temperature) {
    const at = this.stops ? this.stops.indexOf(temperature) : temperature;
    this.input.value = at;
    this.#show();
  }

  /** From now on any temperature from 0 to 2. */
  free() {
    const { value } = this;
    this.stops = null;
    Object.assign(this.input, { min: 0, max: 2, step: 0.05 });
    this.value = value;
  }

  #show() {
    const shown = `${Number(this.value.toFixed(2))}`;
    this.output.textContent = shown;
    this.input.setAttribute("aria-valuetext", shown === "0" ? "0, always the likeliest" : shown);
  }
}

/** Seed, length, top_k and top_p, folded away. */
export class Settings {
  constructor({ seed, length, unit }, changed) {
    const number = (value, properties) =>
      element("input", { type: "number", value, onchange: changed, ...properties });
    this.seed = number(seed, { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 });
    this.length = number(length, { min: 1, max: LONGEST, step: 1 });
    this.topK = number("", { min: 1, step: 1, placeholder: "all" });
    this.topP = number("", { min: 0.01, max: 1, step: "any", placeholder: "all" });
    this.unit = element("span", {}, unit);
    const length_ = element("label", { class: "charrnn-field" }, this.unit, this.length);
    this.element = element("details", { class: "charrnn-settings" },
      element("summary", {}, "Seed, length, top_k, top_p"),
      element("div", { class: "charrnn-fields" },
        labelled("Seed", this.seed, "The same seed gives the same text"), length_,
        labelled("top_k", this.topK, "Draw from this many likeliest characters only"),
        labelled("top_p", this.topP,
          "Draw from the fewest likeliest characters that together have this probability")));
  }

  /** @returns what the model is asked for; RangeError with one clear line where it is wrong */
  read(temperature) {
    const settings = {
      temperature,
      seed: this.#number(this.seed, "seed"),
      length: this.#number(this.length, "length"),
      topK: this.topK.value === "" ? null : this.#number(this.topK, "top_k"),
      topP: this.topP.value === "" ? null : this.#number(this.topP, "top_p"),
    };
    if (settings.length < 1 || settings.length > LONGEST) {
      throw new RangeError(`The length is ${settings.length}; it must be 1 to ${LONGEST}.`);
    }
    checkSettings(settings);
    return settings;
  }

  nextSeed() {
    this.seed.value = (Number(this.seed.value) || 0) + 1;
  }

  #number(input, name) {
    if (input.value === "" || input.validity.badInput) {
      throw new RangeError(`${name} is not a number; please type one.`);
    }
    return Number(input.value);
  }
}
