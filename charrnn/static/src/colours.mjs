/** What colour a unit's value has: none at 0, and towards each end one that shows the more. */

const RED = [224, 49, 49];
const BLUE = [34, 113, 235];
const GREEN = [47, 158, 68];

/** The two ways to look at a unit: what it is called, and its colours at -1 and at 1. */
export const QUANTITIES = {
  c: { name: "tanh(c)", about: "tanh(c), the cell", ends: [RED, BLUE] },
  h: { name: "h", about: "h, what it shows", ends: [BLUE, GREEN] },
};

/**
 * @param {number} value beyond -1 and 1 it counts as these
 * @param {"c" | "h"} quantity
 * @returns {number[]} red, green and blue, 0 to 255, and how much they cover, 0 to 1
 */
export function colourOf(value, quantity) {
  const { ends } = QUANTITIES[quantity];
  return [...ends[value < 0 ? 0 : 1], Math.min(1, Math.abs(value))];
}

/**
 * The same for a style sheet.
 * @param {number} most what the ends cover: less than 1 lets text on it be read in light and dark
 */
export function tint(value, quantity, most = 0.65) {
  const [red, green, blue, share] = colourOf(value, quantity);
  return `rgba(${red}, ${green}, ${blue}, ${(share * most).toFixed(3)})`;
}

/** A value as it is written in the page: "0.83", "−0.07". */
export function written(value) {
  const shown = Math.abs(value).toFixed(2);
  return value < 0 && shown !== "0.00" ? `−${shown}` : shown;
}
