/**
 * The network in WebAssembly: memory laid out, and one step of it. The arithmetic is the portable
 * one of charrnn/export.py, of which kernel.ts does the vectors.
 *
 * @typedef {{layers: {memory: number, kept: number}[], held: ?import("./held.mjs").Held[]}} State
 *   addresses: of c (LSTM) or h (GRU), float32 (W), and of the activations that products take,
 *   int16 (W); and the units that are held at a value
 */

import { roundHalfEven } from "./exp.mjs";
import { sigmoid32, tanh32 } from "./gates.mjs";

const PAGE = 65536;
const LANE = 32;
const OUTPUT = 3; // the place of an LSTM's output gate among its parts

/** The scale A of the activations: the largest whose sums of H products stay in 32 bits. */
export function activationScale(hidden) {
  return Math.min(32767, Math.floor((2 ** 31 - 1) / (127 * hidden)));
}

export class Network {
  /**
   * @param {object} model what parseModel gave
   * @param {WebAssembly.Module} kernel
   */
  constructor({ config, tensors }, kernel) {
    this.config = config;
    this.width = LANE * Math.ceil(config.hidden / LANE);
    this.scale = activationScale(config.hidden);
    this.memory = new WebAssembly.Memory({ initial: 1 });
    this.kernel = new WebAssembly.Instance(kernel, { env: { memory: this.memory } }).exports;
    this.end = 16;
    this.table = this.#table(tensors);
    this.layers = Array.from({ length: config.layers }, (_, l) => this.#layer(tensors, l));
    this.decoder = this.#matrix(tensors, "decoder.weight", 1, config.vocabSize);
    this.decoder.bias = this.#vector(tensors.get("decoder.bias").data, 1, config.vocabSize);
    this.gates = this.#space(4 * config.parts * this.width);
    this.inputs = this.#space(4 * config.parts * this.width);
    this.logits = this.#space(4 * config.vocabSize);
  }

  /** A state that has read nothing: all zero. @returns {State} */
  newState() {
    const { width } = this;
    const layer = () => ({ memory: this.#space(4 * width), kept: this.#space(2 * width) });
    const state = { layers: Array.from({ length: this.config.layers }, layer), held: null };
    this.reset(state);
    return state;
  }

  /** Forget what was read. */
  reset(state) {
    this.restore(state, new Uint8Array(6 * this.width * this.config.layers));
  }

  /** A copy of a state, Uint8Array. */
  snapshot({ layers }) {
    const from = layers[0].memory;
    const bytes = new Uint8Array(this.memory.buffer);
    return bytes.slice(from, from + 6 * this.width * layers.length);
  }

  /** Go on from a snapshot. */
  restore({ layers }, snapshot) {
    new Uint8Array(this.memory.buffer).set(snapshot, layers[0].memory);
  }

  /**
   * Copy a part of a state into another: of h what products take of it, and where there is no
   * cell beside it, all of it.
   * @param {import("./grafting.mjs").Part} part
   */
  copy(from, to, { what, layer, unit }) {
    const { hidden, cell } = this.config;
    const [first, count] = unit === null ? [0, hidden] : [unit, 1];
    const move = (Kind, source, target) => {
      const [read, written] = [source, target].map((at) => new Kind(this.memory.buffer, at));
      written.set(read.subarray(first, first + count), first);
    };
    from.layers.forEach((source, l) => {
      if (layer !== null && layer !== l) return;
      const target = to.layers[l];
      if (what.includes("h")) move(Int16Array, source.kept, target.kept);
      if (what.includes(cell === "lstm" ? "c" : "h")) {
        move(Float32Array, source.memory, target.memory);
      }
    });
  }

  /**
   * Read one symbol; the state is emptied first where it is the one that restarts a model.
   * @param {(layer: number) => void} seen called after each layer's step, for `look`
   * @returns {Float32Array} scores of the next symbol (V,), a view that the next step overwrites
   */
  step(state, id, seen = null) {
    const { parts, vocabSize, restart } = this.config;
    const wide = parts * this.width;
    if (id === restart) this.reset(state);
    this.kernel.lookup(this.table.rows + id * wide, this.table.scales[id], this.inputs, wide);
    this.layers.forEach((layer, l) => {
      if (l > 0) this.#multiply(layer.below, state.layers[l - 1].kept, this.inputs);
      this.#multiply(layer.recurrent, state.layers[l].kept, this.gates);
      this.#update(layer, state.layers[l]);
      for (const held of state.held ?? []) if (held.layer === l) this.#hold(state, held);
      seen?.(l);
    });
    this.#multiply(this.decoder, state.layers.at(-1).kept, this.logits);
    this.kernel.add(this.logits, this.decoder.bias, vocabSize);
    return new Float32Array(this.memory.buffer, this.logits, vocabSize);
  }

  /**
   * The state of a layer's units right after its step: tanh(c) and h of an LSTM, else h twice.
   * @param {Float32Array} cells (H,), to be filled
   * @param {Float32Array} shown (H,), to be filled
   */
  look(state, l, cells, shown) {
    const { hidden, cell } = this.config;
    const memory = new Float32Array(this.memory.buffer, state.layers[l].memory, hidden);
    const into = this.#inputs(l, cell === "lstm" ? OUTPUT : 0);
    for (let j = 0; j < hidden; j++) {
      cells[j] = cell === "gru" ? memory[j] : tanh32(cell === "lstm" ? memory[j] : into(j));
      shown[j] = cell === "lstm" ? sigmoid32(into(j)) * cells[j] : cells[j];
    }
  }

  /** What goes into a part of each unit, (x + u) + bias: a layer's step leaves it where it was. */
  #inputs(l, part) {
    const at = (address) =>
      new Float32Array(this.memory.buffer, address + 4 * part * this.width, this.config.hidden);
    const [x, u, bias] = [this.inputs, this.gates, this.layers[l].bias].map(at);
    return (j) => Math.fround(Math.fround(x[j] + u[j]) + bias[j]);
  }

  /** The value in the place of what the step gave a unit, and of what products take of it. */
  #hold({ layers }, { layer: l, unit, value }) {
    const { memory, kept } = layers[l];
    const v = Math.fround(value);
    const gate = this.config.cell === "lstm" ? sigmoid32(this.#inputs(l, OUTPUT)(unit)) : null;
    const h = gate === null ? v : Math.fround(gate * tanh32(v));
    const whole = roundHalfEven(Math.fround(h * this.scale));
    const { buffer } = this.memory;
    new Float32Array(buffer, memory)[unit] = v;
    new Int16Array(buffer, kept)[unit] = Math.min(this.scale, Math.max(-this.scale, whole));
  }

  #multiply({ rows, factors, height, parts }, kept, out) {
    for (let p = 0; p < parts; p++) {
      this.kernel.dot(
        rows + p * height * this.width, factors + 4 * p * height, kept, out + 4 * p * this.width,
        height, this.width,
      );
    }
  }

  #update({ bias, fresh }, { memory, kept }) {
    const { inputs, gates, width, scale, kernel } = this;
    const { cell } = this.config;
    if (cell === "lstm") kernel.lstm(inputs, gates, bias, memory, kept, width, scale);
    else if (cell === "gru") kernel.gru(inputs, gates, bias, fresh, memory, kept, width, scale);
    else kernel.rnn(inputs, gates, bias, kept, width, scale);
  }

  #layer(tensors, l) {
    const { hidden, parts, cell } = this.config;
    const vector = (name, n) => this.#vector(tensors.get(`layers.${l}.${name}`).data, n, hidden);
    return {
      below: l > 0 ? this.#matrix(tensors, `layers.${l}.below`, parts, hidden) : null,
      recurrent: this.#matrix(tensors, `layers.${l}.recurrent`, parts, hidden),
      bias: vector("bias", parts),
      fresh: cell === "gru" ? vector("bias_new", 1) : 0,
    };
  }

  /** The first layer's table, its rows as P stretches of W: (V, P W) int8. */
  #table(tensors) {
    const { parts, hidden, vocabSize } = this.config;
    const { data } = tensors.get("layers.0.lookup");
    const rows = this.#space(vocabSize * parts * this.width);
    const bytes = new Int8Array(this.memory.buffer, rows, vocabSize * parts * this.width);
    for (let k = 0; k < vocabSize * parts; k++) {
      bytes.set(data.subarray(k * hidden, (k + 1) * hidden), k * this.width);
    }
    return { rows, scales: Float32Array.from(tensors.get("layers.0.lookup.scale").data) };
  }

  /** int8 rows as they are in the file, and for each row its scale / A. */
  #matrix(tensors, name, parts, height) {
    const { data } = tensors.get(name);
    const rows = this.#space(data.length);
    new Int8Array(this.memory.buffer).set(data, rows);
    const factors = this.#space(4 * parts * height);
    const scaled = tensors.get(`${name}.scale`).data.map((s) => s / this.scale);
    new Float32Array(this.memory.buffer, factors, parts * height).set(scaled);
    return { rows, factors, height, parts };
  }

  /** A float32 vector as P stretches, each padded with zeros to W (or to a multiple of 4). */
  #vector(data, parts, height) {
    const address = this.#space(4 * parts * this.width + 4 * height);
    const floats = new Float32Array(this.memory.buffer, address);
    for (let p = 0; p < parts; p++) {
      floats.set(data.subarray(p * height, (p + 1) * height), p * this.width);
    }
    return address;
  }

  /** Fresh zeroed memory, aligned to 16 bytes, with room to read and write a block beyond it. */
  #space(bytes) {
    const address = this.end;
    this.end = 16 * Math.ceil((address + bytes) / 16);
    const missing = this.end + 4 * LANE - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    return address;
  }
}
