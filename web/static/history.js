// The view of how an item came to be: what was done before what is shown.
import { askNames, itemOf } from './card.js';
import { all, find } from './dom.js';
import { fit } from './frame.js';
import { ask, told } from './session.js';
import { say } from './status.js';

/**
 * Has the button beneath the timeline show more of it.
 * @param {HTMLElement} panel
 */
export function enliven(panel) {
  panel.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-further]') : null;
    if (button instanceof HTMLElement && !button.hasAttribute('aria-busy')) void further(panel, button);
  });
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLElement} button
 */
async function further(panel, button) {
  const card = panel.closest('[data-card]');
  const timeline = find('[data-timeline]', panel);
  if (!(card instanceof HTMLElement) || !timeline) return;
  button.setAttribute('aria-busy', 'true');
  try {
    const answer = await ask('/in/lens/history/further', {
      ...itemOf(card), comments: Number(button.dataset.comments), activities: Number(button.dataset.activities)
    });
    const slot = document.createElement('template');
    slot.innerHTML = await answer.text(); // written by the app's own templates
    if (!button.isConnected) return;
    const known = new Set(all('[data-entry]', timeline).map((entry) => entry.dataset.entry));
    // What was added meanwhile has moved the rest: it comes again, and is left out.
    for (const entry of all('[data-entry]', slot.content)) if (known.has(entry.dataset.entry)) entry.remove();
    for (const day of all('.day', slot.content)) if (!find('[data-entry]', day)) day.remove();
    const first = find('[data-entry]', slot.content);
    join(timeline, slot.content);
    button.parentElement?.remove();
    timeline.append(slot.content);
    if (first) {
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
    }
    if (find('[data-name]', timeline)) askNames(card);
  } catch (error) {
    button.removeAttribute('aria-busy');
    say(told(error), { lasts: true });
  }
  fit();
}

/**
 * Puts the entries of the first new day to those of the last one that is shown, where it is the same day.
 * @param {HTMLElement} timeline
 * @param {DocumentFragment} fresh
 */
function join(timeline, fresh) {
  const last = all('.day', timeline).at(-1);
  const next = find('.day', fresh);
  if (!last || !next || last.dataset.day !== next.dataset.day) return;
  find('.entries', last)?.append(...all('[data-entry]', next));
  next.remove();
}
