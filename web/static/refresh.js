// Refreshing a card in place, with what changed marked.
import { itemOf, showCard, shownCard } from './card.js';
import { textOf } from './copy.js';
import { all, find, input, make } from './dom.js';
import { applyFilter } from './filter.js';
import { carryView } from './lens.js';
import { Latest, ask, told } from './session.js';
import { say } from './status.js';

const requests = new Latest();

/**
 * Reads the card anew and tells what is different.
 * @param {{quiet?: boolean}} [how] quiet: nobody asked for it, and it is no change that values are written otherwise
 */
export async function refresh({ quiet = false } = {}) {
  const old = shownCard();
  if (!old) return;
  const signal = requests.next();
  const button = find('[data-action=refresh]', old);
  button?.setAttribute('aria-busy', 'true');
  try {
    const answer = await ask('/in/item', itemOf(old), signal);
    const html = await answer.text();
    if (signal.aborted || !old.isConnected) return;
    const { fresh, changed } = replace(old, html, quiet);
    if (!quiet) say(changed.length ? fresh.dataset.changed + ' ' + changed.join(', ') : fresh.dataset.unchanged ?? '');
  } catch (error) {
    button?.removeAttribute('aria-busy');
    if (!signal.aborted && !quiet) say(told(error), { lasts: true });
  }
}

/**
 * Puts a new card in the place of an old one and marks what differs. It returns the titles of the fields that changed.
 * @param {HTMLElement} old
 * @param {string} html
 * @param {boolean} quiet marks nothing
 * @returns {{fresh: HTMLElement, changed: string[]}}
 */
function replace(old, html, quiet) {
  const before = valuesOf(old);
  const system = old.querySelector('details.system');
  const open = system instanceof HTMLDetailsElement && (system.dataset.before ?? String(system.open)) === 'true';
  const field = input('filter');
  const [query, focused] = [field?.value ?? '', focusIn(old)];
  const slot = document.createElement('template');
  slot.innerHTML = html; // written by the app's own templates
  const fresh = find('[data-card]', slot.content);
  if (!fresh) throw new Error('the answer holds no card');
  old.replaceWith(fresh);
  carryView(old, fresh);
  const now = valuesOf(fresh);
  const changed = [];
  for (const row of quiet ? [] : all('.field', fresh)) {
    const [was, is] = [before.get(row.dataset.code ?? ''), now.get(row.dataset.code ?? '')];
    // A name that is not there yet says nothing of a change: the value as it came does, where it may be seen.
    if (was?.value === is?.value || row.querySelector('[data-name]') && is?.value[0] !== '=') continue;
    row.classList.add('changed');
    const title = find('dt bdi', row)?.textContent?.trim() ?? '';
    changed.push(title);
    const words = (was?.text ? fresh.dataset.was : fresh.dataset.wasEmpty) ?? '';
    find('dd', row)?.append(make('p', { className: 'was hint', textContent: words.replace('%', () => was?.text ?? '') }));
  }
  const details = fresh.querySelector('details.system');
  if (details instanceof HTMLDetailsElement) details.open = open;
  showCard(fresh);
  const again = input('filter');
  if (again) again.value = query;
  applyFilter();
  if (focused) find(focused, fresh)?.focus({ preventScroll: true });
  return { fresh, changed };
}

/**
 * Finds again what has the focus, in a card that is replaced.
 * @param {HTMLElement} card
 * @returns {string}
 */
function focusIn(card) {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || !card.contains(active)) return '';
  const row = active.closest('.field');
  const place = row instanceof HTMLElement ? '[data-code="' + row.dataset.code + '"] ' : '';
  if (active.id) return '#' + active.id;
  return active.dataset.action ? place + '[data-action=' + active.dataset.action + ']' : '';
}

/**
 * What the fields of a card hold: as it came, else as it is shown.
 * @param {HTMLElement} card
 * @returns {Map<string, {value: string, text: string}>}
 */
function valuesOf(card) {
  const item = JSON.parse(card.querySelector('[data-item]')?.textContent || '{}');
  const values = new Map();
  for (const row of all('.field', card)) {
    const code = row.dataset.code ?? '';
    const shown = find('.value', row);
    const text = shown ? textOf(shown) : '';
    values.set(code, { value: code in item ? '=' + JSON.stringify(item[code]) : ' ' + text, text });
  }
  return values;
}
