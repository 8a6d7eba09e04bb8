/**
 * What the worker does: it loads one model, and then writes and reads texts under names that the
 * page chooses. Messages in, messages out; texts that are worked on at once take turns.
 *
 * In:   load {url | bytes}; write {job, turn, prompt, settings}; more {job, turn, settings};
 *       stop {job}; read {job, turn, text, settings, count, rows}; trace {job, turn, text};
 *       graft {job, turn, donor, recipient, parts, settings}
 * Out:  progress {received, total}; loaded {config, vocab, provenance, bytes};
 *       text {job, turn, text, drawn, seconds, done}; guesses {job, turn, rows};
 *       traced {job, turn, ids, cells, shown, guesses, given};
 *       grafted {job, turn, guesses, texts, done}; failed {job, turn, message}
 * `turn` comes back as it was given: it tells the answers to one request from the next one's.
 */

import { download } from "./download.mjs";
import { ModelError } from "./errors.mjs";
import { parseModel } from "./format.mjs";
import { checkParts, Grafting } from "./grafting.mjs";
import { checkHeld } from "./held.mjs";
import { Network } from "./network.mjs";
import { checkSettings } from "./pick.mjs";
import { Reading } from "./reading.mjs";
import { checkSeal } from "./seal.mjs";
import { Tracing } from "./tracing.mjs";
import { Vocab } from "./vocab.mjs";
import { Writing } from "./writing.mjs";

const SLICE = 8;
const NO_SIMD =
  "This browser has no WebAssembly SIMD, which the model needs. " +
  "Chrome 91, Firefox 89 and Safari 16.4 or newer have it.";

export class Engine {
  /**
   * @param {(message: object, moved?: ArrayBuffer[]) => void} post where answers go, and what of
   *   them is moved, not copied
   * @param {Uint8Array} kernel kernel.wasm
   */
  constructor(post, kernel) {
    Object.assign(this, { post, kernel, network: null, running: false });
    this.writings = new Map();
    this.readings = new Map();
    this.tracings = new Map();
    this.graftings = new Map();
  }

  /** Do what a message asks. What is wrong is posted as `failed`, never thrown. */
  async handle(message) {
    try {
      await this[`on_${message.type}`](message);
    } catch (error) {
      this.#fail(message, error);
    }
  }

  async on_load({ url, bytes }) {
    const report = (received, total) => this.post({ type: "progress", received, total });
    let size;
    const read = async (buffer) => {
      size = buffer.byteLength;
      const parsed = parseModel(buffer);
      await checkSeal(buffer);
      return parsed;
    };
    const model = await (bytes ? read(bytes) : download(url, read, report));
    if (!WebAssembly.validate(this.kernel)) throw new ModelError(NO_SIMD);
    this.network = new Network(model, await WebAssembly.compile(this.kernel));
    this.vocab = new Vocab(model.vocab);
    const { config, vocab, provenance } = model;
    this.post({ type: "loaded", config, vocab, provenance, bytes: size });
  }

  on_write({ job, turn, prompt, settings }) {
    this.#writing(job, settings).begin(prompt, settings, turn);
    return this.#run();
  }

  on_more({ job, turn, settings }) {
    this.#writing(job, settings).extend(settings, turn);
    return this.#run();
  }

  on_stop({ job }) {
    const writing = this.writings.get(job);
    if (!writing?.active) return;
    writing.pause();
    this.#tell(job, writing, "");
  }

  on_read({ job, turn, text, settings, count, rows }) {
    checkSettings(settings);
    const reading = this.#of(this.readings, job, Reading);
    const primer = this.vocab.primer(text, this.network.config.restart);
    const found = reading.read(primer, settings, count, rows);
    this.post({ type: "guesses", job, turn, rows: found });
  }

  on_trace({ job, turn, text }) {
    this.#of(this.tracings, job, Tracing).begin(text, turn);
    return this.#run();
  }

  on_graft({ job, turn, settings, parts, ...texts }) {
    checkSettings(settings);
    const grafting = this.#of(this.graftings, job, Grafting);
    checkParts(parts, this.network.config);
    grafting.begin({ ...texts, parts, settings }, turn);
    return this.#run();
  }

  #writing(job, settings) {
    checkSettings(settings);
    const writing = this.#of(this.writings, job, Writing);
    checkHeld(settings.held, this.network.config);
    return writing;
  }

  #of(kept, job, Kind) {
    if (!this.network) throw new ModelError("The model has not been loaded yet.");
    if (!kept.has(job)) kept.set(job, new Kind(this.network, this.vocab, this.network.newState()));
    return kept.get(job);
  }

  /** Do all texts that are not done, a slice each in turn, listening for messages in between. */
  async #run() {
    if (this.running) return;
    this.running = true;
    const works = [this.writings, this.tracings, this.graftings];
    const active = () => works.flatMap((kept) => [...kept].filter(([, work]) => work.active));
    for (let jobs = active(); jobs.length > 0; jobs = active()) {
      for (const [job, work] of jobs) this.#slice(job, work);
      await nextTurn();
    }
    this.running = false;
  }

  #slice(job, work) {
    try {
      if (work instanceof Tracing) this.#trace(job, work);
      else if (work instanceof Grafting) this.#graft(job, work);
      else this.#write(job, work);
    } catch (error) {
      work.pause();
      this.#fail({ job, turn: work.turn }, error);
    }
  }

  #write(job, writing) {
    let text = writing.slice(SLICE);
    if (!writing.active) text += writing.decoder.finish();
    this.#tell(job, writing, text);
  }

  #trace(job, tracing) {
    tracing.slice(SLICE);
    if (tracing.active) return;
    const found = tracing.take();
    const moved = [found.cells.buffer, found.shown.buffer];
    this.post({ type: "traced", job, turn: tracing.turn, ...found }, moved);
  }

  #graft(job, grafting) {
    const found = grafting.slice(SLICE);
    this.post({ type: "grafted", job, turn: grafting.turn, ...found });
  }

  #tell(job, { turn, drawn, seconds, active }, text) {
    this.post({ type: "text", job, turn, text, drawn, seconds, done: !active });
  }

  #fail({ job, turn }, error) {
    const expected = error instanceof ModelError || error instanceof RangeError;
    const message = expected ? error.message : `The model could not be run: ${error.message}`;
    this.post({ type: "failed", job, turn, message });
  }
}

/** After the messages that wait have been heard; a timer of 0 would wait 4 ms. */
function nextTurn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
