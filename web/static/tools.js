// The tools of a card: what stands above its fields, and what copies them. The module listens to the page once it is
// loaded; a button that was pressed before, card.js presses again.
import { copied, copyBeside, moveAmongCopies } from './copy.js';
import { input } from './dom.js';
import { applyFilter, clearFilter } from './filter.js';
import { shownCard } from './card.js';
import { moveAmongTabs, openView, pressCompare, pressTab, tryAgain } from './lens.js';
import './print.js';
import { refresh } from './refresh.js';
import { told } from './session.js';
import { say } from './status.js';
import { toggle } from './view.js';

export { openView };

/**
 * Does what a button is for.
 * @param {HTMLElement} button
 * @param {boolean} plain with the Alt key: the number alone
 */
export function press(button, plain) {
  const view = button.dataset.toggle;
  if (view === 'empty' || view === 'codes') {
    toggle(view);
    if (input('filter')?.value) applyFilter();
    return;
  }
  switch (button.dataset.action) {
    case 'refresh': void refresh(); break;
    case 'json': copyJSON(button); break;
    case 'copy': copyBeside(button, plain); break;
    case 'link': copyLink(button); break;
    case 'print': window.print(); break;
    case 'take': import('./take.js').then(({ chooseKind }) => chooseKind(button), (error) => say(told(error), { lasts: true })); break;
    case 'clear': clearFilter(); break;
    case 'view': pressTab(button); break;
    case 'view-again': tryAgain(button); break;
    case 'compare': void pressCompare(button); break;
  }
}

/** @param {HTMLElement} button */
function copyJSON(button) {
  const text = shownCard()?.querySelector('[data-item]')?.textContent;
  if (text) void copied(button, JSON.stringify(JSON.parse(text), null, 2));
}

/** @param {HTMLElement} button */
function copyLink(button) {
  const link = shownCard()?.querySelector('a.elsewhere');
  if (link instanceof HTMLAnchorElement) void copied(button, link.href);
}

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-action], [data-toggle]') : null;
  if (button instanceof HTMLElement) press(button, event.altKey);
});

document.addEventListener('input', (event) => { if (event.target === input('filter')) applyFilter(); });
document.addEventListener('names', () => { if (input('filter')?.value) applyFilter(); });

document.addEventListener('keydown', (event) => {
  if (moveAmongTabs(event)) return;
  const field = input('filter');
  if (event.key === 'Escape' && event.target === field && field?.value) clearFilter();
  else moveAmongCopies(event);
});

if (input('filter')?.value) applyFilter(); // typed meanwhile
