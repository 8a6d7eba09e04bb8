/**
 * The container of a model file: 8 bytes N, N bytes of JSON, and the numbers of the tensors
 * (https://huggingface.co/docs/safetensors). Refused is what the safetensors library refuses.
 */

import { ModelError, brokenFile, shown } from "./errors.mjs";

const SEAL = "charrnn.sha256";
const LONGEST_HEADER = 100_000_000; // the library's own limit
const ITEM_BYTES = { I8: 1, F32: 4 };
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const WHOLE_NUMBER = /^(?:0|-?[1-9]\d*)$/;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * @param {unknown} value
 * @returns {boolean} whether it is a JSON object
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * An object's own entry: names from a file may be "constructor" or "__proto__".
 * @param {object} object
 * @param {string} key
 * @returns {unknown} undefined where it has none
 */
export function own(object, key) {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * A JSON object, twice: as it is, and with every number that is not written as a whole one (1.0,
 * 1e2, -0) as a string, since JSON.parse tells 37.0 from 37 as little as JavaScript does.
 * @param {string} text
 * @param {string} what it is, for the message
 * @returns {{plain: object, exact: object}}
 * @throws {ModelError} where it is not a JSON object
 */
export function parseJson(text, what) {
  const quote = (token) =>
    token[0] === '"' || WHOLE_NUMBER.test(token) ? token : `"${token}"`;
  let plain, exact;
  try {
    plain = JSON.parse(text);
    exact = JSON.parse(text.replace(STRINGS_AND_NUMBERS, quote));
  } catch {
    throw brokenFile(`${what} is not JSON`);
  }
  if (!isObject(plain)) throw brokenFile(`${what} is ${shown(plain)}; it must be a JSON object`);
  return { plain, exact };
}

/**
 * @param {ArrayBuffer} buffer the file
 * @returns {{listed: object, written: string, seal: ?string, start: number}} the header's entries,
 *   what charrnn wrote into its metadata, its seal, and the byte at which the tensors' data begins
 * @throws {ModelError}
 */
export function readContainer(buffer) {
  const start = headerEnd(buffer);
  const { exact: listed } = parseJson(headerText(buffer, start), "its header");
  const metadata = own(listed, "__metadata__") ?? {};
  const isText = (value) => typeof value === "string" && !LONE_SURROGATE.test(value);
  if (!isObject(metadata) || !Object.values(metadata).every(isText)) {
    throw brokenFile("the metadata of its header must be an object of strings");
  }
  const written = own(metadata, "charrnn");
  if (written === undefined) {
    throw new ModelError(
      "The file is a safetensors file, but was not written by charrnn; give one of charrnn export.",
    );
  }
  const extra = Object.keys(metadata).find((key) => key !== "charrnn" && key !== SEAL);
  if (extra !== undefined) throw brokenFile(`its metadata has an entry ${shown(extra)}`);
  return { listed, written, seal: own(metadata, SEAL), start };
}

function headerEnd(buffer) {
  const size = buffer.byteLength;
  if (size < 8) throw brokenFile(`it has ${size} bytes, fewer than the 8 of its header's length`);
  const length = new DataView(buffer).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER) || 8 + Number(length) > size) {
    throw brokenFile(
      `its header should have ${length} bytes and the whole file has ${size}: it was cut short ` +
        "or is no safetensors file",
    );
  }
  return 8 + Number(length);
}

function headerText(buffer, end) {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(new Uint8Array(buffer, 8, end - 8));
  } catch {
    throw brokenFile("its header is not UTF-8");
  }
}

/**
 * Where the tensors lie, once all are there as expected, one directly after the other, in any
 * order, from the first byte of the data to the last.
 * @param {object} listed the header's entries
 * @param {Map<string, {dtype: "I8" | "F32", shape: number[]}>} expected
 * @param {number} size bytes of data in the file
 * @returns {Map<string, number>} the first byte of each, counted from the start of the data
 * @throws {ModelError}
 */
export function locate(listed, expected, size) {
  const places = Array.from(expected, ([name, tensor]) => place(listed, name, tensor));
  const extra = Object.keys(listed).find((name) => name !== "__metadata__" && !expected.has(name));
  if (extra !== undefined) {
    throw brokenFile(`it holds ${shown(extra)}, which this format does not have`);
  }
  let reached = 0;
  for (const { name, first, after } of places.sort((a, b) => a.first - b.first)) {
    if (first !== reached) {
      throw brokenFile(`${name} begins at byte ${first} of the data; it must at ${reached}`);
    }
    reached = after;
  }
  if (reached !== size) {
    throw brokenFile(`it has ${size} bytes of data; by its header it must have ${reached}`);
  }
  return new Map(places.map(({ name, first }) => [name, first]));
}

function place(listed, name, { dtype, shape }) {
  const entry = own(listed, name);
  if (entry === undefined) throw brokenFile(`it lacks ${name}`);
  if (!isObject(entry)) throw brokenFile(`the entry of ${name} is not an object`);
  const type = own(entry, "dtype");
  if (type !== dtype) throw brokenFile(`${name} is ${shown(type)}; it must be ${dtype}`);
  const has = own(entry, "shape");
  if (!sameNumbers(has, shape)) {
    throw brokenFile(`${name} has shape ${listOf(has)}; by the header it must be ${listOf(shape)}`);
  }
  return { name, ...offsets(name, entry, shape.reduce((a, b) => a * b) * ITEM_BYTES[dtype]) };
}

function offsets(name, entry, bytes) {
  const [first, after] = listOrEmpty(own(entry, "data_offsets"));
  if (!sameNumbers(own(entry, "data_offsets"), [first, after]) || !(first >= 0)) {
    throw brokenFile(`the offsets of ${name} must be two whole numbers from 0 on`);
  }
  if (after - first !== bytes) {
    throw brokenFile(`${name} lies at bytes ${first} to ${after}; it must take ${bytes} bytes`);
  }
  return { first, after };
}

function listOrEmpty(value) {
  return Array.isArray(value) ? value : [];
}

/**
 * @param {unknown} value
 * @param {number[]} numbers
 * @returns {boolean} whether the value is a list of just these whole numbers
 */
export function sameNumbers(value, numbers) {
  const list = listOrEmpty(value);
  if (list.length !== numbers.length) return false;
  return numbers.every((number, i) => Number.isInteger(number) && number === list[i]);
}

function listOf(value) {
  return Array.isArray(value) ? `[${value.slice(0, 4).map(shown).join(", ")}]` : shown(value);
}
