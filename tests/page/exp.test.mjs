import assert from "node:assert/strict";
import test from "node:test";
import { exp32, roundHalfEven } from "../../charrnn/static/src/exp.mjs";
import { bytes, NEEDED } from "./cases.mjs";

test("the bits of the specification", NEEDED, () => {
  const inputs = new Float32Array(bytes("exp_inputs.bin"));
  const expected = new Int32Array(bytes("exp_outputs.bin"));
  const found = new Int32Array(inputs.map(exp32).buffer);
  assert.ok(inputs.length >= 100_000 && expected.length === inputs.length);
  const wrong = found.findIndex((bits, i) => bits !== expected[i]);
  assert.equal(wrong, -1, `exp(${inputs[wrong]})`);
});

test("it is the exponential function, to two units of the last place", () => {
  for (let v = -87; v <= 87; v += 0.01) {
    const x = Math.fround(v);
    assert.ok(Math.abs(exp32(x) / Math.exp(x) - 1) < 2 ** -22, `exp(${x})`);
  }
  assert.deepEqual([exp32(0), exp32(-0), exp32(NaN)], [1, 1, NaN]);
  assert.deepEqual([exp32(1000), exp32(-Infinity)], [exp32(87), exp32(-87)]);
});

test("halves go to the even neighbour", () => {
  const rounded = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994, -3, 32766.5, -7.2];
  assert.deepEqual(rounded.map(roundHalfEven), [-2, -2, 0, 0, 2, 2, 0, -3, 32766, -7]);
});
