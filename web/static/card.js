// The card of an item, in a page of its own or in the app's page: what makes it alive. Its tools are loaded with the first
// sign that somebody is there to use them: a card is shown sooner without them.
import { all, find, input, make } from './dom.js';
import { fit, openPath, opened, recall, remember } from './frame.js';
import { Latest, told } from './session.js';
import { say } from './status.js';
import { chosen, recallViews, restore } from './view.js';

const requests = new Latest(); // of the card that is shown

/** The card that is shown; null where there is none. */
export function shownCard() { return find('[data-card]'); }

/**
 * Makes the card alive that was put into the page.
 * @param {HTMLElement} card
 */
export function showCard(card) {
  restore(card);
  const time = find('[data-as-of]', card);
  if (time) time.textContent = (time.dataset.asOf ?? '').replace('{time}', now);
  const field = input('filter');
  if (field && matchMedia('(hover: hover) and (pointer: fine)').matches) field.placeholder += ' (Ctrl+/)';
  enliven(card, requests.next());
  open(card, card.dataset.view);
  void looked(card);
}

/**
 * Opens a view beside the fields.
 * @param {HTMLElement} card
 * @param {string} [view]
 */
function open(card, view) {
  if (view) loadTools().then(({ openView }) => openView(card, view)).catch(() => {});
}

/** Ends what is asked for the card, which is taken out of the page. */
export function leaveCard() { requests.end(); }

/** The time of day, as the reader writes it. */
function now() {
  return new Intl.DateTimeFormat(document.documentElement.lang, { hour: 'numeric', minute: '2-digit' }).format();
}

/**
 * Adds to a card what it needs of the script: buttons that copy, and names.
 * @param {HTMLElement} card
 * @param {AbortSignal} signal ends what is asked for it
 */
export function enliven(card, signal) {
  addCopyButtons(card);
  import('./ago.js').then(({ tellAgo }) => tellAgo(), () => {}); // the moments themselves stay
  void opened.then(() => { for (const link of all('a[data-path]', card)) link.setAttribute('aria-haspopup', 'dialog'); });
  if (find('[data-name], [data-products][data-missing]', card)) askNames(card, signal);
  fit();
}

/**
 * Has the names of a card filled in.
 * @param {HTMLElement} card
 * @param {AbortSignal} [signal] ends it
 */
export function askNames(card, signal = new AbortController().signal) {
  import('./names.js').then(({ fillNames }) => fillNames(card, signal)).catch((error) => { if (!signal.aborted) say(told(error)); });
}

/**
 * Names the item of a card, as the app is asked about it.
 * @param {HTMLElement} card
 */
export function itemOf(card) { return { entityTypeId: Number(card.dataset.entityTypeId), id: Number(card.dataset.id) }; }

const icon = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5 3h7a1 1 0 0 1 1 1v8M4 5h6a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z"/></svg>';

/**
 * Adds a button that copies to every value, and where a field has several, one to each of them. They are the same in
 * every row, so they are made here and not sent with the page. All of them are one stop of the Tab key.
 * @param {HTMLElement} card
 */
function addCopyButtons(card) {
  const words = card.dataset;
  const model = make('button', { type: 'button', className: 'copy', title: words.copy ?? '', innerHTML: icon, tabIndex: -1 });
  model.dataset.action = 'copy';
  /** @param {string} name @param {string | null} [value] */
  const named = (name, value = '') => {
    const button = /** @type {HTMLButtonElement} */ (model.cloneNode(true));
    button.setAttribute('aria-label', words.copy + ': ' + name);
    if (/^\D{0,5}\d[\d\s.,]+\D{0,5}$/.test(value ?? '')) button.title = words.copy + '. ' + words.copyNumber;
    return button;
  };
  for (const row of all('.field:not(.empty)', card)) {
    const title = find('bdi', row)?.textContent ?? '';
    for (const value of all('.value .values > li', row)) value.append(named(title + ', ' + value.textContent));
    row.lastElementChild?.append(named(title, find('.value', row)?.textContent?.trim()));
  }
  // The title and the amount in the head, and the table of products.
  for (const value of all('h1, .amount > bdi', card)) value.after(named(value.textContent ?? '', value.textContent));
  const products = find('[data-products]', card);
  products?.before(named(find('caption', products)?.firstChild?.textContent?.trim() ?? ''));
  const first = find('.field .copy', card) ?? find('.copy', card);
  if (first) first.tabIndex = 0;
}

/**
 * What the user has looked at last, as "type:id".
 * @returns {string[]}
 */
export function recentItems() {
  const known = recall('recent');
  return Array.isArray(known) ? known.filter((ref) => /^\d+:\d+$/.test(ref)) : [];
}

/** @param {HTMLElement} card */
async function looked(card) {
  await opened;
  const ref = card.dataset.entityTypeId + ':' + card.dataset.id;
  remember('recent', [ref, ...recentItems().filter((r) => r !== ref)].slice(0, 10));
}

/** @type {Promise<typeof import('./tools.js')> | undefined} */
let tools;
let loaded = false; // the tools listen to the page themselves

function loadTools() {
  tools ??= import('./tools.js').then((module) => {
    loaded = true;
    return module;
  }, (error) => {
    tools = undefined; // the next sign of life tries again
    throw error;
  });
  return tools;
}
for (const sign of ['pointermove', 'pointerdown', 'focusin', 'keydown', 'input']) {
  document.addEventListener(sign, () => { if (!tools && shownCard()) loadTools().catch(() => {}); }, { passive: true });
}

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-action], [data-toggle]') : null;
  if (button instanceof HTMLElement && !loaded && shownCard()?.contains(button)) {
    loadTools().then(({ press }) => press(button, event.altKey), (error) => say(told(error), { lasts: true }));
  }
});

document.addEventListener('keydown', (event) => {
  const field = input('filter');
  if (event.key !== '/' || !event.ctrlKey && !event.metaKey || !field) return;
  event.preventDefault();
  field.focus();
});

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a[data-path]') : null;
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
  if (openPath(link)) event.preventDefault();
});

void opened.then(() => {
  recallViews();
  const card = shownCard();
  if (!card) return;
  restore(card);
  if (chosen.view !== (card.dataset.view ?? '')) open(card, chosen.view || 'fields');
});
