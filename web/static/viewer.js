// What stands in place of the app's own page until somebody goes back: an item, or the settings.
import { find, one } from './dom.js';
import { fit } from './frame.js';
import { leaveCard } from './card.js';
import { Latest, told } from './session.js';

/**
 * What fills the viewer. It may have a say in whether it is left, as where work is not saved.
 * @typedef {object} View
 * @property {() => void} [shown] is called once it stands in the page
 * @property {() => boolean | Promise<boolean>} [mayLeave] asks, where it must, and tells whether to go
 * @property {() => void} [left] is called once it is left
 */

const requests = new Latest();
const title = document.title;

/** @type {View} */
let view = {};
let from = '';

/**
 * Opens something in the viewer once it is there; until then the page stays.
 * @param {string} opener a selector of what opened it, which gets the focus back
 * @param {(slot: HTMLElement, signal: AbortSignal) => Promise<View | void>} fill
 */
export async function openViewer(opener, fill) {
  const signal = requests.next();
  const home = one('[data-home]');
  const status = one('[data-home-status]');
  home.setAttribute('aria-busy', 'true');
  status.textContent = '';
  const waiting = setTimeout(() => { status.textContent = status.dataset.loading ?? ''; }, 300);
  const slot = document.createElement('div');
  try {
    const filled = await fill(slot, signal);
    if (signal.aborted) return;
    view = filled ?? {};
    from = opener;
    one('[data-slot]').replaceChildren(slot);
    home.hidden = true;
    one('[data-viewer]').hidden = false;
    view.shown?.();
    const heading = find('h1', slot);
    if (heading) {
      document.title = (heading.textContent ?? '') + ' · Item Lens';
      heading.tabIndex = -1;
      heading.focus();
    }
    status.textContent = '';
  } catch (error) {
    if (!signal.aborted) status.textContent = told(error);
  } finally {
    clearTimeout(waiting);
    if (!signal.aborted) home.removeAttribute('aria-busy');
    fit();
  }
}

/**
 * Goes back to the page, if what is open lets it. It reports whether it did.
 * @returns {Promise<boolean>}
 */
export async function leaveViewer() {
  if (view.mayLeave && !await view.mayLeave()) return false;
  view.left?.();
  view = {};
  requests.end();
  leaveCard();
  one('[data-slot]').replaceChildren();
  one('[data-viewer]').hidden = true;
  one('[data-home]').hidden = false;
  document.title = title;
  if (from) find(from)?.focus();
  fit();
  return true;
}
