// The views of an item beside its fields. Each is a tab, asked for when it is first opened, as HTML that the app's own
// templates wrote: /in/lens/<name>. What a view needs of a script of its own is loaded with it.
import { askNames, itemOf } from './card.js';
import { all, find, make } from './dom.js';
import { fit } from './frame.js';
import { Latest, ask, told } from './session.js';
import { chooseView } from './view.js';

/**
 * The scripts of views that need one, by the names of the views.
 * @type {Record<string, () => Promise<{enliven: (panel: HTMLElement) => void}>>}
 */
const scripts = { compare: () => import('./compare.js'), history: () => import('./history.js') };

const requests = new Latest(); // of the view that is open

/** @param {HTMLElement} tab */
function nameOf(tab) { return tab.id.replace('view-', ''); }

/**
 * Opens a view because the user wants it, and remembers that.
 * @param {HTMLElement} tab
 */
export function pressTab(tab) {
  const card = tab.closest('[data-card]');
  if (!(card instanceof HTMLElement)) return;
  const name = nameOf(tab);
  chooseView(name === 'fields' ? '' : name);
  openView(card, name);
}

/**
 * Opens a view of a card, the fields where it has none of that name, and asks for it unless it is there.
 * @param {HTMLElement} card
 * @param {string} name
 * @param {boolean} [asking] false where its caller fills the view
 */
export function openView(card, name, asking = true) {
  const tabs = all('[role=tab]', card);
  const tab = tabs.find((each) => nameOf(each) === name) ?? tabs[0];
  if (!tab) return;
  for (const each of tabs) {
    each.setAttribute('aria-selected', String(each === tab));
    each.tabIndex = each === tab ? 0 : -1;
  }
  const opened = nameOf(tab);
  const panel = panelOf(card, tab);
  if (opened === 'fields') delete card.dataset.view;
  else card.dataset.view = opened;
  for (const each of all('[role=tabpanel]', card)) each.hidden = each !== panel;
  tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  if (!panel.hasAttribute('aria-busy')) {
    for (const other of all('[role=tabpanel][aria-busy]', card)) other.removeAttribute('aria-busy');
    requests.end();
    if (asking && opened !== 'fields' && !('loaded' in panel.dataset)) void load(card, panel, opened);
  }
  fit();
}

/**
 * The panel of a tab, made where it is missing.
 * @param {HTMLElement} card
 * @param {HTMLElement} tab
 */
function panelOf(card, tab) {
  const id = 'panel-' + nameOf(tab);
  const known = find('#' + id, card);
  if (known) return known;
  const panel = make('div', { id, className: 'view', tabIndex: 0, role: 'tabpanel' });
  panel.setAttribute('aria-labelledby', tab.id);
  tab.setAttribute('aria-controls', id);
  card.append(panel);
  return panel;
}

/**
 * Asks for a view and puts it into its panel. What stood there stays until it comes.
 * @param {HTMLElement} card
 * @param {HTMLElement} panel
 * @param {string} name
 */
async function load(card, panel, name) {
  const signal = requests.next();
  panel.setAttribute('aria-busy', 'true');
  try {
    const [style, answer, script] = [styles(), ask('/in/lens/' + name, itemOf(card), signal), scripts[name]?.()];
    answer.catch(() => {}); // it is waited for below, and the styles before it
    await style;
    if (!panel.childElementCount) panel.append(make('div', { className: 'skeleton' }));
    const html = await (await answer).text();
    const module = await script;
    if (signal.aborted) return;
    panel.innerHTML = html; // written by the app's own templates
    panel.dataset.loaded = '';
    module?.enliven(panel);
    if (find('[data-name]', panel)) askNames(card, signal);
  } catch (error) {
    if (signal.aborted) return;
    const again = make('button', { type: 'button', textContent: find('[data-again]', card)?.dataset.again ?? '' });
    again.dataset.action = 'view-again';
    panel.replaceChildren(make('p', { className: 'notice error', role: 'alert', textContent: told(error) }), make('p', {}, [again]));
  } finally {
    if (!signal.aborted) panel.removeAttribute('aria-busy');
    fit();
  }
}

/**
 * Asks once more for the view that could not be shown.
 * @param {HTMLElement} button in its panel
 */
export function tryAgain(button) {
  const [card, panel] = [button.closest('[data-card]'), button.closest('[role=tabpanel]')];
  if (!(card instanceof HTMLElement) || !(panel instanceof HTMLElement)) return;
  panel.replaceChildren();
  panel.focus();
  openView(card, card.dataset.view ?? '');
}

/**
 * Lets a card that takes the place of another one show the same view: the former stays until the new one comes.
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 */
export function carryView(old, fresh) {
  const name = old.dataset.view ?? '';
  const panel = find('#panel-' + name, old);
  if (panel && name) {
    delete panel.dataset.loaded;
    panel.removeAttribute('aria-busy');
    fresh.append(panel);
  }
  openView(fresh, name);
}

/**
 * Moves among the tabs by keyboard: arrows, Home and End. Enter opens: a view costs a request, and nobody wants all of
 * them on the way. It reports whether the key was for the tabs.
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
export function moveAmongTabs(event) {
  const tab = event.target instanceof Element ? event.target.closest('[role=tab]') : null;
  const list = tab?.closest('[role=tablist]');
  if (!tab || !(list instanceof HTMLElement)) return false;
  const tabs = all('[role=tab]', list);
  const at = tabs.findIndex((each) => each === tab);
  const step = getComputedStyle(list).direction === 'rtl' ? -1 : 1;
  const to = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return false;
  event.preventDefault();
  tabs.at(to % tabs.length)?.focus();
  return true;
}

/**
 * Compares an item with another one, as its button says.
 * @param {HTMLElement} button
 */
export async function pressCompare(button) {
  const [module] = await Promise.all([import('./compare.js'), styles()]);
  module.compare(button);
}

/** @type {Promise<void> | undefined} */
let styled;

/** Loads the styles of the views, once. */
function styles() {
  styled ??= new Promise((resolve) => {
    const done = () => resolve();
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('./lens.css', import.meta.url).href, onload: done, onerror: done }));
  });
  return styled;
}
