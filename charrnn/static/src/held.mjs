/**
 * Units that are held at a value while a text is written: after each step's update of a layer the
 * value stands in the place of the unit's c (LSTM) or h, before anything else reads it.
 *
 * @typedef {{layer: number, unit: number, value: number}} Held layers and units count from 0
 */

import { shown } from "./errors.mjs";

/**
 * @param {?Held[]} held null or left out: nothing is held
 * @param {{layers: number, hidden: number}} config
 * @throws {RangeError} with one line where one of them is not possible
 */
export function checkHeld(held, { layers, hidden }) {
  for (const { layer, unit, value } of held ?? []) {
    checkPlace("layer", layer, layers);
    checkPlace("unit", unit, hidden);
    if (!Number.isFinite(value) || !Number.isFinite(Math.fround(value))) {
      throw new RangeError(`Unit ${unit} is held at ${shown(value)}; give a finite number.`);
    }
  }
}

/** @throws {RangeError} where a layer or unit is not one of 0 to `of` - 1 */
export function checkPlace(name, number, of) {
  if (Number.isInteger(number) && number >= 0 && number < of) return;
  throw new RangeError(`The ${name} is ${shown(number)}; it must be whole, 0 to ${of - 1}.`);
}
