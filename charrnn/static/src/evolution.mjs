/**
 * What a network wrote while it was trained: a slider goes through the iterations, buttons go to
 * the post's, and all can be played. Words that are none are tinted.
 */

import { button, element, grouped, say } from "./elements.mjs";

const PAUSE = 400;
let figures = 0;

export class Evolution {
  /**
   * @param {{title: string, data: {steps: number[], told: string[], parts: string[][],
   *   marked: number[]}}} options `parts` of each text: at odd places stand words that are none
   */
  constructor({ title, data }) {
    this.data = data;
    this.last = data.steps.length - 1;
    const ticks = `charrnn-ticks-${(figures += 1)}`;
    this.slider = element("input", { type: "range", min: 0, max: this.last, step: 1, list: ticks,
      "aria-label": "Iteration", oninput: () => this.#go(Number(this.slider.value)) });
    this.value = element("output");
    this.player = button("Play", () => (this.timer ? this.#halt() : this.#play()));
    this.marks = data.marked.map((at) => button(grouped(data.steps[at]), () => this.#go(at)));
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.paper = element("pre", { class: "charrnn-paper", tabindex: 0, role: "region",
      "aria-label": "Sample" });
    const options = data.marked.map((at) => element("option", { value: at }));
    this.element = element("section", { "aria-label": title,
      class: "charrnn-live charrnn-evolving" },
      element("label", { class: "charrnn-temperature" }, "Iteration", this.slider, this.value),
      element("datalist", { id: ticks }, ...options),
      element("div", { class: "charrnn-buttons charrnn-marks", role: "group",
        "aria-label": "Iterations to go to" }, this.player, ...this.marks),
      this.told, this.paper);
    if (data.parts.some((parts) => parts.length > 1)) {
      const sign = element("span", { class: "charrnn-unreal" }, "Tinted");
      this.element.append(element("p", { class: "charrnn-legend" },
        element("span", {}, sign, ": in no dictionary and not in the training text.")));
    }
    this.#show(0);
  }

  /** A text that a reader chose. */
  #go(at) {
    this.#halt();
    this.#show(at);
  }

  #show(at) {
    const { steps, told, parts, marked } = this.data;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", `iteration ${grouped(steps[at])}`);
    say(this.value, grouped(steps[at]));
    say(this.told, told[at]);
    this.paper.replaceChildren(...parts[at].map((part, i) =>
      i % 2 === 1 ? element("span", { class: "charrnn-unreal" }, part) : part));
    this.marks.forEach((mark, i) => mark.setAttribute("aria-pressed", marked[i] === at));
  }

  /** All texts one after the other, from the chosen one on; from the last, all of them again. */
  #play() {
    if (Number(this.slider.value) === this.last) this.#show(0);
    say(this.player, "Stop");
    this.told.setAttribute("aria-live", "off"); // a screen reader could not keep up
    this.timer = setInterval(() => {
      const next = Number(this.slider.value) + 1;
      if (next <= this.last) this.#show(next);
      if (next >= this.last || !this.element.isConnected) this.#halt();
    }, PAUSE);
  }

  #halt() {
    clearInterval(this.timer);
    this.timer = null;
    say(this.player, "Play");
    this.told.removeAttribute("aria-live");
  }
}
