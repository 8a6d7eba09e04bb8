/**
 * Which units are higher, or lower, inside a stretch of a text than outside: the area under the ROC
 * curve of each (Mann-Whitney's U, ties counted half), exactly, from ranks that are computed once.
 */

const SHIFTS = 20;
const PLACES = 4096; // more than a text's characters
const NEGATIVE = 2 ** 31; // the sign of a float32 number

export class Ranking {
  /** @param {Float32Array} table (characters, units) @param {number} units */
  constructor(table, units) {
    Object.assign(this, { table, units, length: table.length / units, ready: 0 });
    this.values = new Float32Array(this.length); // of the unit that is being ranked
    this.keys = new Float64Array(this.length);
    /** For each unit, the sums of its ranks over the first 0, 1, ... characters: whole numbers and
     *  halves below 2^23, which float32 has. */
    this.sums = new Float32Array(units * (this.length + 1));
  }

  /** Rank units for about `milliseconds`. @returns {boolean} whether all are ranked */
  prepare(milliseconds) {
    const begun = performance.now();
    while (this.ready < this.units && performance.now() - begun < milliseconds) {
      this.#rank(this.ready);
      this.ready += 1;
    }
    return this.ready === this.units;
  }

  /** Sorted are not the values but whole numbers that go by them, with the place of each below:
   *  so the engine's own sort can do it, which calls no function. */
  #rank(unit) {
    const { table, units, length, values, keys } = this;
    const bits = new Uint32Array(values.buffer);
    for (let t = 0; t < length; t++) values[t] = table[t * units + unit] + 0; // no -0
    for (let t = 0; t < length; t++) keys[t] = ordered(bits[t]) * PLACES + t;
    keys.sort();
    const ranks = new Float32Array(length);
    for (let first = 0, end = 0; first < length; first = end) {
      const same = Math.floor(keys[first] / PLACES);
      while (end < length && Math.floor(keys[end] / PLACES) === same) end += 1;
      for (let k = first; k < end; k++) ranks[keys[k] % PLACES] = (first + 1 + end) / 2;
    }
    const at = unit * (length + 1);
    for (let t = 0; t < length; t++) this.sums[at + t + 1] = this.sums[at + t] + ranks[t];
  }

  /**
   * @param {number} from @param {number} to the stretch [from, to); to <= from: it goes on at the
   *   text's beginning. Neither empty nor all of the text.
   * @returns {Float64Array} (units,) the chance that a character inside has a higher value than
   *   one outside
   */
  areas(from, to) {
    const { units, length, sums } = this;
    const around = to <= from;
    const inside = to - from + (around ? length : 0);
    const least = (inside * (inside + 1)) / 2;
    return Float64Array.from({ length: units }, (_, unit) => {
      const at = (t) => sums[unit * (length + 1) + t];
      const ranks = at(to) - at(from) + (around ? at(length) : 0);
      return (ranks - least) / (inside * (length - inside));
    });
  }

  /** @returns {{unit: number, area: number, on: boolean}[]} the best fits, best first; `area` is
   *    that of the unit or of its opposite, `on` whether it is the higher inside */
  best(from, to, count) {
    const areas = this.areas(from, to);
    const fits = Array.from(areas, (area, unit) => ({ unit, area: fit(area), on: area >= 0.5 }));
    return fits.sort((a, b) => b.area - a.area || a.unit - b.unit).slice(0, count);
  }

  /** To how many places `chance` moves a stretch. */
  get shifts() {
    return Math.min(SHIFTS, this.length - 1);
  }

  /** What the best unit reaches by chance: for the same stretch moved around the text, as if that
   *  were a circle, to up to 20 places, the median of the best. */
  chance(from, to) {
    const { length, shifts } = this;
    const tops = Array.from({ length: shifts }, (_, k) => {
      const moved = Math.round(((k + 1) * length) / (shifts + 1));
      return this.#top((from + moved) % length, ((to - 1 + moved) % length) + 1);
    });
    return median(tops);
  }

  #top(from, to) {
    return this.areas(from, to).reduce((top, area) => Math.max(top, fit(area)), 0);
  }
}

function fit(area) {
  return Math.max(area, 1 - area);
}

/** The bits of a float32 number as a whole number that is larger where the number is. */
function ordered(word) {
  return word >= NEGATIVE ? ~word >>> 0 : word + NEGATIVE;
}

function median(numbers) {
  const sorted = numbers.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
