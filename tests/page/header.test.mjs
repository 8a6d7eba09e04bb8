import assert from "node:assert/strict";
import test from "node:test";
import { parseModel } from "../../charrnn/static/src/format.mjs";
import { NEEDED } from "./cases.mjs";
import { changed, changedInside, packed, refused } from "./repack.mjs";

const NOTHING = new Uint8Array(0);
const NAME = "layers.1.below"; // (148, 64)

test("headers that are something else", NEEDED, () => {
  const texts = ["", "null", "[]", "3", '"x"', "{", "{}x", "\ufeff{}", "{'a': 1}", "[".repeat(1e6)];
  for (const text of texts) refused(packed(text, NOTHING), /header is/, text.slice(0, 20));
  for (const text of ["{}", '{"__metadata__": null}', '{"__metadata__": {"format": "pt"}}']) {
    refused(packed(text, NOTHING), /was not written by charrnn/, text);
  }
  const bad = packed("{}", NOTHING);
  new Uint8Array(bad)[9] = 0xff;
  refused(bad, /not UTF-8/);
});

test("metadata that are something else", NEEDED, () => {
  const values = [[], 3, "charrnn", { charrnn: 3 }, { charrnn: {} }, { charrnn: "\ud800" }];
  for (const metadata of values) {
    refused(packed({ __metadata__: metadata }, NOTHING), /an object of strings/);
  }
  for (const charrnn of ["", "[]", "3", "{", "x".repeat(1e6)]) {
    refused(packed({ __metadata__: { charrnn } }, NOTHING), /charrnn wrote into its header is/);
  }
});

const entry = (fields) => (header) => void Object.assign(header[NAME], fields);

test("offsets", NEEDED, () => {
  const pairs = [[0, null], ["0", "9472"], [0.5, 9472.5], [-9472, 0], [1e300, 1e300], [{}, {}]];
  for (const offsets of [null, 3, "01", {}, [], [0], [0, 1, 2], ...pairs]) {
    refused(changed(entry({ data_offsets: offsets })), /two whole numbers/, `${offsets}`);
  }
  for (const by of [[1, 1], [-1, -1], [0, 1], [1, 0], [1e9, 1e9], [2 ** 52, 2 ** 52], [0, -9e6]]) {
    const moved = ({ [NAME]: tensor }) =>
      void (tensor.data_offsets = tensor.data_offsets.map((offset, i) => offset + by[i]));
    refused(changed(moved), /begins at byte|lies at bytes/, `${by}`);
  }
  const overlapping = (header) => entry(header["layers.1.recurrent"])(header);
  refused(changed(overlapping), /begins at byte/);
  const minus = (header) => JSON.stringify(header).replace("[0,", "[-0,");
  refused(changed(minus), /two whole numbers/);
});

test("a boundary between two tensors, one byte further on", NEEDED, () => {
  const shift = (header) => {
    const ends = header[NAME].data_offsets;
    const next = Object.values(header).find(({ data_offsets: at }) => at?.[0] === ends[1]);
    next.data_offsets[0] += 1;
    ends[1] += 1;
  };
  refused(changed(shift), /lies at bytes/);
});

test("shapes and types", NEEDED, () => {
  const wanted = /has shape .*; by the header it must be \[148, 64\]/;
  const pairs = [[64, 148], [148, "64"], [148, 65], [2 ** 53, 2], [-148, -64]];
  for (const shape of [null, 148, "148", {}, [], [148], [148, 64, 1], ...pairs]) {
    refused(changed(entry({ shape })), wanted);
  }
  for (const dtype of ["U8", "F32", "i8", "", null, 8, ["I8"], "__proto__", "constructor"]) {
    refused(changed(entry({ dtype })), /it must be I8/);
  }
  for (const whole of [null, 3, "x", [], ["I8", [148, 64], [0, 9472]], {}]) {
    refused(changed((header) => void (header[NAME] = whole)), /layers\.1\.below/);
  }
  for (const written of ["148.0,64", "148,6.4e1", "148,064", "148,64,"]) {
    const rewritten = (header) => JSON.stringify(header).replaceAll("[148,64]", `[${written}]`);
    refused(changed(rewritten), /is broken/, written);
  }
});

test("sizes and cells", NEEDED, () => {
  for (const name of ["hidden", "layers", "vocab_size"]) {
    for (const size of [0, -1, 0.5, null, "37", true, [], [37], {}, 2 ** 53, 1e300, undefined]) {
      const resized = changedInside(({ model }) => void (model[name] = size));
      refused(resized, new RegExp(`${name} is .*; it must be a whole number`));
    }
  }
  for (const cell of ["", "LSTM", null, 4, ["lstm"], "__proto__", "constructor", "x\n\u2028y"]) {
    refused(changedInside(({ model }) => void (model.cell = cell)), /cell is .*lstm, gru, rnn/);
  }
  for (const dropout of [1, -0.1, "0", null]) {
    refused(changedInside(({ model }) => void (model.dropout = dropout)), /dropout is/);
  }
});

test("vocabularies", NEEDED, () => {
  const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const cases = [
    [{ level: "word" }, /level is "word"/],
    [{ level: "byte" }, /symbols are "/],
    [{ symbols: [..."\n !abcdefé😀"] }, /symbols are a list/],
    [{ symbols: "\n !abcdefé" }, /the 11 symbols/],
    [{ symbols: "x".repeat(1e6) }, /the 11 symbols/],
    [{ symbols: "\n !abcdefe😀" }, /sorted and distinct/],
    [{ symbols: "\n !abcdeff😀" }, /sorted and distinct/],
    [{ level: "byte", symbols: [...ten, 256] }, /256 is among its symbols/],
    [{ level: "byte", symbols: [-1, ...ten] }, /-1 is among its symbols/],
    [{ level: "byte", symbols: [...ten, null] }, /null is among its symbols/],
    [{ level: "byte", symbols: [...ten, "11"] }, /"11" is among its symbols/],
    [{ level: "byte", symbols: [...ten, 10] }, /sorted and distinct/],
  ];
  for (const [fields, pattern] of cases) {
    refused(changedInside(({ vocab }) => void Object.assign(vocab, fields)), pattern);
  }
});

test("parts of the header that are missing or something else", NEEDED, () => {
  for (const name of ["model", "vocab", "tensors", "provenance", "precision", "format"]) {
    for (const value of [undefined, null, 3, "x", []]) {
      refused(changedInside((inside) => void (inside[name] = value)), new RegExp(name));
    }
  }
  const whole = { kept: "int8", shape: [148, 37] };
  const others = [{ kept: "fp16" }, { shape: [148, 64] }, { shape: "148,37" }, { more: 1 }];
  const values = [null, {}, { kept: "int8" }, ...others.map((other) => ({ ...whole, ...other }))];
  for (const value of values) {
    refused(changedInside(({ tensors }) => void (tensors[NAME] = value)), /list of tensors/);
  }
  refused(changedInside(({ tensors }) => void (tensors.more = whole)), /list of tensors/);
});

test("names that every object has do no harm", NEEDED, () => {
  const harmful = '"__proto__": {"harmed": 1}, "constructor": {"prototype": 1}, ';
  const harm = (object) => `{${harmful}${JSON.stringify(object).slice(1)}`;
  const unknown = /"__proto__", which this format does not have/;
  refused(changed(harm), unknown);
  const inModel = ({ model, ...rest }) =>
    `{"model": ${harm(model)}, ${JSON.stringify(rest).slice(1)}`;
  refused(changedInside(inModel), unknown);
  assert.equal(parseModel(changedInside(harm)).config.hidden, 37);
  assert.equal({}.harmed, undefined);
  const inherited = (inside) => `{"__proto__": ${JSON.stringify(inside)}}`;
  refused(changedInside(inherited), /has format undefined/);
});

/** A valid file after `change(data, first, after)` of a tensor's bytes. */
function rewritten(name, change) {
  return changed((header, data) => void change(data, ...header[name].data_offsets));
}

test("numbers that cannot be", NEEDED, () => {
  const put = (name, bits) =>
    rewritten(name, ({ buffer }, first) => new DataView(buffer).setUint32(first + 4, bits, true));
  for (const name of ["decoder.bias", "layers.0.bias", "layers.1.below.scale"]) {
    refused(put(name, 0x7fc00000), /holds NaN/);
    refused(put(name, 0x7f800000), /holds Infinity/);
    refused(put(name, 0xff800000), /holds -Infinity/);
  }
  for (const bits of [0, 0x80000000, 0xbf800000]) {
    refused(put("decoder.weight.scale", bits), /scale holds .*; it must be above 0/);
  }
  const last = (name, byte) => rewritten(name, (data, first, after) => (data[after - 1] = byte));
  refused(last("layers.0.lookup", 0x80), /layers\.0\.lookup holds -128/);
  refused(last(NAME, 1), /the padding of layers\.1\.below is not zero/);
  const beside = rewritten("decoder.weight", (data, first) => (data[first + 37] = 255));
  refused(beside, /the padding of decoder\.weight is not zero/);
});
