/** A text being traced, in slices of time: every unit's state and the guesses, symbol by symbol. */

import { probabilities, ranked } from "./pick.mjs";

const MOST_TRACED = 2000;
const GUESSED = 5;
const PLAIN = { temperature: 1, topK: null, topP: null };

/**
 * @param {string} text
 * @param {import("./vocab.mjs").Vocab} vocab
 * @returns {number[]} the ids of its symbols that the model knows
 * @throws {RangeError} with one line where there is nothing to read, or too much
 */
export function readable(text, vocab) {
  const { ids } = vocab.encode(text);
  const unit = vocab.level === "byte" ? "bytes" : "characters";
  if (ids.length === 0) throw new RangeError(`There are no ${unit} here that the model knows.`);
  if (ids.length > MOST_TRACED) {
    throw new RangeError(
      `The text has ${ids.length} ${unit}; at most ${MOST_TRACED} are read. Take a part of it.`,
    );
  }
  return ids;
}

export class Tracing {
  /** @param {object} state one of the network's, which this trace has to itself */
  constructor(network, vocab, state) {
    Object.assign(this, { network, vocab, state, ids: [], done: 0, result: null });
  }

  /**
   * Begin with a text; characters that the model does not know are left out. A model of single
   * lines reads its restart symbol first, of which nothing is kept.
   * @throws {RangeError} with one line where there is nothing to read, or too much
   */
  begin(text, turn) {
    const ids = readable(text, this.vocab);
    this.network.reset(this.state);
    const { restart, layers, hidden } = this.network.config;
    if (restart !== null) this.network.step(this.state, restart);
    const room = () => new Float32Array(ids.length * layers * hidden);
    Object.assign(this, { turn, ids, done: 0 });
    this.result = { ids, cells: room(), shown: room(), guesses: [], given: [] };
  }

  get active() {
    return this.done < this.ids.length;
  }

  /** Read for about `milliseconds`. */
  slice(milliseconds) {
    const begun = performance.now();
    do this.#read(); while (this.active && performance.now() - begun < milliseconds);
  }

  /**
   * What came of it, once: ids; cells and shown, (T, L, H) each, tanh(c) and h of an LSTM, else h
   * twice; guesses, the five likeliest [{id, p}] after each; given, the probability that the
   * symbol after each had, null after the last.
   */
  take() {
    const { result } = this;
    this.result = null;
    return result;
  }

  #read() {
    const { layers, hidden } = this.network.config;
    const { cells, shown, guesses, given } = this.result;
    const look = (l) => {
      const first = (this.done * layers + l) * hidden;
      const [c, h] = [cells, shown].map((all) => all.subarray(first, first + hidden));
      this.network.look(this.state, l, c, h);
    };
    const logits = this.network.step(this.state, this.ids[this.done], look);
    this.done += 1;
    const p = probabilities(logits, PLAIN);
    guesses.push(ranked(logits).slice(0, GUESSED).map((id) => ({ id, p: p[id] })));
    given.push(this.active ? p[this.ids[this.done]] : null);
  }

  /** Read nothing more. */
  pause() {
    Object.assign(this, { ids: [], done: 0, result: null });
  }
}
