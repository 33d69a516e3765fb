// Copying what a card shows.
import { all, find, make } from './dom.js';
import { say } from './status.js';

/**
 * Copies what a button stands beside.
 * @param {HTMLElement} button
 * @param {boolean} plain a number without its currency and its separators
 */
export function copyBeside(button, plain) {
  const next = button.nextElementSibling;
  const beside = next instanceof HTMLElement && next.matches('[data-products]') ? find('table', next)
    : button.closest('li') ?? find('.value', button.parentElement ?? button) ?? button.previousElementSibling;
  if (!(beside instanceof HTMLElement)) return;
  const text = beside instanceof HTMLTableElement ? cellsOf(beside) : textOf(beside);
  void copied(button, plain ? numberIn(text) ?? text : text);
}

/**
 * The cells of a table as spreadsheets take them.
 * @param {HTMLTableElement} table
 */
function cellsOf(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => (cell.textContent ?? '').trim().replace(/\s+/g, ' ')).join('\t')).join('\n');
}

/**
 * The number that a text is, but for a currency and separators, as programs write it; undefined where it is none.
 * @param {string} text
 */
function numberIn(text) {
  const numbers = text.match(/[-−]?\d+(?:[\s.,'’٬٫]\d+)*/g);
  if (numbers?.length !== 1) return undefined;
  const point = new Intl.NumberFormat(document.documentElement.lang).formatToParts(1.5).find((part) => part.type === 'decimal')?.value ?? '.';
  const [whole = '', fraction = ''] = (numbers[0] ?? '').split(point);
  const digits = whole.replace(/\D/g, '') + (fraction ? '.' + fraction.replace(/\D/g, '') : '');
  return (/^[-−]/.test(whole) ? '-' : '') + digits;
}

/**
 * The text of a value, or of several, without what merely describes it, such as the kind of a phone number.
 * @param {HTMLElement} value
 * @returns {string}
 */
export function textOf(value) {
  const several = all('.values > li', value);
  if (several.length) return several.map(textOf).join('\n');
  const rich = find('.rich', value);
  if (rich) return rich.innerText.trim();
  const copy = /** @type {HTMLElement} */ (value.cloneNode(true));
  for (const extra of all('.note, .copy, .hint', copy)) extra.remove();
  return (copy.textContent ?? '').trim();
}

/**
 * Copies a text, and says so once it is done. Where the browser forbids it, the text stands ready to be copied by hand.
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copied(button, text) {
  if (!await write(text)) {
    offer(button, text);
    return;
  }
  button.focus();
  button.classList.add('done');
  say(find('[data-card]')?.dataset.copied ?? '');
  setTimeout(() => button.classList.remove('done'), 1500);
}

/**
 * Puts a text into the clipboard. An iframe of another origin may use the clipboard's own interface only where the portal
 * allows it, so the older way goes first.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function write(text) {
  const box = make('textarea', { value: text, className: 'visually-hidden' });
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  if (done) return true;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Shows a text, selected, to be copied by hand.
 * @param {HTMLElement} button
 * @param {string} text
 */
function offer(button, text) {
  const words = find('[data-card]')?.dataset.copyByHand ?? '';
  const box = make('textarea', { value: text, readOnly: true, rows: Math.min(8, text.split('\n').length) });
  box.setAttribute('aria-label', words);
  const dialog = make('dialog', { className: 'by-hand' }, [make('p', { textContent: words }), box]);
  button.after(dialog);
  dialog.show();
  box.select();
  dialog.addEventListener('focusout', () => dialog.remove(), { once: true });
  dialog.addEventListener('keydown', (event) => { if (event.key === 'Escape') button.focus(); });
}

/**
 * Moves among the buttons that copy: they are one stop of the Tab key, and arrow keys go on from there.
 * @param {KeyboardEvent} event
 */
export function moveAmongCopies(event) {
  const target = event.target;
  if (!(target instanceof HTMLElement) || !target.matches('.copy')) return;
  const buttons = all('.copy', target.closest('[data-card]') ?? document).filter((b) => b.checkVisibility());
  const at = buttons.indexOf(target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  const next = to === undefined ? undefined : buttons[to];
  if (!next) return;
  event.preventDefault();
  target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
