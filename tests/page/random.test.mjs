import assert from "node:assert/strict";
import test from "node:test";
import { PCG64 } from "../../charrnn/static/src/random.mjs";
import { json, NEEDED } from "./cases.mjs";

test("the doubles of NumPy's PCG64", NEEDED, () => {
  const cases = json("random.json");
  assert.ok(cases.length > 50);
  for (const { seed, numbers } of cases) {
    const random = new PCG64(seed);
    assert.deepEqual(numbers.map(() => random.random()), numbers, `seed ${seed}`);
  }
});

test("a million numbers later", NEEDED, () => {
  const { seed, skipped, numbers } = json("random_later.json");
  const random = new PCG64(seed);
  for (let i = 0; i < skipped; i++) random.random();
  assert.deepEqual(numbers.map(() => random.random()), numbers);
});

test("seeds that are not whole numbers from 0 to 2^53 - 1", () => {
  const expected = { name: "RangeError", message: /^The seed is .*2\^53 - 1/ };
  for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53, "1", null, undefined, 1n]) {
    assert.throws(() => new PCG64(seed), expected);
  }
});
