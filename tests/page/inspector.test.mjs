import assert from "node:assert/strict";
import test from "node:test";
import { namedUnits } from "../../charrnn/static/src/chooser.mjs";
import { colourOf, tint, written } from "../../charrnn/static/src/colours.mjs";
import { checkHeld } from "../../charrnn/static/src/held.mjs";
import { placesOf, Traced } from "../../charrnn/static/src/traced.mjs";
import { heldAt } from "../../charrnn/static/src/turning.mjs";
import { Vocab } from "../../charrnn/static/src/vocab.mjs";

test("a value has its end's colour, the stronger the farther from 0", () => {
  assert.deepEqual(colourOf(-1, "c"), [224, 49, 49, 1]);
  assert.deepEqual(colourOf(1, "c"), [34, 113, 235, 1]);
  assert.deepEqual(colourOf(-0.5, "h"), [34, 113, 235, 0.5]);
  assert.deepEqual(colourOf(0.25, "h"), [47, 158, 68, 0.25]);
  assert.equal(colourOf(0, "c")[3], 0);
  assert.equal(colourOf(-3, "c")[3], 1);
  assert.equal(tint(-1, "c"), "rgba(224, 49, 49, 0.650)");
  assert.equal(tint(0.5, "h", 1), "rgba(47, 158, 68, 0.500)");
});

test("a value is written with two decimals and a sign only where it shows", () => {
  assert.deepEqual([0.834, -0.071, 0, -0.001, -1].map(written),
    ["0.83", "−0.07", "0.00", "0.00", "−1.00"]);
});

test("characters stand at the last of their bytes", () => {
  const bytes = new Vocab({ level: "byte", symbols: Array.from({ length: 256 }, (_, i) => i) });
  const ids = [...new TextEncoder().encode("aé😀"), 0xe2];
  assert.deepEqual(placesOf(ids, bytes), [
    { text: "a", at: 0 }, { text: "é", at: 2 }, { text: "😀", at: 6 }, { text: "\ufffd", at: 7 }]);
  const letters = new Vocab({ level: "char", symbols: "ab😀" });
  assert.deepEqual(placesOf([2, 0], letters), [{ text: "😀", at: 0 }, { text: "a", at: 1 }]);
});

test("a traced text gives each character's values and guesses", () => {
  const vocab = new Vocab({ level: "byte", symbols: [97, 0xa9, 0xc3] });
  const cells = Float32Array.from({ length: 3 * 2 * 2 }, (_, k) => k);
  const found = { ids: [2, 1, 0], cells, shown: cells.map((v) => -v),
    guesses: [[1], [2], [3]], given: [0.1, 0.2, null] };
  const traced = new Traced(found, vocab, { layers: 2, hidden: 2 });
  assert.deepEqual(traced.places.map(({ text }) => text), ["é", "a"]);
  assert.equal(traced.value(0, { layer: 1, unit: 0, quantity: "c" }), 6);
  assert.equal(traced.value(1, { layer: 0, unit: 1, quantity: "h" }), -9);
  assert.deepEqual([...traced.table("c")], [4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(traced.expected(0), { guesses: [2], came: 0, given: 0.2 });
  assert.deepEqual(traced.expected(1), { guesses: [3], came: null, given: null });
  assert.equal(traced.upTo(0), "é");
  assert.equal(traced.upTo(1), "éa");
});

test("rules name their units, and units without a rule follow", () => {
  const rules = [{ title: "<b>quotes</b>", layer: 1, unit: 2, quantity: "h", auc: 0.987, f1: 1 },
    { title: "length", layer: 0, unit: 0, r: -0.5 }];
  assert.deepEqual(namedUnits(rules, [[1, 2], [0, 7]]), [
    { layer: 1, unit: 2, quantity: "h",
      text: "<b>quotes</b>: layer 2, unit 2 (AUC 0.99, F1 1.00)" },
    { layer: 0, unit: 0, quantity: undefined, text: "length: layer 1, unit 0 (r -0.50)" },
    { layer: 0, unit: 7, text: "layer 1, unit 7" }]);
});

test("a cell is held where its tanh is what was asked, and never infinitely far", () => {
  assert.ok(Math.abs(Math.tanh(heldAt(0.3, "lstm")) - 0.3) < 1e-15);
  assert.equal(heldAt(1, "lstm"), Math.atanh(0.999));
  assert.equal(heldAt(-1, "lstm"), -Math.atanh(0.999));
  assert.equal(heldAt(-1, "gru"), -1);
});

test("what is held must be there", () => {
  const config = { layers: 2, hidden: 3 };
  checkHeld(null, config);
  checkHeld(undefined, config);
  checkHeld([{ layer: 1, unit: 2, value: -3.4e38 }], config);
  for (const bad of [{ layer: 2, unit: 0, value: 0 }, { layer: "1", unit: 0, value: 0 },
    { layer: 0, unit: 3, value: 0 }, { layer: 0, unit: 0, value: NaN },
    { layer: 0, unit: 0, value: 3.5e38 }, { layer: 0, unit: 0 }]) {
    assert.throws(() => checkHeld([bad], config), RangeError);
  }
});
