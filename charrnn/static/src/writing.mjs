/** A text being written, in slices of time: its prompt is read, then symbol after symbol drawn. */

import { pick } from "./pick.mjs";
import { PCG64 } from "./random.mjs";
import { Decoder } from "./vocab.mjs";

export class Writing {
  /**
   * @param {import("./network.mjs").Network} network
   * @param {import("./vocab.mjs").Vocab} vocab
   * @param {object} state one of the network's, which this text has to itself
   */
  constructor(network, vocab, state) {
    Object.assign(this, { network, vocab, state, remaining: 0, drawn: 0, seconds: 0 });
  }

  /** Begin: forget what was read, and read `prompt` before anything is drawn. */
  begin(prompt, settings, turn) {
    this.network.reset(this.state);
    this.state.held = null; // while the prompt is read
    Object.assign(this, { settings, turn });
    this.random = new PCG64(settings.seed);
    this.decoder = new Decoder(this.vocab);
    const ids = this.vocab.primer(prompt, this.network.config.restart);
    this.next = ids.at(-1); // read when the first symbol is drawn
    this.unread = ids.slice(0, -1).reverse();
    this.remaining = settings.length;
    this.drawn = this.seconds = 0;
  }

  /** Go on for `settings.length` symbols more, at these settings but for the seed. */
  extend(settings, turn) {
    Object.assign(this, { settings, turn });
    this.remaining = settings.length;
  }

  /** Draw nothing more for now. */
  pause() {
    this.remaining = 0;
  }

  get active() {
    return this.remaining > 0;
  }

  /** Work for about `milliseconds`; returns the text that came. */
  slice(milliseconds) {
    const begun = performance.now();
    let text = "";
    do {
      if (this.unread.length > 0) this.network.step(this.state, this.unread.pop());
      else text += this.#draw();
    } while (this.active && performance.now() - begun < milliseconds);
    this.seconds += (performance.now() - begun) / 1000;
    return text;
  }

  #draw() {
    this.state.held = this.settings.held ?? null;
    const logits = this.network.step(this.state, this.next);
    this.next = pick(logits, this.random.random(), this.settings);
    this.drawn += 1;
    this.remaining -= 1;
    return this.decoder.push(this.next);
  }
}
