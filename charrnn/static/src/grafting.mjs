/**
 * A part of the state of one text copied into another, in slices of time: both texts are read but
 * for their last symbol, a part of the donor's state takes the place of the recipient's, and then
 * the last symbol is read: by the donor, by the recipient as it was, and with the part copied.
 *
 * @typedef {{what: "h" | "c" | "hc", layer: ?number, unit: ?number}} Part layers and units count
 *   from 0; null: all. A network without cells has nothing but h
 */

import { shown } from "./errors.mjs";
import { checkPlace } from "./held.mjs";
import { probabilities, ranked } from "./pick.mjs";
import { readable } from "./tracing.mjs";
import { Writing } from "./writing.mjs";

const PLAIN_DRAW = { temperature: 1, topK: null, topP: null };
const LIKELIEST = 8;
const SORTS = ["h", "c", "hc"];

/**
 * @param {Part[]} parts
 * @param {{layers: number, hidden: number}} config
 * @throws {RangeError} with one line where one of them is not possible
 */
export function checkParts(parts, { layers, hidden }) {
  for (const { what, layer, unit } of parts) {
    if (!SORTS.includes(what)) {
      throw new RangeError(`What is copied is ${shown(what)}; it must be h, c or hc.`);
    }
    if (layer !== null) checkPlace("layer", layer, layers);
    if (unit !== null) checkPlace("unit", unit, hidden);
  }
}

export class Grafting {
  /** @param {object} state one of the network's, which this job has to itself */
  constructor(network, vocab, state) {
    const states = [state, network.newState(), network.newState()];
    /** The donor, the recipient, and the recipient with the part. */
    this.sides = states.map((one) => new Writing(network, vocab, one));
    Object.assign(this, { network, vocab, unread: [], copied: true });
  }

  /**
   * Begin with two texts; characters that the model does not know are left out.
   * @param {{donor: string, recipient: string, parts: Part[], settings: object}} asked
   * @throws {RangeError} with one line where a text cannot be read, or their ends differ
   */
  begin({ donor, recipient, parts, settings }, turn) {
    this.#checkEnds(...[["donor", donor], ["recipient", recipient]].map(
      ([name, text]) => named(name, () => readable(text, this.vocab)).at(-1)));
    Object.assign(this, { turn, parts, copied: false });
    [donor, recipient, recipient].forEach((text, i) => this.sides[i].begin(text, settings, turn));
    this.unread = this.sides.slice(0, 2);
  }

  get active() {
    return !this.copied || this.sides.some((side) => side.active);
  }

  /**
   * Work for about `milliseconds`.
   * @returns {{guesses: ?{id: number, p: number}[][], texts: string[], done: boolean}} of the three
   *   sides: once, their likeliest next symbols; and what came of their texts
   */
  slice(milliseconds) {
    const begun = performance.now();
    while (this.unread.length > 0 && performance.now() - begun < milliseconds) this.#read();
    let [guesses, texts] = [null, ["", "", ""]];
    if (this.unread.length === 0 && !this.copied) guesses = this.#copy();
    else if (this.copied) texts = this.sides.map((side) => this.#write(side, milliseconds / 3));
    return { guesses, texts, done: !this.active };
  }

  /** Write nothing more. */
  pause() {
    Object.assign(this, { unread: [], copied: true });
    this.sides.forEach((side) => side.pause());
  }

  #read() {
    const [side] = this.unread;
    if (side.unread.length > 0) this.network.step(side.state, side.unread.pop());
    else this.unread.shift();
  }

  #copy() {
    const { network, sides: [donor, recipient, mixed] } = this;
    network.restore(mixed.state, network.snapshot(recipient.state));
    for (const part of this.parts) network.copy(donor.state, mixed.state, part);
    mixed.unread = [];
    this.copied = true;
    return this.sides.map((side) => this.#expected(side));
  }

  /** What is likeliest after the last symbol, which stays to be read by who writes on. */
  #expected({ state, next }) {
    const before = this.network.snapshot(state);
    const logits = this.network.step(state, next);
    const p = probabilities(logits, PLAIN_DRAW);
    const guesses = ranked(logits).slice(0, LIKELIEST).map((id) => ({ id, p: p[id] }));
    this.network.restore(state, before);
    return guesses;
  }

  #write(side, milliseconds) {
    if (!side.active) return "";
    const text = side.slice(milliseconds);
    return side.active ? text : text + side.decoder.finish();
  }

  #checkEnds(donor, recipient) {
    if (donor === recipient) return;
    const [one, other] = [donor, recipient].map((id) => `“${this.vocab.label(id)}”`);
    throw new RangeError(
      `The donor ends in ${one}, the recipient in ${other}; let both texts end alike.`,
    );
  }
}

/** Whose text it is that cannot be read. */
function named(name, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`The ${name}: ${error.message}`) : error;
  }
}
