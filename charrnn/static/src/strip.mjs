/** The whole state after a character: all units of all layers as small coloured fields. */

import { element, say } from "./elements.mjs";
import { colourOf, QUANTITIES, written } from "./colours.mjs";

const ACROSS = 64;

export class Strip {
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
