/** A text being read: what the network expects after each of its symbols. */

import { probabilities, ranked } from "./pick.mjs";

const REMEMBERED = 512;

export class Reading {
  /** @param state one of the network's, which this reader has to itself */
  constructor(network, vocab, state) {
    Object.assign(this, { network, vocab, state });
    /** What was read and what came of it: {id, logits, snapshot}, one a symbol. */
    this.steps = [];
  }

  /**
   * The guesses after every symbol of a text; only what changed since the last text is read.
   * @param {number[]} ids at least one
   * @param {{temperature: number, topK: ?number, topP: ?number}} settings
   * @param {number} count guesses a symbol
   * @param {number} rows for how many of the last symbols
   * @returns {{id: number, guesses: {id: number, p: number}[], given: ?number}[]} `given`: the
   *   probability that the symbol after it had; null after the last
   */
  read(ids, settings, count, rows) {
    let same = 0;
    while (same < this.steps.length && this.steps[same].id === ids[same]) same += 1;
    if (same > 0 && !this.steps[same - 1].snapshot) same = 0; // forgotten
    this.steps.length = same;
    if (same === 0) this.network.reset(this.state);
    else this.network.restore(this.state, this.steps[same - 1].snapshot);
    for (const id of ids.slice(same)) this.#step(id);
    const first = Math.max(0, ids.length - rows);
    return ids.slice(first).map((id, i) => this.#row(first + i, settings, count, ids));
  }

  #step(id) {
    const logits = this.network.step(this.state, id).slice();
    this.steps.push({ id, logits, snapshot: this.network.snapshot(this.state) });
    const old = this.steps.at(-1 - REMEMBERED);
    if (old) old.snapshot = null;
  }

  #row(at, settings, count, ids) {
    const { id, logits } = this.steps[at];
    const p = probabilities(logits, settings);
    const guesses = ranked(logits).slice(0, count).map((guess) => ({ id: guess, p: p[guess] }));
    return { id, guesses, given: at + 1 < ids.length ? p[ids[at + 1]] : null };
  }
}
