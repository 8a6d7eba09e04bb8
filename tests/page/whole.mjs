/**
 * The page's model, whole: the engine with the real kernel against Python's texts and scores.
 * CASES: a folder with cases.json and the model files that it names.
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Engine } from "../../charrnn/static/src/engine.mjs";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { Network } from "../../charrnn/static/src/network.mjs";
import { Vocab } from "../../charrnn/static/src/vocab.mjs";

const STATIC = new URL("../../charrnn/static/", import.meta.url);
const kernel = fs.readFileSync(new URL("kernel.wasm", STATIC));
const folder = process.env.CASES;
const traces = JSON.parse(fs.readFileSync(path.join(folder, "traces.json"), "utf8"));
const cases = JSON.parse(fs.readFileSync(path.join(folder, "cases.json"), "utf8"));

function read(file) {
  const { buffer, byteOffset, byteLength } = fs.readFileSync(path.resolve(folder, file));
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** An engine with a model loaded; `say` asks it and resolves with the messages up to the last. */
async function opened(file) {
  let hear;
  const engine = new Engine((message) => hear(message), kernel);
  const say = (request, last) => new Promise((resolve) => {
    const heard = [];
    hear = (message) => {
      heard.push(message);
      if (last(message)) resolve(heard);
    };
    engine.handle(request);
  });
  const [loaded] = await say({ type: "load", bytes: read(file) }, () => true);
  assert.equal(loaded.type, "loaded", loaded.message);
  return { engine, say };
}

const finished = ({ type, done }) => type === "failed" || done;

async function written(say, request) {
  const heard = await say({ job: "a", turn: 1, ...request }, finished);
  assert.equal(heard.at(-1).type, "text", heard.at(-1).message);
  return heard.map(({ text }) => text).join("");
}

function settingsOf({ temperature, top_k: topK, top_p: topP, seed, length, held }) {
  return { temperature, topK, topP, seed, length, held };
}

const engines = new Map();

async function engineOf(file) {
  if (!engines.has(file)) engines.set(file, await opened(file));
  return engines.get(file);
}

for (const known of cases) {
  const { file, prompt, text, logits, held } = known;
  const settings = settingsOf(known);
  const { temperature, topK, topP, seed } = settings;
  test(`${path.basename(file)}: T ${temperature}, top ${topK} ${topP}, seed ${seed}${held ? ", held" : ""}`, async () => {
    const { say } = await engineOf(file);
    assert.equal(await written(say, { type: "write", prompt, settings }), text);
    if (logits) assert.deepEqual(scores(file, prompt), logits);
  });
}

function primer({ vocab, config }, prompt) {
  return new Vocab(vocab).primer(prompt, config.restart);
}

/** The scores after a prompt, as the numbers they are. */
function scores(file, prompt) {
  const model = parseModel(read(file));
  const network = new Network(model, new WebAssembly.Module(kernel));
  const state = network.newState();
  let found;
  for (const id of primer(model, prompt)) found = network.step(state, id);
  return [...found];
}

const sampled = cases.find(({ temperature, length }) => temperature > 0 && length >= 300);

test("a text that is stopped goes on where it was", async () => {
  const { say } = await opened(sampled.file);
  const settings = settingsOf(sampled);
  const { prompt } = sampled;
  const beginning = await written(say, { type: "write", prompt, settings: { ...settings, length: 99 } });
  const rest = await written(say, { type: "more", settings: { ...settings, length: settings.length - 99 } });
  assert.equal(beginning + rest, sampled.text);
});

test("a long text stops when it is told to, and says so once", async () => {
  const { engine, say } = await opened(sampled.file);
  const settings = { ...settingsOf(sampled), length: 10_000_000 };
  const ending = say({ type: "write", job: "a", turn: 4, prompt: "", settings }, finished);
  setTimeout(() => engine.handle({ type: "stop", job: "a" }), 60);
  const heard = await ending;
  assert.equal(heard.filter(({ done }) => done).length, 1);
  assert.ok(heard.at(-1).drawn < 10_000_000 && heard.at(-1).drawn > 0);
  assert.ok(heard.every(({ turn }) => turn === 4));
  assert.ok(heard.length > 2, "the text came in pieces");
});

test("two texts take turns and do not touch each other", async () => {
  const { engine, say } = await opened(sampled.file);
  const settings = settingsOf(sampled);
  const texts = { a: "", b: "" };
  const done = new Set();
  const both = say({ type: "write", job: "a", turn: 1, prompt: sampled.prompt, settings },
    ({ job, text, done: ended }) => {
      texts[job] += text;
      if (ended) done.add(job);
      return done.size === 2;
    });
  engine.handle({ type: "write", job: "b", turn: 1, prompt: sampled.prompt, settings });
  await both;
  assert.deepEqual(texts, { a: sampled.text, b: sampled.text });
});

test("a text that is read gives each symbol's probability, however it is edited", async () => {
  const { say } = await opened(sampled.file);
  const settings = { ...settingsOf(sampled), temperature: 1, topK: null, topP: null };
  const text = sampled.text.slice(0, 80);
  const ask = async (asked, rows = 1000) =>
    (await say({ type: "read", job: "r", turn: 1, text: asked, settings, count: 3, rows },
      () => true))[0].rows;
  const whole = await ask(text);
  assert.equal(whole.at(-1).given, null);
  for (const { guesses, given } of whole.slice(0, -1)) {
    assert.ok(given > 0 && given < 1);
    assert.ok(guesses[0].p >= guesses[1].p && guesses.length === 3);
  }
  const changed = `${text.slice(0, 40)}${text.slice(41)}`; // a character is taken out
  const again = await ask(changed);
  const fresh = await (async () => {
    const other = await opened(sampled.file);
    return (await other.say({ type: "read", job: "r", turn: 1, text: changed, settings, count: 3,
      rows: 1000 }, () => true))[0].rows;
  })();
  assert.deepEqual(again, fresh);
  assert.deepEqual(await ask(text), whole);
  assert.deepEqual(await ask(text, 5), whole.slice(-5));
});

test("what is wrong is one line, and the engine goes on", async () => {
  const { say } = await opened(sampled.file);
  const bad = { ...settingsOf(sampled), topP: 2 };
  const [failed] = await say({ type: "write", job: "a", turn: 2, prompt: "", settings: bad }, finished);
  assert.equal(failed.type, "failed");
  assert.equal(failed.turn, 2);
  assert.match(failed.message, /^top_p is 2[^\n]+$/);
  const settings = settingsOf(sampled);
  assert.equal(await written(say, { type: "write", prompt: sampled.prompt, settings }), sampled.text);
});

test("before a model is loaded nothing is written", async () => {
  const heard = [];
  const engine = new Engine((message) => heard.push(message), kernel);
  await engine.handle({ type: "write", job: "a", turn: 1, prompt: "", settings: settingsOf(sampled) });
  assert.match(heard[0].message, /not been loaded/);
  await engine.handle({ type: "load", bytes: new ArrayBuffer(5) });
  assert.equal(heard[1].type, "failed");
});

const answered = ({ type }) => type === "traced" || type === "failed";

function floats(base64) {
  const { buffer, byteOffset, byteLength } = Buffer.from(base64, "base64");
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

for (const { file, text, ids, cells, shown, top, given } of traces) {
  test(`${path.basename(file)}: a trace is Python's, to the last bit`, async () => {
    const { say } = await engineOf(file);
    const [found] = await say({ type: "trace", job: "t", turn: 9, text }, answered);
    assert.equal(found.type, "traced", found.message);
    assert.equal(found.turn, 9);
    assert.deepEqual(found.ids, ids);
    assert.deepEqual(found.cells, floats(cells));
    assert.deepEqual(found.shown, floats(shown));
    found.guesses.forEach((guesses, at) => {
      assert.deepEqual(guesses.map(({ id }) => id), top[at].map(([id]) => id));
      guesses.forEach(({ p }, k) => assert.ok(Math.abs(p - top[at][k][1]) < 1e-12));
      const close = (a, b) => (b === null ? a === null : Math.abs(a - b) < 1e-12);
      assert.ok(close(found.given[at], given[at]));
    });
  });
}

test("a long trace listens meanwhile, and the last one asked for is answered", async () => {
  const { engine, say } = await opened(sampled.file);
  const text = sampled.text.repeat(4).slice(0, 2000);
  const tracing = say({ type: "trace", job: "t", turn: 1, text }, answered);
  const settings = settingsOf(sampled);
  engine.handle({ type: "read", job: "r", turn: 1, text: "a", settings, count: 1, rows: 1 });
  engine.handle({ type: "trace", job: "t", turn: 2, text });
  const heard = await tracing;
  assert.deepEqual(heard.map(({ type, turn }) => [type, turn]), [["guesses", 1], ["traced", 2]]);
  assert.equal(heard.at(-1).ids.length, 2000);
  assert.equal(await written(say, { type: "write", prompt: sampled.prompt, settings }), sampled.text);
});

test("a text that cannot be traced is one line; unknown characters are left out", async () => {
  const { say } = await opened(traces[0].file);
  const ask = async (text) =>
    (await say({ type: "trace", job: "t", turn: 1, text }, answered)).at(-1);
  for (const [text, said] of [["", /^There are no/], ["\u4e00", /^There are no/],
    ["a".repeat(2001), /^The text has 2001 characters; at most 2000[^\n]+$/]]) {
    const failed = await ask(text);
    assert.equal(failed.type, "failed");
    assert.match(failed.message, said);
  }
  const [plain, odd] = [await ask("abc"), await ask("a\u4e00bc")];
  assert.deepEqual(odd, plain);
});

test("what cannot be held is one line, and letting go gives the old text", async () => {
  const held = cases.find((known) => known.held && known.file === traces[0].file);
  const { say } = await opened(held.file);
  const { prompt } = held;
  const settings = settingsOf(held);
  for (const [bad, said] of [
    [{ layer: 9, unit: 0, value: 1 }, /^The layer is 9; it must be whole, 0 to 1\.$/],
    [{ layer: 0, unit: -1, value: 1 }, /^The unit is -1; it must be whole, 0 to 36\.$/],
    [{ layer: 0, unit: 1.5, value: 1 }, /^The unit is 1\.5/],
    [{ layer: 0, unit: 1, value: Infinity }, /^Unit 1 is held at Infinity; give a finite number/],
    [{ layer: 0, unit: 1, value: 1e300 }, /^Unit 1 is held at/],
  ]) {
    const asked = { ...settings, held: [bad] };
    const [failed] = await say({ type: "write", job: "a", turn: 1, prompt, settings: asked }, finished);
    assert.equal(failed.type, "failed");
    assert.match(failed.message, said);
  }
  assert.equal(await written(say, { type: "write", prompt, settings }), held.text);
  const free = { ...settings, held: null };
  const text = await written(say, { type: "write", prompt, settings: free });
  assert.notEqual(text, held.text);
  const begun = await written(say, { type: "write", prompt, settings: { ...free, length: 99 } });
  const rest = await written(say, { type: "more", settings: { ...free, length: 151 } });
  assert.equal(begun + rest, text);
});
