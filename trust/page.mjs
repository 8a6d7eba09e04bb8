/** The page's reader of a model file against changed ones: `node page.mjs FILE HOW_MANY`. */

import { readFileSync } from "node:fs";
import { parseModel } from "../charrnn/static/src/format.mjs";
import { checkSeal } from "../charrnn/static/src/seal.mjs";

const [file, many] = process.argv.slice(2);
const whole = new Uint8Array(readFileSync(file));
const start = 8 + Number(new DataView(whole.buffer, whole.byteOffset).getBigUint64(0, true));
const sealed = new TextDecoder().decode(whole.subarray(8, start));
const header = sealed.replace(/"charrnn\.sha256":"[0-9a-f]{64}",/, ""); // a forger leaves it out
const ODD = [
  "null", "true", "-1", "0", "1e999", "65536", "1".repeat(400), '""', '"x"', "[]", "{}", "[[]]",
  '"\\ud800"', "[".repeat(50000) + "]".repeat(50000), '{"__proto__":{}}', "4294967296", "0.5",
];
const VALUE = /-?\d+|"(?:[^"\\]|\\.)*"|\[[^[\]]*\]/g;

let state = 9;
/** A whole number from 0 to below `most`, by a linear congruence. */
function draw(most) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * most);
}

function packed(text, numbers) {
  const encoded = new TextEncoder().encode(text);
  const made = new Uint8Array(8 + encoded.length + numbers.length);
  new DataView(made.buffer).setBigUint64(0, BigInt(encoded.length), true);
  made.set(encoded, 8);
  made.set(numbers, 8 + encoded.length);
  return made;
}

/** The text with one of its values, or of those inside charrnn's own string, replaced. */
function replaced(text) {
  const values = [...text.matchAll(VALUE)];
  if (values.length === 0) return text;
  const { 0: found, index } = values[draw(values.length)];
  return text.slice(0, index) + ODD[draw(ODD.length)] + text.slice(index + found.length);
}

function forged() {
  const read = JSON.parse(header);
  if (draw(2)) return packed(replaced(header), whole.subarray(start));
  read.__metadata__.charrnn = replaced(read.__metadata__.charrnn);
  return packed(JSON.stringify(read), whole.subarray(start));
}

/** Bytes that are held now; what one file added to them, before anything is collected. */
function held() {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The file cut short, with some bits turned in its header, or some bytes replaced anywhere. */
function damaged(act) {
  if (act === 0) return whole.slice(0, draw(whole.length));
  const made = whole.slice();
  if (act === 2) for (let i = 0; i <= draw(4); i++) made[draw(start)] ^= 1 << draw(8);
  else for (let i = 0; i <= draw(4); i++) made[draw(made.length)] = draw(256);
  return made;
}

const outcomes = {};
const wrong = [];
let slowest = 0;
let largest = 0;
for (let i = 0; i < Number(many); i++) {
  const act = draw(4);
  const made = act === 1 ? forged() : damaged(act);
  const right = act === 1 || Buffer.compare(made, whole) === 0;
  const before = held();
  const began = performance.now();
  let said = "opened";
  try {
    parseModel(made.buffer);
    await checkSeal(made.buffer);
    if (!right) wrong.push(`change ${i}: opened, though it was damaged`);
  } catch (error) {
    const oneLine = /^[^\n\r\u2028\u2029]{10,500}$/u.test(error.message);
    said = error.name === "ModelError" && oneLine ? "refused in one line" : "failed";
    if (said === "failed") wrong.push(`change ${i}: ${error.name}: ${error.message.slice(0, 100)}`);
  }
  slowest = Math.max(slowest, performance.now() - began);
  largest = Math.max(largest, held() - before);
  outcomes[said] = (outcomes[said] ?? 0) + 1;
}
if (slowest > 1000) wrong.push(`one took ${Math.round(slowest)} ms`);
const most = largest / 1e6;
if (most > 50) wrong.push(`one took ${Math.round(most)} MB`);
const notes = `the slowest took ${slowest.toFixed(0)} ms, the largest ${most.toFixed(1)} MB`;
const found = { what: "page", tried: Number(many), outcomes, wrong: wrong.slice(0, 10), notes };
console.log(`FOUND ${JSON.stringify(found)}`);
