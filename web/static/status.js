// What the page says of what it did, in the line that is kept for it.
import { find } from './dom.js';

let lasting = '';
let clearing = 0;

/** @param {string} text */
function show(text) {
  const line = find('[data-status]');
  if (line) line.textContent = text;
}

/**
 * Says something in the status line of the card. It goes after a while, unless it tells of a state, which lasts until
 * another one is told.
 * @param {string} text
 * @param {{lasts?: boolean}} [how]
 */
export function say(text, { lasts = false } = {}) {
  clearTimeout(clearing);
  if (lasts) lasting = text;
  else clearing = window.setTimeout(() => show(lasting), 4000);
  show(text);
}
