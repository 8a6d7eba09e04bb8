/** A text that was traced, by the characters that a reader sees. */

import { Decoder } from "./vocab.mjs";

/**
 * The characters of a text, and where the network had read each.
 * @param {number[]} ids
 * @param {import("./vocab.mjs").Vocab} vocab
 * @returns {{text: string, at: number}[]} `at`: the place of its last symbol among the ids, which
 *   at byte level may be the last of several
 */
export function placesOf(ids, vocab) {
  const decoder = new Decoder(vocab);
  const places = [];
  ids.forEach((id, at) => {
    for (const text of decoder.push(id)) places.push({ text, at });
  });
  for (const text of decoder.finish()) places.push({ text, at: ids.length - 1 });
  return places;
}

export class Traced {
  /**
   * @param {object} found what Tracing.take gave
   * @param {import("./vocab.mjs").Vocab} vocab
   * @param {{layers: number, hidden: number}} config
   */
  constructor({ ids, cells, shown, guesses, given }, vocab, { layers, hidden }) {
    Object.assign(this, { ids, guesses, given, vocab, layers, hidden });
    this.values = { c: cells, h: shown };
    this.places = placesOf(ids, vocab);
  }

  /** A unit's value after the i-th character. */
  value(i, { layer, unit, quantity }) {
    return this.row(i, layer, quantity)[unit];
  }

  /** All units of a layer after the i-th character, (H,). */
  row(i, layer, quantity) {
    const first = (this.places[i].at * this.layers + layer) * this.hidden;
    return this.values[quantity].subarray(first, first + this.hidden);
  }

  /** All units after every character, (characters, L H). */
  table(quantity) {
    const units = this.layers * this.hidden;
    const table = new Float32Array(this.places.length * units);
    this.places.forEach(({ at }, i) => {
      table.set(this.values[quantity].subarray(at * units, (at + 1) * units), i * units);
    });
    return table;
  }

  /**
   * What was expected after the i-th character.
   * @returns {{guesses: {id: number, p: number}[], came: ?number, given: ?number}} `came`: the id
   *   that followed, and its probability; null after the last
   */
  expected(i) {
    const { at } = this.places[i];
    const guesses = this.guesses[at];
    return { guesses, came: this.ids[at + 1] ?? null, given: this.given[at] };
  }

  /** The text up to the i-th character, that one included. */
  upTo(i) {
    return this.places.slice(0, i + 1).map(({ text }) => text).join("");
  }
}
