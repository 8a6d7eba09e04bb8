/** Where in a text of one element a character something is: what is selected, the next line. */

/**
 * The characters that the page's selection holds.
 * @param {Element} home whose `[data-i]` are the characters
 * @returns {?[number, number]} from a place up to, but without, another; null where the selection
 *   is empty or reaches beyond the text
 */
export function chosenIn(home) {
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
export function lineFrom(spots, from, way) {
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
