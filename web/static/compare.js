// The comparison of two items: choosing another one by its title, and both side by side.
import { askNames, itemOf } from './card.js';
import { find, input } from './dom.js';
import { fit } from './frame.js';
import { openView } from './lens.js';
import { Latest, ask, told } from './session.js';
import { say } from './status.js';

const requests = new Latest();

/** @param {HTMLElement} panel */
export function enliven(panel) {
  find('[data-candidates]', panel)?.addEventListener('submit', (event) => {
    event.preventDefault();
    void show(panel, { query: input('compare-query')?.value ?? '' }, '#compare-query');
  });
}

/**
 * Compares the item of the card with another one, or lets its reader choose one where none is named.
 * @param {HTMLElement} button
 */
export function compare(button) {
  const card = button.closest('[data-card]');
  if (!(card instanceof HTMLElement)) return;
  openView(card, 'compare', false);
  const panel = find('#panel-compare', card);
  if (panel) void show(panel, button.dataset.other ? { other: Number(button.dataset.other) } : {}, '');
}

/**
 * Asks for the comparison or the choice and puts it into the panel; what stood there stays until it comes.
 * @param {HTMLElement} panel
 * @param {object} wanted
 * @param {string} focus what has the focus then; the panel where nothing is named
 */
async function show(panel, wanted, focus) {
  const card = panel.closest('[data-card]');
  if (!(card instanceof HTMLElement)) return;
  const signal = requests.next();
  panel.setAttribute('aria-busy', 'true');
  try {
    const answer = await ask('/in/lens/compare', { ...itemOf(card), ...wanted }, signal);
    panel.innerHTML = await answer.text(); // written by the app's own templates
    panel.dataset.loaded = '';
    enliven(panel);
    const field = find(focus || '#' + panel.id, card);
    field?.focus();
    if (field instanceof HTMLInputElement) field.select();
    if (find('[data-name]', panel)) askNames(card, signal);
  } catch (error) {
    if (!signal.aborted) say(told(error));
  } finally {
    if (!signal.aborted) panel.removeAttribute('aria-busy');
    fit();
  }
}
