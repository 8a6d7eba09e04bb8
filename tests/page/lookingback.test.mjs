import assert from "node:assert/strict";
import test from "node:test";
import { json, NEEDED } from "./cases.mjs";
import { checkParts } from "../../charrnn/static/src/grafting.mjs";
import {
  byHalfLife, heightOf, lastingLine, lengthOf,
} from "../../charrnn/static/src/lasting.mjs";
import { Dependence, toldOf } from "../../charrnn/static/src/lookedback.mjs";

test("a lower triangle gives each row its own bytes", () => {
  const bytes = [255, 0, 255, 51, 255, 102];
  const dependence = new Dependence(btoa(String.fromCharCode(...bytes)), 4);
  assert.deepEqual([0, 1, 2, 3].map((target) => [...dependence.row(target)]),
    [[], [255], [0, 255], [51, 255, 102]]);
  assert.equal(dependence.strength(3, 0), 0.2);
  assert.equal(dependence.strength(3, 3), 0);
  assert.equal(dependence.strength(1, 2), 0);
  assert.deepEqual([1, 2, 3].map((target) => dependence.strongest(target)), [0, 1, 1]);
});

test("what is said of every guess is what Python says", NEEDED, () => {
  for (const { data, told } of json("looked_back.json")) {
    const dependence = new Dependence(data.weights, data.symbols.length);
    assert.deepEqual(told.map((_, target) => toldOf(target, data, dependence)), told);
  }
});

test("what is said of every unit's memory is what Python says", NEEDED, () => {
  for (const { memory, noun, lines } of json("lasting.json")) {
    assert.deepEqual(lines.map((_, number) => lastingLine(memory, number, noun)), lines);
  }
});

test("lengths are written short, the same in Python", NEEDED, () => {
  for (const [characters, said] of json("lengths.json")) {
    assert.equal(lengthOf(characters), said, `${characters}`);
  }
});

test("units stand by half-life, and their heights on a log scale", () => {
  assert.deepEqual(byHalfLife([3, 1, 3, 0.5]), [3, 1, 0, 2]);
  assert.equal(heightOf(0.25, 400), 0);
  assert.equal(heightOf(0.1, 400), 0);
  assert.equal(heightOf(10, 400), 0.5);
  assert.equal(heightOf(400, 400), 1);
  assert.equal(heightOf(4000, 400), 1);
});

test("only parts that are there can be copied", () => {
  const config = { layers: 2, hidden: 5 };
  checkParts([], config);
  checkParts([{ what: "hc", layer: null, unit: null }, { what: "c", layer: 1, unit: 4 }], config);
  for (const bad of [{ what: "o", layer: 0, unit: 0 }, { what: "c", layer: 2, unit: null },
    { what: "c", layer: 0, unit: 5 }, { what: "c", layer: "1", unit: 0 }, { what: "c" }]) {
    assert.throws(() => checkParts([bad], config), RangeError);
  }
});
