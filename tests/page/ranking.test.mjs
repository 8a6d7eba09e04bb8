import assert from "node:assert/strict";
import test from "node:test";
import { Ranking } from "../../charrnn/static/src/ranking.mjs";
import { PCG64 } from "../../charrnn/static/src/random.mjs";

const LENGTH = 61;
const UNITS = 7;

/** Values with many ties, some of -0 and 0; the first unit always has the same. */
function table(seed) {
  const random = new PCG64(seed);
  return Float32Array.from({ length: LENGTH * UNITS }, (_, k) =>
    (k % UNITS === 0 ? 0.25 : Math.round(4 * random.random() - 2) / (1 + (k % UNITS))));
}

/** Mann and Whitney's count, pair by pair. */
function pairs(values, unit, isInside) {
  let [wins, all] = [0, 0];
  for (let i = 0; i < LENGTH; i++) {
    for (let o = 0; o < LENGTH; o++) {
      if (!isInside(i) || isInside(o)) continue;
      const [a, b] = [values[i * UNITS + unit], values[o * UNITS + unit]];
      wins += a > b ? 1 : a === b ? 0.5 : 0;
      all += 1;
    }
  }
  return wins / all;
}

function ranked(values) {
  const ranking = new Ranking(values, UNITS);
  while (!ranking.prepare(1));
  return ranking;
}

test("the area of every unit is that of a count pair by pair, ties included", () => {
  for (const seed of [1, 2, 3]) {
    const values = table(seed);
    const ranking = ranked(values);
    for (const [from, to] of [[0, 1], [60, 61], [10, 31], [1, 61], [50, 8], [60, 60], [7, 7]]) {
      const inside = (t) => (from < to ? t >= from && t < to : t >= from || t < to);
      if (from === to) continue; // all of the text
      const areas = ranking.areas(from, to);
      for (let unit = 0; unit < UNITS; unit++) {
        const wanted = pairs(values, unit, inside);
        assert.ok(Math.abs(areas[unit] - wanted) < 1e-12, `${from} ${to} ${unit}`);
      }
      assert.equal(areas[0], 0.5);
    }
  }
});

test("the best come first, whichever way they go, equals by number", () => {
  const values = new Float32Array(LENGTH * UNITS);
  for (let t = 0; t < LENGTH; t++) {
    const inside = t >= 20 && t < 30;
    values[t * UNITS + 2] = inside ? -1 : 1;
    values[t * UNITS + 4] = inside ? 1 : -1;
    values[t * UNITS + 5] = inside && t !== 25 ? 1 : -1;
  }
  const best = ranked(values).best(20, 30, 4);
  assert.deepEqual(best.slice(0, 2), [
    { unit: 2, area: 1, on: false }, { unit: 4, area: 1, on: true }]);
  assert.equal(best[2].unit, 5);
  assert.ok(Math.abs(best[2].area - 0.95) < 1e-12);
  assert.deepEqual(best[3], { unit: 0, area: 0.5, on: true });
  assert.equal(ranked(values).best(20, 30, 100).length, UNITS);
});

test("chance is the median of the best over the stretch moved around the text", () => {
  const values = table(9);
  const ranking = ranked(values);
  const [from, to] = [55, 60];
  const tops = Array.from({ length: 20 }, (_, k) => {
    const moved = Math.round(((k + 1) * LENGTH) / 21);
    const places = new Set(Array.from({ length: to - from }, (_, i) => (from + i + moved) % LENGTH));
    const fits = Array.from({ length: UNITS }, (_, unit) => {
      const area = pairs(values, unit, (t) => places.has(t));
      return Math.max(area, 1 - area);
    });
    return Math.max(...fits);
  }).sort((a, b) => a - b);
  assert.ok(Math.abs(ranking.chance(from, to) - (tops[9] + tops[10]) / 2) < 1e-12);
});

test("a text of two characters has a chance too", () => {
  const ranking = new Ranking(Float32Array.of(0, 1, 1, 1), 2);
  while (!ranking.prepare(1));
  assert.deepEqual([...ranking.areas(0, 1)], [0, 0.5]);
  assert.equal(ranking.chance(0, 1), 1);
});

test("sums of ranks are exact in a text of 2,000 characters", () => {
  const values = Float32Array.from({ length: 2000 }, (_, t) => (t % 3 === 0 ? 0.5 : t / 2000));
  const ranking = new Ranking(values, 1);
  while (!ranking.prepare(5));
  assert.equal(ranking.sums[2000], (2000 * 2001) / 2);
});
