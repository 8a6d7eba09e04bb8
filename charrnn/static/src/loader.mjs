/** The button that loads a model, its progress, and what went wrong. */

import { button, element, grouped, megabytes, say, takeFocus } from "./elements.mjs";

export class Loader {
  /**
   * @param {{size: number, open: (report: Function) => Promise, loaded: Function}} options
   *   size in bytes, for the button; `open` loads, `loaded` gets what it gave
   */
  constructor({ size, open, loaded }) {
    Object.assign(this, { size, open, loaded });
    this.button = button("", () => this.load(), { class: "charrnn-primary" });
    this.bar = element("progress", { max: 1, "aria-label": "Loading the model" });
    this.count = element("span", { "aria-hidden": "true" }); // the bar says it to a screen reader
    this.note = element("span", { role: "alert" });
    this.element = element("div", { class: "charrnn-loader" },
      this.button, this.bar, this.count, this.note);
    this.offer(size);
  }

  /** Ready to load a file of that many bytes; one that is still loading is not waited for. */
  offer(size) {
    this.size = size;
    this.turn = (this.turn ?? 0) + 1;
    say(this.button, `Run the model here (${megabytes(size)})`);
    say(this.note, "");
    this.#waiting(false);
    this.element.hidden = false;
  }

  async load() {
    const { turn } = this;
    const current = () => turn === this.turn;
    this.#waiting(true);
    say(this.note, "");
    try {
      const live = await this.open((...progress) => current() && this.#report(...progress));
      if (!current()) return;
      this.element.hidden = true;
      this.loaded(live);
    } catch (error) {
      if (!current()) return;
      this.#waiting(false);
      say(this.note, error.message);
      takeFocus(this.button);
    }
  }

  #waiting(yes) {
    this.button.hidden = yes;
    this.bar.hidden = this.count.hidden = !yes;
    this.bar.removeAttribute("value");
  }

  #report(received, total) {
    this.bar.value = Math.min(1, received / (total || this.size || received));
    say(this.count, `${megabytes(received)} of ${megabytes(total || this.size)}`);
  }
}

/** What a model is and how fast it ran, for the foot of a figure. */
export function described({ config, bytes, vocab }, { drawn = 0, seconds = 0 } = {}) {
  const network = `${config.layers} x ${config.hidden} ${config.cell.toUpperCase()}`;
  const unit = vocab.level === "byte" ? "bytes" : "characters";
  const speed = seconds > 0.02 ? `, ${grouped(drawn / seconds)} ${unit} a second` : "";
  return `${network}, ${megabytes(bytes)}, running in this page${speed}`;
}
