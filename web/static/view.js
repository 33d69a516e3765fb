// What of the cards a user wants to see: empty fields, codes. It holds for every card, so it stands on the body, where the
// app has put it as far as it knows. The portal remembers it.
import { all, find } from './dom.js';
import { fit, recall, remember } from './frame.js';
import { ask } from './session.js';

/** @typedef {'empty' | 'codes'} View */

/** @type {Record<View, boolean | null> & {view: string}} */
const told = { empty: ofPage('empty'), codes: ofPage('codes'), view: find('[data-card]')?.dataset.view ?? '' }; // what the app knows
export const chosen = { ...told }; // view: what is open beside the fields
let opened = false; // the user has opened a view, before the portal answered maybe

/** @param {View} name */
function ofPage(name) {
  const text = document.body.dataset[name];
  return text === undefined ? null : text === 'true';
}

/**
 * @param {View} name
 * @param {boolean} on
 */
function show(name, on) {
  document.body.classList.toggle('show-' + name, on);
  for (const button of all('[data-toggle=' + name + ']')) button.setAttribute('aria-pressed', String(on));
  fit();
}

/**
 * Shows or hides, as the user presses a button, and remembers it.
 * @param {View} name
 */
export function toggle(name) {
  const on = !document.body.classList.contains('show-' + name);
  chosen[name] = on;
  show(name, on);
  remember('show-' + name, on);
  tell();
}

/**
 * Remembers which view the user opened; none are the fields.
 * @param {string} view
 */
export function chooseView(view) {
  opened = true;
  chosen.view = view;
  remember('view', view);
  tell();
}

/**
 * Shows a card as the user chose, else as the administrator did.
 * @param {HTMLElement} card
 */
export function restore(card) {
  show('empty', chosen.empty ?? card.hasAttribute('data-show-empty'));
  show('codes', chosen.codes === true && Boolean(find('[data-toggle=codes]', card)));
}

/** Takes what the portal remembers, once it answers. */
export function recallViews() {
  for (const name of /** @type {View[]} */ (['empty', 'codes'])) {
    const remembered = recall('show-' + name);
    if (typeof remembered === 'boolean') chosen[name] = remembered;
  }
  const view = recall('view');
  if (opened) remember('view', chosen.view);
  else if (typeof view === 'string') chosen.view = view;
  tell();
}

/** Tells the app, so that the next page comes as it is wanted. */
function tell() {
  if (chosen.empty === told.empty && chosen.codes === told.codes && chosen.view === told.view) return;
  Object.assign(told, chosen);
  ask('/in/view', chosen).catch(() => {}); // the portal knows it
}
