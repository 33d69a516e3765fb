// The app's own page: lists of items, those looked at lately, and the viewer that shows one of them.
import { recentItems, showCard } from './card.js';
import { all, find, input, make, one } from './dom.js';
import { fit, opened, recall, remember } from './frame.js';
import { findNames } from './names.js';
import { Latest, ask, told, zone } from './session.js';
import { leaveViewer, openViewer } from './viewer.js';

const lists = new Latest();

function typeChoice() { return /** @type {HTMLSelectElement} */ (one('#type')); }

/**
 * Shows the items of the type that is chosen, or those of them that are searched for.
 * @param {HTMLElement} [more] the button that asks to go on with the list
 */
async function list(more) {
  const slot = one('#items');
  const status = one('[data-list-status]');
  const signal = lists.next();
  const type = typeChoice().value;
  slot.setAttribute('aria-busy', 'true');
  status.textContent = '';
  const question = { entityTypeId: Number(type), query: input('query')?.value ?? '', mine: input('mine')?.checked ?? false, before: Number(more?.dataset.before ?? 0) };
  try {
    const answer = await ask('/in/items', question, signal);
    const html = await answer.text();
    if (signal.aborted) return;
    if (more) append(slot, html);
    else slot.innerHTML = html; // written by the app's own templates
    status.textContent = find('.list', slot)?.dataset.found ?? slot.textContent ?? '';
  } catch (error) {
    if (!signal.aborted) slot.textContent = status.textContent = told(error);
  } finally {
    if (!signal.aborted) {
      slot.removeAttribute('aria-busy');
      remember('type', type);
      fit();
    }
  }
}

/**
 * Goes on with a list. What stands in it already, as an item that was named by its id, is left out.
 * @param {HTMLElement} slot
 * @param {string} html
 */
function append(slot, html) {
  const next = document.createElement('template');
  next.innerHTML = html; // written by the app's own templates
  const items = one('.list', slot);
  const added = all('.list > li', next.content).filter((item) => {
    const link = find('[data-item-ref]', item);
    return !find('[data-item-ref="' + link?.dataset.itemRef + '"]', items);
  });
  items.append(...added);
  items.dataset.found = find('.list', next.content)?.dataset.found ?? '';
  const button = find('[data-action=more]', slot)?.parentElement;
  const again = find('[data-action=more]', next.content)?.parentElement;
  if (again) button?.replaceWith(again);
  else button?.remove();
  find('a', added[0] ?? slot)?.focus();
}

/** @param {HTMLElement} link */
function openItem(link) {
  const ref = link.dataset.itemRef ?? '';
  const [entityTypeId, id] = ref.split(':').map(Number);
  void openViewer('[data-item-ref="' + ref + '"]', async (slot, signal) => {
    const answer = await ask('/in/item', { entityTypeId, id }, signal);
    slot.innerHTML = await answer.text(); // written by the app's own templates
    return { shown: () => showCard(one('[data-card]', slot)) };
  });
}

function openSettings() {
  void openViewer('[data-action=settings]', async (slot, signal) => {
    const { open } = await import('./settings.js');
    return open(slot, signal);
  });
}

/** Lists what the user has looked at; what may not be seen any more is left out. Who has looked at nothing yet is offered a first item. */
async function showRecent() {
  const box = find('[data-recent]');
  const recent = recentItems();
  const newest = find('[data-newest]');
  if (newest) newest.hidden = recent.length > 0;
  if (!box || !recent.length) {
    fit();
    return;
  }
  try {
    const { names } = await findNames(recent.map((ref) => 'item:' + ref));
    box.replaceChildren();
    for (const ref of recent) {
      const name = names['item:' + ref];
      if (!name) continue;
      const [type, id] = ref.split(':');
      const link = make('a', { href: name.href ?? '#', target: '_blank', rel: 'noopener', dir: 'auto', textContent: name.text });
      link.dataset.itemRef = ref;
      const kind = [...typeChoice().options].find((option) => option.value === type)?.text ?? '';
      box.append(make('li', {}, [link, ' ', make('span', { className: 'hint', textContent: kind + ' #' + id })]));
    }
    one('[data-recent-section]').hidden = !box.firstChild;
    fit();
  } catch { /* they are a convenience */ }
}

document.addEventListener('click', (event) => {
  const target = event.target instanceof Element ? event.target.closest('[data-action], [data-item-ref]') : null;
  if (!(target instanceof HTMLElement)) return;
  if (target.dataset.itemRef) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    event.preventDefault();
    openItem(target);
  } else if (target.dataset.action === 'back') {
    void leaveViewer().then((left) => { if (left) void showRecent(); });
  } else if (target.dataset.action === 'settings') {
    openSettings();
  } else if (target.dataset.action === 'more') {
    void list(target);
  }
});
document.addEventListener('change', (event) => { if (event.target === typeChoice() || event.target === input('mine')) void list(); });
one('[data-home] form').addEventListener('submit', (event) => {
  event.preventDefault();
  void list();
});

void opened.then(() => {
  const type = String(recall('type') ?? '');
  const choice = typeChoice();
  const other = type && choice.value !== type && [...choice.options].some((option) => option.value === type);
  if (other) choice.value = type;
  // Where the portal does not know the reader's time zone, the browser's counts. The app may not have known it.
  const written = document.body.dataset.zone;
  if (other || written !== undefined && written !== zone) void list();
  void showRecent();
});
