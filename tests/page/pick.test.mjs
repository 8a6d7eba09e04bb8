import assert from "node:assert/strict";
import test from "node:test";
import {
  checkSettings,
  pick,
  probabilities,
  ranked,
  weights,
} from "../../charrnn/static/src/pick.mjs";
import { bytes, json, NEEDED } from "./cases.mjs";

const scores = (...numbers) => Float32Array.from(numbers);
const plain = { temperature: 1, topK: null, topP: null };

function* drawn() {
  const logits = new Float32Array(bytes("pick_logits.bin"));
  const expected = new Float64Array(bytes("pick_weights.bin"));
  for (const { at, size, settings, uniforms, ids, order } of json("pick.json")) {
    const of = (numbers) => numbers.subarray(at, at + size);
    yield { logits: of(logits), expected: of(expected), settings, uniforms, ids, order };
  }
}

test("weights and draws of the specification", NEEDED, () => {
  let cases = 0;
  for (const { logits, expected, settings, uniforms, ids, order } of drawn()) {
    const said = JSON.stringify(settings);
    assert.deepEqual(weights(logits, settings), expected, said);
    assert.deepEqual(uniforms.map((u) => pick(logits, u, settings)), ids, said);
    assert.deepEqual(ranked(logits), order);
    const total = expected.reduce((a, b) => a + b, 0);
    assert.deepEqual(probabilities(logits, settings), expected.map((w) => w / total), said);
    cases += 1;
  }
  assert.ok(cases > 500);
});

test("by hand: temperature 0, ties, top_k, top_p", () => {
  const logits = scores(0, 2, 1, 2);
  const of = (settings) => Array.from(weights(logits, { ...plain, ...settings }), Boolean);
  assert.deepEqual(of({ temperature: 0, topK: 3 }), [false, true, false, false]);
  assert.deepEqual(of({ temperature: 1e-6 }), [false, true, false, true]);
  assert.deepEqual(of({ topK: 1 }), [false, true, false, false]);
  assert.deepEqual(of({ topK: 3 }), [false, true, true, true]);
  assert.deepEqual(of({ topP: 0.39 }), [false, true, false, false]); // has 0.3995
  assert.deepEqual(of({ topP: 0.45 }), [false, true, false, true]);
  assert.deepEqual(of({ topP: 1, topK: 99 }), [true, true, true, true]);
  assert.deepEqual(ranked(logits), [1, 3, 2, 0]);
  const far = weights(scores(0, -86.9, -87.1), plain);
  assert.deepEqual(Array.from(far, Boolean), [true, true, false]);
});

test("the number decides", () => {
  const logits = scores(1, 1, -Infinity, 1, 1);
  assert.deepEqual([0, 0.25, 0.5, 0.75].map((u) => pick(logits, u, plain)), [0, 1, 3, 4]);
  assert.equal(pick(logits, 1 - 2 ** -53, plain), 4);
  for (const u of [1, -0.1, NaN, undefined]) {
    assert.throws(() => pick(logits, u, plain), { name: "RangeError", message: /^u is / });
  }
});

test("broken scores", () => {
  const expected = { name: "ModelError", message: /^The model's scores are not finite .*rate\.$/ };
  for (const logits of [scores(NaN, 1), scores(1, NaN), scores(Infinity, 0), scores(-Infinity)]) {
    for (const settings of [plain, { temperature: 0 }, { temperature: 1, topK: 1 }]) {
      assert.throws(() => pick(logits, 0.5, settings), expected);
    }
  }
});

test("settings that are not possible", () => {
  const good = { temperature: 0.8, topK: 5, topP: 0.9, length: 100, seed: 1 };
  checkSettings(good);
  checkSettings({ temperature: 0, topK: null, topP: null, length: 0, seed: 2 ** 53 - 1 });
  checkSettings({ temperature: 1 });
  const bad = {
    temperature: [-1, NaN, Infinity, "1", null, undefined],
    topK: [0, 1.5, -1, NaN, "3", ""],
    topP: [0, 1.01, -1, NaN, "0.5", Infinity],
    length: [-1, 0.5, NaN, "7", null],
    seed: [-1, 0.5, 2 ** 53, NaN, "1", null],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      const expected = { name: "RangeError", message: /^[^\n]+ is [^\n]+; it must be [^\n]+\.$/ };
      assert.throws(() => checkSettings({ ...good, [name]: value }), expected, `${name} ${value}`);
    }
  }
});
