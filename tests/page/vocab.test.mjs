import assert from "node:assert/strict";
import test from "node:test";
import { Decoder, Vocab } from "../../charrnn/static/src/vocab.mjs";
import { json, NEEDED } from "./cases.mjs";

const BYTES = new Vocab({ level: "byte", symbols: Array.from({ length: 256 }, (_, i) => i) });

function decoded(vocab, ids) {
  const decoder = new Decoder(vocab);
  return ids.map((id) => decoder.push(id)).join("") + decoder.finish();
}

test("ids, unknown symbols and primers of Python", NEEDED, () => {
  const cases = json("encoding.json");
  assert.ok(cases.length > 300);
  for (const { vocab: written, text, ids, unknown, primer, decoded: expected } of cases) {
    const vocab = new Vocab(written);
    assert.equal(vocab.size, Array.from(written.symbols).length);
    assert.deepEqual(vocab.encode(text), { ids, unknown }, text);
    assert.deepEqual(vocab.primer(text), primer, text);
    assert.equal(decoded(vocab, ids), expected);
  }
});

test("bytes that are no UTF-8, as Python's incremental decoder replaces them", NEEDED, () => {
  const cases = json("bytes.json");
  assert.ok(cases.length > 3000);
  for (const { hex, text } of cases) {
    assert.equal(decoded(BYTES, Array.from(Buffer.from(hex, "hex"))), text, hex);
  }
});

test("a character comes with its last byte, and a byte order mark is kept", () => {
  const decoder = new Decoder(BYTES);
  const pieces = [0xf0, 0x9f, 0x98, 0x80, 0x41].map((byte) => decoder.push(byte));
  assert.deepEqual(pieces, ["", "", "", "😀", "A"]);
  assert.equal(decoder.push(0xe2), "");
  assert.equal(decoder.finish(), "\ufffd");
  assert.equal(decoded(BYTES, [0xef, 0xbb, 0xbf, 0x41]), "\ufeffA");
});

test("half a surrogate pair is one unknown symbol", () => {
  const vocab = new Vocab({ level: "char", symbols: "ab😀" });
  const unknown = [{ index: 1, symbol: "\ud83d" }];
  assert.deepEqual(vocab.encode("a\ud83db😀"), { ids: [0, 1, 2], unknown });
  assert.deepEqual(vocab.primer("\ud83d"), [0]);
});

test("names that every object has are no symbols", () => {
  const vocab = new Vocab({ level: "char", symbols: ["a"] });
  assert.equal(vocab.encode("__proto__").ids.length, 0);
});

test("labels show what cannot be seen", () => {
  const symbols = "\0\t\n\r \x1b\x7f\u0085\u00a0\u00ad\u0301\ufeffaé—😀";
  const vocab = new Vocab({ level: "char", symbols });
  const labels = "␀ ⇥ ↵ ␍ ␣ ␛ ␡ U+0085 U+00A0 U+00AD ◌\u0301 U+FEFF a é — 😀".split(" ");
  assert.deepEqual(vocab.symbols.map((_, id) => vocab.label(id)), labels);
  const bytes = [0, 10, 32, 65, 127, 128, 0xc3, 255].map((id) => BYTES.label(id));
  assert.deepEqual(bytes, ["␀", "↵", "␣", "A", "␡", "0x80", "0xC3", "0xFF"]);
});

test("ids that are none", () => {
  for (const id of [-1, 256, 0.5, NaN, undefined]) {
    const expected = { name: "RangeError", message: /^There is no symbol .* 0 to 255\.$/ };
    assert.throws(() => BYTES.label(id), expected);
    assert.throws(() => new Decoder(BYTES).push(id), expected);
  }
});
