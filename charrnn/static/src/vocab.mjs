/** Text to ids and back: the symbols of a model are characters (code points) or bytes of UTF-8. */

const NEWLINE = 10;
const SIGNS = new Map([
  [" ", "␣"],
  ["\n", "↵"],
  ["\t", "⇥"],
  ["\r", "␍"],
  ["\x7f", "␡"],
]); // the first four as in charrnn.figures
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}]/u;
const COMBINING = /\p{M}/u;

/** The V symbols that a model knows, in the order of their ids. */
export class Vocab {
  #ids;

  /**
   * @param {{level: "char" | "byte", symbols: string | string[] | number[]}} vocab as parseModel
   *   gives it: characters, or bytes as integers
   */
  constructor({ level, symbols }) {
    this.level = level;
    this.symbols = Array.from(symbols);
    this.#ids = new Map(this.symbols.map((symbol, id) => [symbol, id]));
  }

  /** @returns {number} V */
  get size() {
    return this.symbols.length;
  }

  /**
   * @param {string} text
   * @returns {{ids: number[], unknown: {index: number, symbol: string | number}[]}} the ids of the
   *   symbols that the model knows, and the others with their places, counted in code points, or
   *   in bytes at byte level
   */
  encode(text) {
    const ids = [];
    const unknown = [];
    this.#units(text).forEach((symbol, index) => {
      const id = this.#ids.get(symbol);
      if (id === undefined) unknown.push({ index, symbol });
      else ids.push(id);
    });
    return { ids, unknown };
  }

  #units(text) {
    return Array.from(this.level === "byte" ? new TextEncoder().encode(text) : text);
  }

  /**
   * What is read before anything is drawn.
   * @param {string} text
   * @param {?number} restart the symbol that a model of single lines reads first
   * @returns {number[]} the ids of its known symbols; where there is none, of a newline, or 0
   */
  primer(text, restart = null) {
    const { ids } = this.encode(text);
    if (restart !== null) return [restart, ...ids];
    if (ids.length > 0) return ids;
    return [this.#ids.get(this.level === "byte" ? NEWLINE : "\n") ?? 0];
  }

  /**
   * @param {number} id
   * @returns {string | number} its character or byte
   * @throws {RangeError}
   */
  symbol(id) {
    const symbol = this.symbols[id];
    if (symbol === undefined) {
      const last = this.size - 1;
      throw new RangeError(`There is no symbol ${id}; ids are whole numbers, 0 to ${last}.`);
    }
    return symbol;
  }

  /**
   * @param {number} id
   * @returns {string} the symbol as it can be shown: "a", "↵", "␣", "0xC3" for a byte above 127
   * @throws {RangeError} where there is no such id
   */
  label(id) {
    const symbol = this.symbol(id);
    if (this.level === "char") return visible(symbol);
    if (symbol > 127) return `0x${symbol.toString(16).toUpperCase()}`;
    return visible(String.fromCharCode(symbol));
  }
}

function visible(character) {
  const code = character.codePointAt(0);
  if (SIGNS.has(character)) return SIGNS.get(character);
  if (code < 32) return String.fromCharCode(0x2400 + code); // Unicode's pictures of controls
  if (INVISIBLE.test(character)) return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return COMBINING.test(character) ? `◌${character}` : character;
}

/** Ids to text as they come: at byte level a character appears with its last byte. */
export class Decoder {
  #vocab;
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // which is to say: do not swallow one

  /** @param {Vocab} vocab */
  constructor(vocab) {
    this.#vocab = vocab;
  }

  /**
   * @param {number} id
   * @returns {string} the text that it completes, maybe none; what is not UTF-8 shows as U+FFFD
   * @throws {RangeError} where there is no such id
   */
  push(id) {
    const symbol = this.#vocab.symbol(id);
    if (this.#vocab.level === "char") return symbol;
    return this.#utf8.decode(Uint8Array.of(symbol), { stream: true });
  }

  /** @returns {string} U+FFFD where the text ends within a character, else nothing */
  finish() {
    return this.#utf8.decode();
  }
}
