// What paper says beneath a card: of which portal it is, who printed it, and when.
import { make } from './dom.js';
import { shownCard } from './card.js';

/** @type {HTMLElement | null} */
let line = null;

window.addEventListener('beforeprint', () => {
  const card = shownCard();
  if (!card) return;
  const link = card.querySelector('a.elsewhere');
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format();
  const parts = [link instanceof HTMLAnchorElement ? link.href : '', document.body.dataset.reader, when].filter(Boolean);
  line?.remove();
  line = make('p', { className: 'hint' }, parts.flatMap((part, i) => [i ? ' · ' : '', make('bdi', { textContent: part ?? '' })]));
  card.append(line);
});
window.addEventListener('afterprint', () => {
  line?.remove();
  line = null;
});
