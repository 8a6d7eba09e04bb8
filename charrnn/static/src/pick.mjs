/**
 * Drawing a symbol from the scores of a model: the "weights", "top_k", "top_p" and "draw" of the
 * portable arithmetic at the top of charrnn/export.py.
 *
 * @typedef {{temperature: number, topK?: ?number, topP?: ?number, length?: number, seed?: number}}
 *   Settings topK and topP may be null or left out
 */

import { ModelError, shown } from "./errors.mjs";
import { exp32 } from "./exp.mjs";

const LEAST_EXPONENT = -87;

/**
 * @param {Settings} settings
 * @throws {RangeError} with one line where one of them is not possible; length and seed may be
 *   left out where nothing is drawn
 */
export function checkSettings({ temperature, topK, topP, length, seed }) {
  if (!Number.isFinite(temperature) || temperature < 0) {
    throw new RangeError(`The temperature is ${shown(temperature)}; it must be finite, 0 or more.`);
  }
  if ((topK ?? null) !== null && !(Number.isInteger(topK) && topK >= 1)) {
    throw new RangeError(`top_k is ${shown(topK)}; it must be whole, at least 1 (or left out).`);
  }
  if ((topP ?? null) !== null && !(Number.isFinite(topP) && topP > 0 && topP <= 1)) {
    throw new RangeError(`top_p is ${shown(topP)}; it must be above 0, at most 1 (or left out).`);
  }
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) {
    throw new RangeError(`The length is ${shown(length)}; it must be a whole number, 0 or more.`);
  }
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new RangeError(`The seed is ${shown(seed)}; it must be a whole number, 0 to 2^53 - 1.`);
  }
}

/**
 * What each symbol weighs in the draw: the likeliest 1, what is left out 0.
 * @param {Float32Array} logits (V,)
 * @param {Settings} settings
 * @returns {Float64Array} (V,)
 * @throws {ModelError} where the largest logit is not finite, or any is not a number
 */
export function weights(logits, { temperature, topK, topP }) {
  const best = likeliest(logits);
  const found = new Float64Array(logits.length);
  if (temperature === 0) {
    found[best] = 1;
    return found;
  }
  for (let id = 0; id < logits.length; id++) {
    const v = Math.fround((logits[id] - logits[best]) / temperature);
    found[id] = v < LEAST_EXPONENT ? 0 : exp32(v);
  }
  if ((topK ?? topP ?? null) !== null) truncate(found, ranked(logits), topK, topP);
  return found;
}

/** The first of the largest logits. */
function likeliest(logits) {
  let best = 0;
  let broken = false;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > logits[best]) best = id;
    broken ||= Number.isNaN(logits[id]);
  }
  if (broken || !Number.isFinite(logits[best])) {
    throw new ModelError(
      "The model's scores are not finite numbers: its weights are broken, perhaps by a training " +
        "that diverged; train with a lower learning rate.",
    );
  }
  return best;
}

/** Leave out, in place, what top_k and then top_p do not reach. */
function truncate(found, order, topK, topP) {
  for (const id of order.slice(topK ?? order.length)) found[id] = 0;
  if ((topP ?? null) === null) return;
  const enough = topP * order.reduce((sum, id) => sum + found[id], 0);
  let before = 0;
  for (const id of order) {
    const reached = before >= enough;
    before += found[id];
    if (reached) found[id] = 0;
  }
}

/**
 * @param {Float32Array} logits (V,)
 * @returns {number[]} ids by logit, the largest first, equals by id
 */
export function ranked(logits) {
  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

/**
 * @param {Float32Array} logits (V,)
 * @param {Settings} settings
 * @returns {Float64Array} (V,) what is drawn from: the weights over their sum
 * @throws {ModelError} as `weights`
 */
export function probabilities(logits, settings) {
  const found = weights(logits, settings);
  const total = found.reduce((sum, weight) => sum + weight, 0);
  return found.map((weight) => weight / total);
}

/**
 * @param {Float32Array} logits (V,)
 * @param {number} u in [0, 1)
 * @param {Settings} settings
 * @returns {number} the first id at which the sum of the weights exceeds u times all of it
 * @throws {ModelError} as `weights`
 * @throws {RangeError} where u is outside [0, 1)
 */
export function pick(logits, u, settings) {
  const found = weights(logits, settings);
  const mark = u * found.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  const id = found.findIndex((weight) => (reached += weight) > mark);
  if (!(u >= 0) || id < 0) throw new RangeError(`u is ${u}; it must be at least 0 and below 1.`);
  return id;
}
