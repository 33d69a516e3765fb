// The page of an item, in the tab of its card.
import { showCard, shownCard } from './card.js';
import { zone } from './session.js';

/** How old a card may be, in milliseconds, when somebody comes back to it. */
const fresh = 5 * 60_000;
let read = Date.now();

/** @param {{quiet: boolean}} how */
async function refresh(how) {
  read = Date.now();
  try {
    await (await import('./refresh.js')).refresh(how);
  } catch { /* the card that is shown stays */ }
}

/** Reads the card anew where its reader comes back to it after a while. */
function comeBack() {
  if (!document.hidden && Date.now() - read > fresh && !document.querySelector('dialog[open]')) void refresh({ quiet: false });
}

const card = shownCard();
if (card) {
  showCard(card);
  // Where the portal does not know the reader's time zone, the browser's counts. The app may not have known it.
  const written = document.body.dataset.zone;
  if (written !== undefined && written !== zone) void refresh({ quiet: true });
  document.addEventListener('visibilitychange', comeBack);
  new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting)) comeBack(); }).observe(document.body); // another tab of the portal's card was shown
}
