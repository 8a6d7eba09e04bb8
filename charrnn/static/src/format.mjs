/**
 * The published model file, "charrnn-model-1", as the top of charrnn/export.py specifies it: an
 * int8 file is read, or refused with one line. All that it announces is checked against the file's
 * size before anything is made of it, and the tensors are views of the file.
 */

import { ModelError, brokenFile, shown } from "./errors.mjs";
import { isObject, locate, own, parseJson, readContainer, sameNumbers } from "./safetensors.mjs";

const FORMAT = "charrnn-model-1";
const PARTS = new Map([
  ["lstm", 4],
  ["gru", 3],
  ["rnn", 1],
]);
const MOST = { vocab_size: 0x110000, hidden: 1 << 16, layers: 100 }; // as in charrnn/model.py
const MODEL_FIELDS = [
  "vocab_size", "cell", "hidden", "layers", "dropout", "forget_bias", "restart",
];
const COLUMN_BLOCK = 32;

/**
 * @typedef {{cell: "lstm" | "gru" | "rnn", hidden: number, layers: number, vocabSize: number,
 *   parts: number, restart: ?number}} Config H, L, V and P of the specification, and the symbol
 *   before which the state is emptied
 * @typedef {{data: Int8Array | Float32Array, shape: number[]}} Tensor rows first, as stored:
 *   (P H, W) with W columns, H rounded up to a multiple of 32, for what a state is multiplied by
 * @typedef {{config: Config, vocab: {level: "char" | "byte", symbols: string[] | number[]},
 *   tensors: Map<string, Tensor>, provenance: object}} Model `tensors` holds the scales too
 */

/**
 * @param {ArrayBuffer} buffer the whole file
 * @returns {Model} its int8 numbers are views of the buffer, and the float32 ones where they can
 * @throws {ModelError} where it is broken, of another format, or of precision fp16
 */
export function parseModel(buffer) {
  const { listed, written, start } = readContainer(buffer);
  const { plain, exact } = parseJson(written, "what charrnn wrote into its header");
  checkKind(exact);
  const config = readConfig(field(exact, "model"), field(plain, "model"));
  const vocab = readVocab(field(exact, "vocab"), config.vocabSize);
  const provenance = field(plain, "provenance");
  if (typeof own(provenance, "run") !== "string") {
    throw brokenFile("its provenance does not say which run it is");
  }
  const entries = layout(config);
  checkKept(field(exact, "tensors"), entries);
  const places = locate(listed, storedTensors(entries), buffer.byteLength - start);
  const tensors = new Map();
  for (const entry of entries) readEntry(buffer, start, entry, places, tensors);
  return { config, vocab, tensors, provenance };
}

function field(header, name) {
  const value = own(header, name);
  if (value === undefined) throw brokenFile(`its header lacks ${name}`);
  if (!isObject(value)) throw brokenFile(`${name} is ${shown(value)}; it must be an object`);
  return value;
}

function checkKind(header) {
  const format = own(header, "format");
  if (format !== FORMAT) {
    throw new ModelError(
      `The file has format ${shown(format)}; a published model has "${FORMAT}"; ` +
        "make one of a training with charrnn export.",
    );
  }
  const precision = own(header, "precision");
  if (precision === "fp16") {
    throw new ModelError(
      "The model's precision is fp16, and pages run int8 files only; " +
        "write it with the --precision int8 of charrnn export.",
    );
  }
  if (precision !== "int8") throw brokenFile(`precision is ${shown(precision)}; it must be int8`);
}

function readConfig(model, plain) {
  const unknown = Object.keys(model).find((key) => !MODEL_FIELDS.includes(key));
  if (unknown !== undefined) {
    throw brokenFile(`its model has ${shown(unknown)}, which this format does not have`);
  }
  const cell = own(model, "cell");
  if (!PARTS.has(cell)) {
    throw brokenFile(`cell is ${shown(cell)}; it must be one of ${[...PARTS.keys()].join(", ")}`);
  }
  const [vocabSize, hidden, layers] = Object.keys(MOST).map((name) => sizeOf(model, name));
  const dropout = Object.hasOwn(plain, "dropout") ? plain.dropout : 0;
  if (typeof dropout !== "number" || !(dropout >= 0 && dropout < 1)) {
    throw brokenFile(`dropout is ${shown(dropout)}; it must be at least 0 and below 1`);
  }
  const restart = own(model, "restart") ?? null;
  if (restart !== null && !(Number.isInteger(restart) && restart >= 0 && restart < vocabSize)) {
    throw brokenFile(`restart is ${shown(restart)}; it must be an id, 0 to ${vocabSize - 1}`);
  }
  return { cell, hidden, layers, vocabSize, parts: PARTS.get(cell), restart };
}

function sizeOf(model, name) {
  const size = own(model, name);
  if (!Number.isInteger(size) || size < 1 || size > MOST[name]) {
    throw brokenFile(`${name} is ${shown(size)}; it must be a whole number, 1 to ${MOST[name]}`);
  }
  return size;
}

function readVocab(vocab, size) {
  const level = own(vocab, "level");
  const written = own(vocab, "symbols");
  if (level !== "char" && level !== "byte") {
    throw brokenFile(`level is ${shown(level)}; it must be char or byte`);
  }
  if (level === "char" ? typeof written !== "string" : !Array.isArray(written)) {
    throw brokenFile(`its symbols are ${shown(written)}; a string or, of bytes, a list is needed`);
  }
  const symbols = written.length > 2 * size ? [] : Array.from(written); // two units a code point
  if (symbols.length !== size) {
    throw brokenFile(`its vocabulary does not have the ${size} symbols of its model`);
  }
  checkOrder(level === "char" ? symbols.map((symbol) => symbol.codePointAt(0)) : symbols, level);
  return { level, symbols };
}

function checkOrder(codes, level) {
  const most = level === "byte" ? 255 : 0x10ffff;
  const wrong = codes.find((code) => !Number.isInteger(code) || code < 0 || code > most);
  if (wrong !== undefined) {
    throw brokenFile(`${shown(wrong)} is among its symbols; bytes are whole numbers, 0 to 255`);
  }
  if (codes.some((code, i) => i > 0 && code <= codes[i - 1])) {
    throw brokenFile("the symbols of its vocabulary must be sorted and distinct");
  }
}

/**
 * @param {Config} config
 * @returns {{name: string, shape: number[], stored: number[]}[]} the tensors but for the scales,
 *   their shapes without and with padding; those of two dimensions are int8, the others float32
 */
export function layout({ cell, hidden, layers, vocabSize, parts }) {
  const wide = parts * hidden;
  const columns = COLUMN_BLOCK * Math.ceil(hidden / COLUMN_BLOCK);
  const entries = [];
  const add = (name, shape, stored = shape) => entries.push({ name, shape, stored });
  const addPadded = (name, rows) => add(name, [rows, hidden], [rows, columns]);
  for (let layer = 0; layer < layers; layer++) {
    if (layer === 0) add("layers.0.lookup", [vocabSize, wide]);
    else addPadded(`layers.${layer}.below`, wide);
    addPadded(`layers.${layer}.recurrent`, wide);
    add(`layers.${layer}.bias`, [wide]);
    if (cell === "gru") add(`layers.${layer}.bias_new`, [hidden]);
  }
  addPadded("decoder.weight", vocabSize);
  add("decoder.bias", [vocabSize]);
  return entries;
}

function checkKept(tensors, entries) {
  const agrees = entries.every(({ name, shape }) => {
    const said = own(tensors, name);
    if (!isObject(said) || Object.keys(said).length !== 2) return false;
    const kept = shape.length === 2 ? "int8" : "float32";
    return own(said, "kept") === kept && sameNumbers(own(said, "shape"), shape);
  });
  if (!agrees || Object.keys(tensors).length !== entries.length) {
    throw brokenFile("the header's list of tensors is not the one of this model");
  }
}

function storedTensors(entries) {
  const expected = new Map();
  for (const { name, shape, stored } of entries) {
    const matrix = shape.length === 2;
    expected.set(name, { dtype: matrix ? "I8" : "F32", shape: stored });
    if (matrix) expected.set(`${name}.scale`, { dtype: "F32", shape: [shape[0]] });
  }
  return expected;
}

function readEntry(buffer, start, { name, shape, stored }, places, tensors) {
  if (shape.length === 1) {
    const data = floats(buffer, start + places.get(name), shape[0]);
    checkFinite(name, data);
    tensors.set(name, { data, shape });
    return;
  }
  const data = new Int8Array(buffer, start + places.get(name), stored[0] * stored[1]);
  if (data.includes(-128)) throw brokenFile(`${name} holds -128; it must be -127 to 127`);
  checkPadding(name, data, shape[1], stored[1]);
  tensors.set(name, { data, shape: stored });
  const scale = floats(buffer, start + places.get(`${name}.scale`), shape[0]);
  checkFinite(`${name}.scale`, scale);
  const low = scale.find((number) => number <= 0);
  if (low !== undefined) throw brokenFile(`${name}.scale holds ${low}; it must be above 0`);
  tensors.set(`${name}.scale`, { data: scale, shape: [shape[0]] });
}

function floats(buffer, at, count) {
  if (at % 4 === 0) return new Float32Array(buffer, at, count);
  return new Float32Array(buffer.slice(at, at + 4 * count));
}

function checkFinite(name, data) {
  const wrong = data.find((number) => !Number.isFinite(number));
  if (wrong !== undefined) throw brokenFile(`${name} holds ${wrong}; it must be finite`);
}

function checkPadding(name, data, used, columns) {
  if (used === columns) return;
  for (let row = 0; row < data.length; row += columns) {
    for (let i = row + used; i < row + columns; i++) {
      if (data[i] !== 0) throw brokenFile(`the padding of ${name} is not zero`);
    }
  }
}
