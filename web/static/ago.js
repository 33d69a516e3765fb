// How long ago something was, in place of when it was: what a card's head says, with the moment itself in its tooltip and on
// paper.
import { all, find } from './dom.js';

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const units = [['year', 31_557_600], ['month', 2_629_800], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'always' });
const justNow = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' }).format(0, 'second');

/**
 * @param {number} seconds since then; where the reader's clock is late they are below zero
 * @returns {string}
 */
export function ago(seconds) {
  for (const [unit, length] of units) {
    if (seconds >= length) return words.format(-Math.floor(seconds / length), unit);
  }
  return justNow;
}

/** Tells of every moment in the page how long ago it was. */
export function tellAgo() {
  for (const place of all('[data-at]')) {
    const at = Date.parse(place.dataset.at ?? '');
    const text = find('bdi', place);
    if (!text || Number.isNaN(at)) continue;
    if (!place.title) {
      place.title = text.textContent ?? '';
      place.style.minWidth = place.offsetWidth + 'px'; // what stands beside it does not move
    }
    text.textContent = ago((Date.now() - at) / 1000);
  }
}

setInterval(tellAgo, 60_000);
window.addEventListener('beforeprint', () => {
  for (const place of all('[data-at][title]')) {
    const text = find('bdi', place);
    if (text) text.textContent = place.title;
  }
});
window.addEventListener('afterprint', tellAgo);
