import assert from "node:assert/strict";
import test from "node:test";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { bytes, json, NEEDED } from "./cases.mjs";
import { packed, unpacked } from "./repack.mjs";

const KINDS = { I8: Int8Array, F32: Float32Array };

test("what is in a file, as safetensors and Python read it", NEEDED, () => {
  const cases = json("files.json");
  assert.ok(cases.length >= 6);
  for (const { file, config, vocab, provenance, tensors } of cases) {
    const buffer = bytes(file);
    const model = parseModel(buffer);
    assert.deepEqual(model.config, config);
    assert.deepEqual(model.vocab, { level: vocab.level, symbols: Array.from(vocab.symbols) });
    assert.deepEqual(model.provenance, provenance);
    assert.deepEqual([...model.tensors.keys()].sort(), Object.keys(tensors).sort());
    for (const [name, { dtype, shape, hex }] of Object.entries(tensors)) {
      const { data, shape: has } = model.tensors.get(name);
      assert.ok(data instanceof KINDS[dtype] && data.buffer === buffer, `${name} is a view`);
      assert.deepEqual(has, shape);
      assert.equal(Buffer.from(buffer, data.byteOffset, data.byteLength).toString("hex"), hex);
    }
  }
});

test("numbers at odd addresses, in any order, are the same numbers", NEEDED, () => {
  const buffer = bytes("valid.safetensors");
  const expected = parseModel(buffer);
  const { header, data } = unpacked(buffer);
  for (const spaces of [1, 2, 3]) {
    const moved = packed(header, data, spaces);
    assert.notEqual((moved.byteLength - data.length) % 4, 0);
    assert.deepEqual(parseModel(moved), expected);
  }
  const backwards = Object.entries(header).reverse();
  assert.deepEqual(parseModel(packed(Object.fromEntries(backwards), data)), expected);
});

test("ten megabytes in well under 100 ms", NEEDED, () => {
  const buffer = bytes("large.safetensors");
  assert.ok(buffer.byteLength > 10e6);
  const times = Array.from({ length: 5 }, () => {
    const begun = performance.now();
    parseModel(buffer);
    return performance.now() - begun;
  });
  assert.ok(Math.min(...times) < 100, `${times} ms`);
});
