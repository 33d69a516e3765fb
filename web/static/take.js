// Taking along what a card shows: for spreadsheets, and as files. Loaded when somebody wants it.
import { copied, textOf } from './copy.js';
import { all, find, make } from './dom.js';
import { fit } from './frame.js';

/** @typedef {'tsv' | 'csv' | 'json'} Kind */

/**
 * Opens the choice beside its button, or closes it.
 * @param {HTMLElement} button
 */
export function chooseKind(button) {
  const open = button.nextElementSibling;
  if (open?.matches('.take')) {
    close(button);
    return;
  }
  const card = button.closest('[data-card]');
  const kinds = /** @type {Kind[]} */ (['tsv', 'csv', 'json']).filter((kind) => button.dataset[kind]);
  const choices = kinds.map((kind) => {
    const choice = make('button', { type: 'button', textContent: button.dataset[kind] ?? '' });
    choice.dataset.kind = kind;
    return choice;
  });
  const dialog = make('dialog', { className: 'by-hand take' }, choices);
  dialog.setAttribute('aria-label', button.title);
  button.after(dialog);
  dialog.show();
  button.setAttribute('aria-expanded', 'true');
  choices[0]?.focus();
  fit();
  dialog.addEventListener('click', (event) => {
    const kind = event.target instanceof HTMLElement ? event.target.dataset.kind : undefined;
    if (!kind || !(card instanceof HTMLElement)) return;
    close(button);
    take(card, button, /** @type {Kind} */ (kind));
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close(button);
  });
  dialog.addEventListener('focusout', (event) => {
    if (event.relatedTarget !== button && !dialog.contains(/** @type {Node | null} */ (event.relatedTarget))) close(button);
  });
}

/** @param {HTMLElement} button */
function close(button) {
  button.setAttribute('aria-expanded', 'false');
  const dialog = button.nextElementSibling;
  if (!dialog?.matches('.take')) return;
  if (dialog.contains(document.activeElement)) button.focus(); // first: what has the focus tells when it goes, and that closes
  dialog.remove();
  fit();
}

/**
 * @param {HTMLElement} card
 * @param {HTMLElement} button
 * @param {Kind} kind
 */
function take(card, button, kind) {
  if (kind === 'json') {
    const text = card.querySelector('[data-item]')?.textContent ?? '{}';
    download(nameOf(card, 'json'), 'application/json', JSON.stringify(JSON.parse(text), null, 2) + '\n');
    return;
  }
  const rows = rowsOf(card);
  if (kind === 'tsv') void copied(button, written(rows, '\t', '\n'));
  // Spreadsheets tell the encoding by the mark in front, and split at what does not part whole numbers from fractions.
  else download(nameOf(card, 'csv'), 'text/csv;charset=utf-8', '\ufeff' + written(rows, decimalComma() ? ';' : ',', '\r\n') + '\r\n');
}

function decimalComma() {
  return new Intl.NumberFormat(document.documentElement.lang).format(1.5).includes(',');
}

/**
 * What a file is called: by the item, and by the view that it holds.
 * @param {HTMLElement} card
 * @param {string} extension
 */
function nameOf(card, extension) {
  const view = extension === 'csv' && card.dataset.view ? '-' + card.dataset.view : '';
  return 'item-' + card.dataset.entityTypeId + '-' + card.dataset.id + view + '.' + extension;
}

/**
 * What the open view shows in tables; of the fields, and of a view without tables, the fields with their values.
 * @param {HTMLElement} card
 * @returns {string[][]}
 */
function rowsOf(card) {
  const panel = all('[role=tabpanel]', card).find((each) => each.checkVisibility());
  const tables = panel && panel.id !== 'panel-fields' ? all('table', panel) : [];
  if (tables.length) return tables.flatMap((table, i) => [...(i ? [[]] : []), ...cellsOf(table)]);
  const isOpen = panel?.id === 'panel-fields';
  const rows = all('.field', card)
    .filter((row) => isOpen ? row.checkVisibility() : !row.matches('.empty:not(.always), .technical'))
    .map((row) => {
      const value = find('.value', row);
      const code = row.querySelector('dt code')?.textContent?.split(' ')[0];
      return [find('dt bdi', row)?.textContent?.trim() ?? '', value ? textOf(value) : '', ...(code ? [code] : [])];
    });
  const products = all('[data-products] table', card).flatMap((table) => [[], ...cellsOf(table)]);
  return [...rows, ...products];
}

/**
 * @param {HTMLElement} table
 * @returns {string[][]}
 */
function cellsOf(table) {
  return all('tr', table).filter((row) => !row.hidden)
    .map((row) => all('th, td', row).map((cell) => (cell.textContent ?? '').trim().replace(/\s+/g, ' ')));
}

/**
 * Rows as spreadsheets read them.
 * @param {string[][]} rows
 * @param {string} between cells
 * @param {string} end of a line
 */
function written(rows, between, end) {
  return rows.map((row) => row.map((cell) => quoted(harmless(cell), between)).join(between)).join(end);
}

/**
 * Keeps a spreadsheet from running a text as a formula: values are written by whoever fills in a form. Negative numbers stay
 * numbers.
 * @param {string} cell
 */
function harmless(cell) {
  return /^[=+\-@\t\r＝＋－＠]/.test(cell) && !/^-\d[\d\s.,'’]*$/.test(cell) ? "'" + cell : cell;
}

/**
 * @param {string} cell
 * @param {string} between
 */
function quoted(cell, between) {
  return cell.includes(between) || /["\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell;
}

/**
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
function download(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  const link = make('a', { download: name, href });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
