/**
 * NumPy's random numbers: PCG XSL-RR 128/64 (M. O'Neill, 2014), seeded through NumPy's SeedSequence
 * (a pool of four 32-bit words, mixed as M. O'Neill's seed_seq_fe128).
 */

const LOW_64 = (1n << 64n) - 1n;
const LOW_128 = (1n << 128n) - 1n;
const PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL_WORDS = 4;

/** The generator of `np.random.Generator(np.random.PCG64(seed))`. */
export class PCG64 {
  #state;
  #increment;

  /**
   * @param {number} seed a whole number, 0 to 2^53 - 1
   * @throws {RangeError}
   */
  constructor(seed) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`The seed is ${seed}; it must be a whole number, 0 to 2^53 - 1.`);
    }
    const [high, low, streamHigh, streamLow] = seedWords(seed);
    this.#increment = (((streamHigh << 64n) | streamLow) << 1n) | 1n;
    this.#state = this.#increment + ((high << 64n) | low);
    this.#step();
  }

  #step() {
    this.#state = (this.#state * PCG_MULTIPLIER + this.#increment) & LOW_128;
  }

  /** @returns {bigint} the next 64 random bits */
  next() {
    this.#step();
    const word = ((this.#state >> 64n) ^ this.#state) & LOW_64;
    const turn = this.#state >> 122n;
    return ((word >> turn) | (word << (64n - turn))) & LOW_64;
  }

  /** @returns {number} the next of `Generator.random()`: uniform in [0, 1), a multiple of 2^-53 */
  random() {
    return Number(this.next() >> 11n) / 2 ** 53;
  }
}

/** SeedSequence(seed).generate_state(4, np.uint64), as bigints. */
function seedWords(seed) {
  const pool = seedPool(seed);
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 8 }, (_, i) => BigInt(hash(pool[i % POOL_WORDS])));
  return [0, 2, 4, 6].map((i) => (words[i + 1] << 32n) | words[i]);
}

function seedPool(seed) {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), 0, 0].map(hash);
  for (let from = 0; from < POOL_WORDS; from++) {
    for (let to = 0; to < POOL_WORDS; to++) {
      if (from !== to) pool[to] = mixed(pool[to], hash(pool[from]));
    }
  }
  return pool;
}

/** A hash of 32-bit words whose constant changes from word to word. */
function hasher(constant, multiplier) {
  return (word) => {
    const keyed = word ^ constant;
    constant = Math.imul(constant, multiplier);
    return folded(Math.imul(keyed, constant));
  };
}

function mixed(x, y) {
  return folded(Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y));
}

function folded(word) {
  return (word ^ (word >>> 16)) >>> 0;
}
