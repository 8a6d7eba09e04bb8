/** The functions of the gates in the portable arithmetic, the same bits everywhere. */

import { exp32 } from "./exp.mjs";

/**
 * @param {number} v a float32 number
 * @returns {number} 1 / (1 + exp(-v)), each operation rounded to float32
 */
export function sigmoid32(v) {
  return Math.fround(1 / Math.fround(1 + exp32(-v)));
}

/**
 * @param {number} v a float32 number
 * @returns {number} (2 / (1 + exp(-2 v))) - 1, each operation rounded to float32
 */
export function tanh32(v) {
  return Math.fround(Math.fround(2 / Math.fround(1 + exp32(Math.fround(-2 * v)))) - 1);
}
