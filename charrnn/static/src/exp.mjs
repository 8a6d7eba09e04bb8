/** The exponential function of the portable arithmetic, the same bits everywhere. */

const EXP_LIMIT = 87;
const EXP_LOG2E = Math.fround(1.44269504);
const EXP_LN2_HIGH = 0.693359375; // a float32 number, as 0.5 and 1 are
const EXP_LN2_LOW = Math.fround(-0.00021219444);
const EXP_TERMS = Float32Array.of(
  1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 0.166666655, 0.5,
);
const LEAST_POWER = -126;
// 2^-126 to 2^126 by their bits: `2 ** n` need not be exact in every browser.
const POWERS = new Float32Array(Int32Array.from({ length: 253 }, (_, i) => (i + 1) << 23).buffer);
const ROUNDER = 1.5 * 2 ** 52; // beside it float64 numbers are whole

/**
 * @param {number} x between -2^51 and 2^51
 * @returns {number} the nearest integer, halves to even
 */
export function roundHalfEven(x) {
  return x + ROUNDER - ROUNDER;
}

/**
 * e^v in float32, each operation rounded, as the top of charrnn/export.py fixes it.
 * @param {number} v a float32 number; beyond -87 and 87 it counts as these
 * @returns {number} a float32 number
 */
export function exp32(v) {
  const f = Math.fround;
  const x = Math.min(EXP_LIMIT, Math.max(-EXP_LIMIT, v));
  const n = roundHalfEven(f(x * EXP_LOG2E));
  const r = f(f(x - f(n * EXP_LN2_HIGH)) - f(n * EXP_LN2_LOW));
  let p = EXP_TERMS[0];
  for (let i = 1; i < 6; i++) p = f(f(p * r) + EXP_TERMS[i]);
  return f(f(f(f(p * f(r * r)) + r) + 1) * POWERS[n - LEAST_POWER]);
}
