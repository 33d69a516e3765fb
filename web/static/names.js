// Names of people and linked items, which come after the card is painted, in batches.
import { all, find, make } from './dom.js';
import { fit } from './frame.js';
import { ask, told } from './session.js';
import { say } from './status.js';

/**
 * @typedef {{text: string, initials?: string, photo?: string, href?: string}} Name
 * @typedef {{names: Record<string, Name>, products?: string}} Found
 */

const batch = 300; // names of a request

/**
 * Asks what keys stand for. What the user may not see, or what is gone, is not in the answer.
 * @param {string[]} keys
 * @param {AbortSignal} [signal]
 * @param {object} [products] whose product rows are wanted as well
 * @returns {Promise<Found>}
 */
export async function findNames(keys, signal, products) {
  const answer = await ask('/in/names', { names: keys, products }, signal);
  return answer.json();
}

/**
 * Fills in the names of a card, and those of its product rows that are not there yet.
 * @param {HTMLElement} card
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export async function fillNames(card, signal) {
  /** @type {Map<string, HTMLElement[]>} */
  const waiting = new Map();
  for (const link of all('[data-name]', card)) {
    const key = link.dataset.name ?? '';
    waiting.set(key, [...waiting.get(key) ?? [], link]);
  }
  const table = find('[data-products][data-missing]', card);
  const keys = [...waiting.keys()].slice(0, batch);
  if (!keys.length && !table) return;
  try {
    const products = table && { entityTypeId: Number(card.dataset.entityTypeId), id: Number(card.dataset.id), count: Number(table.dataset.count) };
    const found = await findNames(keys, signal, products ?? undefined);
    if (signal.aborted) return;
    for (const key of keys) {
      for (const link of waiting.get(key) ?? []) fill(link, found.names[key], card.dataset.unavailable ?? '%');
    }
    if (table && found.products) {
      table.innerHTML = found.products; // written by the app's own templates
      table.removeAttribute('data-missing');
    }
    card.dispatchEvent(new Event('names', { bubbles: true }));
    if (waiting.size > batch) await fillNames(card, signal);
  } catch (error) {
    if (!signal.aborted) say(told(error));
  } finally {
    fit();
  }
}

/**
 * @param {HTMLElement} link
 * @param {Name | undefined} name
 * @param {string} unavailable
 */
function fill(link, name, unavailable) {
  delete link.dataset.name;
  if (!name) {
    // Gone, or not for this user: there is nothing to open.
    link.replaceWith(make('bdi', { className: 'raw', textContent: unavailable.replace('%', () => link.textContent ?? '') }));
    return;
  }
  link.textContent = name.text;
  link.dataset.initials = name.initials ?? '';
  link.classList.remove('raw');
  if (name.photo) link.before(make('img', { className: 'photo', alt: '', referrerPolicy: 'no-referrer', src: name.photo }));
}
