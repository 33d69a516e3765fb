// The filter over the fields of a card.
import { all, find, input, make } from './dom.js';
import { fit } from './frame.js';
import { say } from './status.js';

/**
 * Shows the fields that the filter asks for: every word has to stand in a field's title or value, or in its code where
 * codes are shown. "code:" before a word looks for codes alone. Numbers match however their digits are parted.
 */
export function applyFilter() {
  const field = input('filter');
  const card = find('[data-card]');
  if (!field || !card) return;
  const asked = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const on = asked.length > 0;
  card.classList.toggle('filtered', on);
  const withCodes = document.body.classList.contains('show-codes');
  const rows = all('.field', card);
  let found = 0;
  let empty = 0;
  for (const row of rows) {
    const match = asked.every((word) => matches(row, word, withCodes));
    row.classList.toggle('nomatch', !match);
    if (match) found++;
    if (match && row.classList.contains('empty')) empty++;
  }
  const products = all('.products tbody tr', card);
  for (const row of products) {
    row.hidden = !asked.every((word) => holds(row.textContent ?? '', word));
    if (!row.hidden && on) found++;
  }
  for (const group of all('.group', card)) {
    const table = find('[data-products]', group);
    const left = table?.querySelector('tbody tr:not([hidden])');
    if (table) table.hidden = on && !left;
    group.classList.toggle('nomatch', on && !left && !group.querySelector('.field:not(.nomatch)'));
  }
  openSystem(card, on);
  mark(card, asked);
  const words = card.dataset;
  const parts = [(words.matches ?? '').replace('{found}', String(found)).replace('{all}', String(rows.length + products.length))];
  if (empty) parts.push((words.matchesEmpty ?? '').replace('{count}', String(empty)));
  say(on ? parts.join(' · ') : '', { lasts: true });
  sayNothing(card, on && !found ? field.value.trim() : '');
  fit();
}

/**
 * Says, in the place of the fields, that nothing matches, and how to go on.
 * @param {HTMLElement} card
 * @param {string} query empty where something matches
 */
function sayNothing(card, query) {
  find('.nothing', card)?.remove();
  if (!query) return;
  const clear = make('button', { type: 'button', textContent: card.dataset.clear ?? '' });
  clear.dataset.action = 'clear';
  find('.tools', card)?.after(make('p', { className: 'nothing' }, [(card.dataset.nothing ?? '').replace('%', () => query), ' ', clear]));
}

/** Shows all fields again. */
export function clearFilter() {
  const field = input('filter');
  if (!field) return;
  field.value = '';
  applyFilter();
  field.focus();
}

/**
 * @param {HTMLElement} row
 * @param {string} word
 * @param {boolean} withCodes
 */
function matches(row, word, withCodes) {
  const code = find('dt code', row)?.textContent?.toLowerCase() ?? '';
  if (word.startsWith('code:')) return code.includes(word.slice(5));
  if (withCodes && code.includes(word)) return true;
  return holds((find('dt bdi', row)?.textContent ?? '') + '\n' + (find('dd', row)?.textContent ?? ''), word);
}

const parting = '[\\s.,\'’٬٫]'; // between digits
const partings = new RegExp('(?<=\\d)' + parting + '(?=\\d)', 'g');

/** @param {string} word */
function isNumber(word) { return new RegExp('^\\d(?:\\d|' + parting + ')*$').test(word); }

/**
 * @param {string} text
 * @param {string} word in lower case
 */
function holds(text, word) {
  const lower = text.toLowerCase();
  if (lower.includes(word)) return true;
  return isNumber(word) && lower.replace(partings, '').includes(word.replace(/\D/g, ''));
}

/**
 * Fields of the system are folded. A filter unfolds them where it finds some, and leaves them as they were.
 * @param {HTMLElement} card
 * @param {boolean} on
 */
function openSystem(card, on) {
  const system = card.querySelector('details.system');
  if (!(system instanceof HTMLDetailsElement)) return;
  if (on) {
    system.dataset.before ??= String(system.open);
    system.open = !system.classList.contains('nomatch');
  } else if (system.dataset.before) {
    system.open = system.dataset.before === 'true';
    delete system.dataset.before;
  }
}

/**
 * Marks what was found, where the browser can without changing the page.
 * @param {HTMLElement} card
 * @param {string[]} words
 */
function mark(card, words) {
  if (!CSS.highlights || typeof Highlight === 'undefined') return;
  CSS.highlights.delete('found');
  const plain = words.filter((word) => !word.startsWith('code:'));
  if (!plain.length) return;
  const patterns = plain.map((word) => new RegExp(isNumber(word) ? word.replace(/\D/g, '').split('').join(parting + '?') : word.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'), 'giu'));
  const ranges = [];
  for (const row of all('.field:not(.nomatch), .products tbody tr:not([hidden])', card)) {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && ranges.length < 1000; node = walker.nextNode()) {
      for (const pattern of patterns) {
        for (const match of (node.nodeValue ?? '').matchAll(pattern)) {
          const range = new Range();
          range.setStart(node, match.index);
          range.setEnd(node, match.index + match[0].length);
          ranges.push(range);
        }
      }
    }
  }
  CSS.highlights.set('found', new Highlight(...ranges));
}
