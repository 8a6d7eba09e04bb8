// Assembled by tools/page.py from the files in src/; change those.
/** Errors that a reader of a page may see: one line that says what is wrong and what to do. */

/** A model cannot be run: its file is broken or of another kind, or its scores are no numbers. */
class ModelError extends Error {
  /** @param {string} message one line */
  constructor(message) {
    super(message);
    this.name = "ModelError";
  }
}

/**
 * @param {string} what the bad value and what is allowed, one line
 * @returns {ModelError} the same with what to do
 */
function brokenFile(what) {
  return new ModelError(
    `The model's file is broken: ${what}. Load the page again, or write the file anew with ` +
      "charrnn export.",
  );
}

/**
 * A value for a message: short, on one line, whatever it holds.
 * @param {unknown} value
 * @returns {string}
 */
function shown(value) {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  const start = value.length > 60 ? value.slice(0, 60) + "..." : value;
  return JSON.stringify(start).replace(/[\u2028\u2029]/g, " ");
}

const WORKER = "/** Errors that a reader of a page may see: one line that says what is wrong and what to do. */\n\n/** A model cannot be run: its file is broken or of another kind, or its scores are no numbers. */\nclass ModelError extends Error {\n  /** @param {string} message one line */\n  constructor(message) {\n    super(message);\n    this.name = \"ModelError\";\n  }\n}\n\n/**\n * @param {string} what the bad value and what is allowed, one line\n * @returns {ModelError} the same with what to do\n */\nfunction brokenFile(what) {\n  return new ModelError(\n    `The model's file is broken: ${what}. Load the page again, or write the file anew with ` +\n      \"charrnn export.\",\n  );\n}\n\n/**\n * A value for a message: short, on one line, whatever it holds.\n * @param {unknown} value\n * @returns {string}\n */\nfunction shown(value) {\n  if (Array.isArray(value)) return \"a list\";\n  if (typeof value === \"object\" && value !== null) return \"an object\";\n  if (typeof value !== \"string\") return String(value);\n  const start = value.length > 60 ? value.slice(0, 60) + \"...\" : value;\n  return JSON.stringify(start).replace(/[\\u2028\\u2029]/g, \" \");\n}\n\n/** Fetching a model's file, with progress, and keeping it in the browser. */\n\n\nconst STORE = \"charrnn-models\";\nconst LIMIT = 2 ** 28;\n\n/**\n * What `read` makes of the file at an address: from the browser's own store, or fetched. A copy in\n * the store that cannot be read is fetched anew; what was read is kept for the next visit.\n * @param {string} url\n * @param {(buffer: ArrayBuffer) => Promise<T>} read throws ModelError where the file is not as it\n *   should be\n * @param {(received: number, total: number) => void} report total is 0 where the host doesn't say\n * @returns {Promise<T>} ModelError where it cannot be had, or not be read\n * @template T\n */\nasync function download(url, read, report) {\n  const kept = await (await openStore())?.match(url);\n  if (kept) {\n    try {\n      return await read(await received(kept, report));\n    } catch {\n      // A spoiled copy: the host may have a sound one.\n    }\n  }\n  const buffer = await received(await fetched(url), report);\n  const made = await read(buffer);\n  keep(url, buffer); // nobody waits for it\n  return made;\n}\n\n/** The bytes of a response as they come. @returns {Promise<ArrayBuffer>} */\nasync function received(response, report) {\n  const total = Number(response.headers.get(\"content-length\")) || 0;\n  const pieces = [];\n  let size = 0;\n  try {\n    for await (const piece of piecesOf(response.body)) {\n      pieces.push(piece);\n      size += piece.length;\n      if (size > LIMIT) throw new ModelError(`The model's file is larger than ${LIMIT} bytes.`);\n      report(size, total);\n    }\n  } catch (error) {\n    if (error instanceof ModelError) throw error;\n    throw new ModelError(\"The connection broke while the model was loading. Please try again.\");\n  }\n  return joined(pieces, size);\n}\n\n/** Keep a file for the next visit, and drop earlier versions of it. Never fails. */\nasync function keep(url, buffer) {\n  try {\n    const store = await openStore();\n    if (!store) return;\n    const { pathname } = new URL(url);\n    for (const request of await store.keys()) {\n      if (new URL(request.url).pathname === pathname) await store.delete(request);\n    }\n    const headers = { \"content-length\": String(buffer.byteLength) };\n    await store.put(url, new Response(buffer.slice(0), { headers }));\n  } catch {\n    // A full or forbidden store costs a second download, nothing else.\n  }\n}\n\n/** The browser's store, or null where there is none (a page without https, a private window). */\nasync function openStore() {\n  try {\n    return await caches.open(STORE);\n  } catch {\n    return null;\n  }\n}\n\nasync function fetched(url) {\n  let response;\n  try {\n    response = await fetch(url);\n  } catch {\n    throw new ModelError(\"The model could not be fetched: there is no connection to its host.\");\n  }\n  if (response.ok) return response;\n  throw new ModelError(`The model could not be fetched: its host answered ${response.status}.`);\n}\n\nasync function* piecesOf(stream) {\n  const reader = stream.getReader(); // Safari has no asynchronous iterator of a stream\n  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;\n}\n\nfunction joined(pieces, length) {\n  const bytes = new Uint8Array(length);\n  let at = 0;\n  for (const piece of pieces) {\n    bytes.set(piece, at);\n    at += piece.length;\n  }\n  return bytes.buffer;\n}\n\n/**\n * The container of a model file: 8 bytes N, N bytes of JSON, and the numbers of the tensors\n * (https://huggingface.co/docs/safetensors). Refused is what the safetensors library refuses.\n */\n\n\nconst SEAL = \"charrnn.sha256\";\nconst LONGEST_HEADER = 100_000_000; // the library's own limit\nconst ITEM_BYTES = { I8: 1, F32: 4 };\nconst STRINGS_AND_NUMBERS = /\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\"|-?\\d[\\d.eE+-]*/g;\nconst WHOLE_NUMBER = /^(?:0|-?[1-9]\\d*)$/;\nconst LONE_SURROGATE = /\\p{Cs}/u;\n\n/**\n * @param {unknown} value\n * @returns {boolean} whether it is a JSON object\n */\nfunction isObject(value) {\n  return typeof value === \"object\" && value !== null && !Array.isArray(value);\n}\n\n/**\n * An object's own entry: names from a file may be \"constructor\" or \"__proto__\".\n * @param {object} object\n * @param {string} key\n * @returns {unknown} undefined where it has none\n */\nfunction own(object, key) {\n  return Object.hasOwn(object, key) ? object[key] : undefined;\n}\n\n/**\n * A JSON object, twice: as it is, and with every number that is not written as a whole one (1.0,\n * 1e2, -0) as a string, since JSON.parse tells 37.0 from 37 as little as JavaScript does.\n * @param {string} text\n * @param {string} what it is, for the message\n * @returns {{plain: object, exact: object}}\n * @throws {ModelError} where it is not a JSON object\n */\nfunction parseJson(text, what) {\n  const quote = (token) =>\n    token[0] === '\"' || WHOLE_NUMBER.test(token) ? token : `\"${token}\"`;\n  let plain, exact;\n  try {\n    plain = JSON.parse(text);\n    exact = JSON.parse(text.replace(STRINGS_AND_NUMBERS, quote));\n  } catch {\n    throw brokenFile(`${what} is not JSON`);\n  }\n  if (!isObject(plain)) throw brokenFile(`${what} is ${shown(plain)}; it must be a JSON object`);\n  return { plain, exact };\n}\n\n/**\n * @param {ArrayBuffer} buffer the file\n * @returns {{listed: object, written: string, seal: ?string, start: number}} the header's entries,\n *   what charrnn wrote into its metadata, its seal, and the byte at which the tensors' data begins\n * @throws {ModelError}\n */\nfunction readContainer(buffer) {\n  const start = headerEnd(buffer);\n  const { exact: listed } = parseJson(headerText(buffer, start), \"its header\");\n  const metadata = own(listed, \"__metadata__\") ?? {};\n  const isText = (value) => typeof value === \"string\" && !LONE_SURROGATE.test(value);\n  if (!isObject(metadata) || !Object.values(metadata).every(isText)) {\n    throw brokenFile(\"the metadata of its header must be an object of strings\");\n  }\n  const written = own(metadata, \"charrnn\");\n  if (written === undefined) {\n    throw new ModelError(\n      \"The file is a safetensors file, but was not written by charrnn; give one of charrnn export.\",\n    );\n  }\n  const extra = Object.keys(metadata).find((key) => key !== \"charrnn\" && key !== SEAL);\n  if (extra !== undefined) throw brokenFile(`its metadata has an entry ${shown(extra)}`);\n  return { listed, written, seal: own(metadata, SEAL), start };\n}\n\nfunction headerEnd(buffer) {\n  const size = buffer.byteLength;\n  if (size < 8) throw brokenFile(`it has ${size} bytes, fewer than the 8 of its header's length`);\n  const length = new DataView(buffer).getBigUint64(0, true);\n  if (length > BigInt(LONGEST_HEADER) || 8 + Number(length) > size) {\n    throw brokenFile(\n      `its header should have ${length} bytes and the whole file has ${size}: it was cut short ` +\n        \"or is no safetensors file\",\n    );\n  }\n  return 8 + Number(length);\n}\n\nfunction headerText(buffer, end) {\n  try {\n    const decoder = new TextDecoder(\"utf-8\", { fatal: true, ignoreBOM: true });\n    return decoder.decode(new Uint8Array(buffer, 8, end - 8));\n  } catch {\n    throw brokenFile(\"its header is not UTF-8\");\n  }\n}\n\n/**\n * Where the tensors lie, once all are there as expected, one directly after the other, in any\n * order, from the first byte of the data to the last.\n * @param {object} listed the header's entries\n * @param {Map<string, {dtype: \"I8\" | \"F32\", shape: number[]}>} expected\n * @param {number} size bytes of data in the file\n * @returns {Map<string, number>} the first byte of each, counted from the start of the data\n * @throws {ModelError}\n */\nfunction locate(listed, expected, size) {\n  const places = Array.from(expected, ([name, tensor]) => place(listed, name, tensor));\n  const extra = Object.keys(listed).find((name) => name !== \"__metadata__\" && !expected.has(name));\n  if (extra !== undefined) {\n    throw brokenFile(`it holds ${shown(extra)}, which this format does not have`);\n  }\n  let reached = 0;\n  for (const { name, first, after } of places.sort((a, b) => a.first - b.first)) {\n    if (first !== reached) {\n      throw brokenFile(`${name} begins at byte ${first} of the data; it must at ${reached}`);\n    }\n    reached = after;\n  }\n  if (reached !== size) {\n    throw brokenFile(`it has ${size} bytes of data; by its header it must have ${reached}`);\n  }\n  return new Map(places.map(({ name, first }) => [name, first]));\n}\n\nfunction place(listed, name, { dtype, shape }) {\n  const entry = own(listed, name);\n  if (entry === undefined) throw brokenFile(`it lacks ${name}`);\n  if (!isObject(entry)) throw brokenFile(`the entry of ${name} is not an object`);\n  const type = own(entry, \"dtype\");\n  if (type !== dtype) throw brokenFile(`${name} is ${shown(type)}; it must be ${dtype}`);\n  const has = own(entry, \"shape\");\n  if (!sameNumbers(has, shape)) {\n    throw brokenFile(`${name} has shape ${listOf(has)}; by the header it must be ${listOf(shape)}`);\n  }\n  return { name, ...offsets(name, entry, shape.reduce((a, b) => a * b) * ITEM_BYTES[dtype]) };\n}\n\nfunction offsets(name, entry, bytes) {\n  const [first, after] = listOrEmpty(own(entry, \"data_offsets\"));\n  if (!sameNumbers(own(entry, \"data_offsets\"), [first, after]) || !(first >= 0)) {\n    throw brokenFile(`the offsets of ${name} must be two whole numbers from 0 on`);\n  }\n  if (after - first !== bytes) {\n    throw brokenFile(`${name} lies at bytes ${first} to ${after}; it must take ${bytes} bytes`);\n  }\n  return { first, after };\n}\n\nfunction listOrEmpty(value) {\n  return Array.isArray(value) ? value : [];\n}\n\n/**\n * @param {unknown} value\n * @param {number[]} numbers\n * @returns {boolean} whether the value is a list of just these whole numbers\n */\nfunction sameNumbers(value, numbers) {\n  const list = listOrEmpty(value);\n  if (list.length !== numbers.length) return false;\n  return numbers.every((number, i) => Number.isInteger(number) && number === list[i]);\n}\n\nfunction listOf(value) {\n  return Array.isArray(value) ? `[${value.slice(0, 4).map(shown).join(\", \")}]` : shown(value);\n}\n\n/**\n * The published model file, \"charrnn-model-1\", as the top of charrnn/export.py specifies it: an\n * int8 file is read, or refused with one line. All that it announces is checked against the file's\n * size before anything is made of it, and the tensors are views of the file.\n */\n\n\nconst FORMAT = \"charrnn-model-1\";\nconst PARTS = new Map([\n  [\"lstm\", 4],\n  [\"gru\", 3],\n  [\"rnn\", 1],\n]);\nconst MOST = { vocab_size: 0x110000, hidden: 1 << 16, layers: 100 }; // as in charrnn/model.py\nconst MODEL_FIELDS = [\n  \"vocab_size\", \"cell\", \"hidden\", \"layers\", \"dropout\", \"forget_bias\", \"restart\",\n];\nconst COLUMN_BLOCK = 32;\n\n/**\n * @typedef {{cell: \"lstm\" | \"gru\" | \"rnn\", hidden: number, layers: number, vocabSize: number,\n *   parts: number, restart: ?number}} Config H, L, V and P of the specification, and the symbol\n *   before which the state is emptied\n * @typedef {{data: Int8Array | Float32Array, shape: number[]}} Tensor rows first, as stored:\n *   (P H, W) with W columns, H rounded up to a multiple of 32, for what a state is multiplied by\n * @typedef {{config: Config, vocab: {level: \"char\" | \"byte\", symbols: string[] | number[]},\n *   tensors: Map<string, Tensor>, provenance: object}} Model `tensors` holds the scales too\n */\n\n/**\n * @param {ArrayBuffer} buffer the whole file\n * @returns {Model} its int8 numbers are views of the buffer, and the float32 ones where they can\n * @throws {ModelError} where it is broken, of another format, or of precision fp16\n */\nfunction parseModel(buffer) {\n  const { listed, written, start } = readContainer(buffer);\n  const { plain, exact } = parseJson(written, \"what charrnn wrote into its header\");\n  checkKind(exact);\n  const config = readConfig(field(exact, \"model\"), field(plain, \"model\"));\n  const vocab = readVocab(field(exact, \"vocab\"), config.vocabSize);\n  const provenance = field(plain, \"provenance\");\n  if (typeof own(provenance, \"run\") !== \"string\") {\n    throw brokenFile(\"its provenance does not say which run it is\");\n  }\n  const entries = layout(config);\n  checkKept(field(exact, \"tensors\"), entries);\n  const places = locate(listed, storedTensors(entries), buffer.byteLength - start);\n  const tensors = new Map();\n  for (const entry of entries) readEntry(buffer, start, entry, places, tensors);\n  return { config, vocab, tensors, provenance };\n}\n\nfunction field(header, name) {\n  const value = own(header, name);\n  if (value === undefined) throw brokenFile(`its header lacks ${name}`);\n  if (!isObject(value)) throw brokenFile(`${name} is ${shown(value)}; it must be an object`);\n  return value;\n}\n\nfunction checkKind(header) {\n  const format = own(header, \"format\");\n  if (format !== FORMAT) {\n    throw new ModelError(\n      `The file has format ${shown(format)}; a published model has \"${FORMAT}\"; ` +\n        \"make one of a training with charrnn export.\",\n    );\n  }\n  const precision = own(header, \"precision\");\n  if (precision === \"fp16\") {\n    throw new ModelError(\n      \"The model's precision is fp16, and pages run int8 files only; \" +\n        \"write it with the --precision int8 of charrnn export.\",\n    );\n  }\n  if (precision !== \"int8\") throw brokenFile(`precision is ${shown(precision)}; it must be int8`);\n}\n\nfunction readConfig(model, plain) {\n  const unknown = Object.keys(model).find((key) => !MODEL_FIELDS.includes(key));\n  if (unknown !== undefined) {\n    throw brokenFile(`its model has ${shown(unknown)}, which this format does not have`);\n  }\n  const cell = own(model, \"cell\");\n  if (!PARTS.has(cell)) {\n    throw brokenFile(`cell is ${shown(cell)}; it must be one of ${[...PARTS.keys()].join(\", \")}`);\n  }\n  const [vocabSize, hidden, layers] = Object.keys(MOST).map((name) => sizeOf(model, name));\n  const dropout = Object.hasOwn(plain, \"dropout\") ? plain.dropout : 0;\n  if (typeof dropout !== \"number\" || !(dropout >= 0 && dropout < 1)) {\n    throw brokenFile(`dropout is ${shown(dropout)}; it must be at least 0 and below 1`);\n  }\n  const restart = own(model, \"restart\") ?? null;\n  if (restart !== null && !(Number.isInteger(restart) && restart >= 0 && restart < vocabSize)) {\n    throw brokenFile(`restart is ${shown(restart)}; it must be an id, 0 to ${vocabSize - 1}`);\n  }\n  return { cell, hidden, layers, vocabSize, parts: PARTS.get(cell), restart };\n}\n\nfunction sizeOf(model, name) {\n  const size = own(model, name);\n  if (!Number.isInteger(size) || size < 1 || size > MOST[name]) {\n    throw brokenFile(`${name} is ${shown(size)}; it must be a whole number, 1 to ${MOST[name]}`);\n  }\n  return size;\n}\n\nfunction readVocab(vocab, size) {\n  const level = own(vocab, \"level\");\n  const written = own(vocab, \"symbols\");\n  if (level !== \"char\" && level !== \"byte\") {\n    throw brokenFile(`level is ${shown(level)}; it must be char or byte`);\n  }\n  if (level === \"char\" ? typeof written !== \"string\" : !Array.isArray(written)) {\n    throw brokenFile(`its symbols are ${shown(written)}; a string or, of bytes, a list is needed`);\n  }\n  const symbols = written.length > 2 * size ? [] : Array.from(written); // two units a code point\n  if (symbols.length !== size) {\n    throw brokenFile(`its vocabulary does not have the ${size} symbols of its model`);\n  }\n  checkOrder(level === \"char\" ? symbols.map((symbol) => symbol.codePointAt(0)) : symbols, level);\n  return { level, symbols };\n}\n\nfunction checkOrder(codes, level) {\n  const most = level === \"byte\" ? 255 : 0x10ffff;\n  const wrong = codes.find((code) => !Number.isInteger(code) || code < 0 || code > most);\n  if (wrong !== undefined) {\n    throw brokenFile(`${shown(wrong)} is among its symbols; bytes are whole numbers, 0 to 255`);\n  }\n  if (codes.some((code, i) => i > 0 && code <= codes[i - 1])) {\n    throw brokenFile(\"the symbols of its vocabulary must be sorted and distinct\");\n  }\n}\n\n/**\n * @param {Config} config\n * @returns {{name: string, shape: number[], stored: number[]}[]} the tensors but for the scales,\n *   their shapes without and with padding; those of two dimensions are int8, the others float32\n */\nfunction layout({ cell, hidden, layers, vocabSize, parts }) {\n  const wide = parts * hidden;\n  const columns = COLUMN_BLOCK * Math.ceil(hidden / COLUMN_BLOCK);\n  const entries = [];\n  const add = (name, shape, stored = shape) => entries.push({ name, shape, stored });\n  const addPadded = (name, rows) => add(name, [rows, hidden], [rows, columns]);\n  for (let layer = 0; layer < layers; layer++) {\n    if (layer === 0) add(\"layers.0.lookup\", [vocabSize, wide]);\n    else addPadded(`layers.${layer}.below`, wide);\n    addPadded(`layers.${layer}.recurrent`, wide);\n    add(`layers.${layer}.bias`, [wide]);\n    if (cell === \"gru\") add(`layers.${layer}.bias_new`, [hidden]);\n  }\n  addPadded(\"decoder.weight\", vocabSize);\n  add(\"decoder.bias\", [vocabSize]);\n  return entries;\n}\n\nfunction checkKept(tensors, entries) {\n  const agrees = entries.every(({ name, shape }) => {\n    const said = own(tensors, name);\n    if (!isObject(said) || Object.keys(said).length !== 2) return false;\n    const kept = shape.length === 2 ? \"int8\" : \"float32\";\n    return own(said, \"kept\") === kept && sameNumbers(own(said, \"shape\"), shape);\n  });\n  if (!agrees || Object.keys(tensors).length !== entries.length) {\n    throw brokenFile(\"the header's list of tensors is not the one of this model\");\n  }\n}\n\nfunction storedTensors(entries) {\n  const expected = new Map();\n  for (const { name, shape, stored } of entries) {\n    const matrix = shape.length === 2;\n    expected.set(name, { dtype: matrix ? \"I8\" : \"F32\", shape: stored });\n    if (matrix) expected.set(`${name}.scale`, { dtype: \"F32\", shape: [shape[0]] });\n  }\n  return expected;\n}\n\nfunction readEntry(buffer, start, { name, shape, stored }, places, tensors) {\n  if (shape.length === 1) {\n    const data = floats(buffer, start + places.get(name), shape[0]);\n    checkFinite(name, data);\n    tensors.set(name, { data, shape });\n    return;\n  }\n  const data = new Int8Array(buffer, start + places.get(name), stored[0] * stored[1]);\n  if (data.includes(-128)) throw brokenFile(`${name} holds -128; it must be -127 to 127`);\n  checkPadding(name, data, shape[1], stored[1]);\n  tensors.set(name, { data, shape: stored });\n  const scale = floats(buffer, start + places.get(`${name}.scale`), shape[0]);\n  checkFinite(`${name}.scale`, scale);\n  const low = scale.find((number) => number <= 0);\n  if (low !== undefined) throw brokenFile(`${name}.scale holds ${low}; it must be above 0`);\n  tensors.set(`${name}.scale`, { data: scale, shape: [shape[0]] });\n}\n\nfunction floats(buffer, at, count) {\n  if (at % 4 === 0) return new Float32Array(buffer, at, count);\n  return new Float32Array(buffer.slice(at, at + 4 * count));\n}\n\nfunction checkFinite(name, data) {\n  const wrong = data.find((number) => !Number.isFinite(number));\n  if (wrong !== undefined) throw brokenFile(`${name} holds ${wrong}; it must be finite`);\n}\n\nfunction checkPadding(name, data, used, columns) {\n  if (used === columns) return;\n  for (let row = 0; row < data.length; row += columns) {\n    for (let i = row + used; i < row + columns; i++) {\n      if (data[i] !== 0) throw brokenFile(`the padding of ${name} is not zero`);\n    }\n  }\n}\n\n/**\n * Units that are held at a value while a text is written: after each step's update of a layer the\n * value stands in the place of the unit's c (LSTM) or h, before anything else reads it.\n *\n * @typedef {{layer: number, unit: number, value: number}} Held layers and units count from 0\n */\n\n\n/**\n * @param {?Held[]} held null or left out: nothing is held\n * @param {{layers: number, hidden: number}} config\n * @throws {RangeError} with one line where one of them is not possible\n */\nfunction checkHeld(held, { layers, hidden }) {\n  for (const { layer, unit, value } of held ?? []) {\n    checkPlace(\"layer\", layer, layers);\n    checkPlace(\"unit\", unit, hidden);\n    if (!Number.isFinite(value) || !Number.isFinite(Math.fround(value))) {\n      throw new RangeError(`Unit ${unit} is held at ${shown(value)}; give a finite number.`);\n    }\n  }\n}\n\n/** @throws {RangeError} where a layer or unit is not one of 0 to `of` - 1 */\nfunction checkPlace(name, number, of) {\n  if (Number.isInteger(number) && number >= 0 && number < of) return;\n  throw new RangeError(`The ${name} is ${shown(number)}; it must be whole, 0 to ${of - 1}.`);\n}\n\n/** The exponential function of the portable arithmetic, the same bits everywhere. */\n\nconst EXP_LIMIT = 87;\nconst EXP_LOG2E = Math.fround(1.44269504);\nconst EXP_LN2_HIGH = 0.693359375; // a float32 number, as 0.5 and 1 are\nconst EXP_LN2_LOW = Math.fround(-0.00021219444);\nconst EXP_TERMS = Float32Array.of(\n  1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 0.166666655, 0.5,\n);\nconst LEAST_POWER = -126;\n// 2^-126 to 2^126 by their bits: `2 ** n` need not be exact in every browser.\nconst POWERS = new Float32Array(Int32Array.from({ length: 253 }, (_, i) => (i + 1) << 23).buffer);\nconst ROUNDER = 1.5 * 2 ** 52; // beside it float64 numbers are whole\n\n/**\n * @param {number} x between -2^51 and 2^51\n * @returns {number} the nearest integer, halves to even\n */\nfunction roundHalfEven(x) {\n  return x + ROUNDER - ROUNDER;\n}\n\n/**\n * e^v in float32, each operation rounded, as the top of charrnn/export.py fixes it.\n * @param {number} v a float32 number; beyond -87 and 87 it counts as these\n * @returns {number} a float32 number\n */\nfunction exp32(v) {\n  const f = Math.fround;\n  const x = Math.min(EXP_LIMIT, Math.max(-EXP_LIMIT, v));\n  const n = roundHalfEven(f(x * EXP_LOG2E));\n  const r = f(f(x - f(n * EXP_LN2_HIGH)) - f(n * EXP_LN2_LOW));\n  let p = EXP_TERMS[0];\n  for (let i = 1; i < 6; i++) p = f(f(p * r) + EXP_TERMS[i]);\n  return f(f(f(f(p * f(r * r)) + r) + 1) * POWERS[n - LEAST_POWER]);\n}\n\n/**\n * Drawing a symbol from the scores of a model: the \"weights\", \"top_k\", \"top_p\" and \"draw\" of the\n * portable arithmetic at the top of charrnn/export.py.\n *\n * @typedef {{temperature: number, topK?: ?number, topP?: ?number, length?: number, seed?: number}}\n *   Settings topK and topP may be null or left out\n */\n\n\nconst LEAST_EXPONENT = -87;\n\n/**\n * @param {Settings} settings\n * @throws {RangeError} with one line where one of them is not possible; length and seed may be\n *   left out where nothing is drawn\n */\nfunction checkSettings({ temperature, topK, topP, length, seed }) {\n  if (!Number.isFinite(temperature) || temperature < 0) {\n    throw new RangeError(`The temperature is ${shown(temperature)}; it must be finite, 0 or more.`);\n  }\n  if ((topK ?? null) !== null && !(Number.isInteger(topK) && topK >= 1)) {\n    throw new RangeError(`top_k is ${shown(topK)}; it must be whole, at least 1 (or left out).`);\n  }\n  if ((topP ?? null) !== null && !(Number.isFinite(topP) && topP > 0 && topP <= 1)) {\n    throw new RangeError(`top_p is ${shown(topP)}; it must be above 0, at most 1 (or left out).`);\n  }\n  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) {\n    throw new RangeError(`The length is ${shown(length)}; it must be a whole number, 0 or more.`);\n  }\n  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {\n    throw new RangeError(`The seed is ${shown(seed)}; it must be a whole number, 0 to 2^53 - 1.`);\n  }\n}\n\n/**\n * What each symbol weighs in the draw: the likeliest 1, what is left out 0.\n * @param {Float32Array} logits (V,)\n * @param {Settings} settings\n * @returns {Float64Array} (V,)\n * @throws {ModelError} where the largest logit is not finite, or any is not a number\n */\nfunction weights(logits, { temperature, topK, topP }) {\n  const best = likeliest(logits);\n  const found = new Float64Array(logits.length);\n  if (temperature === 0) {\n    found[best] = 1;\n    return found;\n  }\n  for (let id = 0; id < logits.length; id++) {\n    const v = Math.fround((logits[id] - logits[best]) / temperature);\n    found[id] = v < LEAST_EXPONENT ? 0 : exp32(v);\n  }\n  if ((topK ?? topP ?? null) !== null) truncate(found, ranked(logits), topK, topP);\n  return found;\n}\n\n/** The first of the largest logits. */\nfunction likeliest(logits) {\n  let best = 0;\n  let broken = false;\n  for (let id = 0; id < logits.length; id++) {\n    if (logits[id] > logits[best]) best = id;\n    broken ||= Number.isNaN(logits[id]);\n  }\n  if (broken || !Number.isFinite(logits[best])) {\n    throw new ModelError(\n      \"The model's scores are not finite numbers: its weights are broken, perhaps by a training \" +\n        \"that diverged; train with a lower learning rate.\",\n    );\n  }\n  return best;\n}\n\n/** Leave out, in place, what top_k and then top_p do not reach. */\nfunction truncate(found, order, topK, topP) {\n  for (const id of order.slice(topK ?? order.length)) found[id] = 0;\n  if ((topP ?? null) === null) return;\n  const enough = topP * order.reduce((sum, id) => sum + found[id], 0);\n  let before = 0;\n  for (const id of order) {\n    const reached = before >= enough;\n    before += found[id];\n    if (reached) found[id] = 0;\n  }\n}\n\n/**\n * @param {Float32Array} logits (V,)\n * @returns {number[]} ids by logit, the largest first, equals by id\n */\nfunction ranked(logits) {\n  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);\n}\n\n/**\n * @param {Float32Array} logits (V,)\n * @param {Settings} settings\n * @returns {Float64Array} (V,) what is drawn from: the weights over their sum\n * @throws {ModelError} as `weights`\n */\nfunction probabilities(logits, settings) {\n  const found = weights(logits, settings);\n  const total = found.reduce((sum, weight) => sum + weight, 0);\n  return found.map((weight) => weight / total);\n}\n\n/**\n * @param {Float32Array} logits (V,)\n * @param {number} u in [0, 1)\n * @param {Settings} settings\n * @returns {number} the first id at which the sum of the weights exceeds u times all of it\n * @throws {ModelError} as `weights`\n * @throws {RangeError} where u is outside [0, 1)\n */\nfunction pick(logits, u, settings) {\n  const found = weights(logits, settings);\n  const mark = u * found.reduce((sum, weight) => sum + weight, 0);\n  let reached = 0;\n  const id = found.findIndex((weight) => (reached += weight) > mark);\n  if (!(u >= 0) || id < 0) throw new RangeError(`u is ${u}; it must be at least 0 and below 1.`);\n  return id;\n}\n\n/** A text being traced, in slices of time: every unit's state and the guesses, symbol by symbol. */\n\n\nconst MOST_TRACED = 2000;\nconst GUESSED = 5;\nconst PLAIN = { temperature: 1, topK: null, topP: null };\n\n/**\n * @param {string} text\n * @param {import(\"./vocab.mjs\").Vocab} vocab\n * @returns {number[]} the ids of its symbols that the model knows\n * @throws {RangeError} with one line where there is nothing to read, or too much\n */\nfunction readable(text, vocab) {\n  const { ids } = vocab.encode(text);\n  const unit = vocab.level === \"byte\" ? \"bytes\" : \"characters\";\n  if (ids.length === 0) throw new RangeError(`There are no ${unit} here that the model knows.`);\n  if (ids.length > MOST_TRACED) {\n    throw new RangeError(\n      `The text has ${ids.length} ${unit}; at most ${MOST_TRACED} are read. Take a part of it.`,\n    );\n  }\n  return ids;\n}\n\nclass Tracing {\n  /** @param {object} state one of the network's, which this trace has to itself */\n  constructor(network, vocab, state) {\n    Object.assign(this, { network, vocab, state, ids: [], done: 0, result: null });\n  }\n\n  /**\n   * Begin with a text; characters that the model does not know are left out. A model of single\n   * lines reads its restart symbol first, of which nothing is kept.\n   * @throws {RangeError} with one line where there is nothing to read, or too much\n   */\n  begin(text, turn) {\n    const ids = readable(text, this.vocab);\n    this.network.reset(this.state);\n    const { restart, layers, hidden } = this.network.config;\n    if (restart !== null) this.network.step(this.state, restart);\n    const room = () => new Float32Array(ids.length * layers * hidden);\n    Object.assign(this, { turn, ids, done: 0 });\n    this.result = { ids, cells: room(), shown: room(), guesses: [], given: [] };\n  }\n\n  get active() {\n    return this.done < this.ids.length;\n  }\n\n  /** Read for about `milliseconds`. */\n  slice(milliseconds) {\n    const begun = performance.now();\n    do this.#read(); while (this.active && performance.now() - begun < milliseconds);\n  }\n\n  /**\n   * What came of it, once: ids; cells and shown, (T, L, H) each, tanh(c) and h of an LSTM, else h\n   * twice; guesses, the five likeliest [{id, p}] after each; given, the probability that the\n   * symbol after each had, null after the last.\n   */\n  take() {\n    const { result } = this;\n    this.result = null;\n    return result;\n  }\n\n  #read() {\n    const { layers, hidden } = this.network.config;\n    const { cells, shown, guesses, given } = this.result;\n    const look = (l) => {\n      const first = (this.done * layers + l) * hidden;\n      const [c, h] = [cells, shown].map((all) => all.subarray(first, first + hidden));\n      this.network.look(this.state, l, c, h);\n    };\n    const logits = this.network.step(this.state, this.ids[this.done], look);\n    this.done += 1;\n    const p = probabilities(logits, PLAIN);\n    guesses.push(ranked(logits).slice(0, GUESSED).map((id) => ({ id, p: p[id] })));\n    given.push(this.active ? p[this.ids[this.done]] : null);\n  }\n\n  /** Read nothing more. */\n  pause() {\n    Object.assign(this, { ids: [], done: 0, result: null });\n  }\n}\n\n/**\n * NumPy's random numbers: PCG XSL-RR 128/64 (M. O'Neill, 2014), seeded through NumPy's SeedSequence\n * (a pool of four 32-bit words, mixed as M. O'Neill's seed_seq_fe128).\n */\n\nconst LOW_64 = (1n << 64n) - 1n;\nconst LOW_128 = (1n << 128n) - 1n;\nconst PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;\nconst POOL_WORDS = 4;\n\n/** The generator of `np.random.Generator(np.random.PCG64(seed))`. */\nclass PCG64 {\n  #state;\n  #increment;\n\n  /**\n   * @param {number} seed a whole number, 0 to 2^53 - 1\n   * @throws {RangeError}\n   */\n  constructor(seed) {\n    if (!Number.isSafeInteger(seed) || seed < 0) {\n      throw new RangeError(`The seed is ${seed}; it must be a whole number, 0 to 2^53 - 1.`);\n    }\n    const [high, low, streamHigh, streamLow] = seedWords(seed);\n    this.#increment = (((streamHigh << 64n) | streamLow) << 1n) | 1n;\n    this.#state = this.#increment + ((high << 64n) | low);\n    this.#step();\n  }\n\n  #step() {\n    this.#state = (this.#state * PCG_MULTIPLIER + this.#increment) & LOW_128;\n  }\n\n  /** @returns {bigint} the next 64 random bits */\n  next() {\n    this.#step();\n    const word = ((this.#state >> 64n) ^ this.#state) & LOW_64;\n    const turn = this.#state >> 122n;\n    return ((word >> turn) | (word << (64n - turn))) & LOW_64;\n  }\n\n  /** @returns {number} the next of `Generator.random()`: uniform in [0, 1), a multiple of 2^-53 */\n  random() {\n    return Number(this.next() >> 11n) / 2 ** 53;\n  }\n}\n\n/** SeedSequence(seed).generate_state(4, np.uint64), as bigints. */\nfunction seedWords(seed) {\n  const pool = seedPool(seed);\n  const hash = hasher(0x8b51f9dd, 0x58f38ded);\n  const words = Array.from({ length: 8 }, (_, i) => BigInt(hash(pool[i % POOL_WORDS])));\n  return [0, 2, 4, 6].map((i) => (words[i + 1] << 32n) | words[i]);\n}\n\nfunction seedPool(seed) {\n  const hash = hasher(0x43b0d7e5, 0x931e8875);\n  const pool = [seed % 2 ** 32, Math.floor(seed / 2 ** 32), 0, 0].map(hash);\n  for (let from = 0; from < POOL_WORDS; from++) {\n    for (let to = 0; to < POOL_WORDS; to++) {\n      if (from !== to) pool[to] = mixed(pool[to], hash(pool[from]));\n    }\n  }\n  return pool;\n}\n\n/** A hash of 32-bit words whose constant changes from word to word. */\nfunction hasher(constant, multiplier) {\n  return (word) => {\n    const keyed = word ^ constant;\n    constant = Math.imul(constant, multiplier);\n    return folded(Math.imul(keyed, constant));\n  };\n}\n\nfunction mixed(x, y) {\n  return folded(Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y));\n}\n\nfunction folded(word) {\n  return (word ^ (word >>> 16)) >>> 0;\n}\n\n/** Text to ids and back: the symbols of a model are characters (code points) or bytes of UTF-8. */\n\nconst NEWLINE = 10;\nconst SIGNS = new Map([\n  [\" \", \"\u2423\"],\n  [\"\\n\", \"\u21b5\"],\n  [\"\\t\", \"\u21e5\"],\n  [\"\\r\", \"\u240d\"],\n  [\"\\x7f\", \"\u2421\"],\n]); // the first four as in charrnn.figures\nconst INVISIBLE = /[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Z}]/u;\nconst COMBINING = /\\p{M}/u;\n\n/** The V symbols that a model knows, in the order of their ids. */\nclass Vocab {\n  #ids;\n\n  /**\n   * @param {{level: \"char\" | \"byte\", symbols: string | string[] | number[]}} vocab as parseModel\n   *   gives it: characters, or bytes as integers\n   */\n  constructor({ level, symbols }) {\n    this.level = level;\n    this.symbols = Array.from(symbols);\n    this.#ids = new Map(this.symbols.map((symbol, id) => [symbol, id]));\n  }\n\n  /** @returns {number} V */\n  get size() {\n    return this.symbols.length;\n  }\n\n  /**\n   * @param {string} text\n   * @returns {{ids: number[], unknown: {index: number, symbol: string | number}[]}} the ids of the\n   *   symbols that the model knows, and the others with their places, counted in code points, or\n   *   in bytes at byte level\n   */\n  encode(text) {\n    const ids = [];\n    const unknown = [];\n    this.#units(text).forEach((symbol, index) => {\n      const id = this.#ids.get(symbol);\n      if (id === undefined) unknown.push({ index, symbol });\n      else ids.push(id);\n    });\n    return { ids, unknown };\n  }\n\n  #units(text) {\n    return Array.from(this.level === \"byte\" ? new TextEncoder().encode(text) : text);\n  }\n\n  /**\n   * What is read before anything is drawn.\n   * @param {string} text\n   * @param {?number} restart the symbol that a model of single lines reads first\n   * @returns {number[]} the ids of its known symbols; where there is none, of a newline, or 0\n   */\n  primer(text, restart = null) {\n    const { ids } = this.encode(text);\n    if (restart !== null) return [restart, ...ids];\n    if (ids.length > 0) return ids;\n    return [this.#ids.get(this.level === \"byte\" ? NEWLINE : \"\\n\") ?? 0];\n  }\n\n  /**\n   * @param {number} id\n   * @returns {string | number} its character or byte\n   * @throws {RangeError}\n   */\n  symbol(id) {\n    const symbol = this.symbols[id];\n    if (symbol === undefined) {\n      const last = this.size - 1;\n      throw new RangeError(`There is no symbol ${id}; ids are whole numbers, 0 to ${last}.`);\n    }\n    return symbol;\n  }\n\n  /**\n   * @param {number} id\n   * @returns {string} the symbol as it can be shown: \"a\", \"\u21b5\", \"\u2423\", \"0xC3\" for a byte above 127\n   * @throws {RangeError} where there is no such id\n   */\n  label(id) {\n    const symbol = this.symbol(id);\n    if (this.level === \"char\") return visible(symbol);\n    if (symbol > 127) return `0x${symbol.toString(16).toUpperCase()}`;\n    return visible(String.fromCharCode(symbol));\n  }\n}\n\nfunction visible(character) {\n  const code = character.codePointAt(0);\n  if (SIGNS.has(character)) return SIGNS.get(character);\n  if (code < 32) return String.fromCharCode(0x2400 + code); // Unicode's pictures of controls\n  if (INVISIBLE.test(character)) return `U+${code.toString(16).toUpperCase().padStart(4, \"0\")}`;\n  return COMBINING.test(character) ? `\u25cc${character}` : character;\n}\n\n/** Ids to text as they come: at byte level a character appears with its last byte. */\nclass Decoder {\n  #vocab;\n  #utf8 = new TextDecoder(\"utf-8\", { ignoreBOM: true }); // which is to say: do not swallow one\n\n  /** @param {Vocab} vocab */\n  constructor(vocab) {\n    this.#vocab = vocab;\n  }\n\n  /**\n   * @param {number} id\n   * @returns {string} the text that it completes, maybe none; what is not UTF-8 shows as U+FFFD\n   * @throws {RangeError} where there is no such id\n   */\n  push(id) {\n    const symbol = this.#vocab.symbol(id);\n    if (this.#vocab.level === \"char\") return symbol;\n    return this.#utf8.decode(Uint8Array.of(symbol), { stream: true });\n  }\n\n  /** @returns {string} U+FFFD where the text ends within a character, else nothing */\n  finish() {\n    return this.#utf8.decode();\n  }\n}\n\n/** A text being written, in slices of time: its prompt is read, then symbol after symbol drawn. */\n\n\nclass Writing {\n  /**\n   * @param {import(\"./network.mjs\").Network} network\n   * @param {import(\"./vocab.mjs\").Vocab} vocab\n   * @param {object} state one of the network's, which this text has to itself\n   */\n  constructor(network, vocab, state) {\n    Object.assign(this, { network, vocab, state, remaining: 0, drawn: 0, seconds: 0 });\n  }\n\n  /** Begin: forget what was read, and read `prompt` before anything is drawn. */\n  begin(prompt, settings, turn) {\n    this.network.reset(this.state);\n    this.state.held = null; // while the prompt is read\n    Object.assign(this, { settings, turn });\n    this.random = new PCG64(settings.seed);\n    this.decoder = new Decoder(this.vocab);\n    const ids = this.vocab.primer(prompt, this.network.config.restart);\n    this.next = ids.at(-1); // read when the first symbol is drawn\n    this.unread = ids.slice(0, -1).reverse();\n    this.remaining = settings.length;\n    this.drawn = this.seconds = 0;\n  }\n\n  /** Go on for `settings.length` symbols more, at these settings but for the seed. */\n  extend(settings, turn) {\n    Object.assign(this, { settings, turn });\n    this.remaining = settings.length;\n  }\n\n  /** Draw nothing more for now. */\n  pause() {\n    this.remaining = 0;\n  }\n\n  get active() {\n    return this.remaining > 0;\n  }\n\n  /** Work for about `milliseconds`; returns the text that came. */\n  slice(milliseconds) {\n    const begun = performance.now();\n    let text = \"\";\n    do {\n      if (this.unread.length > 0) this.network.step(this.state, this.unread.pop());\n      else text += this.#draw();\n    } while (this.active && performance.now() - begun < milliseconds);\n    this.seconds += (performance.now() - begun) / 1000;\n    return text;\n  }\n\n  #draw() {\n    this.state.held = this.settings.held ?? null;\n    const logits = this.network.step(this.state, this.next);\n    this.next = pick(logits, this.random.random(), this.settings);\n    this.drawn += 1;\n    this.remaining -= 1;\n    return this.decoder.push(this.next);\n  }\n}\n\n/**\n * A part of the state of one text copied into another, in slices of time: both texts are read but\n * for their last symbol, a part of the donor's state takes the place of the recipient's, and then\n * the last symbol is read: by the donor, by the recipient as it was, and with the part copied.\n *\n * @typedef {{what: \"h\" | \"c\" | \"hc\", layer: ?number, unit: ?number}} Part layers and units count\n *   from 0; null: all. A network without cells has nothing but h\n */\n\n\nconst PLAIN_DRAW = { temperature: 1, topK: null, topP: null };\nconst LIKELIEST = 8;\nconst SORTS = [\"h\", \"c\", \"hc\"];\n\n/**\n * @param {Part[]} parts\n * @param {{layers: number, hidden: number}} config\n * @throws {RangeError} with one line where one of them is not possible\n */\nfunction checkParts(parts, { layers, hidden }) {\n  for (const { what, layer, unit } of parts) {\n    if (!SORTS.includes(what)) {\n      throw new RangeError(`What is copied is ${shown(what)}; it must be h, c or hc.`);\n    }\n    if (layer !== null) checkPlace(\"layer\", layer, layers);\n    if (unit !== null) checkPlace(\"unit\", unit, hidden);\n  }\n}\n\nclass Grafting {\n  /** @param {object} state one of the network's, which this job has to itself */\n  constructor(network, vocab, state) {\n    const states = [state, network.newState(), network.newState()];\n    /** The donor, the recipient, and the recipient with the part. */\n    this.sides = states.map((one) => new Writing(network, vocab, one));\n    Object.assign(this, { network, vocab, unread: [], copied: true });\n  }\n\n  /**\n   * Begin with two texts; characters that the model does not know are left out.\n   * @param {{donor: string, recipient: string, parts: Part[], settings: object}} asked\n   * @throws {RangeError} with one line where a text cannot be read, or their ends differ\n   */\n  begin({ donor, recipient, parts, settings }, turn) {\n    this.#checkEnds(...[[\"donor\", donor], [\"recipient\", recipient]].map(\n      ([name, text]) => named(name, () => readable(text, this.vocab)).at(-1)));\n    Object.assign(this, { turn, parts, copied: false });\n    [donor, recipient, recipient].forEach((text, i) => this.sides[i].begin(text, settings, turn));\n    this.unread = this.sides.slice(0, 2);\n  }\n\n  get active() {\n    return !this.copied || this.sides.some((side) => side.active);\n  }\n\n  /**\n   * Work for about `milliseconds`.\n   * @returns {{guesses: ?{id: number, p: number}[][], texts: string[], done: boolean}} of the three\n   *   sides: once, their likeliest next symbols; and what came of their texts\n   */\n  slice(milliseconds) {\n    const begun = performance.now();\n    while (this.unread.length > 0 && performance.now() - begun < milliseconds) this.#read();\n    let [guesses, texts] = [null, [\"\", \"\", \"\"]];\n    if (this.unread.length === 0 && !this.copied) guesses = this.#copy();\n    else if (this.copied) texts = this.sides.map((side) => this.#write(side, milliseconds / 3));\n    return { guesses, texts, done: !this.active };\n  }\n\n  /** Write nothing more. */\n  pause() {\n    Object.assign(this, { unread: [], copied: true });\n    this.sides.forEach((side) => side.pause());\n  }\n\n  #read() {\n    const [side] = this.unread;\n    if (side.unread.length > 0) this.network.step(side.state, side.unread.pop());\n    else this.unread.shift();\n  }\n\n  #copy() {\n    const { network, sides: [donor, recipient, mixed] } = this;\n    network.restore(mixed.state, network.snapshot(recipient.state));\n    for (const part of this.parts) network.copy(donor.state, mixed.state, part);\n    mixed.unread = [];\n    this.copied = true;\n    return this.sides.map((side) => this.#expected(side));\n  }\n\n  /** What is likeliest after the last symbol, which stays to be read by who writes on. */\n  #expected({ state, next }) {\n    const before = this.network.snapshot(state);\n    const logits = this.network.step(state, next);\n    const p = probabilities(logits, PLAIN_DRAW);\n    const guesses = ranked(logits).slice(0, LIKELIEST).map((id) => ({ id, p: p[id] }));\n    this.network.restore(state, before);\n    return guesses;\n  }\n\n  #write(side, milliseconds) {\n    if (!side.active) return \"\";\n    const text = side.slice(milliseconds);\n    return side.active ? text : text + side.decoder.finish();\n  }\n\n  #checkEnds(donor, recipient) {\n    if (donor === recipient) return;\n    const [one, other] = [donor, recipient].map((id) => `\u201c${this.vocab.label(id)}\u201d`);\n    throw new RangeError(\n      `The donor ends in ${one}, the recipient in ${other}; let both texts end alike.`,\n    );\n  }\n}\n\n/** Whose text it is that cannot be read. */\nfunction named(name, read) {\n  try {\n    return read();\n  } catch (error) {\n    throw error instanceof RangeError ? new RangeError(`The ${name}: ${error.message}`) : error;\n  }\n}\n\n/** The functions of the gates in the portable arithmetic, the same bits everywhere. */\n\n\n/**\n * @param {number} v a float32 number\n * @returns {number} 1 / (1 + exp(-v)), each operation rounded to float32\n */\nfunction sigmoid32(v) {\n  return Math.fround(1 / Math.fround(1 + exp32(-v)));\n}\n\n/**\n * @param {number} v a float32 number\n * @returns {number} (2 / (1 + exp(-2 v))) - 1, each operation rounded to float32\n */\nfunction tanh32(v) {\n  return Math.fround(Math.fround(2 / Math.fround(1 + exp32(Math.fround(-2 * v)))) - 1);\n}\n\n/**\n * The network in WebAssembly: memory laid out, and one step of it. The arithmetic is the portable\n * one of charrnn/export.py, of which kernel.ts does the vectors.\n *\n * @typedef {{layers: {memory: number, kept: number}[], held: ?import(\"./held.mjs\").Held[]}} State\n *   addresses: of c (LSTM) or h (GRU), float32 (W), and of the activations that products take,\n *   int16 (W); and the units that are held at a value\n */\n\n\nconst PAGE = 65536;\nconst LANE = 32;\nconst OUTPUT = 3; // the place of an LSTM's output gate among its parts\n\n/** The scale A of the activations: the largest whose sums of H products stay in 32 bits. */\nfunction activationScale(hidden) {\n  return Math.min(32767, Math.floor((2 ** 31 - 1) / (127 * hidden)));\n}\n\nclass Network {\n  /**\n   * @param {object} model what parseModel gave\n   * @param {WebAssembly.Module} kernel\n   */\n  constructor({ config, tensors }, kernel) {\n    this.config = config;\n    this.width = LANE * Math.ceil(config.hidden / LANE);\n    this.scale = activationScale(config.hidden);\n    this.memory = new WebAssembly.Memory({ initial: 1 });\n    this.kernel = new WebAssembly.Instance(kernel, { env: { memory: this.memory } }).exports;\n    this.end = 16;\n    this.table = this.#table(tensors);\n    this.layers = Array.from({ length: config.layers }, (_, l) => this.#layer(tensors, l));\n    this.decoder = this.#matrix(tensors, \"decoder.weight\", 1, config.vocabSize);\n    this.decoder.bias = this.#vector(tensors.get(\"decoder.bias\").data, 1, config.vocabSize);\n    this.gates = this.#space(4 * config.parts * this.width);\n    this.inputs = this.#space(4 * config.parts * this.width);\n    this.logits = this.#space(4 * config.vocabSize);\n  }\n\n  /** A state that has read nothing: all zero. @returns {State} */\n  newState() {\n    const { width } = this;\n    const layer = () => ({ memory: this.#space(4 * width), kept: this.#space(2 * width) });\n    const state = { layers: Array.from({ length: this.config.layers }, layer), held: null };\n    this.reset(state);\n    return state;\n  }\n\n  /** Forget what was read. */\n  reset(state) {\n    this.restore(state, new Uint8Array(6 * this.width * this.config.layers));\n  }\n\n  /** A copy of a state, Uint8Array. */\n  snapshot({ layers }) {\n    const from = layers[0].memory;\n    const bytes = new Uint8Array(this.memory.buffer);\n    return bytes.slice(from, from + 6 * this.width * layers.length);\n  }\n\n  /** Go on from a snapshot. */\n  restore({ layers }, snapshot) {\n    new Uint8Array(this.memory.buffer).set(snapshot, layers[0].memory);\n  }\n\n  /**\n   * Copy a part of a state into another: of h what products take of it, and where there is no\n   * cell beside it, all of it.\n   * @param {import(\"./grafting.mjs\").Part} part\n   */\n  copy(from, to, { what, layer, unit }) {\n    const { hidden, cell } = this.config;\n    const [first, count] = unit === null ? [0, hidden] : [unit, 1];\n    const move = (Kind, source, target) => {\n      const [read, written] = [source, target].map((at) => new Kind(this.memory.buffer, at));\n      written.set(read.subarray(first, first + count), first);\n    };\n    from.layers.forEach((source, l) => {\n      if (layer !== null && layer !== l) return;\n      const target = to.layers[l];\n      if (what.includes(\"h\")) move(Int16Array, source.kept, target.kept);\n      if (what.includes(cell === \"lstm\" ? \"c\" : \"h\")) {\n        move(Float32Array, source.memory, target.memory);\n      }\n    });\n  }\n\n  /**\n   * Read one symbol; the state is emptied first where it is the one that restarts a model.\n   * @param {(layer: number) => void} seen called after each layer's step, for `look`\n   * @returns {Float32Array} scores of the next symbol (V,), a view that the next step overwrites\n   */\n  step(state, id, seen = null) {\n    const { parts, vocabSize, restart } = this.config;\n    const wide = parts * this.width;\n    if (id === restart) this.reset(state);\n    this.kernel.lookup(this.table.rows + id * wide, this.table.scales[id], this.inputs, wide);\n    this.layers.forEach((layer, l) => {\n      if (l > 0) this.#multiply(layer.below, state.layers[l - 1].kept, this.inputs);\n      this.#multiply(layer.recurrent, state.layers[l].kept, this.gates);\n      this.#update(layer, state.layers[l]);\n      for (const held of state.held ?? []) if (held.layer === l) this.#hold(state, held);\n      seen?.(l);\n    });\n    this.#multiply(this.decoder, state.layers.at(-1).kept, this.logits);\n    this.kernel.add(this.logits, this.decoder.bias, vocabSize);\n    return new Float32Array(this.memory.buffer, this.logits, vocabSize);\n  }\n\n  /**\n   * The state of a layer's units right after its step: tanh(c) and h of an LSTM, else h twice.\n   * @param {Float32Array} cells (H,), to be filled\n   * @param {Float32Array} shown (H,), to be filled\n   */\n  look(state, l, cells, shown) {\n    const { hidden, cell } = this.config;\n    const memory = new Float32Array(this.memory.buffer, state.layers[l].memory, hidden);\n    const into = this.#inputs(l, cell === \"lstm\" ? OUTPUT : 0);\n    for (let j = 0; j < hidden; j++) {\n      cells[j] = cell === \"gru\" ? memory[j] : tanh32(cell === \"lstm\" ? memory[j] : into(j));\n      shown[j] = cell === \"lstm\" ? sigmoid32(into(j)) * cells[j] : cells[j];\n    }\n  }\n\n  /** What goes into a part of each unit, (x + u) + bias: a layer's step leaves it where it was. */\n  #inputs(l, part) {\n    const at = (address) =>\n      new Float32Array(this.memory.buffer, address + 4 * part * this.width, this.config.hidden);\n    const [x, u, bias] = [this.inputs, this.gates, this.layers[l].bias].map(at);\n    return (j) => Math.fround(Math.fround(x[j] + u[j]) + bias[j]);\n  }\n\n  /** The value in the place of what the step gave a unit, and of what products take of it. */\n  #hold({ layers }, { layer: l, unit, value }) {\n    const { memory, kept } = layers[l];\n    const v = Math.fround(value);\n    const gate = this.config.cell === \"lstm\" ? sigmoid32(this.#inputs(l, OUTPUT)(unit)) : null;\n    const h = gate === null ? v : Math.fround(gate * tanh32(v));\n    const whole = roundHalfEven(Math.fround(h * this.scale));\n    const { buffer } = this.memory;\n    new Float32Array(buffer, memory)[unit] = v;\n    new Int16Array(buffer, kept)[unit] = Math.min(this.scale, Math.max(-this.scale, whole));\n  }\n\n  #multiply({ rows, factors, height, parts }, kept, out) {\n    for (let p = 0; p < parts; p++) {\n      this.kernel.dot(\n        rows + p * height * this.width, factors + 4 * p * height, kept, out + 4 * p * this.width,\n        height, this.width,\n      );\n    }\n  }\n\n  #update({ bias, fresh }, { memory, kept }) {\n    const { inputs, gates, width, scale, kernel } = this;\n    const { cell } = this.config;\n    if (cell === \"lstm\") kernel.lstm(inputs, gates, bias, memory, kept, width, scale);\n    else if (cell === \"gru\") kernel.gru(inputs, gates, bias, fresh, memory, kept, width, scale);\n    else kernel.rnn(inputs, gates, bias, kept, width, scale);\n  }\n\n  #layer(tensors, l) {\n    const { hidden, parts, cell } = this.config;\n    const vector = (name, n) => this.#vector(tensors.get(`layers.${l}.${name}`).data, n, hidden);\n    return {\n      below: l > 0 ? this.#matrix(tensors, `layers.${l}.below`, parts, hidden) : null,\n      recurrent: this.#matrix(tensors, `layers.${l}.recurrent`, parts, hidden),\n      bias: vector(\"bias\", parts),\n      fresh: cell === \"gru\" ? vector(\"bias_new\", 1) : 0,\n    };\n  }\n\n  /** The first layer's table, its rows as P stretches of W: (V, P W) int8. */\n  #table(tensors) {\n    const { parts, hidden, vocabSize } = this.config;\n    const { data } = tensors.get(\"layers.0.lookup\");\n    const rows = this.#space(vocabSize * parts * this.width);\n    const bytes = new Int8Array(this.memory.buffer, rows, vocabSize * parts * this.width);\n    for (let k = 0; k < vocabSize * parts; k++) {\n      bytes.set(data.subarray(k * hidden, (k + 1) * hidden), k * this.width);\n    }\n    return { rows, scales: Float32Array.from(tensors.get(\"layers.0.lookup.scale\").data) };\n  }\n\n  /** int8 rows as they are in the file, and for each row its scale / A. */\n  #matrix(tensors, name, parts, height) {\n    const { data } = tensors.get(name);\n    const rows = this.#space(data.length);\n    new Int8Array(this.memory.buffer).set(data, rows);\n    const factors = this.#space(4 * parts * height);\n    const scaled = tensors.get(`${name}.scale`).data.map((s) => s / this.scale);\n    new Float32Array(this.memory.buffer, factors, parts * height).set(scaled);\n    return { rows, factors, height, parts };\n  }\n\n  /** A float32 vector as P stretches, each padded with zeros to W (or to a multiple of 4). */\n  #vector(data, parts, height) {\n    const address = this.#space(4 * parts * this.width + 4 * height);\n    const floats = new Float32Array(this.memory.buffer, address);\n    for (let p = 0; p < parts; p++) {\n      floats.set(data.subarray(p * height, (p + 1) * height), p * this.width);\n    }\n    return address;\n  }\n\n  /** Fresh zeroed memory, aligned to 16 bytes, with room to read and write a block beyond it. */\n  #space(bytes) {\n    const address = this.end;\n    this.end = 16 * Math.ceil((address + bytes) / 16);\n    const missing = this.end + 4 * LANE - this.memory.buffer.byteLength;\n    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));\n    return address;\n  }\n}\n\n/** A text being read: what the network expects after each of its symbols. */\n\n\nconst REMEMBERED = 512;\n\nclass Reading {\n  /** @param state one of the network's, which this reader has to itself */\n  constructor(network, vocab, state) {\n    Object.assign(this, { network, vocab, state });\n    /** What was read and what came of it: {id, logits, snapshot}, one a symbol. */\n    this.steps = [];\n  }\n\n  /**\n   * The guesses after every symbol of a text; only what changed since the last text is read.\n   * @param {number[]} ids at least one\n   * @param {{temperature: number, topK: ?number, topP: ?number}} settings\n   * @param {number} count guesses a symbol\n   * @param {number} rows for how many of the last symbols\n   * @returns {{id: number, guesses: {id: number, p: number}[], given: ?number}[]} `given`: the\n   *   probability that the symbol after it had; null after the last\n   */\n  read(ids, settings, count, rows) {\n    let same = 0;\n    while (same < this.steps.length && this.steps[same].id === ids[same]) same += 1;\n    if (same > 0 && !this.steps[same - 1].snapshot) same = 0; // forgotten\n    this.steps.length = same;\n    if (same === 0) this.network.reset(this.state);\n    else this.network.restore(this.state, this.steps[same - 1].snapshot);\n    for (const id of ids.slice(same)) this.#step(id);\n    const first = Math.max(0, ids.length - rows);\n    return ids.slice(first).map((id, i) => this.#row(first + i, settings, count, ids));\n  }\n\n  #step(id) {\n    const logits = this.network.step(this.state, id).slice();\n    this.steps.push({ id, logits, snapshot: this.network.snapshot(this.state) });\n    const old = this.steps.at(-1 - REMEMBERED);\n    if (old) old.snapshot = null;\n  }\n\n  #row(at, settings, count, ids) {\n    const { id, logits } = this.steps[at];\n    const p = probabilities(logits, settings);\n    const guesses = ranked(logits).slice(0, count).map((guess) => ({ id: guess, p: p[guess] }));\n    return { id, guesses, given: at + 1 < ids.length ? p[ids[at + 1]] : null };\n  }\n}\n\n/** The seal of a model file: the SHA-256 of the whole, as charrnn/checkpoint.py writes it. */\n\n\nconst KEY = new TextEncoder().encode('\"charrnn.sha256\":\"');\nconst DIGITS = 64;\n\n/**\n * @param {ArrayBuffer} buffer a file; one without a seal passes, and so does any where there is no\n *   cryptography: a browser has it on https and on this machine's own pages\n * @param {?SubtleCrypto} subtle\n * @throws {ModelError} where it is not as it was when it was sealed\n */\nasync function checkSeal(buffer, subtle = globalThis.crypto?.subtle) {\n  const { seal, start } = readContainer(buffer);\n  if (seal === undefined) return;\n  const unsealed = new Uint8Array(buffer.slice(0));\n  const place = indexOf(unsealed.subarray(0, start), KEY) + KEY.length;\n  if (place < KEY.length || textAt(unsealed, place) !== seal) {\n    throw brokenFile('its seal must stand there as \"charrnn.sha256\":\"...\", with no space between');\n  }\n  if (!subtle) return;\n  unsealed.fill(\"0\".charCodeAt(0), place, place + DIGITS);\n  const digest = new Uint8Array(await subtle.digest(\"SHA-256\", unsealed));\n  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, \"0\")).join(\"\");\n  if (seal !== found) throw brokenFile(\"it is not as it was written (its seal does not fit)\");\n}\n\nfunction textAt(bytes, place) {\n  return String.fromCharCode(...bytes.subarray(place, place + DIGITS));\n}\n\n/** Where `part` first stands in `bytes`; -1 where it does not. */\nfunction indexOf(bytes, part) {\n  let at = bytes.indexOf(part[0]);\n  while (at >= 0 && !part.every((byte, i) => bytes[at + i] === byte)) {\n    at = bytes.indexOf(part[0], at + 1);\n  }\n  return at;\n}\n\n/**\n * What the worker does: it loads one model, and then writes and reads texts under names that the\n * page chooses. Messages in, messages out; texts that are worked on at once take turns.\n *\n * In:   load {url | bytes}; write {job, turn, prompt, settings}; more {job, turn, settings};\n *       stop {job}; read {job, turn, text, settings, count, rows}; trace {job, turn, text};\n *       graft {job, turn, donor, recipient, parts, settings}\n * Out:  progress {received, total}; loaded {config, vocab, provenance, bytes};\n *       text {job, turn, text, drawn, seconds, done}; guesses {job, turn, rows};\n *       traced {job, turn, ids, cells, shown, guesses, given};\n *       grafted {job, turn, guesses, texts, done}; failed {job, turn, message}\n * `turn` comes back as it was given: it tells the answers to one request from the next one's.\n */\n\n\nconst SLICE = 8;\nconst NO_SIMD =\n  \"This browser has no WebAssembly SIMD, which the model needs. \" +\n  \"Chrome 91, Firefox 89 and Safari 16.4 or newer have it.\";\n\nclass Engine {\n  /**\n   * @param {(message: object, moved?: ArrayBuffer[]) => void} post where answers go, and what of\n   *   them is moved, not copied\n   * @param {Uint8Array} kernel kernel.wasm\n   */\n  constructor(post, kernel) {\n    Object.assign(this, { post, kernel, network: null, running: false });\n    this.writings = new Map();\n    this.readings = new Map();\n    this.tracings = new Map();\n    this.graftings = new Map();\n  }\n\n  /** Do what a message asks. What is wrong is posted as `failed`, never thrown. */\n  async handle(message) {\n    try {\n      await this[`on_${message.type}`](message);\n    } catch (error) {\n      this.#fail(message, error);\n    }\n  }\n\n  async on_load({ url, bytes }) {\n    const report = (received, total) => this.post({ type: \"progress\", received, total });\n    let size;\n    const read = async (buffer) => {\n      size = buffer.byteLength;\n      const parsed = parseModel(buffer);\n      await checkSeal(buffer);\n      return parsed;\n    };\n    const model = await (bytes ? read(bytes) : download(url, read, report));\n    if (!WebAssembly.validate(this.kernel)) throw new ModelError(NO_SIMD);\n    this.network = new Network(model, await WebAssembly.compile(this.kernel));\n    this.vocab = new Vocab(model.vocab);\n    const { config, vocab, provenance } = model;\n    this.post({ type: \"loaded\", config, vocab, provenance, bytes: size });\n  }\n\n  on_write({ job, turn, prompt, settings }) {\n    this.#writing(job, settings).begin(prompt, settings, turn);\n    return this.#run();\n  }\n\n  on_more({ job, turn, settings }) {\n    this.#writing(job, settings).extend(settings, turn);\n    return this.#run();\n  }\n\n  on_stop({ job }) {\n    const writing = this.writings.get(job);\n    if (!writing?.active) return;\n    writing.pause();\n    this.#tell(job, writing, \"\");\n  }\n\n  on_read({ job, turn, text, settings, count, rows }) {\n    checkSettings(settings);\n    const reading = this.#of(this.readings, job, Reading);\n    const primer = this.vocab.primer(text, this.network.config.restart);\n    const found = reading.read(primer, settings, count, rows);\n    this.post({ type: \"guesses\", job, turn, rows: found });\n  }\n\n  on_trace({ job, turn, text }) {\n    this.#of(this.tracings, job, Tracing).begin(text, turn);\n    return this.#run();\n  }\n\n  on_graft({ job, turn, settings, parts, ...texts }) {\n    checkSettings(settings);\n    const grafting = this.#of(this.graftings, job, Grafting);\n    checkParts(parts, this.network.config);\n    grafting.begin({ ...texts, parts, settings }, turn);\n    return this.#run();\n  }\n\n  #writing(job, settings) {\n    checkSettings(settings);\n    const writing = this.#of(this.writings, job, Writing);\n    checkHeld(settings.held, this.network.config);\n    return writing;\n  }\n\n  #of(kept, job, Kind) {\n    if (!this.network) throw new ModelError(\"The model has not been loaded yet.\");\n    if (!kept.has(job)) kept.set(job, new Kind(this.network, this.vocab, this.network.newState()));\n    return kept.get(job);\n  }\n\n  /** Do all texts that are not done, a slice each in turn, listening for messages in between. */\n  async #run() {\n    if (this.running) return;\n    this.running = true;\n    const works = [this.writings, this.tracings, this.graftings];\n    const active = () => works.flatMap((kept) => [...kept].filter(([, work]) => work.active));\n    for (let jobs = active(); jobs.length > 0; jobs = active()) {\n      for (const [job, work] of jobs) this.#slice(job, work);\n      await nextTurn();\n    }\n    this.running = false;\n  }\n\n  #slice(job, work) {\n    try {\n      if (work instanceof Tracing) this.#trace(job, work);\n      else if (work instanceof Grafting) this.#graft(job, work);\n      else this.#write(job, work);\n    } catch (error) {\n      work.pause();\n      this.#fail({ job, turn: work.turn }, error);\n    }\n  }\n\n  #write(job, writing) {\n    let text = writing.slice(SLICE);\n    if (!writing.active) text += writing.decoder.finish();\n    this.#tell(job, writing, text);\n  }\n\n  #trace(job, tracing) {\n    tracing.slice(SLICE);\n    if (tracing.active) return;\n    const found = tracing.take();\n    const moved = [found.cells.buffer, found.shown.buffer];\n    this.post({ type: \"traced\", job, turn: tracing.turn, ...found }, moved);\n  }\n\n  #graft(job, grafting) {\n    const found = grafting.slice(SLICE);\n    this.post({ type: \"grafted\", job, turn: grafting.turn, ...found });\n  }\n\n  #tell(job, { turn, drawn, seconds, active }, text) {\n    this.post({ type: \"text\", job, turn, text, drawn, seconds, done: !active });\n  }\n\n  #fail({ job, turn }, error) {\n    const expected = error instanceof ModelError || error instanceof RangeError;\n    const message = expected ? error.message : `The model could not be run: ${error.message}`;\n    this.post({ type: \"failed\", job, turn, message });\n  }\n}\n\n/** After the messages that wait have been heard; a timer of 0 would wait 4 ms. */\nfunction nextTurn() {\n  return new Promise((resolve) => {\n    const { port1, port2 } = new MessageChannel();\n    port1.onmessage = () => {\n      port1.close();\n      resolve();\n    };\n    port2.postMessage(null);\n  });\n}\n\nconst KERNEL = \"AGFzbQEAAAABNQZgBn9/f39/fQBgB39/f39/f30AYAR/fX9/AGAIf39/f39/f30AYAZ/f39/f38AYAN/f38AAg8BA2VudgZtZW1vcnkCAAADBwYAAQIDBAUHMgcDZG90AAQGbG9va3VwAAIDYWRkAAUEbHN0bQABA2dydQADA3JubgAABm1lbW9yeQIACu0lBpwEAgN7AX8gBEECdCEEIAX9EyEGA0AgBCAJSwRAIAAgCWr9AAQAIAEgCWr9AAQA/eQBIAIgCWr9AAQA/eQB/QwAAADAAAAAwAAAAMAAAADA/eYB/QwAAK5CAACuQgAArkIAAK5C/egB/QwAAK7CAACuwgAArsIAAK7C/ekBIgf9DDuquD87qrg/O6q4PzuquD/95gH9aiEIIAMgCUEBdmr9DAAAAEAAAABAAAAAQAAAAED9DAAAgD8AAIA/AACAPwAAgD/9DGdpUDlnaVA5Z2lQOWdpUDkgByAI/QwAgDE/AIAxPwCAMT8AgDE//eYB/eUBIAj9DIOAXrmDgF65g4BeuYOAXrn95gH95QEiB/3mAf0MzkO3Os5DtzrOQ7c6zkO3Ov3kASAH/eYB/QwIiQg8CIkIPAiJCDwIiQg8/eQBIAf95gH9DMGpKj3BqSo9wakqPcGpKj395AEgB/3mAf0MqqoqPqqqKj6qqio+qqoqPv3kASAH/eYB/QwAAAA/AAAAPwAAAD8AAAA//eQBIAcgB/3mAf3mASAH/eQB/QwAAIA/AACAPwAAgD8AAIA//eQBIAj9+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAf3kAf3nAf0MAACAPwAAgD8AAIA/AACAP/3lASAG/eYB/WogBv3oASAG/eEB/ekB/fgBIgcgB/2FAf1bAwAAIAlBEGohCQwBCwsL5hECCXsCfyAFQQJ0IQUgBv0TIQcDQCAFIBBLBEAgACAQav0ABAAgASAQav0ABAD95AEgAiAQav0ABAD95AH94QH9DAAArkIAAK5CAACuQgAArkL96AH9DAAArsIAAK7CAACuwgAArsL96QEiCv0MO6q4PzuquD87qrg/O6q4P/3mAf1qIQwgBSAQaiIRIABq/QAEACABIBFq/QAEAP3kASACIBFq/QAEAP3kAf3hAf0MAACuQgAArkIAAK5CAACuQv3oAf0MAACuwgAArsIAAK7CAACuwv3pASIN/Qw7qrg/O6q4PzuquD87qrg//eYB/WohDiAQIAVBAXRqIhEgAGr9AAQAIAEgEWr9AAQA/eQBIAIgEWr9AAQA/eQB/QwAAADAAAAAwAAAAMAAAADA/eYB/QwAAK5CAACuQgAArkIAAK5C/egB/QwAAK7CAACuwgAArsIAAK7C/ekBIgv9DDuquD87qrg/O6q4PzuquD/95gH9aiEPIBAgBUEDbGoiESAAav0ABAAgASARav0ABAD95AEgAiARav0ABAD95AH94QH9DAAArkIAAK5CAACuQgAArkL96AH9DAAArsIAAK7CAACuwgAArsL96QEiCf0MO6q4PzuquD87qrg/O6q4P/3mAf1qIQj9DAAAgD8AAIA/AACAPwAAgD/9DAAAgD8AAIA/AACAPwAAgD/9DGdpUDlnaVA5Z2lQOWdpUDkgDSAO/QwAgDE/AIAxPwCAMT8AgDE//eYB/eUBIA79DIOAXrmDgF65g4BeuYOAXrn95gH95QEiDf3mAf0MzkO3Os5DtzrOQ7c6zkO3Ov3kASAN/eYB/QwIiQg8CIkIPAiJCDwIiQg8/eQBIA395gH9DMGpKj3BqSo9wakqPcGpKj395AEgDf3mAf0MqqoqPqqqKj6qqio+qqoqPv3kASAN/eYB/QwAAAA/AAAAPwAAAD8AAAA//eQBIA0gDf3mAf3mASAN/eQB/QwAAIA/AACAPwAAgD8AAIA//eQBIA79+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAf3kAf3nASADIBBqIhH9AAQA/eYB/QwAAIA/AACAPwAAgD8AAIA//QwAAIA/AACAPwAAgD8AAIA//QxnaVA5Z2lQOWdpUDlnaVA5IAogDP0MAIAxPwCAMT8AgDE/AIAxP/3mAf3lASAM/QyDgF65g4BeuYOAXrmDgF65/eYB/eUBIgr95gH9DM5DtzrOQ7c6zkO3Os5Dtzr95AEgCv3mAf0MCIkIPAiJCDwIiQg8CIkIPP3kASAK/eYB/QzBqSo9wakqPcGpKj3BqSo9/eQBIAr95gH9DKqqKj6qqio+qqoqPqqqKj795AEgCv3mAf0MAAAAPwAAAD8AAAA/AAAAP/3kASAKIAr95gH95gEgCv3kAf0MAACAPwAAgD8AAIA/AACAP/3kASAM/fgB/Qx/AAAAfwAAAH8AAAB/AAAA/a4BQRf9qwH95gH95AH95wH9DAAAAEAAAABAAAAAQAAAAED9DAAAgD8AAIA/AACAPwAAgD/9DGdpUDlnaVA5Z2lQOWdpUDkgCyAP/QwAgDE/AIAxPwCAMT8AgDE//eYB/eUBIA/9DIOAXrmDgF65g4BeuYOAXrn95gH95QEiCv3mAf0MzkO3Os5DtzrOQ7c6zkO3Ov3kASAK/eYB/QwIiQg8CIkIPAiJCDwIiQg8/eQBIAr95gH9DMGpKj3BqSo9wakqPcGpKj395AEgCv3mAf0MqqoqPqqqKj6qqio+qqoqPv3kASAK/eYB/QwAAAA/AAAAPwAAAD8AAAA//eQBIAogCv3mAf3mASAK/eQB/QwAAIA/AACAPwAAgD8AAIA//eQBIA/9+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAf3kAf3nAf0MAACAPwAAgD8AAIA/AACAP/3lAf3mAf3kASEKIBEgCv0LBAAgCv0MAAAAwAAAAMAAAADAAAAAwP3mAf0MAACuQgAArkIAAK5CAACuQv3oAf0MAACuwgAArsIAAK7CAACuwv3pASIK/Qw7qrg/O6q4PzuquD87qrg//eYB/WohCyAEIBBBAXZq/QwAAIA/AACAPwAAgD8AAIA//QwAAIA/AACAPwAAgD8AAIA//QxnaVA5Z2lQOWdpUDlnaVA5IAkgCP0MAIAxPwCAMT8AgDE/AIAxP/3mAf3lASAI/QyDgF65g4BeuYOAXrmDgF65/eYB/eUBIgn95gH9DM5DtzrOQ7c6zkO3Os5Dtzr95AEgCf3mAf0MCIkIPAiJCDwIiQg8CIkIPP3kASAJ/eYB/QzBqSo9wakqPcGpKj3BqSo9/eQBIAn95gH9DKqqKj6qqio+qqoqPqqqKj795AEgCf3mAf0MAAAAPwAAAD8AAAA/AAAAP/3kASAJIAn95gH95gEgCf3kAf0MAACAPwAAgD8AAIA/AACAP/3kASAI/fgB/Qx/AAAAfwAAAH8AAAB/AAAA/a4BQRf9qwH95gH95AH95wH9DAAAAEAAAABAAAAAQAAAAED9DAAAgD8AAIA/AACAPwAAgD/9DGdpUDlnaVA5Z2lQOWdpUDkgCiAL/QwAgDE/AIAxPwCAMT8AgDE//eYB/eUBIAv9DIOAXrmDgF65g4BeuYOAXrn95gH95QEiCP3mAf0MzkO3Os5DtzrOQ7c6zkO3Ov3kASAI/eYB/QwIiQg8CIkIPAiJCDwIiQg8/eQBIAj95gH9DMGpKj3BqSo9wakqPcGpKj395AEgCP3mAf0MqqoqPqqqKj6qqio+qqoqPv3kASAI/eYB/QwAAAA/AAAAPwAAAD8AAAA//eQBIAggCP3mAf3mASAI/eQB/QwAAIA/AACAPwAAgD8AAIA//eQBIAv9+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAf3kAf3nAf0MAACAPwAAgD8AAIA/AACAP/3lAf3mASAH/eYB/WogB/3oASAH/eEB/ekB/fgBIgggCP2FAf1bAwAAIBBBEGohEAwBCwsLLwEBfwNAIAMgBEoEQCACIARBAnRqIAAgBGosAACyIAGUOAIAIARBAWohBAwBCwsLugsCBXsFfyAGQQJ0IRAgB/0TIQgDQCANIBBJBEAgACANaiIR/QAEACACIA1qIgb9AAQA/eQBIAEgDWoiDv0ABAD95AH94QH9DAAArkIAAK5CAACuQgAArkL96AH9DAAArsIAAK7CAACuwgAArsL96QEiCf0MO6q4PzuquD87qrg/O6q4P/3mAf1qIQogDSAQaiIPIABq/QAEACACIA9q/QAEAP3kASABIA9q/QAEAP3kAf3hAf0MAACuQgAArkIAAK5CAACuQv3oAf0MAACuwgAArsIAAK7CAACuwv3pASIL/Qw7qrg/O6q4PzuquD87qrg//eYB/WohDCARIBBBAXQiD2r9AAQAIAYgD2r9AAQA/eQB/QwAAIA/AACAPwAAgD8AAIA//QwAAIA/AACAPwAAgD8AAIA//QxnaVA5Z2lQOWdpUDlnaVA5IAkgCv0MAIAxPwCAMT8AgDE/AIAxP/3mAf3lASAK/QyDgF65g4BeuYOAXrmDgF65/eYB/eUBIgn95gH9DM5DtzrOQ7c6zkO3Os5Dtzr95AEgCf3mAf0MCIkIPAiJCDwIiQg8CIkIPP3kASAJ/eYB/QzBqSo9wakqPcGpKj3BqSo9/eQBIAn95gH9DKqqKj6qqio+qqoqPqqqKj795AEgCf3mAf0MAAAAPwAAAD8AAAA/AAAAP/3kASAJIAn95gH95gEgCf3kAf0MAACAPwAAgD8AAIA/AACAP/3kASAK/fgB/Qx/AAAAfwAAAH8AAAB/AAAA/a4BQRf9qwH95gH95AH95wEgDiAPav0ABAAgAyANav0ABAD95AH95gH95AH9DAAAAMAAAADAAAAAwAAAAMD95gH9DAAArkIAAK5CAACuQgAArkL96AH9DAAArsIAAK7CAACuwgAArsL96QEiCf0MO6q4PzuquD87qrg/O6q4P/3mAf1qIQr9DAAAgD8AAIA/AACAPwAAgD/9DAAAgD8AAIA/AACAPwAAgD/9DAAAgD8AAIA/AACAPwAAgD/9DGdpUDlnaVA5Z2lQOWdpUDkgCyAM/QwAgDE/AIAxPwCAMT8AgDE//eYB/eUBIAz9DIOAXrmDgF65g4BeuYOAXrn95gH95QEiC/3mAf0MzkO3Os5DtzrOQ7c6zkO3Ov3kASAL/eYB/QwIiQg8CIkIPAiJCDwIiQg8/eQBIAv95gH9DMGpKj3BqSo9wakqPcGpKj395AEgC/3mAf0MqqoqPqqqKj6qqio+qqoqPv3kASAL/eYB/QwAAAA/AAAAPwAAAD8AAAA//eQBIAsgC/3mAf3mASAL/eQB/QwAAIA/AACAPwAAgD8AAIA//eQBIAz9+AH9DH8AAAB/AAAAfwAAAH8AAAD9rgFBF/2rAf3mAf3kAf3nASIL/eUB/QwAAABAAAAAQAAAAEAAAABA/QwAAIA/AACAPwAAgD8AAIA//QxnaVA5Z2lQOWdpUDlnaVA5IAkgCv0MAIAxPwCAMT8AgDE/AIAxP/3mAf3lASAK/QyDgF65g4BeuYOAXrmDgF65/eYB/eUBIgn95gH9DM5DtzrOQ7c6zkO3Os5Dtzr95AEgCf3mAf0MCIkIPAiJCDwIiQg8CIkIPP3kASAJ/eYB/QzBqSo9wakqPcGpKj3BqSo9/eQBIAn95gH9DKqqKj6qqio+qqoqPqqqKj795AEgCf3mAf0MAAAAPwAAAD8AAAA/AAAAP/3kASAJIAn95gH95gEgCf3kAf0MAACAPwAAgD8AAIA/AACAP/3kASAK/fgB/Qx/AAAAfwAAAH8AAAB/AAAA/a4BQRf9qwH95gH95AH95wH9DAAAgD8AAIA/AACAPwAAgD/95QH95gEgCyAEIA1qIgb9AAQA/eYB/eQBIQkgBiAJ/QsEACAFIA1BAXZqIAkgCP3mAf1qIAj96AEgCP3hAf3pAf34ASIJIAn9hQH9WwMAACANQRBqIQ0MAQsLC78DAgZ/BnsDQCAEIAdKBEAgACAFaiAAIAdBAWogBEgbIQv9DAAAAAAAAAAAAAAAAAAAAAAhDP0MAAAAAAAAAAAAAAAAAAAAACEN/QwAAAAAAAAAAAAAAAAAAAAAIQ79DAAAAAAAAAAAAAAAAAAAAAAhD0EAIQYDQCAFIAZLBEAgDCAAIAZqIgj9AQAAIAIgBkEBdGoiCf0ABAAiEP26Af2uASAI/QEAECAJ/QAEICIR/boB/a4BIQwgDiAGIAtqIgr9AQAAIBD9ugH9rgEgCv0BABAgEf26Af2uASEOIA0gCP0BAAggCf0ABBAiEP26Af2uASAI/QEAGCAJ/QAEMCIR/boB/a4BIQ0gDyAK/QEACCAQ/boB/a4BIAr9AQAYIBH9ugH9rgEhDyAGQSBqIQYMAQsLIAdBAnQiBiADaiAMIA39rgEiDP0bACAM/RsBaiAM/RsCaiAM/RsDarIgASAGaioCAJQ4AgAgB0EBaiIGIARIBEAgBkECdCIGIANqIA4gD/2uASIM/RsAIAz9GwFqIAz9GwJqIAz9GwNqsiABIAZqKgIAlDgCAAsgACAFQQF0aiEAIAdBAmohBwwBCwsLOAECfwNAIAMgAkECdEkEQCAAIANqIgQgBP0ABAAgASADav0ABAD95AH9CwQAIANBEGohAwwBCwsL\";\n\n/** The worker's side of the wire. KERNEL is the base64 of kernel.wasm. */\n\n\nconst engine = new Engine(\n  (message, moved = []) => self.postMessage(message, moved),\n  Uint8Array.from(atob(KERNEL), (character) => character.charCodeAt(0)),\n);\nself.onmessage = ({ data }) => engine.handle(data);\n";

/** The page's side of the wire: a model in a worker of its own. */


/** The worker's program, laid ready while the page loads: a press of the button need not wait. */
const PROGRAM = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));

class LiveModel {
  constructor() {
    this.worker = new Worker(PROGRAM);
    this.worker.onmessage = ({ data }) => this.#hear(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      const failed = { type: "failed", message: `The model's worker stopped: ${event.message}` };
      this.listeners.forEach((hear) => hear(failed));
    };
    this.listeners = new Map();
    this.turns = new Map();
  }

  /**
   * Load a model file.
   * @param {{url: string} | {bytes: ArrayBuffer}} source
   * @param {(received: number, total: number) => void} report
   * @returns {Promise<LiveModel>} itself, with config, vocab, provenance and bytes
   */
  load(source, report = () => {}) {
    return new Promise((resolve, reject) => {
      this.listeners.set(undefined, (message) => {
        if (message.type === "progress") report(message.received, message.total);
        else if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(Object.assign(this, message));
      });
      this.worker.postMessage({ type: "load", ...source });
    });
  }

  /** Begin a text; `hear` gets {text, drawn, seconds, done} pieces or {type: "failed", message}. */
  write(job, prompt, settings, hear) {
    this.#ask({ type: "write", job, prompt, settings }, hear);
  }

  /** Go on with a text for `settings.length` symbols. */
  more(job, settings, hear) {
    this.#ask({ type: "more", job, settings }, hear);
  }

  stop(job) {
    this.worker.postMessage({ type: "stop", job });
  }

  /** What the network expects after each symbol of a text: rows as in reading.mjs. Never settles
   *  where another request under that name has come since. */
  read(job, text, settings, count, rows) {
    return new Promise((resolve, reject) => {
      this.#ask({ type: "read", job, text, settings, count, rows }, (message) => {
        if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(message.rows);
      });
    });
  }

  /** A text with every unit's state after each symbol: as Tracing.take in tracing.mjs. Never
   *  settles where another request under that name has come since. */
  trace(job, text) {
    return new Promise((resolve, reject) => {
      this.#ask({ type: "trace", job, text }, (message) => {
        if (message.type === "failed") reject(new ModelError(message.message));
        else resolve(message);
      });
    });
  }

  /** Copy a part of a state: `asked` as in grafting.mjs; `hear` gets what Grafting.slice gives, or
   *  {type: "failed", message}. */
  graft(job, asked, hear) {
    this.#ask({ type: "graft", job, ...asked }, hear);
  }

  /** Give the memory back. */
  close() {
    this.worker.terminate();
  }

  /** A request under a name takes the place of the one before: that one's answers are dropped. */
  #ask(request, hear) {
    const turn = (this.turns.get(request.job) ?? 0) + 1;
    this.turns.set(request.job, turn);
    this.listeners.set(request.job, hear);
    this.worker.postMessage({ ...request, turn });
  }

  #hear(message) {
    if (message.turn === this.turns.get(message.job)) this.listeners.get(message.job)?.(message);
  }
}

const opened = new Map();

/** A model by its address, loaded once for all that show it; a failed one can be tried again. */
function openModel(url, report) {
  if (!opened.has(url)) {
    const live = new LiveModel();
    const loading = { live, reports: new Set(), promise: null };
    const tell = (...progress) => loading.reports.forEach((hear) => hear(...progress));
    loading.promise = live.load({ url }, tell).catch((error) => {
      live.close();
      opened.delete(url);
      throw error;
    });
    opened.set(url, loading);
  }
  opened.get(url).reports.add(report);
  return opened.get(url).promise;
}

/** Whether a model is loaded or on its way. */
function isOpen(url) {
  return opened.has(url);
}

/** An address of the page's own site: relative to its root where Sphinx names one. */
function address(path) {
  const root = document.documentElement.dataset.content_root ?? "";
  return new URL(path, new URL(root, document.baseURI)).href;
}

/** Making elements. Text goes in as text nodes; nothing here or elsewhere parses markup. */

/**
 * An element with attributes, listeners (`onclick: f`) and children (elements or strings).
 * An attribute that is true stands without a value; false, null and undefined are left out.
 */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A control under its label; `hint` is what a pointer and a screen reader are told besides. */
function labelled(text, control, hint) {
  if (hint) control.title = hint;
  return element("label", { class: "charrnn-field" }, element("span", {}, text), control);
}

function button(text, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, text);
}

/** What makes a form of a figure's parts: `submitted` instead of leaving the page. */
function form(name, properties, submitted, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    submitted();
  };
  return element("form", { "aria-label": name, onsubmit, ...properties }, ...children);
}

/** 3451234 bytes as "3.5 MB". */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** 1234 as "1,234". The browser's own way takes it 15 to 60 ms, the first time. */
function grouped(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Put a line of text into an element, if it is not there yet: a screen reader speaks changes. */
function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Give the keyboard a place to go on where the control that it was on has gone. */
function takeFocus(control) {
  const { activeElement, body } = document;
  if (!activeElement || activeElement === body) control.focus({ preventScroll: true });
}

/**
 * What a network wrote while it was trained: a slider goes through the iterations, buttons go to
 * the post's, and all can be played. Words that are none are tinted.
 */


const PAUSE = 400;
let figures = 0;

class Evolution {
  /**
   * @param {{title: string, data: {steps: number[], told: string[], parts: string[][],
   *   marked: number[]}}} options `parts` of each text: at odd places stand words that are none
   */
  constructor({ title, data }) {
    this.data = data;
    this.last = data.steps.length - 1;
    const ticks = `charrnn-ticks-${(figures += 1)}`;
    this.slider = element("input", { type: "range", min: 0, max: this.last, step: 1, list: ticks,
      "aria-label": "Iteration", oninput: () => this.#go(Number(this.slider.value)) });
    this.value = element("output");
    this.player = button("Play", () => (this.timer ? this.#halt() : this.#play()));
    this.marks = data.marked.map((at) => button(grouped(data.steps[at]), () => this.#go(at)));
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.paper = element("pre", { class: "charrnn-paper", tabindex: 0, role: "region",
      "aria-label": "Sample" });
    const options = data.marked.map((at) => element("option", { value: at }));
    this.element = element("section", { "aria-label": title,
      class: "charrnn-live charrnn-evolving" },
      element("label", { class: "charrnn-temperature" }, "Iteration", this.slider, this.value),
      element("datalist", { id: ticks }, ...options),
      element("div", { class: "charrnn-buttons charrnn-marks", role: "group",
        "aria-label": "Iterations to go to" }, this.player, ...this.marks),
      this.told, this.paper);
    if (data.parts.some((parts) => parts.length > 1)) {
      const sign = element("span", { class: "charrnn-unreal" }, "Tinted");
      this.element.append(element("p", { class: "charrnn-legend" },
        element("span", {}, sign, ": in no dictionary and not in the training text.")));
    }
    this.#show(0);
  }

  /** A text that a reader chose. */
  #go(at) {
    this.#halt();
    this.#show(at);
  }

  #show(at) {
    const { steps, told, parts, marked } = this.data;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", `iteration ${grouped(steps[at])}`);
    say(this.value, grouped(steps[at]));
    say(this.told, told[at]);
    this.paper.replaceChildren(...parts[at].map((part, i) =>
      i % 2 === 1 ? element("span", { class: "charrnn-unreal" }, part) : part));
    this.marks.forEach((mark, i) => mark.setAttribute("aria-pressed", marked[i] === at));
  }

  /** All texts one after the other, from the chosen one on; from the last, all of them again. */
  #play() {
    if (Number(this.slider.value) === this.last) this.#show(0);
    say(this.player, "Stop");
    this.told.setAttribute("aria-live", "off"); // a screen reader could not keep up
    this.timer = setInterval(() => {
      const next = Number(this.slider.value) + 1;
      if (next <= this.last) this.#show(next);
      if (next >= this.last || !this.element.isConnected) this.#halt();
    }, PAUSE);
  }

  #halt() {
    clearInterval(this.timer);
    this.timer = null;
    say(this.player, "Play");
    this.told.removeAttribute("aria-live");
  }
}

/** What colour a unit's value has: none at 0, and towards each end one that shows the more. */

const RED = [224, 49, 49];
const BLUE = [34, 113, 235];
const GREEN = [47, 158, 68];

/** The two ways to look at a unit: what it is called, and its colours at -1 and at 1. */
const QUANTITIES = {
  c: { name: "tanh(c)", about: "tanh(c), the cell", ends: [RED, BLUE] },
  h: { name: "h", about: "h, what it shows", ends: [BLUE, GREEN] },
};

/**
 * @param {number} value beyond -1 and 1 it counts as these
 * @param {"c" | "h"} quantity
 * @returns {number[]} red, green and blue, 0 to 255, and how much they cover, 0 to 1
 */
function colourOf(value, quantity) {
  const { ends } = QUANTITIES[quantity];
  return [...ends[value < 0 ? 0 : 1], Math.min(1, Math.abs(value))];
}

/**
 * The same for a style sheet.
 * @param {number} most what the ends cover: less than 1 lets text on it be read in light and dark
 */
function tint(value, quantity, most = 0.65) {
  const [red, green, blue, share] = colourOf(value, quantity);
  return `rgba(${red}, ${green}, ${blue}, ${(share * most).toFixed(3)})`;
}

/** A value as it is written in the page: "0.83", "−0.07". */
function written(value) {
  const shown = Math.abs(value).toFixed(2);
  return value < 0 && shown !== "0.00" ? `−${shown}` : shown;
}

/** Which unit is looked at, and how: layer, number and quantity, or one of those that are named. */


const STOPS = [-1, -0.5, 0, 0.5, 1];

/**
 * @typedef {{layer: number, unit: number, quantity: "c" | "h"}} Choice layers and units count from
 *   0; a reader sees layers counted from 1
 */

class Chooser {
  /**
   * @param {{layers: number, hidden: number, cell: string}} config
   * @param {{units: [number, number][], rules: object[], quantity: string}} known the units to
   *   begin with, and those that a rule names
   * @param {() => void} changed
   */
  constructor(config, { units, rules, quantity }, changed) {
    Object.assign(this, { config, changed });
    const [[layer, unit]] = units;
    this.#build(layer, unit, config.cell === "lstm" ? quantity : "h");
    this.named = namedUnits(rules, units);
    const fields = [this.#namedField(), ...this.#fields()].filter((field) => field);
    this.legend = element("p", { class: "charrnn-legend" });
    this.element = element("div", { class: "charrnn-chooser" },
      element("div", { class: "charrnn-buttons charrnn-chosen" }, ...fields), this.legend);
    this.#show();
  }

  /** @returns {Choice} */
  get value() {
    const layer = this.layer ? Number(this.layer.value) : 0;
    return { layer, unit: this.#unit(), quantity: this.quantity.value };
  }

  /** Choose another unit. */
  go(layer, unit, quantity = this.quantity.value) {
    if (this.layer) this.layer.value = layer;
    this.unit.value = unit;
    this.quantity.value = this.config.cell === "lstm" ? quantity : "h";
    this.#change();
  }

  #build(layer, unit, quantity) {
    const { layers, hidden } = this.config;
    const onchange = () => this.#change();
    const numbers = Array.from({ length: layers }, (_, l) =>
      element("option", { value: l }, String(l + 1)));
    this.layer = layers > 1 ? element("select", { onchange }, ...numbers) : null;
    if (this.layer) this.layer.value = layer;
    this.unit = element("input", { type: "number", min: 0, max: hidden - 1, step: 1, value: unit,
      oninput: onchange });
    this.quantity = element("select", { onchange }, ...Object.entries(QUANTITIES).map(
      ([key, { about }]) => element("option", { value: key }, about)));
    this.quantity.value = quantity;
  }

  #fields() {
    const { hidden, cell } = this.config;
    const layer = this.layer && labelled("Layer", this.layer, "Counted from 1, the lowest");
    const steps = element("div", { class: "charrnn-steps" },
      labelled("Unit", this.unit, `0 to ${hidden - 1}, counted from 0`),
      button("‹", () => this.#step(-1), { "aria-label": "Previous unit" }),
      button("›", () => this.#step(1), { "aria-label": "Next unit" }));
    return [layer, steps, cell === "lstm" ? labelled("Colour by", this.quantity) : null];
  }

  /** The named units as a list to choose from; where there is only one and no rule, none. */
  #namedField() {
    if (this.named.length < 2) return null;
    const options = this.named.map(({ text }, k) => element("option", { value: k }, text));
    this.list = element("select", { onchange: () => this.#follow() },
      element("option", { value: "" }, "any"), ...options);
    return labelled("A unit by what it does", this.list);
  }

  #follow() {
    const named = this.named[this.list.value];
    if (named) this.go(named.layer, named.unit, named.quantity);
  }

  #step(by) {
    const { hidden } = this.config;
    this.unit.value = (this.#unit() + by + hidden) % hidden;
    this.#change();
  }

  #counted() {
    const { layers, hidden } = this.config;
    const units = `units from 0 to ${hidden - 1}`;
    return layers > 1 ? `Layers count from 1, ${units}.` : `Units count from 0 to ${hidden - 1}.`;
  }

  /** The number in the field; what is none, or too large, counts as the nearest there is. */
  #unit() {
    const number = Math.trunc(Number(this.unit.value)) || 0;
    return Math.max(0, Math.min(number, this.config.hidden - 1));
  }

  #change() {
    this.#show();
    this.changed();
  }

  /** Name the unit in the list where it has a name, and tell what the colours mean. */
  #show() {
    const { layer, unit, quantity } = this.value;
    const same = (one) => one.layer === layer && one.unit === unit;
    const named = this.named.findIndex(same);
    if (this.list && !same(this.named[this.list.value] ?? {})) {
      this.list.value = named < 0 ? "" : named;
    }
    const bar = element("span", { class: "charrnn-scale", "aria-hidden": "true" });
    bar.style.backgroundImage = `linear-gradient(to right, ${STOPS.map((v) => tint(v, quantity))})`;
    const { name } = QUANTITIES[quantity];
    const [off, on] = quantity === "c" ? ["red", "blue"] : ["blue", "green"];
    this.legend.replaceChildren(`${name} = −1, ${off}`, bar, `1, ${on}`);
    this.legend.append(element("span", { class: "charrnn-counted" }, this.#counted()));
  }
}

/** The units that rules name, and the others to begin with: {layer, unit, quantity, text}. */
function namedUnits(rules, units) {
  const where = (layer, unit) => `layer ${layer + 1}, unit ${unit}`;
  const ruled = rules.map(({ title, layer, unit, quantity, ...fit }) => (
    { layer, unit, quantity, text: `${title}: ${where(layer, unit)}${fitOf(fit)}` }));
  const also = units.filter(([l, u]) => !ruled.some((one) => one.layer === l && one.unit === u));
  return [...ruled, ...also.map(([layer, unit]) => ({ layer, unit, text: where(layer, unit) }))];
}

/** How well a unit follows its rule, as far as that is known. */
function fitOf({ auc, f1, r }) {
  const known = Object.entries({ AUC: auc, F1: f1, r }).filter(([, number]) => number != null);
  const shown = known.map(([name, number]) => `${name} ${Number(number).toFixed(2)}`);
  return shown.length > 0 ? ` (${shown.join(", ")})` : "";
}

/** Text to ids and back: the symbols of a model are characters (code points) or bytes of UTF-8. */

const NEWLINE = 10;
const SIGNS = new Map([
  [" ", "␣"],
  ["\n", "↵"],
  ["\t", "⇥"],
  ["\r", "␍"],
  ["\x7f", "␡"],
]); // the first four as in charrnn.figures
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}]/u;
const COMBINING = /\p{M}/u;

/** The V symbols that a model knows, in the order of their ids. */
class Vocab {
  #ids;

  /**
   * @param {{level: "char" | "byte", symbols: string | string[] | number[]}} vocab as parseModel
   *   gives it: characters, or bytes as integers
   */
  constructor({ level, symbols }) {
    this.level = level;
    this.symbols = Array.from(symbols);
    this.#ids = new Map(this.symbols.map((symbol, id) => [symbol, id]));
  }

  /** @returns {number} V */
  get size() {
    return this.symbols.length;
  }

  /**
   * @param {string} text
   * @returns {{ids: number[], unknown: {index: number, symbol: string | number}[]}} the ids of the
   *   symbols that the model knows, and the others with their places, counted in code points, or
   *   in bytes at byte level
   */
  encode(text) {
    const ids = [];
    const unknown = [];
    this.#units(text).forEach((symbol, index) => {
      const id = this.#ids.get(symbol);
      if (id === undefined) unknown.push({ index, symbol });
      else ids.push(id);
    });
    return { ids, unknown };
  }

  #units(text) {
    return Array.from(this.level === "byte" ? new TextEncoder().encode(text) : text);
  }

  /**
   * What is read before anything is drawn.
   * @param {string} text
   * @param {?number} restart the symbol that a model of single lines reads first
   * @returns {number[]} the ids of its known symbols; where there is none, of a newline, or 0
   */
  primer(text, restart = null) {
    const { ids } = this.encode(text);
    if (restart !== null) return [restart, ...ids];
    if (ids.length > 0) return ids;
    return [this.#ids.get(this.level === "byte" ? NEWLINE : "\n") ?? 0];
  }

  /**
   * @param {number} id
   * @returns {string | number} its character or byte
   * @throws {RangeError}
   */
  symbol(id) {
    const symbol = this.symbols[id];
    if (symbol === undefined) {
      const last = this.size - 1;
      throw new RangeError(`There is no symbol ${id}; ids are whole numbers, 0 to ${last}.`);
    }
    return symbol;
  }

  /**
   * @param {number} id
   * @returns {string} the symbol as it can be shown: "a", "↵", "␣", "0xC3" for a byte above 127
   * @throws {RangeError} where there is no such id
   */
  label(id) {
    const symbol = this.symbol(id);
    if (this.level === "char") return visible(symbol);
    if (symbol > 127) return `0x${symbol.toString(16).toUpperCase()}`;
    return visible(String.fromCharCode(symbol));
  }
}

function visible(character) {
  const code = character.codePointAt(0);
  if (SIGNS.has(character)) return SIGNS.get(character);
  if (code < 32) return String.fromCharCode(0x2400 + code); // Unicode's pictures of controls
  if (INVISIBLE.test(character)) return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return COMBINING.test(character) ? `◌${character}` : character;
}

/** Ids to text as they come: at byte level a character appears with its last byte. */
class Decoder {
  #vocab;
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // which is to say: do not swallow one

  /** @param {Vocab} vocab */
  constructor(vocab) {
    this.#vocab = vocab;
  }

  /**
   * @param {number} id
   * @returns {string} the text that it completes, maybe none; what is not UTF-8 shows as U+FFFD
   * @throws {RangeError} where there is no such id
   */
  push(id) {
    const symbol = this.#vocab.symbol(id);
    if (this.#vocab.level === "char") return symbol;
    return this.#utf8.decode(Uint8Array.of(symbol), { stream: true });
  }

  /** @returns {string} U+FFFD where the text ends within a character, else nothing */
  finish() {
    return this.#utf8.decode();
  }
}

/** What a network expects next: bars to choose from, and the rows of guesses under a text. */


const percent = (p) =>
  (p >= 0.0995 ? `${Math.round(p * 100)} %` : `${(p * 100).toFixed(1)} %`);

/** The likeliest next characters as buttons with bars, largest first. */
class Bars {
  /** @param {(id: number) => void} chosen what a click does */
  constructor(count, chosen) {
    this.rows = Array.from({ length: count }, (_, i) => this.#row(() => chosen(this.ids[i])));
    this.element = element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item));
  }

  #row(onclick) {
    const symbol = element("span", { class: "charrnn-symbol" });
    const bar = element("span", { class: "charrnn-bar" });
    const share = element("span", { class: "charrnn-share" });
    const button = element("button", { type: "button", onclick, class: "charrnn-guess" },
      symbol, element("span", { class: "charrnn-track" }, bar), share);
    return { item: element("li", {}, button), button, symbol, bar, share };
  }

  /** @param {{id: number, p: number}[]} guesses @param {Vocab} vocab */
  show(guesses, vocab) {
    this.ids = guesses.map(({ id }) => id);
    this.rows.forEach(({ item, button, symbol, bar, share }, i) => {
      item.hidden = i >= guesses.length;
      if (item.hidden) return;
      const { id, p } = guesses[i];
      symbol.textContent = vocab.label(id);
      bar.style.inlineSize = `${p * 100}%`;
      share.textContent = percent(p);
      button.setAttribute("aria-label", `${vocab.label(id)}, ${percent(p)}: write it`);
    });
  }
}

/**
 * The post's rows: every character, and under it what the network expected after it, red where
 * it was sure. Under the last one stands what it expects now.
 */
class Rows {
  constructor(depth) {
    this.depth = depth;
    this.element = element("div", { class: "charrnn-rows", tabindex: 0, role: "region",
      "aria-label": "The guesses after each character" });
  }

  /** @param {{id: number, guesses: {id: number, p: number}[]}[]} rows @param {Vocab} vocab */
  show(rows, vocab) {
    const head = rows.map(({ id }) => element("th", { scope: "col" }, vocab.label(id)));
    const body = Array.from({ length: this.depth }, (_, i) =>
      element("tr", {}, ...rows.map((row, k) => this.#cell(row, i, rows[k + 1]?.id, vocab))));
    this.element.replaceChildren(element("table", {},
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
    this.element.scrollLeft = this.element.scrollWidth;
  }

  #cell({ guesses }, i, came, vocab) {
    const guess = guesses[i];
    if (!guess) return element("td", {});
    const cell = element("td", { title: percent(guess.p) }, vocab.label(guess.id));
    cell.style.setProperty("--p", guess.p.toFixed(3));
    if (guess.id === came) cell.className = "charrnn-came";
    return cell;
  }
}

/** A text with the characters marked that the model's vocabulary lacks. */
function marked(text, vocab) {
  if (vocab.level !== "char") return [text];
  const unknown = new Set(new Vocab(vocab).encode(text).unknown.map(({ index }) => index));
  return [...text].map((character, i) => (unknown.has(i)
    ? element("mark", { title: "not in the training text: skipped" }, character) : character));
}

/** What the network expected after one character: its best guesses as bars, what came marked. */


const DEEP = 5;

class Expected {
  constructor() {
    this.told = element("p", { role: "status", class: "charrnn-told" });
    this.rows = Array.from({ length: DEEP }, () => expectedRow());
    this.came = element("p", { class: "charrnn-told" });
    this.element = element("div", { class: "charrnn-expected" }, this.told,
      element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item)), this.came);
  }

  /** @param {import("./traced.mjs").Traced} traced @param {number} i which character
   *  @param {{layer: number, unit: number, quantity: string}} choice whose value is told */
  show(traced, i, choice) {
    const { vocab } = traced;
    const { guesses, came, given } = traced.expected(i);
    const label = vocab.label(traced.ids[traced.places[i].at]);
    const value = written(traced.value(i, choice));
    say(this.told, `After ${label}, character ${grouped(i + 1)} of ` +
      `${grouped(traced.places.length)}: ${QUANTITIES[choice.quantity].name} = ${value}`);
    this.rows.forEach((row, k) => showGuess(row, guesses[k], came, vocab));
    say(this.came, this.#after(guesses, came, given, vocab));
  }

  #after(guesses, came, given, vocab) {
    if (came === null) return "Here the text ends.";
    const rank = guesses.findIndex(({ id }) => id === came);
    const how = rank < 0 ? ", none of these" : "";
    return `${vocab.label(came)} came, to which it gave ${percent(given)}${how}.`;
  }
}

/** A line of a list of guesses. */
function expectedRow() {
  const symbol = element("span", { class: "charrnn-symbol" });
  const bar = element("span", { class: "charrnn-bar" });
  const share = element("span", { class: "charrnn-share" });
  const track = element("span", { class: "charrnn-track" }, bar);
  const line = element("div", { class: "charrnn-guess" }, symbol, track, share);
  return { item: element("li", {}, line), symbol, bar, share };
}

/** @param {?{id: number, p: number}} guess @param {?number} came the id that is marked */
function showGuess({ item, symbol, bar, share }, guess, came, vocab) {
  item.hidden = !guess; // a vocabulary may have fewer
  if (!guess) return;
  symbol.textContent = vocab.label(guess.id);
  bar.style.inlineSize = `${guess.p * 100}%`;
  share.textContent = percent(guess.p);
  item.classList.toggle("charrnn-came", guess.id === came);
}

/**
 * Which units are higher, or lower, inside a stretch of a text than outside: the area under the ROC
 * curve of each (Mann-Whitney's U, ties counted half), exactly, from ranks that are computed once.
 */

const SHIFTS = 20;
const PLACES = 4096; // more than a text's characters
const NEGATIVE = 2 ** 31; // the sign of a float32 number

class Ranking {
  /** @param {Float32Array} table (characters, units) @param {number} units */
  constructor(table, units) {
    Object.assign(this, { table, units, length: table.length / units, ready: 0 });
    this.values = new Float32Array(this.length); // of the unit that is being ranked
    this.keys = new Float64Array(this.length);
    /** For each unit, the sums of its ranks over the first 0, 1, ... characters: whole numbers and
     *  halves below 2^23, which float32 has. */
    this.sums = new Float32Array(units * (this.length + 1));
  }

  /** Rank units for about `milliseconds`. @returns {boolean} whether all are ranked */
  prepare(milliseconds) {
    const begun = performance.now();
    while (this.ready < this.units && performance.now() - begun < milliseconds) {
      this.#rank(this.ready);
      this.ready += 1;
    }
    return this.ready === this.units;
  }

  /** Sorted are not the values but whole numbers that go by them, with the place of each below:
   *  so the engine's own sort can do it, which calls no function. */
  #rank(unit) {
    const { table, units, length, values, keys } = this;
    const bits = new Uint32Array(values.buffer);
    for (let t = 0; t < length; t++) values[t] = table[t * units + unit] + 0; // no -0
    for (let t = 0; t < length; t++) keys[t] = ordered(bits[t]) * PLACES + t;
    keys.sort();
    const ranks = new Float32Array(length);
    for (let first = 0, end = 0; first < length; first = end) {
      const same = Math.floor(keys[first] / PLACES);
      while (end < length && Math.floor(keys[end] / PLACES) === same) end += 1;
      for (let k = first; k < end; k++) ranks[keys[k] % PLACES] = (first + 1 + end) / 2;
    }
    const at = unit * (length + 1);
    for (let t = 0; t < length; t++) this.sums[at + t + 1] = this.sums[at + t] + ranks[t];
  }

  /**
   * @param {number} from @param {number} to the stretch [from, to); to <= from: it goes on at the
   *   text's beginning. Neither empty nor all of the text.
   * @returns {Float64Array} (units,) the chance that a character inside has a higher value than
   *   one outside
   */
  areas(from, to) {
    const { units, length, sums } = this;
    const around = to <= from;
    const inside = to - from + (around ? length : 0);
    const least = (inside * (inside + 1)) / 2;
    return Float64Array.from({ length: units }, (_, unit) => {
      const at = (t) => sums[unit * (length + 1) + t];
      const ranks = at(to) - at(from) + (around ? at(length) : 0);
      return (ranks - least) / (inside * (length - inside));
    });
  }

  /** @returns {{unit: number, area: number, on: boolean}[]} the best fits, best first; `area` is
   *    that of the unit or of its opposite, `on` whether it is the higher inside */
  best(from, to, count) {
    const areas = this.areas(from, to);
    const fits = Array.from(areas, (area, unit) => ({ unit, area: fit(area), on: area >= 0.5 }));
    return fits.sort((a, b) => b.area - a.area || a.unit - b.unit).slice(0, count);
  }

  /** To how many places `chance` moves a stretch. */
  get shifts() {
    return Math.min(SHIFTS, this.length - 1);
  }

  /** What the best unit reaches by chance: for the same stretch moved around the text, as if that
   *  were a circle, to up to 20 places, the median of the best. */
  chance(from, to) {
    const { length, shifts } = this;
    const tops = Array.from({ length: shifts }, (_, k) => {
      const moved = Math.round(((k + 1) * length) / (shifts + 1));
      return this.#top((from + moved) % length, ((to - 1 + moved) % length) + 1);
    });
    return median(tops);
  }

  #top(from, to) {
    return this.areas(from, to).reduce((top, area) => Math.max(top, fit(area)), 0);
  }
}

function fit(area) {
  return Math.max(area, 1 - area);
}

/** The bits of a float32 number as a whole number that is larger where the number is. */
function ordered(word) {
  return word >= NEGATIVE ? ~word >>> 0 : word + NEGATIVE;
}

function median(numbers) {
  const sorted = numbers.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Which units are on inside a selected stretch of a text and off outside it. */


const LISTED = 10;
const PATIENT = 12; // milliseconds of work before the page may draw

class Finding {
  /** @param {(layer: number, unit: number) => void} chosen what a click on a unit does */
  constructor(chosen) {
    Object.assign(this, { chosen, rankings: new Map(), turn: 0 });
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.ask = button("Which units are on inside and off outside?", () => this.#find());
    this.list = element("ol", { class: "charrnn-ranked" });
    this.caveat = element("p", { class: "charrnn-foot" });
    this.element = element("div", { class: "charrnn-finding" }, this.told,
      element("div", { class: "charrnn-buttons" }, this.ask), this.list, this.caveat);
  }

  /** Another text was read. @param {import("./traced.mjs").Traced} traced */
  begin(traced) {
    this.traced = traced;
    this.rankings.clear();
    this.select(null);
  }

  /** @param {?[number, number]} range @param {string} quantity that is compared */
  select(range, quantity = this.quantity) {
    const { places } = this.traced;
    const whole = range && range[1] - range[0] === places.length;
    Object.assign(this, { range: whole ? null : range, quantity, turn: this.turn + 1 });
    this.ask.disabled = !this.range;
    this.list.replaceChildren();
    this.list.hidden = this.caveat.hidden = true;
    say(this.told, this.range ? `Selected: ${shortened(this.traced, range)}` :
      "Select a stretch of the text: drag over it, or hold shift and press the arrow keys.");
  }

  async #find() {
    const { range: [from, to], traced: { layers, hidden } } = this;
    const turn = (this.turn += 1);
    say(this.caveat, "Ranking the units …");
    this.caveat.hidden = false;
    const ranking = this.#ranking();
    while (!ranking.prepare(PATIENT)) await new Promise((go) => setTimeout(go));
    if (turn !== this.turn) return; // something else was selected meanwhile
    this.list.replaceChildren(...ranking.best(from, to, LISTED).map((fit) => this.#item(fit)));
    this.list.hidden = false;
    const reached = ranking.chance(from, to).toFixed(2);
    say(this.caveat, "AUC is 1 where a unit tells inside from outside without fault, 0.5 where " +
      `it tells nothing. With ${grouped(layers * hidden)} units some always fit a short stretch ` +
      `by chance: for one as long elsewhere in this text, the best of them reaches ${reached} ` +
      `(median of ${ranking.shifts} places).`);
  }

  #ranking() {
    const { rankings, quantity, traced } = this;
    if (!rankings.has(quantity)) {
      rankings.set(quantity, new Ranking(traced.table(quantity), traced.layers * traced.hidden));
    }
    return rankings.get(quantity);
  }

  #item({ unit: number, area, on }) {
    const { hidden, layers } = this.traced;
    const [layer, unit] = [Math.floor(number / hidden), number % hidden];
    const where = `${layers > 1 ? `layer ${layer + 1}, ` : ""}unit ${unit}`;
    const bar = element("span", { class: "charrnn-bar" });
    bar.style.inlineSize = `${Math.max(0, 200 * (area - 0.5))}%`;
    const parts = [element("span", { class: "charrnn-where" }, where),
      element("span", { class: "charrnn-way" }, on ? "on" : "off"),
      element("span", { class: "charrnn-track", "aria-hidden": "true" }, bar),
      element("span", { class: "charrnn-share" }, `AUC ${area.toFixed(3)}`)];
    const made = element("button", { type: "button", class: "charrnn-guess",
      onclick: () => this.chosen(layer, unit) }, ...parts);
    return element("li", {}, made);
  }
}

/** The selected text in one line, its middle left out where it is long. */
function shortened({ places }, [from, to]) {
  const text = places.slice(from, to).map((place) => place.text).join("").replace(/\s/g, " ");
  const characters = [...text];
  const brief = characters.length > 60
    ? `${characters.slice(0, 30).join("")} … ${characters.slice(-30).join("")}` : text;
  const count = to - from === 1 ? "1 character" : `${grouped(to - from)} characters`;
  return `“${brief}”, ${count}`;
}

/** How long a unit holds what it holds: a line, and all units' half-lives to choose from. */


const HIGH = 120;
const BROAD = 640;
const LEAST = 0.25; // characters: lower half-lives are drawn as this
const TEAL = "rgba(16, 152, 173, .75)";
const FAINT = "rgba(128, 128, 128, .45)";

/** @param {number} characters as "0.4", "9.5", "12", "1,234" */
function lengthOf(characters) {
  const tenths = Math.floor(10 * characters + 0.5);
  return tenths < 100 ? String(tenths / 10) : grouped(characters);
}

/** A half-life in words: "0.4 characters", "at least 8,000 bytes". */
function halfOf({ half_life: lives, longest }, number, noun) {
  const said = lengthOf(lives[number]);
  return `${lives[number] >= longest ? "at least " : ""}${said} ${noun}${said === "1" ? "" : "s"}`;
}

/**
 * What is said of a unit.
 * @param {object} memory as charrnn/widgets/lasting.py stores it
 * @param {number} number of the unit, counted through all layers
 * @param {string} noun "character" or "byte"
 */
function lastingLine(memory, number, noun) {
  const [open, closed] = [memory.open, memory.closed].map((shares) =>
    `${Math.round(100 * shares[number])} %`);
  return `Half of what it holds is gone after ${halfOf(memory, number, noun)}; its ` +
    `${memory.gate} gate is nearly open (above 0.9) ${open} of the time and nearly closed ` +
    `(below 0.1) ${closed}.`;
}

/** The units by half-life, the shortest first, equals by number. */
function byHalfLife(lives) {
  return Array.from(lives.keys()).sort((a, b) => lives[a] - lives[b] || a - b);
}

/** How high a half-life stands on the log scale, 0 to 1. */
function heightOf(characters, longest) {
  const share = Math.log(Math.max(characters, LEAST) / LEAST) / Math.log(longest / LEAST);
  return Math.min(1, share);
}

class Lasting {
  /** @param {object} memory @param {{layers: number, hidden: number}} config
   *  @param {string} noun @param {(layer: number, unit: number) => void} chosen */
  constructor(memory, config, noun, chosen) {
    const order = byHalfLife(memory.half_life);
    const longest = Math.max(memory.longest, 1, memory.half_life[order.at(-1)]);
    Object.assign(this, { memory, config, noun, order, longest });
    this.line = element("p", { class: "charrnn-told", role: "status" });
    this.pointed = element("p", { class: "charrnn-foot" });
    this.canvas = element("canvas", { width: BROAD, height: HIGH, role: "img",
      "aria-label": `The half-lives of all ${grouped(order.length)} units, the shortest at the ` +
        `left; on a logarithmic scale up to ${lengthOf(longest)} ${noun}s`,
      onpointermove: (event) => this.#point(this.#under(event)),
      onpointerleave: () => this.#point(null),
      onclick: (event) => chosen(...this.#place(this.over ?? this.#under(event))) });
    this.marker = element("span", { class: "charrnn-marker", "aria-hidden": "true" });
    this.element = element("div", { class: "charrnn-lasting" }, this.line,
      element("div", { class: "charrnn-fielded" }, this.canvas, ...this.#ticks(), this.marker),
      this.pointed);
    this.#draw();
  }

  /** Another unit is looked at. */
  show({ layer, unit }) {
    const number = layer * this.config.hidden + unit;
    say(this.line, lastingLine(this.memory, number, this.noun));
    const share = (this.order.indexOf(number) + 0.5) / this.order.length;
    this.marker.style.insetInlineStart = `calc(${100 * share}% - 1px)`;
    this.#point(null);
  }

  /** Tell another unit's; a click, whose place is rounded, goes to the one that was told. */
  #point(number) {
    this.over = number;
    say(this.pointed, number === null
      ? "All units by half-life, the shortest at the left; click to go to one."
      : this.#told(number));
  }

  #told(number) {
    const [layer, unit] = this.#place(number);
    const where = this.config.layers > 1 ? `layer ${layer + 1}, unit ${unit}` : `unit ${unit}`;
    return `${where}: ${halfOf(this.memory, number, this.noun)}`;
  }

  #place(number) {
    return [Math.floor(number / this.config.hidden), number % this.config.hidden];
  }

  /** The unit under the pointer. */
  #under({ offsetX }) {
    const last = this.order.length - 1;
    const at = Math.floor((offsetX / this.canvas.clientWidth) * this.order.length);
    return this.order[Math.max(0, Math.min(at, last))];
  }

  /** 1, 10, 100 ... as far as the scale goes. */
  get stops() {
    return [1, 10, 100, 1000, 10_000].filter((stop) => stop < 0.8 * this.longest);
  }

  #ticks() {
    return this.stops.map((stop) => {
      const tick = element("span", { class: "charrnn-tick", "aria-hidden": "true" }, grouped(stop));
      tick.style.insetBlockEnd = `${100 * heightOf(stop, this.longest)}%`;
      return tick;
    });
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const broad = BROAD / this.order.length;
    context.fillStyle = TEAL;
    this.order.forEach((number, k) => {
      const high = HIGH * heightOf(this.memory.half_life[number], this.longest);
      const [from, to] = [k, k + 1].map((edge) => Math.round(edge * broad));
      context.fillRect(from, HIGH - high, to - from, high);
    });
    context.fillStyle = FAINT;
    for (const stop of this.stops) {
      context.fillRect(0, HIGH - Math.round(HIGH * heightOf(stop, this.longest)), BROAD, 1);
    }
  }
}

/** The button that loads a model, its progress, and what went wrong. */


class Loader {
  /**
   * @param {{size: number, open: (report: Function) => Promise, loaded: Function}} options
   *   size in bytes, for the button; `open` loads, `loaded` gets what it gave
   */
  constructor({ size, open, loaded }) {
    Object.assign(this, { size, open, loaded });
    this.button = button("", () => this.load(), { class: "charrnn-primary" });
    this.bar = element("progress", { max: 1, "aria-label": "Loading the model" });
    this.count = element("span", { "aria-hidden": "true" }); // the bar says it to a screen reader
    this.note = element("span", { role: "alert" });
    this.element = element("div", { class: "charrnn-loader" },
      this.button, this.bar, this.count, this.note);
    this.offer(size);
  }

  /** Ready to load a file of that many bytes; one that is still loading is not waited for. */
  offer(size) {
    this.size = size;
    this.turn = (this.turn ?? 0) + 1;
    say(this.button, `Run the model here (${megabytes(size)})`);
    say(this.note, "");
    this.#waiting(false);
    this.element.hidden = false;
  }

  async load() {
    const { turn } = this;
    const current = () => turn === this.turn;
    this.#waiting(true);
    say(this.note, "");
    try {
      const live = await this.open((...progress) => current() && this.#report(...progress));
      if (!current()) return;
      this.element.hidden = true;
      this.loaded(live);
    } catch (error) {
      if (!current()) return;
      this.#waiting(false);
      say(this.note, error.message);
      takeFocus(this.button);
    }
  }

  #waiting(yes) {
    this.button.hidden = yes;
    this.bar.hidden = this.count.hidden = !yes;
    this.bar.removeAttribute("value");
  }

  #report(received, total) {
    this.bar.value = Math.min(1, received / (total || this.size || received));
    say(this.count, `${megabytes(received)} of ${megabytes(total || this.size)}`);
  }
}

/** What a model is and how fast it ran, for the foot of a figure. */
function described({ config, bytes, vocab }, { drawn = 0, seconds = 0 } = {}) {
  const network = `${config.layers} x ${config.hidden} ${config.cell.toUpperCase()}`;
  const unit = vocab.level === "byte" ? "bytes" : "characters";
  const speed = seconds > 0.02 ? `, ${grouped(drawn / seconds)} ${unit} a second` : "";
  return `${network}, ${megabytes(bytes)}, running in this page${speed}`;
}

/** Where in a text of one element a character something is: what is selected, the next line. */

/**
 * The characters that the page's selection holds.
 * @param {Element} home whose `[data-i]` are the characters
 * @returns {?[number, number]} from a place up to, but without, another; null where the selection
 *   is empty or reaches beyond the text
 */
function chosenIn(home) {
  const selection = getSelection();
  if (selection.rangeCount === 0 || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!home.contains(range.startContainer) || !home.contains(range.endContainer)) return null;
  const from = boundary(home, range.startContainer, range.startOffset);
  const to = boundary(home, range.endContainer, range.endOffset);
  return from < to ? [from, to] : null;
}

/** How many characters stand before a point of the document. */
function boundary(home, node, offset) {
  if (node === home) return before(home.childNodes[offset - 1]);
  const spot = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("[data-i]");
  if (!spot) return before(node); // the end of a line
  return Number(spot.dataset.i) + (offset > 0 ? 1 : 0);
}

/** How many characters there are up to a child of the text, that one included. */
function before(child) {
  let node = child ?? null;
  while (node && node.nodeType === Node.TEXT_NODE) node = node.previousSibling;
  return node ? Number(node.dataset.i) + 1 : 0;
}

/**
 * The character under or over another one, on the next line or the one before.
 * @param {HTMLElement[]} spots
 * @param {number} from
 * @param {1 | -1} way
 */
function lineFrom(spots, from, way) {
  const { offsetTop: top, offsetLeft: left } = spots[from];
  let at = from;
  while (spots[at] && spots[at].offsetTop === top) at += way;
  if (!spots[at]) return at - way;
  const line = spots[at].offsetTop;
  let best = at;
  for (; spots[at]?.offsetTop === line; at += way) {
    const away = (i) => Math.abs(spots[i].offsetLeft - left);
    if (away(at) < away(best)) best = at;
  }
  return best;
}

/**
 * A text whose characters are coloured, one element each. One of them is looked at: the pointer's,
 * else the one that a click or the arrow keys chose. A stretch can be selected, by pointer, touch
 * or shift and arrow keys. Under each character its guesses can stand.
 */


const CLASSES = new Map([["\n", "charrnn-newline"], ["\t", "charrnn-tab"]]);
const HOW = "arrow keys move";

class Painted {
  /** @param {{moved: () => void, selected: ?() => void}} told when another character is looked at,
   *    and when another stretch is selected; without the second nothing can be selected */
  constructor({ moved, selected = null }) {
    Object.assign(this, { moved, selected, spots: [], places: [], chosen: 0, over: null });
    this.range = null;
    this.element = element("div", { class: "charrnn-painted", tabindex: 0, role: "application",
      "aria-label": `The text, coloured; ${HOW}${selected ? ", shift and arrow keys select" : ""}`,
      onpointerover: ({ target }) => this.#look(indexOf(target)),
      onpointerleave: () => this.#look(null),
      onclick: ({ target }) => this.#click(indexOf(target)),
      onkeydown: (event) => this.#key(event) });
    if (selected) document.addEventListener("selectionchange", () => this.#dragged());
  }

  /** The character that is looked at, by its place. */
  get at() {
    return this.over ?? this.chosen;
  }

  /** Show a text's characters; the last one is chosen. @param {{text: string}[]} places */
  show(places) {
    this.places = places;
    this.spots = places.map(({ text }, i) => spot(text, i));
    const parts = this.spots.flatMap((one, i) => (places[i].text === "\n" ? [one, "\n"] : [one]));
    this.element.replaceChildren(...parts);
    this.element.scrollTop = 0;
    Object.assign(this, { over: null, range: null, anchor: null });
    this.choose(places.length - 1);
  }

  /** @param {(i: number) => string} colour of the i-th character */
  paint(colour) {
    this.spots.forEach((one, i) => (one.firstChild.style.backgroundColor = colour(i)));
  }

  /** @param {?(i: number) => {label: string, p: number, came: boolean}[]} guesses null: none */
  under(guesses) {
    if (guesses === null && !this.element.classList.contains("charrnn-deep")) return;
    this.element.classList.toggle("charrnn-deep", guesses !== null);
    this.spots.forEach((one, i) => {
      one.replaceChildren(one.firstChild, ...(guesses?.(i) ?? []).map(row));
    });
  }

  choose(i) {
    this.chosen = Math.max(0, Math.min(i, this.spots.length - 1));
    this.#mark();
  }

  #look(i) {
    if (i === this.over) return;
    this.over = i;
    this.#mark();
  }

  #click(i) {
    if (i === null || !getSelection().isCollapsed) return; // the end of a drag
    this.select(null);
    this.choose(i);
  }

  #mark() {
    this.element.querySelector(".charrnn-at")?.classList.remove("charrnn-at");
    this.spots[this.at]?.classList.add("charrnn-at");
    this.element.querySelector(".charrnn-chosen-spot")?.classList.remove("charrnn-chosen-spot");
    this.spots[this.chosen]?.classList.add("charrnn-chosen-spot");
    this.moved();
  }

  /** What was selected with the pointer or by touch; its last character is chosen. */
  #dragged() {
    const range = chosenIn(this.element);
    if (!range || String(range) === String(this.range)) return;
    this.select(range);
    this.choose(range[1] - 1);
  }

  /** @param {?[number, number]} range from a place up to, but without, another; null: nothing */
  select(range) {
    if (String(range) === String(this.range)) return;
    this.range = range;
    const [from, to] = range ?? [0, 0];
    this.spots.forEach((one, i) => one.classList.toggle("charrnn-inside", i >= from && i < to));
    this.selected();
  }

  #key(event) {
    const to = this.#target(event);
    if (event.key === "Escape") this.#clear();
    if (to === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#clear(event.shiftKey && this.selected ? (this.anchor ?? this.chosen) : null);
    this.over = null;
    this.choose(to);
    if (this.anchor !== null) this.#extend();
    this.spots[this.chosen].scrollIntoView({ block: "nearest" });
  }

  /** Select nothing, but for what is about to be selected from an anchor. */
  #clear(anchor = null) {
    this.anchor = anchor;
    if (anchor !== null) return;
    getSelection().removeAllRanges();
    this.select(null);
  }

  /** From where shift was first held to the chosen character, both included. */
  #extend() {
    const ends = [this.anchor, this.chosen].sort((a, b) => a - b);
    this.select([ends[0], ends[1] + 1]);
  }

  #target({ key }) {
    if (key === "ArrowLeft") return this.chosen - 1;
    if (key === "ArrowRight") return this.chosen + 1;
    if (key === "Home") return 0;
    if (key === "End") return this.spots.length - 1;
    if (key === "ArrowUp") return lineFrom(this.spots, this.chosen, -1);
    return key === "ArrowDown" ? lineFrom(this.spots, this.chosen, 1) : null;
  }
}

/** One character. A newline's sign and a tab's come from the style sheet: who copies the text gets
 *  what stands in it. */
function spot(text, i) {
  const head = element("span", { class: CLASSES.get(text) }, text === "\n" ? "" : text);
  return element("span", { "data-i": i, class: "charrnn-spot" }, head);
}

function row({ label, p, came }) {
  const made = element("i", { class: came && "charrnn-came", title: percent(p) }, label);
  made.style.setProperty("--p", p.toFixed(3));
  return made;
}

function indexOf(target) {
  const found = target.closest("[data-i]");
  return found ? Number(found.dataset.i) : null;
}

/** The whole state after a character: all units of all layers as small coloured fields. */


const ACROSS = 64;

class Strip {
  /** @param {{layers: number, hidden: number}} config
   *  @param {(layer: number, unit: number) => void} chosen what a click does */
  constructor({ layers, hidden }, chosen) {
    this.layers = Array.from({ length: layers }, (_, l) =>
      new StripLayer(l, hidden, layers > 1, chosen, (unit) => this.#point(l, unit)));
    this.told = element("p", { class: "charrnn-told" });
    this.element = element("div", { class: "charrnn-strip" },
      ...this.layers.map((layer) => layer.element), this.told);
  }

  /** @param {(layer: number) => Float32Array} row the values of a layer's units
   *  @param {{layer: number, unit: number, quantity: string}} choice */
  show(row, choice) {
    Object.assign(this, { row, choice });
    this.layers.forEach((layer, l) => layer.show(row(l), choice));
    this.#point(choice.layer, choice.unit);
  }

  /** Tell a unit's number and value: the pointer's, or else the chosen one's. */
  #point(l, unit) {
    const { layer, quantity } = this.choice;
    const [at, j] = unit === null ? [layer, this.choice.unit] : [l, unit];
    const where = this.layers.length > 1 ? `layer ${at + 1}, ` : "";
    const value = written(this.row(at)[j]);
    say(this.told, `${where}unit ${j}: ${QUANTITIES[quantity].name} = ${value}`);
  }
}

/** The fields of one layer, 64 in a row. */
class StripLayer {
  constructor(l, hidden, named, chosen, pointed) {
    Object.assign(this, { l, hidden, columns: Math.min(ACROSS, hidden) });
    this.rows = Math.ceil(hidden / this.columns);
    this.canvas = element("canvas", { width: this.columns, height: this.rows, role: "img",
      onpointermove: (event) => pointed(this.#unit(event)),
      onpointerleave: () => pointed(null),
      onclick: (event) => {
        const unit = this.#unit(event);
        if (unit !== null) chosen(l, unit);
      } });
    this.canvas.style.blockSize = `${this.rows * 0.55}em`;
    this.marker = element("span", { class: "charrnn-marker", "aria-hidden": "true" });
    this.element = element("div", { class: "charrnn-layer" },
      named ? element("span", { class: "charrnn-name" }, `Layer ${l + 1}`) : null,
      element("div", { class: "charrnn-fielded" }, this.canvas, this.marker));
  }

  show(values, { layer, unit, quantity }) {
    const image = new ImageData(this.columns, this.rows);
    values.forEach((value, j) => {
      const [red, green, blue, share] = colourOf(value, quantity);
      image.data.set([red, green, blue, 255 * share], 4 * j);
    });
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.#place(layer === this.l ? unit : null);
    this.canvas.setAttribute("aria-label", `Layer ${this.l + 1}: ${QUANTITIES[quantity].name} of ` +
      `all ${this.hidden} units after this character, unit 0 at the top left`);
  }

  #place(unit) {
    this.marker.hidden = unit === null;
    const share = (number, of) => `${(100 * number) / of}%`;
    Object.assign(this.marker.style, {
      insetInlineStart: share(unit % this.columns, this.columns),
      insetBlockStart: share(Math.floor(unit / this.columns), this.rows),
      inlineSize: share(1, this.columns),
      blockSize: share(1, this.rows),
    });
  }

  /** The unit under the pointer; null beside all. */
  #unit({ offsetX, offsetY }) {
    const { clientWidth, clientHeight } = this.canvas;
    const column = Math.floor((offsetX / clientWidth) * this.columns);
    const row = Math.floor((offsetY / clientHeight) * this.rows);
    const unit = row * this.columns + column;
    const there = column >= 0 && column < this.columns && unit >= 0 && unit < this.hidden;
    return there ? unit : null;
  }
}

/** A text that was traced, by the characters that a reader sees. */


/**
 * The characters of a text, and where the network had read each.
 * @param {number[]} ids
 * @param {import("./vocab.mjs").Vocab} vocab
 * @returns {{text: string, at: number}[]} `at`: the place of its last symbol among the ids, which
 *   at byte level may be the last of several
 */
function placesOf(ids, vocab) {
  const decoder = new Decoder(vocab);
  const places = [];
  ids.forEach((id, at) => {
    for (const text of decoder.push(id)) places.push({ text, at });
  });
  for (const text of decoder.finish()) places.push({ text, at: ids.length - 1 });
  return places;
}

class Traced {
  /**
   * @param {object} found what Tracing.take gave
   * @param {import("./vocab.mjs").Vocab} vocab
   * @param {{layers: number, hidden: number}} config
   */
  constructor({ ids, cells, shown, guesses, given }, vocab, { layers, hidden }) {
    Object.assign(this, { ids, guesses, given, vocab, layers, hidden });
    this.values = { c: cells, h: shown };
    this.places = placesOf(ids, vocab);
  }

  /** A unit's value after the i-th character. */
  value(i, { layer, unit, quantity }) {
    return this.row(i, layer, quantity)[unit];
  }

  /** All units of a layer after the i-th character, (H,). */
  row(i, layer, quantity) {
    const first = (this.places[i].at * this.layers + layer) * this.hidden;
    return this.values[quantity].subarray(first, first + this.hidden);
  }

  /** All units after every character, (characters, L H). */
  table(quantity) {
    const units = this.layers * this.hidden;
    const table = new Float32Array(this.places.length * units);
    this.places.forEach(({ at }, i) => {
      table.set(this.values[quantity].subarray(at * units, (at + 1) * units), i * units);
    });
    return table;
  }

  /**
   * What was expected after the i-th character.
   * @returns {{guesses: {id: number, p: number}[], came: ?number, given: ?number}} `came`: the id
   *   that followed, and its probability; null after the last
   */
  expected(i) {
    const { at } = this.places[i];
    const guesses = this.guesses[at];
    return { guesses, came: this.ids[at + 1] ?? null, given: this.given[at] };
  }

  /** The text up to the i-th character, that one included. */
  upTo(i) {
    return this.places.slice(0, i + 1).map(({ text }) => text).join("");
  }
}

/** What a text is written on: the prompt in bold, then the model's text as it comes. */


const BLOCK = 1500;

class Paper {
  /** @param {string} label for screen readers */
  constructor(label) {
    this.element = element("pre", { class: "charrnn-paper", tabindex: 0, role: "region",
      "aria-label": label });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.show("", "");
  }

  /** A whole text at once. */
  show(prompt, text) {
    this.waiting = null;
    this.#clear(prompt);
    this.#append(text);
  }

  /** A text begins; what is here stays until its first piece has come. */
  begin(prompt) {
    this.waiting = { prompt, pieces: [], fresh: true };
  }

  /** More of the same text follows: its last lines move up, so that what comes can be read. */
  resume() {
    if (this.waiting?.fresh) return; // it was stopped before its first piece
    const { scrollHeight, clientHeight } = this.element;
    const from = scrollHeight > clientHeight ? scrollHeight - clientHeight / 3 : null;
    this.waiting = { pieces: [], fresh: false, from };
  }

  /** A piece of the text. `done`: it was the last, for now. */
  write(piece, done) {
    if (piece) this.waiting.pieces.push(piece);
    if (done) this.#flush(true);
    else if (!this.calm.matches && !this.asked) {
      this.asked = requestAnimationFrame(() => this.#flush());
    }
  }

  #flush(done = false) {
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (!this.waiting || (this.waiting.pieces.length === 0 && !done)) return;
    if (this.waiting.fresh) this.#clear(this.waiting.prompt);
    this.#append(this.waiting.pieces.join(""));
    if (this.waiting.from != null) this.element.scrollTop = this.waiting.from;
    Object.assign(this.waiting, { pieces: [], fresh: false });
  }

  #clear(prompt) {
    this.element.scrollTop = 0;
    this.text = "";
    this.prompt = prompt;
    this.last = element("span", {}, element("b", {}, prompt));
    this.element.replaceChildren(this.last);
  }

  /** Long texts stand in several blocks, so that a new piece lays out only the last anew. A block
   *  ends with a line end, which its own end takes the place of. */
  #append(piece) {
    this.text += piece;
    const end = piece.lastIndexOf("\n") + 1;
    const full = end > 0 && this.last.textContent.length + end > BLOCK;
    this.last.append(full ? piece.slice(0, end) : piece);
    if (!full) return;
    this.last.className = "charrnn-block";
    this.last = element("span", {}, piece.slice(end));
    this.element.append(this.last);
  }
}

/** Turning a unit: the text goes on with the unit held at a value, and beside it as it would. */


const FARTHEST_HELD = 0.999; // beyond, c would be so large that no step could move it back
const LASTING = { temperature: 0.8, topK: null, topP: null, length: 300 };
const REMINDED = 60; // characters of the prompt that are shown

/** Where a cell stands whose tanh is v; the other networks' h is v itself. */
function heldAt(v, cell) {
  return cell === "lstm" ? Math.atanh(Math.max(-FARTHEST_HELD, Math.min(v, FARTHEST_HELD))) : v;
}

class Turning {
  /** @param {import("./client.mjs").LiveModel} live @param {string} job
   *  @param {() => string} prompt what the text goes on from */
  constructor(live, job, prompt) {
    Object.assign(this, { live, job, prompt, busy: 0 });
    this.value = element("input", { type: "range", min: -1, max: 1, step: 0.05, value: 1,
      oninput: () => this.#tell() });
    this.shown = element("output", {});
    this.name = element("span", {});
    this.seed = element("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
      value: 1 });
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.sides = ["As it is", "Held"].map((name, i) => turningSide(name, `${job} ${i}`));
    this.element = element("div", { class: "charrnn-turning" },
      element("label", { class: "charrnn-temperature" }, this.name, this.value, this.shown),
      this.#buttons(), this.status,
      element("div", { class: "charrnn-sides" }, ...this.sides.map((side) => side.element)));
    this.sides.forEach((side) => (side.element.hidden = true));
  }

  #buttons() {
    this.begin = button("Write on from here", () => this.write(), { class: "charrnn-primary" });
    const another = button("Next seed", () => {
      this.seed.value = (Number(this.seed.value) || 0) + 1;
      this.write();
    });
    return element("div", { class: "charrnn-buttons charrnn-chosen" }, this.begin, another,
      labelled("Seed", this.seed, "Both texts draw with the same random numbers"));
  }

  /** Another unit is looked at. @param {import("./chooser.mjs").Choice} choice */
  turn(choice) {
    this.choice = choice;
    this.#tell();
  }

  #tell() {
    const v = written(Number(this.value.value));
    say(this.name, `Hold ${this.#unit()} at ${this.#quantity()} =`);
    say(this.shown, v);
    this.value.setAttribute("aria-valuetext", v);
  }

  #unit() {
    const { layer, unit } = this.choice;
    return this.live.config.layers > 1 ? `unit ${unit} of layer ${layer + 1}` : `unit ${unit}`;
  }

  #quantity() {
    return QUANTITIES[this.live.config.cell === "lstm" ? "c" : "h"].name;
  }

  /** Both texts from the same place, drawn with the same numbers. */
  write() {
    const seed = this.seed.value === "" ? NaN : Number(this.seed.value);
    const v = Number(this.value.value);
    const { layer, unit } = this.choice;
    const held = [{ layer, unit, value: heldAt(v, this.live.config.cell) }];
    say(this.sides[1].name, `${this.#unit()} held at ${written(v)}`.replace(/^u/, "U"));
    const prompt = this.prompt();
    this.busy = 2;
    say(this.status, "Writing …");
    [null, held].forEach((kept, i) => this.#write(this.sides[i], prompt, { seed, held: kept }));
  }

  #write(side, prompt, settings) {
    side.element.hidden = false;
    side.paper.begin(reminder(prompt));
    const asked = { ...LASTING, ...settings };
    this.live.write(side.job, prompt, asked, (message) => this.#hear(side, message));
  }

  #hear(side, message) {
    if (message.type === "failed") {
      say(this.status, message.message);
      return;
    }
    side.paper.write(message.text, message.done);
    if (!message.done) return;
    this.busy -= 1;
    if (this.busy > 0) return;
    const same = this.sides[0].paper.text === this.sides[1].paper.text;
    const compared = same ? " Held, it writes the same." : "";
    say(this.status, `Written at temperature 0.8, both with seed ${this.seed.value}.${compared}`);
  }
}

function turningSide(title, job) {
  const paper = new Paper(`Text, ${title.toLowerCase()}`);
  const name = element("p", { class: "charrnn-name" }, title);
  const home = element("div", { class: "charrnn-side" }, name, paper.element);
  return { paper, name, job, element: home };
}

/** The end of a prompt, from the beginning of a word. */
function reminder(prompt) {
  const characters = [...prompt];
  if (characters.length <= REMINDED) return prompt;
  return `… ${characters.slice(-REMINDED).join("").replace(/^\S*\s/, "")}`;
}

/** Characters of a prompt that a model never saw: they cannot be read, and are skipped. */


/** One line about the unknown characters of a text, or "" where there is none. */
function unknownIn(text, vocab) {
  const { unknown } = new Vocab(vocab).encode(text);
  if (unknown.length === 0) return "";
  const symbols = [...new Set(unknown.map(({ symbol }) => symbol))];
  const named = symbols.slice(0, 10).join(" ") + (symbols.length > 10 ? " …" : "");
  return `Skipped, since its training text has no such character: ${named}`;
}

/** The inspector: a text coloured by a unit, what was expected, and units found and turned. */


const OWN = "own";
let inspectors = 0;

class Inspector {
  /**
   * @param {object} options
   * @param {{passages: {name: string, text: string}[], units: [number, number][],
   *   rules: object[], quantity: "c" | "h", memory: ?object}} options.data
   * @param {(report: Function) => Promise} options.open loads the model
   * @param {number} options.size of the model's file, bytes
   * @param {Node[]} options.stored what is shown until it is loaded
   */
  constructor({ title, data, size, open, stored }) {
    Object.assign(this, { data, job: `inspector ${(inspectors += 1)}`, turn: 0 });
    this.loader = new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.stored = element("div", { class: "charrnn-kept" }, ...stored);
    this.element = form(title, { class: "charrnn-live charrnn-inspecting" }, () => {},
      this.stored, this.loader.element);
  }

  #loaded(live) {
    Object.assign(this, { live, vocab: new Vocab(live.vocab) });
    this.#build();
    this.stored.remove();
    this.element.append(...this.#parts());
    say(this.foot, described(live));
    takeFocus(this.passage);
    return this.#read();
  }

  #build() {
    const { live, data, job } = this;
    const go = (layer, unit) => this.chooser.go(layer, unit);
    this.chooser = new Chooser(live.config, data, () => this.#colour());
    this.painted = new Painted({ moved: () => this.#look(), selected: () => this.#select() });
    this.expected = new Expected();
    this.strip = new Strip(live.config, go);
    const noun = live.vocab.level === "byte" ? "byte" : "character";
    this.lasting = data.memory ? new Lasting(data.memory, live.config, noun, go) : null;
    this.finding = new Finding(go);
    this.turning = new Turning(live, `${job}, turned`, () => this.#before());
    this.deep = element("input", { type: "checkbox", onchange: () => this.#deepen() });
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
    this.#buildTexts();
  }

  #buildTexts() {
    const options = this.data.passages.map(({ name }, i) => element("option", { value: i }, name));
    this.passage = element("select", { onchange: () => this.#read() }, ...options,
      element("option", { value: OWN }, "Your own text"));
    this.own = element("textarea", { rows: 3, spellcheck: "false" });
    this.ownPart = element("div", { class: "charrnn-own", hidden: true },
      labelled("Your own text, up to 2,000 characters", this.own),
      button("Read", () => this.#read(), { class: "charrnn-primary" }));
  }

  #parts() {
    const heading = (text) => element("h2", {}, text);
    const deep = element("label", { class: "charrnn-check" }, this.deep,
      element("span", {}, "Its five guesses under every character"));
    const hint = element("p", { class: "charrnn-foot" }, "Point at a character, tap it or go " +
      "there with the arrow keys, and see what was expected after it.");
    const lasting = this.lasting ? [heading("How long does it hold what it holds?"),
      this.lasting.element] : [];
    this.results = element("div", { class: "charrnn-reader", hidden: true }, this.chooser.element,
      this.painted.element, deep, hint, this.expected.element,
      heading("All units after this character"), this.strip.element, ...lasting,
      heading("Which units follow a stretch of text?"), this.finding.element,
      heading("What does it write if the unit is held?"), this.turning.element);
    return [labelled("Text", this.passage), this.ownPart, this.status, this.results, this.foot];
  }

  /** Let the network read the chosen text. */
  async #read() {
    const own = this.passage.value === OWN;
    this.ownPart.hidden = !own;
    if (own && !this.own.value) return this.own.focus();
    const text = own ? this.own.value : this.data.passages[this.passage.value].text;
    const turn = (this.turn += 1);
    say(this.status, "Reading …");
    try {
      const found = await this.live.trace(this.job, text);
      if (turn === this.turn) this.#show(new Traced(found, this.vocab, this.live.config), text);
    } catch (error) {
      if (turn === this.turn) say(this.status, error.message);
    }
  }

  #show(traced, text) {
    this.traced = traced;
    this.results.hidden = false;
    const count = traced.places.length;
    const read = `Read: ${grouped(count)} character${count === 1 ? "" : "s"}.`;
    say(this.status, `${read} ${unknownIn(text, this.live.vocab)}`);
    this.finding.begin(traced);
    this.painted.show(traced.places);
    this.#deepen();
    this.#colour();
  }

  /** Another unit or quantity. */
  #colour() {
    const choice = this.chooser.value;
    this.painted.paint((i) => tint(this.traced.value(i, choice), choice.quantity));
    if (choice.quantity !== this.finding.quantity) this.#select();
    this.lasting?.show(choice);
    this.turning.turn(choice);
    this.#look();
  }

  /** Another character. */
  #look() {
    const { traced, painted: { at } } = this;
    const choice = this.chooser.value;
    this.expected.show(traced, at, choice);
    this.strip.show((layer) => traced.row(at, layer, choice.quantity), choice);
  }

  #select() {
    this.finding.select(this.painted.range, this.chooser.value.quantity);
  }

  #deepen() {
    const { vocab, traced } = this;
    this.painted.under(!this.deep.checked ? null : (i) => {
      const { guesses, came } = traced.expected(i);
      return guesses.map(({ id, p }) => ({ label: vocab.label(id), p, came: id === came }));
    });
  }

  /** What a text goes on from: all up to the chosen character. */
  #before() {
    return this.traced.upTo(this.painted.chosen);
  }
}

/**
 * A text and what each guess of its characters depended on: the chosen character is framed, and
 * those before it are the more orange, the more its guess depended on them.
 */


const MOST_ORANGE = 0.75;

/**
 * Rows of a lower triangle, as charrnn/widgets/looked_back.py stores them: to character 1 one byte,
 * to character 2 two, and so on; each the square root of a share of its row's largest, of 255.
 */
class Dependence {
  /** @param {string} base64 @param {number} length characters of the text */
  constructor(base64, length) {
    this.length = length;
    this.bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }

  /** How strongly the guess of one character depended on each before it: 0 to 1, root scale. */
  row(target) {
    const first = (target * (target - 1)) / 2;
    return this.bytes.subarray(first, first + target);
  }

  strength(target, i) {
    return i < target ? this.row(target)[i] / 255 : 0;
  }

  /** The character that one guess depended on most; null where it depended on none. */
  strongest(target) {
    const row = this.row(target);
    const most = row.reduce((best, value, i) => (value > row[best] ? i : best), 0);
    return row[most] > 0 ? most : null;
  }
}

/** What is said of a guess. @param {{labels: string[], half: number[]}} data */
function toldOf(target, { labels, half }, dependence) {
  const which = `“${labels[target]}” (character ${grouped(target + 1)})`;
  const strongest = target > 0 ? dependence.strongest(target) : null;
  if (target === 0) return `${which} is the first: nothing came before it.`;
  if (strongest === null) return `The guess of ${which} depended on nothing before it.`;
  const away = target - strongest;
  const where = away === 1 ? "right before it" : `${grouped(away)} characters before it`;
  const count = half[target];
  const last = count === 1 ? "the last character" : `the last ${grouped(count)} characters`;
  return `The guess of ${which} depended most on “${labels[strongest]}”, ${where}; ` +
    `half of it on ${last}.`;
}

class LookedBack {
  /** @param {{title: string, data: {symbols: string[], labels: string[], half: number[],
   *    weights: string}}} options */
  constructor({ title, data }) {
    this.data = data;
    this.dependence = new Dependence(data.weights, data.symbols.length);
    this.told = element("p", { class: "charrnn-told", role: "status" });
    this.painted = new Painted({ moved: () => this.#look() });
    const bar = element("span", { class: "charrnn-scale", "aria-hidden": "true" });
    bar.style.backgroundImage = `linear-gradient(to right, ${orange(0)}, ${orange(1)})`;
    const legend = element("p", { class: "charrnn-legend" }, "not at all", bar, "most",
      element("span", { class: "charrnn-counted" }, "Point at a character, tap it or go there " +
        "with the arrow keys, and see what its guess depended on."));
    this.element = element("section", { "aria-label": title,
      class: "charrnn-live charrnn-inspecting charrnn-looking" }, this.painted.element, this.told,
      legend);
    this.painted.show(data.symbols.map((text) => ({ text })));
  }

  #look() {
    const { at } = this.painted;
    this.painted.paint((i) => orange(this.dependence.strength(at, i)));
    say(this.told, toldOf(at, this.data, this.dependence));
  }
}

function orange(share) {
  return `rgba(207, 95, 18, ${(share * MOST_ORANGE).toFixed(3)})`;
}

/** The exponential function of the portable arithmetic, the same bits everywhere. */

const EXP_LIMIT = 87;
const EXP_LOG2E = Math.fround(1.44269504);
const EXP_LN2_HIGH = 0.693359375; // a float32 number, as 0.5 and 1 are
const EXP_LN2_LOW = Math.fround(-0.00021219444);
const EXP_TERMS = Float32Array.of(
  1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 0.166666655, 0.5,
);
const LEAST_POWER = -126;
// 2^-126 to 2^126 by their bits: `2 ** n` need not be exact in every browser.
const POWERS = new Float32Array(Int32Array.from({ length: 253 }, (_, i) => (i + 1) << 23).buffer);
const ROUNDER = 1.5 * 2 ** 52; // beside it float64 numbers are whole

/**
 * @param {number} x between -2^51 and 2^51
 * @returns {number} the nearest integer, halves to even
 */
function roundHalfEven(x) {
  return x + ROUNDER - ROUNDER;
}

/**
 * e^v in float32, each operation rounded, as the top of charrnn/export.py fixes it.
 * @param {number} v a float32 number; beyond -87 and 87 it counts as these
 * @returns {number} a float32 number
 */
function exp32(v) {
  const f = Math.fround;
  const x = Math.min(EXP_LIMIT, Math.max(-EXP_LIMIT, v));
  const n = roundHalfEven(f(x * EXP_LOG2E));
  const r = f(f(x - f(n * EXP_LN2_HIGH)) - f(n * EXP_LN2_LOW));
  let p = EXP_TERMS[0];
  for (let i = 1; i < 6; i++) p = f(f(p * r) + EXP_TERMS[i]);
  return f(f(f(f(p * f(r * r)) + r) + 1) * POWERS[n - LEAST_POWER]);
}

/**
 * Drawing a symbol from the scores of a model: the "weights", "top_k", "top_p" and "draw" of the
 * portable arithmetic at the top of charrnn/export.py.
 *
 * @typedef {{temperature: number, topK?: ?number, topP?: ?number, length?: number, seed?: number}}
 *   Settings topK and topP may be null or left out
 */


const LEAST_EXPONENT = -87;

/**
 * @param {Settings} settings
 * @throws {RangeError} with one line where one of them is not possible; length and seed may be
 *   left out where nothing is drawn
 */
function checkSettings({ temperature, topK, topP, length, seed }) {
  if (!Number.isFinite(temperature) || temperature < 0) {
    throw new RangeError(`The temperature is ${shown(temperature)}; it must be finite, 0 or more.`);
  }
  if ((topK ?? null) !== null && !(Number.isInteger(topK) && topK >= 1)) {
    throw new RangeError(`top_k is ${shown(topK)}; it must be whole, at least 1 (or left out).`);
  }
  if ((topP ?? null) !== null && !(Number.isFinite(topP) && topP > 0 && topP <= 1)) {
    throw new RangeError(`top_p is ${shown(topP)}; it must be above 0, at most 1 (or left out).`);
  }
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) {
    throw new RangeError(`The length is ${shown(length)}; it must be a whole number, 0 or more.`);
  }
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new RangeError(`The seed is ${shown(seed)}; it must be a whole number, 0 to 2^53 - 1.`);
  }
}

/**
 * What each symbol weighs in the draw: the likeliest 1, what is left out 0.
 * @param {Float32Array} logits (V,)
 * @param {Settings} settings
 * @returns {Float64Array} (V,)
 * @throws {ModelError} where the largest logit is not finite, or any is not a number
 */
function weights(logits, { temperature, topK, topP }) {
  const best = likeliest(logits);
  const found = new Float64Array(logits.length);
  if (temperature === 0) {
    found[best] = 1;
    return found;
  }
  for (let id = 0; id < logits.length; id++) {
    const v = Math.fround((logits[id] - logits[best]) / temperature);
    found[id] = v < LEAST_EXPONENT ? 0 : exp32(v);
  }
  if ((topK ?? topP ?? null) !== null) truncate(found, ranked(logits), topK, topP);
  return found;
}

/** The first of the largest logits. */
function likeliest(logits) {
  let best = 0;
  let broken = false;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > logits[best]) best = id;
    broken ||= Number.isNaN(logits[id]);
  }
  if (broken || !Number.isFinite(logits[best])) {
    throw new ModelError(
      "The model's scores are not finite numbers: its weights are broken, perhaps by a training " +
        "that diverged; train with a lower learning rate.",
    );
  }
  return best;
}

/** Leave out, in place, what top_k and then top_p do not reach. */
function truncate(found, order, topK, topP) {
  for (const id of order.slice(topK ?? order.length)) found[id] = 0;
  if ((topP ?? null) === null) return;
  const enough = topP * order.reduce((sum, id) => sum + found[id], 0);
  let before = 0;
  for (const id of order) {
    const reached = before >= enough;
    before += found[id];
    if (reached) found[id] = 0;
  }
}

/**
 * @param {Float32Array} logits (V,)
 * @returns {number[]} ids by logit, the largest first, equals by id
 */
function ranked(logits) {
  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

/**
 * @param {Float32Array} logits (V,)
 * @param {Settings} settings
 * @returns {Float64Array} (V,) what is drawn from: the weights over their sum
 * @throws {ModelError} as `weights`
 */
function probabilities(logits, settings) {
  const found = weights(logits, settings);
  const total = found.reduce((sum, weight) => sum + weight, 0);
  return found.map((weight) => weight / total);
}

/**
 * @param {Float32Array} logits (V,)
 * @param {number} u in [0, 1)
 * @param {Settings} settings
 * @returns {number} the first id at which the sum of the weights exceeds u times all of it
 * @throws {ModelError} as `weights`
 * @throws {RangeError} where u is outside [0, 1)
 */
function pick(logits, u, settings) {
  const found = weights(logits, settings);
  const mark = u * found.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  const id = found.findIndex((weight) => (reached += weight) > mark);
  if (!(u >= 0) || id < 0) throw new RangeError(`u is ${u}; it must be at least 0 and below 1.`);
  return id;
}

/** The settings of a text: fields, what stands in them, and what is wrong with it. */


const LONGEST = 20000;

/** A temperature slider with its value beside it. */
class Temperature {
  /**
   * @param {string} text its label
   * @param {number} value
   * @param {number[]} stops the temperatures it can stand at, until `free` is called
   * @param {() => void} moved
   */
  constructor(text, value, stops, moved) {
    this.stops = stops;
    const nearest = stops.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a));
    this.input = element("input", { type: "range", min: 0, max: stops.length - 1, step: 1,
      value: stops.indexOf(nearest) });
    this.input.addEventListener("input", () => {
      this.#show();
      moved();
    });
    this.output = element("output", {});
    this.element = element("label", { class: "charrnn-temperature" },
      element("span", {}, text), this.input, this.output);
    this.#show();
  }

  get value() {
    return this.stops ? this.stops[Number(this.input.value)] : Number(this.input.value);
  }

  set value(temperature) {
    const at = this.stops ? this.stops.indexOf(temperature) : temperature;
    this.input.value = at;
    this.#show();
  }

  /** From now on any temperature from 0 to 2. */
  free() {
    const { value } = this;
    this.stops = null;
    Object.assign(this.input, { min: 0, max: 2, step: 0.05 });
    this.value = value;
  }

  #show() {
    const shown = `${Number(this.value.toFixed(2))}`;
    this.output.textContent = shown;
    this.input.setAttribute("aria-valuetext", shown === "0" ? "0, always the likeliest" : shown);
  }
}

/** Seed, length, top_k and top_p, folded away. */
class Settings {
  constructor({ seed, length, unit }, changed) {
    const number = (value, properties) =>
      element("input", { type: "number", value, onchange: changed, ...properties });
    this.seed = number(seed, { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 });
    this.length = number(length, { min: 1, max: LONGEST, step: 1 });
    this.topK = number("", { min: 1, step: 1, placeholder: "all" });
    this.topP = number("", { min: 0.01, max: 1, step: "any", placeholder: "all" });
    this.unit = element("span", {}, unit);
    const length_ = element("label", { class: "charrnn-field" }, this.unit, this.length);
    this.element = element("details", { class: "charrnn-settings" },
      element("summary", {}, "Seed, length, top_k, top_p"),
      element("div", { class: "charrnn-fields" },
        labelled("Seed", this.seed, "The same seed gives the same text"), length_,
        labelled("top_k", this.topK, "Draw from this many likeliest characters only"),
        labelled("top_p", this.topP,
          "Draw from the fewest likeliest characters that together have this probability")));
  }

  /** @returns what the model is asked for; RangeError with one clear line where it is wrong */
  read(temperature) {
    const settings = {
      temperature,
      seed: this.#number(this.seed, "seed"),
      length: this.#number(this.length, "length"),
      topK: this.topK.value === "" ? null : this.#number(this.topK, "top_k"),
      topP: this.topP.value === "" ? null : this.#number(this.topP, "top_p"),
    };
    if (settings.length < 1 || settings.length > LONGEST) {
      throw new RangeError(`The length is ${settings.length}; it must be 1 to ${LONGEST}.`);
    }
    checkSettings(settings);
    return settings;
  }

  nextSeed() {
    this.seed.value = (Number(this.seed.value) || 0) + 1;
  }

  #number(input, name) {
    if (input.value === "" || input.validity.badInput) {
      throw new RangeError(`${name} is not a number; please type one.`);
    }
    return Number(input.value);
  }
}

/** Any model of the book: what comes next, by hand; and two temperatures side by side. */


const GUESSES = 12;
const DEPTH = 5;
const COLUMNS = 48;

class Playground {
  /**
   * @param {{title: string, model: string, bytes: number, prompt: string,
   *   recorded: {temperature: number, text: string}[]}[]} models
   */
  constructor(models) {
    this.models = models;
    const options = models.map(({ title }, i) => element("option", { value: i }, title));
    this.choice = element("select", { onchange: () => this.#choose() }, ...options);
    this.loader = new Loader({ size: models[0].bytes, loaded: (live) => this.#loaded(live),
      open: (report) => openModel(address(this.model.model), report) });
    this.sides = [0.5, 1.0].map((temperature, i) => new Side(this, i, temperature));
    this.settings = new Settings({ seed: 1, length: 600, unit: "Characters" }, () => this.write());
    this.status = element("p", { class: "charrnn-status", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
    this.#buildReader();
    const chosen = element("div", { class: "charrnn-buttons charrnn-chosen" },
      labelled("Model", this.choice), this.loader.element);
    const sides = element("div", { class: "charrnn-sides" }, ...this.sides.map((s) => s.element));
    this.element = form("Playground", { class: "charrnn-live" }, () => this.write(),
      chosen, this.reader, sides, this.status, this.#buttons(), this.foot);
    this.#choose();
  }

  get model() {
    return this.models[Number(this.choice.value)];
  }

  #buildReader() {
    this.field = element("textarea", { rows: 2, spellcheck: "false", oninput: () => this.read() });
    this.echo = element("p", { class: "charrnn-echo" });
    this.bars = new Bars(GUESSES, (id) => this.#take(id));
    this.rows = new Rows(DEPTH);
    this.reader = element("div", { class: "charrnn-reader", hidden: true },
      labelled("Prompt", this.field, "What both texts begin with"), this.echo,
      element("h2", {}, "What comes next"), this.bars.element,
      element("h2", {}, "Its five guesses after each character"), this.rows.element,
      element("h2", {}, "Two temperatures, one seed"));
  }

  #buttons() {
    this.begin = element("button", { type: "submit", class: "charrnn-primary" }, "Write both");
    this.halt = button("Stop", () => this.sides.forEach((side) => side.stop()));
    this.onward = button("Continue", () => this.#all((side, settings) => side.more(settings)));
    this.another = button("Next seed", () => {
      this.settings.nextSeed();
      this.write();
    });
    const buttons = [this.begin, this.halt, this.onward, this.another];
    this.controls = element("div", { hidden: true },
      element("div", { class: "charrnn-buttons" }, ...buttons), this.settings.element);
    return this.controls;
  }

  /** Another model: its recorded texts, until it is loaded. */
  #choose() {
    this.sides.forEach((side) => side.stop());
    this.live = null;
    this.reader.hidden = this.controls.hidden = true;
    this.field.value = this.model.prompt;
    this.loader.offer(this.model.bytes);
    this.sides.forEach((side) => side.recorded(this.model.recorded));
    say(this.status, "Recorded texts; the sliders move among them.");
    say(this.foot, "");
    if (isOpen(address(this.model.model))) this.loader.load();
  }

  #loaded(live) {
    this.live = live;
    this.vocab = new Vocab(live.vocab);
    this.reader.hidden = this.controls.hidden = false;
    this.settings.unit.textContent = live.vocab.level === "byte" ? "Bytes" : "Characters";
    this.sides.forEach((side) => side.temperature.free());
    say(this.foot, described(live));
    this.read();
    this.write();
    takeFocus(this.field);
  }

  /** What the model expects after the prompt as it stands, at the first slider's temperature. */
  async read() {
    const prompt = this.field.value;
    this.echo.replaceChildren(...marked(prompt, this.live.vocab));
    this.echo.hidden = !unknownIn(prompt, this.live.vocab);
    const settings = { temperature: this.sides[0].temperature.value, topK: null, topP: null };
    const { live } = this;
    try {
      const rows = await live.read("reader", prompt, settings, GUESSES, COLUMNS);
      if (live !== this.live) return; // another model was chosen meanwhile
      this.bars.show(rows.at(-1).guesses, this.vocab);
      this.rows.show(rows, this.vocab);
    } catch (error) {
      say(this.status, error.message);
    }
  }

  /** A character chosen by hand goes behind the prompt. */
  #take(id) {
    const { level, symbols } = this.live.vocab;
    if (level === "byte" && symbols[id] > 127) return; // a part of a character only
    this.field.value += level === "byte" ? String.fromCharCode(symbols[id]) : symbols[id];
    this.read();
  }

  write() {
    this.#all((side, settings) => side.write(this.field.value, settings));
  }

  /** Let both sides work at the settings that stand in the fields. */
  #all(work) {
    if (!this.live) return;
    try {
      const settings = this.sides.map((side) => this.settings.read(side.temperature.value));
      this.sides.forEach((side, i) => work(side, settings[i]));
      this.settled();
    } catch (error) {
      say(this.status, error.message);
      this.settings.element.open = true;
    }
  }

  /** Show whether anything is being written. */
  settled() {
    const busy = this.sides.some((side) => side.busy);
    this.halt.disabled = !busy;
    this.onward.disabled = busy;
    const skipped = unknownIn(this.field.value, this.live.vocab);
    const seed = this.settings.seed.value;
    say(this.status, `${busy ? "Writing" : "Written"} with seed ${seed}. ${skipped}`);
  }
}

/** One of the two columns. */
class Side {
  constructor(owner, i, temperature) {
    Object.assign(this, { owner, job: `side ${i}`, busy: false, wanted: temperature });
    this.paper = new Paper(`Text ${"AB"[i]}`);
    this.element = element("div", { class: "charrnn-side" });
    this.name = `Temperature ${"AB"[i]}`;
    this.first = i === 0;
  }

  /** Show recorded texts; the slider has their temperatures. */
  recorded(records) {
    this.busy = false;
    const stops = records.map(({ temperature }) => temperature);
    const wanted = this.temperature?.value ?? this.wanted;
    this.temperature = new Temperature(this.name, wanted, stops, () => this.#moved());
    this.records = records;
    this.element.replaceChildren(this.temperature.element, this.paper.element);
    this.#showRecord();
  }

  #showRecord() {
    const { value } = this.temperature;
    this.paper.show("", this.records.find(({ temperature }) => temperature === value).text);
  }

  #moved() {
    const { owner } = this;
    if (!owner.live) {
      this.#showRecord();
      return;
    }
    if (this.first) owner.read();
    try {
      this.write(owner.field.value, owner.settings.read(this.temperature.value));
      owner.settled();
    } catch (error) {
      say(owner.status, error.message);
    }
  }

  write(prompt, settings) {
    this.paper.begin(prompt);
    this.busy = true;
    const { live } = this.owner;
    live.write(this.job, prompt, settings, (message) => this.#hear(live, message));
  }

  more(settings) {
    this.paper.resume();
    this.busy = true;
    const { live } = this.owner;
    live.more(this.job, settings, (message) => this.#hear(live, message));
  }

  stop() {
    if (this.busy) this.owner.live.stop(this.job);
  }

  #hear(live, message) {
    if (live !== this.owner.live) return; // another model was chosen meanwhile
    if (message.type === "failed") {
      this.busy = false;
      this.owner.settled();
      say(this.owner.status, message.message);
      return;
    }
    this.paper.write(message.text, message.done);
    if (!message.done) return;
    this.busy = false;
    this.owner.settled();
    say(this.owner.foot, described(this.owner.live, message));
  }
}

/** How likely a line of the reader's own is, letter by letter: for models of single lines. */


const LINE_LENGTH = 60; // characters of a line, as many as a row of letters can show
const AT_ONE = { temperature: 1, topK: null, topP: null };

class Line {
  /** @param {import("./client.mjs").LiveModel} live whose config has a restart symbol */
  constructor(live, job) {
    Object.assign(this, { live, job: `${job}, line`, vocab: new Vocab(live.vocab) });
    this.field = element("input", { type: "text", maxlength: LINE_LENGTH, spellcheck: "false",
      autocomplete: "off", autocapitalize: "words", oninput: () => this.judge() });
    this.said = element("p", { class: "charrnn-odds", role: "status" });
    this.letters = element("ol", { class: "charrnn-letters" });
    this.element = element("div", { class: "charrnn-reader" },
      labelled("How likely is a line of your own?", this.field), this.said, this.letters);
  }

  /** Read the line in the field, and say how likely it is at temperature 1. */
  async judge() {
    const line = this.field.value;
    this.letters.replaceChildren();
    const unknown = unknownIn(line, this.live.vocab);
    if (unknown || !line) {
      say(this.said, unknown && "It cannot be written: the model knows no such character.");
      return;
    }
    try {
      const end = this.vocab.symbol(this.live.config.restart);
      const ended = line + (typeof end === "number" ? String.fromCharCode(end) : end);
      const rows = await this.live.read(this.job, ended, AT_ONE, 0, 4 * LINE_LENGTH + 2);
      this.#show(line, rows);
    } catch (error) {
      say(this.said, error.message);
    }
  }

  /** `rows` begin with the restart symbol; what is given after each is the next one's chance. */
  #show(line, rows) {
    const chances = rows.slice(0, -1).map(({ given }) => given);
    const likely = chances.reduce((product, chance) => product * chance, 1);
    say(this.said, `“${line}” is one line in ${odds(1 / likely)} at temperature 1.`);
    this.letters.replaceChildren(...chances.map((chance, i) =>
      element("li", {}, element("b", {}, this.vocab.label(rows[i + 1].id)),
        element("span", {}, percent(chance)))));
  }
}

/** 12345.6 as "12,346", 1.2 as "1.2", and what has more than 15 digits as a power of ten. */
function odds(number) {
  if (number < 10) return number.toFixed(1);
  return number < 1e15 ? grouped(number) : `10 to the ${Math.round(Math.log10(number))}`;
}

/** A chapter's sampler: recorded texts behind a temperature slider, then the model itself. */


let made = 0;

class Sampler {
  /**
   * @param {object} options
   * @param {{temperature: number, text: string}[]} options.recorded at least one
   * @param {?(report: Function) => Promise} options.open loads the model; null: recorded texts only
   * @param {number} options.size of the model's file, bytes
   */
  constructor({ title, recorded, open, size, prompt, length, seed, temperature }) {
    Object.assign(this, { recorded, prompt, job: `sampler ${(made += 1)}` });
    const stops = recorded.map((record) => record.temperature);
    this.temperature = new Temperature("Temperature", temperature, stops, () => this.#moved());
    this.paper = new Paper("Text of the model");
    this.status = element("p", { class: "charrnn-status", role: "status" });
    this.settings = new Settings({ seed, length, unit: "Characters" }, () => this.write());
    this.loader = open && new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.element = form(title, { class: "charrnn-live" }, () => this.write(),
      this.temperature.element, this.paper.element, this.status, this.loader?.element);
    this.#showRecorded();
  }

  /** The recorded text of the slider's stop. */
  #showRecorded() {
    const { value } = this.temperature;
    const record = this.recorded.find(({ temperature }) => temperature === value);
    this.paper.show(this.prompt, record.text);
    say(this.status, `Recorded at temperature ${value}.`);
  }

  #moved() {
    if (this.live) this.write();
    else this.#showRecorded();
  }

  #loaded(live) {
    this.live = live;
    if (live.vocab.level === "byte") say(this.settings.unit, "Bytes");
    this.temperature.free();
    this.field = element("textarea", { rows: 1, spellcheck: "false", onchange: () => this.write(),
      placeholder: "none: from a new line" });
    this.field.value = this.prompt;
    this.begin = element("button", { type: "submit", class: "charrnn-primary" }, "Write");
    this.another = button("Next seed", () => {
      this.settings.nextSeed();
      this.write();
    });
    this.onward = button("Continue", () => this.#continue());
    this.halt = button("Stop", () => this.live.stop(this.job));
    this.copy = button("Copy", () => this.#copy());
    this.foot = element("p", { class: "charrnn-foot" });
    const buttons = [this.begin, this.halt, this.onward, this.another, this.copy];
    const prompt = labelled("Prompt", this.field, "What the text begins with");
    const line = live.config.restart === null ? null : new Line(live, this.job).element;
    this.element.append(...[prompt, element("div", { class: "charrnn-buttons" }, ...buttons), line,
      this.settings.element, this.foot].filter((part) => part));
    say(this.foot, described(live));
    this.write();
    takeFocus(this.temperature.input);
  }

  /** A text from the beginning, at the settings that stand in the fields. */
  write() {
    if (!this.live) return;
    const settings = this.#settings();
    if (!settings) return;
    const prompt = this.field.value;
    this.skipped = unknownIn(prompt, this.live.vocab);
    this.paper.begin(prompt);
    this.#working(true);
    this.live.write(this.job, prompt, settings, (message) => this.#hear(message));
  }

  #continue() {
    const settings = this.#settings();
    if (!settings) return;
    this.paper.resume();
    this.#working(true);
    this.live.more(this.job, settings, (message) => this.#hear(message));
  }

  #settings() {
    try {
      return this.settings.read(this.temperature.value);
    } catch (error) {
      say(this.status, error.message);
      this.settings.element.open = true;
      return null;
    }
  }

  #hear(message) {
    if (message.type === "failed") {
      this.#working(false);
      say(this.status, message.message);
      return;
    }
    this.paper.write(message.text, message.done);
    if (!message.done) return;
    this.#working(false);
    this.#compare();
    say(this.foot, described(this.live, message));
  }

  #working(yes) {
    this.halt.disabled = !yes;
    this.onward.disabled = yes;
    const { value } = this.temperature;
    const at = `at temperature ${value}, seed ${this.settings.seed.value}.`;
    say(this.status, `${yes ? "Writing" : "Written in this page"} ${at} ${this.skipped}`);
  }

  /** Say so where the page wrote a recorded text again: the same network, seed and numbers. */
  #compare() {
    const { value } = this.temperature;
    const record = this.recorded.find(({ temperature }) => temperature === value);
    const length = Math.min(record?.text.length ?? 0, this.paper.text.length);
    if (this.paper.prompt !== this.prompt || length < 100) return;
    if (record.text.slice(0, length) !== this.paper.text.slice(0, length)) return;
    say(this.status, `${this.status.textContent}It is the recorded text, character for character.`);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.paper.prompt + this.paper.text);
      say(this.status, "Copied.");
    } catch {
      getSelection().selectAllChildren(this.paper.element);
      say(this.status, "The text is selected: copy it with Ctrl+C.");
    }
  }
}

const STYLE = "/* Part of the book in light and dark: the theme's colours, or the host's own where it has none. */\n.charrnn-live {\n  --line: var(--pst-color-border, rgba(128, 128, 128, .5));\n  --paper: var(--pst-color-surface, rgba(128, 128, 128, .08));\n  --accent: var(--pst-color-primary, #0a7d91);\n  --quiet: var(--pst-color-text-muted, inherit);\n  display: flex; flex-direction: column; gap: .7em; min-width: 0; margin: 1em 0; padding: 1em;\n  border: 1px solid var(--line); border-radius: .5em; color: inherit; text-align: left;\n}\n.charrnn-live, .charrnn-live * { box-sizing: border-box; }\n.charrnn-live > *, .charrnn-live p, .charrnn-live h2 { margin: 0; }\n.charrnn-live h2 { font-size: 1em; font-weight: 600; }\n.charrnn-live [hidden] { display: none !important; }\n.charrnn-live :is(input, select, textarea, button) {\n  font: inherit; color: inherit; background: none; border: 1px solid var(--line);\n  border-radius: .35em; padding: .3em .55em; margin: 0; max-width: 100%;\n}\n.charrnn-live option { color: CanvasText; background: Canvas; }\n.charrnn-live input[type=\"range\"] { flex: 1 1 0; min-width: 5em; padding: 0; border: 0;\n  height: 1.9em; accent-color: var(--accent); }\n.charrnn-live button { cursor: pointer; padding: .35em .9em; }\n.charrnn-live button:hover:not(:disabled) { background: var(--paper); }\n.charrnn-live button:disabled { opacity: .45; cursor: default; }\n.charrnn-live button.charrnn-primary { border-color: var(--accent); color: var(--accent);\n  font-weight: 600; }\n.charrnn-live :is(input, select, textarea, button, pre, summary, [tabindex]):focus-visible {\n  outline: 2px solid var(--accent); outline-offset: 1px; }\n.charrnn-live textarea { width: 100%; resize: vertical; line-height: 1.45; min-height: 2.2em;\n  font-family: ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; font-size: .9em; }\n.charrnn-temperature { display: flex; align-items: center; gap: .2em .8em; margin: 0; }\n.charrnn-temperature output { min-width: 2.6em; font-weight: 600;\n  font-variant-numeric: tabular-nums; }\n.charrnn-live pre.charrnn-paper { margin: 0; padding: .8em 1em; height: 26em;\n  resize: vertical; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;\n  background: var(--paper); color: inherit; border: 1px solid var(--line); border-radius: .35em;\n  font: .875em/1.5 ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; }\n.charrnn-block { display: block; }\n.charrnn-status, .charrnn-foot { font-size: .875em; color: var(--quiet); min-height: 1.4em; }\n.charrnn-status { min-height: 3.4em; }\n.charrnn-buttons, .charrnn-loader { display: flex; flex-wrap: wrap; align-items: center;\n  gap: .5em .7em; }\n.charrnn-loader progress { flex: 1 1 8em; max-width: 16em; accent-color: var(--accent); }\n.charrnn-loader span { font-size: .875em; }\n.charrnn-chosen { align-items: end; }\n.charrnn-field { display: flex; flex-direction: column; gap: .15em; min-width: 0; margin: 0; }\n.charrnn-field > span { font-size: .875em; color: var(--quiet); }\n.charrnn-settings summary { cursor: pointer; font-size: .875em; width: fit-content; }\n.charrnn-fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(8em, 1fr));\n  gap: .6em; margin-top: .5em; }\n.charrnn-reader { display: flex; flex-direction: column; gap: .6em; min-width: 0; }\n.charrnn-echo { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875em;\n  font-family: ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; }\n.charrnn-live mark { background: #d6336c; color: #fff; border-radius: .2em; padding: 0 .15em; }\n.charrnn-live ol.charrnn-bars { columns: 15em; column-gap: 1.2em; list-style: none; margin: 0;\n  padding: 0; }\n.charrnn-live ol.charrnn-bars li { margin: 0; padding: 0; break-inside: avoid; }\n.charrnn-live .charrnn-guess { display: flex; align-items: center; gap: .6em; width: 100%;\n  border: 0;\n  padding: .15em .3em; }\n.charrnn-symbol { flex: none; width: 2.6em; text-align: center;\n  font-family: ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; }\n.charrnn-track { flex: 1; height: .8em; border-radius: .2em; background: var(--paper);\n  border: 1px solid var(--line); overflow: hidden; }\n.charrnn-bar { display: block; height: 100%; min-width: 1px; background: #c92a2a; }\n.charrnn-share { flex: none; width: 4em; text-align: right; font-size: .875em;\n  font-variant-numeric: tabular-nums; }\n.charrnn-rows { overflow-x: auto; }\n.charrnn-live .charrnn-rows table { border-collapse: collapse; margin: 0; width: auto;\n  font-size: .85em;\n  font-family: ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; }\n.charrnn-live .charrnn-rows :is(th, td) { min-width: 1.7em; padding: .1em .2em; text-align: center;\n  border: 1px solid var(--line); color: inherit; }\n.charrnn-live .charrnn-rows th { font-weight: 700; }\n.charrnn-live .charrnn-rows td { --shade: calc(var(--p, 0) * 85%);\n  background: color-mix(in srgb, #e03131 var(--shade), transparent); }\n.charrnn-live .charrnn-rows td.charrnn-came { outline: 2px solid currentColor;\n  outline-offset: -2px; }\n.charrnn-odds { font-size: .875em; min-height: 1.4em; }\n.charrnn-live ol.charrnn-letters { display: flex; flex-wrap: wrap; gap: .3em; list-style: none;\n  margin: 0; padding: 0; min-height: 3em; }\n.charrnn-live ol.charrnn-letters li { display: flex; flex-direction: column; margin: 0;\n  padding: .1em .4em; text-align: center; border: 1px solid var(--line); border-radius: .3em;\n  font-size: .875em; font-variant-numeric: tabular-nums; }\n.charrnn-legend { display: flex; flex-wrap: wrap; align-items: center; gap: .3em .6em;\n  font-size: .875em; color: var(--quiet); }\n.charrnn-scale { flex: 1 1 4em; max-width: 12em; height: .9em; border: 1px solid var(--line); border-radius: .2em; }\n.charrnn-chooser { display: flex; flex-direction: column; gap: .6em; min-width: 0; }\n.charrnn-steps { display: flex; align-items: end; gap: .3em; }\n.charrnn-steps input { width: 5.5em; }\n.charrnn-chooser :is(select, input, button) { height: 2.3em; }\n.charrnn-counted { flex: 1 1 100%; }\n.charrnn-steps button { padding: .3em .7em; }\n.charrnn-inspecting { --at: var(--pst-color-text-base, currentColor); }\n.charrnn-painted { max-height: 24em; overflow: auto; resize: vertical; padding: .7em .9em;\n  white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line);\n  border-radius: .35em; cursor: default; tab-size: 4;\n  font: .875em/1.6 ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; }\n.charrnn-painted ::selection { background: rgba(128, 128, 128, .35); }\n.charrnn-painted .charrnn-newline::before { content: \"\u21b5\"; opacity: .55; }\n.charrnn-painted .charrnn-tab::before { content: \"\u21e5\"; opacity: .55; }\n.charrnn-painted .charrnn-inside > span { box-shadow: inset 0 -2px var(--at); }\n.charrnn-painted .charrnn-chosen-spot { outline: 1px dashed var(--at); }\n.charrnn-painted .charrnn-at { outline: 2px solid var(--at); outline-offset: -1px; }\n.charrnn-live .charrnn-deep { max-height: 36em; }\n.charrnn-deep .charrnn-spot { display: inline-flex; flex-direction: column; width: 1.3em;\n  text-align: center; vertical-align: top; line-height: 1.3; margin-block-end: .6em; }\n.charrnn-deep .charrnn-spot > span { font-weight: 700; }\n.charrnn-deep .charrnn-spot i { font-style: normal; overflow: hidden; user-select: none;\n  background: color-mix(in srgb, #e03131 calc(var(--p, 0) * 75%), transparent); }\n.charrnn-deep .charrnn-spot i.charrnn-came { font-weight: 700; text-decoration: underline; }\n.charrnn-check { display: flex; align-items: center; gap: .5em; margin: 0; }\n.charrnn-live .charrnn-check input { accent-color: var(--accent); }\n.charrnn-told { font-size: .875em; min-height: 1.4em; font-variant-numeric: tabular-nums; }\n.charrnn-expected, .charrnn-strip, .charrnn-finding, .charrnn-turning, .charrnn-own {\n  display: flex; flex-direction: column; gap: .5em; min-width: 0; align-items: stretch; }\n.charrnn-own > button { align-self: start; }\n.charrnn-expected ol.charrnn-bars { columns: auto; max-width: 30em; width: 100%; }\n.charrnn-expected .charrnn-came { font-weight: 700; }\n.charrnn-expected .charrnn-came .charrnn-share::after { content: \" \u2713\"; }\n.charrnn-expected .charrnn-share { width: 5em; }\n.charrnn-name { font-size: .875em; font-weight: 600; }\n.charrnn-fielded { position: relative; border: 1px solid var(--line); }\n.charrnn-fielded canvas { display: block; width: 100%; image-rendering: pixelated;\n  cursor: crosshair; }\n.charrnn-marker { position: absolute; pointer-events: none; outline: 2px solid var(--at); }\n.charrnn-live ol.charrnn-ranked { list-style: none; margin: 0; padding: 0; max-width: 36em; }\n.charrnn-live ol.charrnn-ranked li { margin: 0; padding: 0; }\n.charrnn-where { flex: none; width: 9em; text-align: start; }\n.charrnn-way { flex: none; width: 2em; text-align: start; }\n.charrnn-ranked .charrnn-share { width: 5.5em; }\n.charrnn-ranked .charrnn-bar { background: var(--accent); }\n.charrnn-turning .charrnn-temperature { flex-wrap: wrap; }\n.charrnn-turning input[type=\"number\"] { width: 7em; }\n.charrnn-turning pre.charrnn-paper { height: 14em; }\n.charrnn-fielded .charrnn-tick { position: absolute; inset-inline-start: .3em; font-size: .75em;\n  line-height: 1.2; color: var(--quiet); pointer-events: none; font-variant-numeric: tabular-nums; }\n.charrnn-lasting { display: flex; flex-direction: column; gap: .5em; min-width: 0; }\n.charrnn-lasting canvas { block-size: 6.5em; }\n.charrnn-lasting .charrnn-marker { inset-block: 0; inline-size: 2px; outline: 0;\n  background: var(--at); }\n.charrnn-grafting ol.charrnn-bars { columns: auto; }\n.charrnn-grafting .charrnn-guess { padding-inline: 0; gap: .4em; }\n.charrnn-grafting .charrnn-name { min-height: 3.4em; }\n.charrnn-grafting pre.charrnn-paper { height: auto; min-height: 13em; }\n.charrnn-grafting .charrnn-chosen input[type=\"number\"] { width: 7em; }\n.charrnn-live .charrnn-three {\n  grid-template-columns: repeat(auto-fit, minmax(min(100%, 12em), 1fr)); }\n.charrnn-evolving .charrnn-temperature input { flex: 1 1 12em; }\n.charrnn-evolving .charrnn-temperature output { min-width: 4em; text-align: end; }\n.charrnn-evolving .charrnn-marks button { padding: .2em .6em; font-variant-numeric: tabular-nums; }\n.charrnn-evolving .charrnn-marks button[aria-pressed=\"true\"] { border-color: var(--accent);\n  color: var(--accent); }\n.charrnn-evolving pre.charrnn-paper { height: auto; min-height: 17em; }\n.charrnn-unreal { background: rgba(207, 95, 18, .25); border-radius: .15em; }\n.charrnn-looking .charrnn-scale { max-width: 8em; }\n.charrnn-live .charrnn-kept { margin: 0; }\n.charrnn-sides { display: grid; gap: 1em;\n  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17em), 1fr)); }\n.charrnn-side { display: flex; flex-direction: column; gap: .5em; min-width: 0; }\n@media (max-width: 480px) {\n  .charrnn-ranked .charrnn-track { display: none; }\n  .charrnn-ranked .charrnn-way { flex: 1; }\n  .charrnn-live { padding: .7em; }\n  .charrnn-grafting .charrnn-name { min-height: 0; }\n  .charrnn-status { min-height: 5em; }\n}\n@media print {\n  .charrnn-live :is(.charrnn-buttons, .charrnn-loader, .charrnn-settings, input) { display: none; }\n  .charrnn-live pre.charrnn-paper { height: auto; }\n}\n";

/** A part of one text's state copied into another text: what comes next, before and after. */


const TYPED = "typed";
const SHOWN = 8;
const DRAWN = { temperature: 0.8, topK: null, topP: null, length: 200 };
const SIDES = ["the donor", "the recipient", "the recipient with the part"];
let transplants = 0;

class Transplant {
  /**
   * @param {object} options
   * @param {{donor: string, recipient: string, start: number,
   *   choices: {text: string, parts: import("./grafting.mjs").Part[]}[]}} options.data
   * @param {(report: Function) => Promise} options.open loads the model
   * @param {number} options.size of the model's file, bytes
   * @param {Node[]} options.stored what is shown until it is loaded
   */
  constructor({ title, data, size, open, stored }) {
    Object.assign(this, { data, job: `transplant ${(transplants += 1)}` });
    this.loader = new Loader({ size, open, loaded: (live) => this.#loaded(live) });
    this.stored = element("div", { class: "charrnn-kept" }, ...stored);
    this.element = form(title, { class: "charrnn-live charrnn-grafting" }, () => this.run(),
      this.stored, this.loader.element);
  }

  #loaded(live) {
    Object.assign(this, { live, vocab: new Vocab(live.vocab) });
    this.#build();
    this.stored.remove();
    this.element.append(...this.#parts());
    say(this.foot, described(live));
    takeFocus(this.part);
    for (const field of [this.donor, this.recipient]) field.scrollTop = field.scrollHeight;
    this.run();
  }

  #build() {
    const again = () => this.run();
    const text = (value) => {
      const field = element("textarea", { rows: 3, spellcheck: "false", onchange: again });
      field.value = value;
      return field;
    };
    [this.donor, this.recipient] = [text(this.data.donor), text(this.data.recipient)];
    this.#buildPart(again);
    this.seed = element("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
      value: 1, onchange: again });
    this.sides = SIDES.map((name, i) => new GraftedSide(name, i));
    this.status = element("p", { class: "charrnn-told", role: "status" });
    this.foot = element("p", { class: "charrnn-foot" });
  }

  /** What is copied: one of those that are named, or a unit whose number is typed. */
  #buildPart(onchange) {
    const { layers, hidden } = this.live.config;
    const options = this.data.choices.map(({ text }, k) => element("option", { value: k }, text));
    this.part = element("select", { onchange }, ...options,
      element("option", { value: TYPED }, `${this.#letter()} of a unit of your choice`));
    this.part.value = this.data.start;
    const numbers = Array.from({ length: layers }, (_, l) =>
      element("option", { value: l }, String(l + 1)));
    this.layer = element("select", { onchange }, ...numbers);
    this.unit = element("input", { type: "number", min: 0, max: hidden - 1, step: 1, value: 0,
      onchange });
    this.typed = element("div", { class: "charrnn-buttons charrnn-chosen", hidden: true },
      layers > 1 ? labelled("Layer", this.layer, "Counted from 1, the lowest") : null,
      labelled(`Unit, 0 to ${hidden - 1}`, this.unit));
  }

  #parts() {
    const another = button("Next seed", () => {
      this.seed.value = (Number(this.seed.value) || 0) + 1;
      this.run();
    });
    const copy = element("button", { type: "submit", class: "charrnn-primary" }, "Copy");
    this.results = element("div", { class: "charrnn-sides charrnn-three", hidden: true },
      ...this.sides.map((side) => side.element));
    return [
      element("div", { class: "charrnn-sides" },
        labelled("The donor, whose state is copied", this.donor),
        labelled("The recipient", this.recipient)),
      element("p", { class: "charrnn-foot" }, "Both must end in the same character. They are " +
        "read up to but without it, then the state is copied, then that character is read."),
      element("div", { class: "charrnn-buttons charrnn-chosen" },
        labelled("What is copied", this.part), this.typed),
      element("div", { class: "charrnn-buttons charrnn-chosen" }, copy, another,
        labelled("Seed", this.seed, "All three texts draw with the same random numbers")),
      this.status, this.results, this.foot];
  }

  #letter() {
    return this.live.config.cell === "lstm" ? "c" : "h";
  }

  /** What the select and the fields say is copied: {text, parts}. */
  #choice() {
    if (this.part.value !== TYPED) return this.data.choices[this.part.value];
    const unit = this.unit.value === "" ? NaN : Number(this.unit.value);
    const layer = Number(this.layer.value);
    const where = this.live.config.layers > 1 ? `layer ${layer + 1}, unit ${unit}` : `unit ${unit}`;
    const what = this.#letter();
    return { text: `${what} of ${where}`, parts: [{ what, layer, unit }] };
  }

  /** Read both texts, copy, and let all three go on. */
  run() {
    if (!this.live) return;
    this.typed.hidden = this.part.value !== TYPED;
    const [donor, recipient] = [this.donor.value, this.recipient.value];
    const { text, parts } = this.#choice();
    const seed = this.seed.value === "" ? NaN : Number(this.seed.value);
    this.asked = { text, texts: [donor, recipient, recipient], seed };
    say(this.status, "Reading …");
    const asked = { donor, recipient, parts, settings: { ...DRAWN, seed } };
    this.live.graft(this.job, asked, (message) => this.#hear(message));
  }

  #hear(message) {
    if (message.type === "failed") {
      say(this.status, message.message);
      return;
    }
    if (message.guesses) this.#show(message.guesses);
    if (this.results.hidden) return; // still reading
    this.sides.forEach(({ paper }, i) => paper.write(message.texts[i], message.done));
    if (message.done) say(this.status, this.#told());
  }

  #show(guesses) {
    const { text, texts } = this.asked;
    this.guesses = guesses;
    this.results.hidden = false;
    this.sides.forEach((side, i) => {
      side.show(guesses[i], this.vocab);
      side.paper.begin(reminder(texts[i]));
    });
    say(this.sides[2].name, `The recipient with ${text} copied`);
  }

  /** The likeliest of each in a line, for who does not see the bars. */
  #told() {
    const { seed, texts } = this.asked;
    const first = this.guesses.map(([{ id, p }], i) =>
      `“${this.vocab.label(id)}” (${percent(p)}) for ${SIDES[i]}`);
    const skipped = unknownIn(`${texts[0]}${texts[1]}`, this.live.vocab);
    return `Likeliest next: ${first.join(", ")}. The texts go on at temperature 0.8, all three ` +
      `with seed ${seed}. ${skipped}`;
  }
}

/** One of the three: its likeliest next symbols as bars, and its text. */
class GraftedSide {
  constructor(name, i) {
    const title = `${name[0].toUpperCase()}${name.slice(1)}${i < 2 ? ", as it is" : ""}`;
    this.name = element("p", { class: "charrnn-name" }, title);
    this.rows = Array.from({ length: SHOWN }, () => expectedRow());
    this.paper = new Paper(`What is written by ${name}`);
    this.element = element("div", { class: "charrnn-side" }, this.name,
      element("ol", { class: "charrnn-bars" }, ...this.rows.map(({ item }) => item)),
      this.paper.element);
  }

  show(guesses, vocab) {
    this.rows.forEach((row, k) => showGuess(row, guesses[k], null, vocab));
  }
}

/**
 * The two hosts of the same figures. A page of the book stores `<div data-charrnn=...>` with
 * recorded texts in it, and the figure takes its place; a notebook with anywidget calls `render`.
 */


const KINDS = {
  sampler: mountSampler,
  playground: mountPlayground,
  inspector: (place) => mountReading(place, Inspector),
  transplant: (place) => mountReading(place, Transplant),
  evolution: (place) => new Evolution({ title: place.dataset.title, data: dataIn(place) }),
  "looked-back": (place) =>
    new LookedBack({ title: place.dataset.title, data: dataIn(place) }),
};

/** Put the live figures of a page in the place of the stored ones. */
function mount(root) {
  for (const place of root.querySelectorAll("[data-charrnn]")) {
    const figure = KINDS[place.dataset.charrnn]?.(place);
    if (figure) place.replaceWith(figure.element);
  }
}

function mountSampler(place) {
  const { model, bytes, title, prompt, length, seed, temperature } = place.dataset;
  return new Sampler({
    title, prompt, length, seed,
    recorded: recordedIn(place),
    temperature: Number(temperature),
    size: Number(bytes),
    open: model ? (report) => openModel(address(model), report) : null,
  });
}

/** The texts that a stored figure shows, without their prompt: [{temperature, text}]. */
function recordedIn(place) {
  return [...place.querySelectorAll("[data-at]")].map((sample) => ({
    temperature: Number(sample.dataset.at),
    text: sample.querySelector("pre > span").textContent,
  }));
}

function mountPlayground(place) {
  const models = [...place.querySelectorAll("[data-model]")].map((part) => ({
    title: part.dataset.title,
    model: part.dataset.model,
    bytes: Number(part.dataset.bytes),
    prompt: part.dataset.prompt,
    recorded: recordedIn(part),
  }));
  return models.length > 0 ? new Playground(models) : null;
}

/** A figure that takes texts apart. What is stored stays where there is no model to load. */
function mountReading(place, Kind) {
  const { model, bytes, title } = place.dataset;
  if (!model) return null;
  const open = (report) => openModel(address(model), report);
  return new Kind({ title, data: dataIn(place), size: Number(bytes), open,
    stored: [...place.childNodes].filter((node) => node.nodeName !== "SCRIPT") });
}

function dataIn(place) {
  return JSON.parse(place.querySelector("script[type='application/json']").textContent);
}

/** anywidget's contract: the figure in `el`, fed from traits; returns how to take it away. */
function render({ model, el }) {
  style(el.getRootNode());
  const live = new LiveModel();
  const weights = model.get("weights");
  const { buffer, byteOffset, byteLength } = weights;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const open = (report) => live.load({ bytes }, report);
  const figure = new Sampler({ ...model.get("options"), size: byteLength, open });
  el.append(figure.element);
  return () => {
    live.close();
    figure.element.remove();
  };
}

/** The style sheet, once in a document (or a shadow root). */
function style(root) {
  const home = root.head ?? root;
  if (!home.querySelector("style[data-charrnn-style]")) {
    home.append(element("style", { "data-charrnn-style": true }, STYLE));
  }
}

// Sphinx names its root on every page that it makes; elsewhere the host calls.
if (typeof document !== "undefined" && document.documentElement.dataset.content_root != null) {
  style(document);
  mount(document);
}

export default { render };
