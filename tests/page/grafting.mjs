/**
 * States copied from text to text: the engine with the real kernel against Python's.
 * CASES: a folder with grafts.json and the model files that it names.
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Engine } from "../../charrnn/static/src/engine.mjs";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { Network } from "../../charrnn/static/src/network.mjs";

const kernel = fs.readFileSync(new URL("../../charrnn/static/kernel.wasm", import.meta.url));
const folder = process.env.CASES;
const cases = JSON.parse(fs.readFileSync(path.join(folder, "grafts.json"), "utf8"));
const settings = { temperature: 0.8, topK: null, topP: null, length: 200, seed: 3 };

function read(file) {
  const { buffer, byteOffset, byteLength } = fs.readFileSync(path.join(folder, file));
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

async function opened(file) {
  let hear = () => {};
  const engine = new Engine((message) => hear(message), kernel);
  await engine.handle({ type: "load", bytes: read(file) });
  /** All answers of a turn of the one job, up to the last. */
  const ask = (turn, request) => new Promise((resolve) => {
    const heard = [];
    hear = (message) => {
      if (message.turn !== turn) return;
      heard.push(message);
      if (message.done || message.type === "failed") resolve(heard);
    };
    engine.handle({ type: "graft", job: "g", turn, settings, ...request });
  });
  return { engine, ask };
}

const engines = new Map();
const engineOf = async (file) => {
  if (!engines.has(file)) engines.set(file, await opened(file));
  return engines.get(file);
};

function expectSides(heard, { guesses, texts }) {
  assert.equal(heard.at(-1).type, "grafted", heard.at(-1).message);
  const said = heard.filter((message) => message.guesses);
  assert.equal(said.length, 1);
  said[0].guesses.forEach((list, side) => {
    assert.deepEqual(list.map(({ id }) => id), guesses[side].map(([id]) => id));
    list.forEach(({ p }, k) => assert.ok(Math.abs(p - guesses[side][k][1]) < 1e-12));
  });
  const written = [0, 1, 2].map((side) => heard.map((message) => message.texts[side]).join(""));
  assert.deepEqual(written, texts);
  assert.equal(heard.filter(({ done }) => done).length, 1);
}

cases.forEach((known, k) => {
  const { file, donor, recipient, parts } = known;
  test(`${file}, ${JSON.stringify(parts)}: Python's guesses, scores and texts`, async () => {
    const { ask } = await engineOf(file);
    expectSides(await ask(k + 1, { donor, recipient, parts }), known);
    assert.deepEqual(scores(known), known.logits);
  });
});

/** The scores after the last symbol, of the recipient with the parts, as the numbers they are. */
function scores({ file, ids: [donor, recipient], parts }) {
  const network = new Network(parseModel(read(file)), new WebAssembly.Module(kernel));
  const states = [donor, recipient].map((ids) => {
    const state = network.newState();
    for (const id of ids.slice(0, -1)) network.step(state, id);
    return state;
  });
  for (const part of parts) network.copy(...states, part);
  return [...network.step(states[1], recipient.at(-1))];
}

test("what cannot be copied is one line, and the job goes on", async () => {
  const [known] = cases;
  const { ask } = await opened(known.file);
  const { donor, recipient } = known;
  const end = recipient.at(-1);
  const other = [..."abc"].find((letter) => letter !== end);
  const part = { what: "c", layer: 0, unit: 0 };
  const failing = [
    [{ donor: "" }, /^The donor: There are no characters here that the model knows\.$/],
    [{ recipient: "\u4e00" }, /^The recipient: There are no characters/],
    [{ donor: "a".repeat(2001) }, /^The donor: The text has 2001 characters; at most 2000 are/],
    [{ donor: donor + other }, /^The donor ends in “.”, the recipient in “.+”; let both[^\n]+$/],
    [{ parts: [{ ...part, layer: 2 }] }, /^The layer is 2; it must be whole, 0 to 1\.$/],
    [{ parts: [{ ...part, unit: 37 }] }, /^The unit is 37; it must be whole, 0 to 36\.$/],
    [{ parts: [{ ...part, unit: NaN }] }, /^The unit is NaN/],
    [{ parts: [{ ...part, what: "x" }] }, /^What is copied is "?x"?; it must be h, c or hc\.$/],
    [{ settings: { ...settings, seed: -1 } }, /^The seed is -1/],
  ];
  for (const [turn, [change, said]] of failing.entries()) {
    const heard = await ask(turn, { donor, recipient, parts: [], ...change });
    assert.equal(heard.at(-1).type, "failed");
    assert.match(heard.at(-1).message, said);
  }
  expectSides(await ask(99, known), known);
});

test("a second request takes the first one's place, and what else is written is not touched",
  async () => {
    const [known, next] = cases;
    const { engine, ask } = await opened(known.file);
    const { donor, recipient, parts } = known;
    ask(1, { donor: donor.repeat(9), recipient, parts });
    engine.handle({ type: "write", job: "w", turn: 0, prompt: donor, settings });
    expectSides(await ask(2, next), next);
  });
