// Moving rows of an arrangement: with a finger or the mouse on the handle, with the keyboard, with buttons, and by a menu.
// A section moves with its fields.
import { all, find, make } from './dom.js';
import { fit } from './frame.js';

/** @typedef {import('./settings-page.js').Page} Page */

const leap = 10; // rows of PageUp and PageDown

/** @param {Element | null | undefined} row */
function isSection(row) { return Boolean(row?.classList.contains('section')); }
/** @param {Element | null | undefined} row */
function isRest(row) { return Boolean(row?.classList.contains('rest')); }

export class Mover {
  /** @type {{row: HTMLElement, y: number, moving: boolean} | null} */
  #drag = null;
  /** @type {HTMLElement | null} */
  #menu = null;

  /**
   * @param {Page} page
   * @param {HTMLElement} list
   * @param {() => void} moved
   */
  constructor(page, list, moved) {
    this.page = page;
    this.list = list;
    this.moved = moved;
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('click', (event) => this.#click(event));
    list.addEventListener('pointerdown', (event) => this.#grab(event));
    list.addEventListener('pointermove', (event) => this.#pull(event));
    for (const end of ['pointerup', 'pointercancel']) list.addEventListener(end, () => this.#drop());
  }

  /**
   * The controls that move a row.
   * @param {string} name of the row
   * @param {string} label of the handle
   */
  controls(name, label) {
    const handle = make('button', { type: 'button', className: 'handle', textContent: '⠿', title: label });
    handle.setAttribute('aria-label', label);
    handle.setAttribute('aria-haspopup', 'menu');
    handle.setAttribute('aria-expanded', 'false');
    /** @param {string} by @param {string} sign */
    const step = (by, sign) => {
      const button = make('button', { type: 'button', className: 'step', textContent: sign, tabIndex: -1 }); // the handle has the arrow keys
      button.dataset.step = by;
      button.setAttribute('aria-label', this.page.word('move_' + by, { name }));
      return button;
    };
    return [handle, make('span', { className: 'steppers' }, [step('up', '↑'), step('down', '↓')])];
  }

  /** @param {Event} event */
  #rowOf(event) {
    return event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest('#arrangement > .item')) : null;
  }

  /** Rows that can be seen. */
  #rows() { return all(':scope > li:not([hidden])', this.list); }

  /**
   * A row with what moves along: the fields of a section.
   * @param {HTMLElement} row
   */
  #block(row) {
    const block = [row];
    if (isSection(row)) {
      for (let next = row.nextElementSibling; next instanceof HTMLElement && !isSection(next) && !isRest(next); next = next.nextElementSibling) block.push(next);
    }
    return block;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event);
    if (!row || !(event.target instanceof Element) || !event.target.matches('.handle') || this.#menu) return;
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -leap, PageDown: leap }[event.key];
    if (steps) this.#step(row, steps);
    else if (event.key === 'Home') this.#toStart(row);
    else if (event.key === 'End') this.#toEnd(row);
    else return;
    event.preventDefault();
    this.#done(row);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = this.#rowOf(event);
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (!row || !button) return;
    if (button.matches('.handle')) {
      if (this.#menu) this.#close(); else this.#open(row, button);
    } else if (button.dataset.step) {
      this.#step(row, button.dataset.step === 'up' ? -1 : 1);
      this.#done(row, button);
    }
  }

  /**
   * Moves a row by so many places, a section by one section.
   * @param {HTMLElement} row
   * @param {number} steps
   */
  #step(row, steps) {
    if (isSection(row)) {
      const sections = this.#rows().filter(isSection);
      const at = sections.indexOf(row) + Math.sign(steps);
      const other = sections[at];
      if (!other) return;
      if (steps < 0) other.before(...this.#block(row));
      else this.#block(other).at(-1)?.after(...this.#block(row));
      return;
    }
    const rows = this.#rows();
    const from = rows.indexOf(row);
    const to = Math.min(Math.max(from + steps, this.#first(rows)), rows.length - 1);
    if (to < from) rows[to]?.before(row);
    if (to > from) rows[to]?.after(row);
  }

  /**
   * The first place for a field: no field stands before the first section.
   * @param {HTMLElement[]} rows
   */
  #first(rows) { return isSection(rows[0]) ? 1 : 0; }

  /** @param {HTMLElement} row */
  #toStart(row) {
    const rows = this.#rows().filter((one) => one !== row);
    if (isSection(row)) rows.find(isSection)?.before(...this.#block(row));
    else if (isSection(rows[0])) rows[0]?.after(row);
    else this.list.prepend(row);
  }

  /** @param {HTMLElement} row */
  #toEnd(row) {
    const block = this.#block(row);
    const rest = find('.rest', this.list);
    if (rest) rest.before(...block);
    else this.list.append(...block);
  }

  /**
   * Says where a row is now.
   * @param {HTMLElement} row
   * @param {HTMLElement} [focus]
   */
  #done(row, focus) {
    (focus ?? find('.handle', row))?.focus();
    row.scrollIntoView({ block: 'nearest' });
    this.moved();
    const { page } = this;
    const kind = isSection(row) ? isSection : (/** @type {Element} */ one) => !isSection(one) && one.matches('.item');
    const rows = all(':scope > li', this.list);
    const same = rows.filter(kind);
    const before = rows.slice(0, rows.indexOf(row) + 1);
    const place = { name: this.#name(row), place: same.indexOf(row) + 1, of: same.length, section: this.#name(before.findLast(isSection)) };
    page.say(page.one('#find-field'), page.word(before.some(isRest) ? 'moved_out' : 'moved_in', place));
  }

  /** @param {HTMLElement | undefined} row */
  #name(row) {
    const title = row && find('input', row);
    return row?.dataset.name ?? ((title instanceof HTMLInputElement && title.value) || this.page.word('untitled'));
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    const row = this.#rowOf(event);
    if (!row || event.button !== 0 || !(event.target instanceof Element) || !event.target.matches('.handle')) return;
    this.#drag = { row, y: event.clientY, moving: false };
  }

  /** @param {PointerEvent} event */
  #pull(event) {
    const drag = this.#drag;
    if (!drag || !drag.moving && Math.abs(event.clientY - drag.y) < 4) return;
    if (!drag.moving) {
      drag.moving = true;
      this.#close();
      this.list.setPointerCapture(event.pointerId); // the list stays in its place, the row does not
      drag.row.classList.add('dragged');
    }
    const box = this.list.getBoundingClientRect();
    if (event.clientY < box.top + 24) this.list.scrollBy(0, -12);
    if (event.clientY > box.bottom - 24) this.list.scrollBy(0, 12);
    const over = this.#rows().find((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return event.clientY >= top && event.clientY < bottom;
    });
    const block = this.#block(drag.row);
    if (!over || block.includes(over)) return;
    const { top, height } = over.getBoundingClientRect();
    const before = event.clientY < top + height / 2;
    if (isSection(drag.row)) {
      this.#dragSection(block, over);
    } else if (before && over.previousElementSibling !== drag.row && over !== this.list.firstElementChild) {
      over.before(drag.row);
    } else if (before && over === this.list.firstElementChild && !isSection(over)) {
      over.before(drag.row);
    } else if (!before && over.nextElementSibling !== drag.row) {
      over.after(drag.row);
    }
  }

  /**
   * Moves a section past the one that the pointer is over.
   * @param {HTMLElement[]} block
   * @param {HTMLElement} over
   */
  #dragSection(block, over) {
    const [head] = block;
    const rows = this.#rows();
    if (!head || rows.slice(0, rows.indexOf(over) + 1).some(isRest)) return;
    const target = isSection(over) ? over : rows.slice(0, rows.indexOf(over)).findLast(isSection);
    if (!target || target === head) return;
    if (rows.indexOf(target) < rows.indexOf(head)) target.before(...block);
    else this.#block(target).at(-1)?.after(...block);
  }

  #drop() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag?.moving) return;
    drag.row.classList.remove('dragged');
    this.#done(drag.row);
  }

  /**
   * Opens the menu of the places where a row can go.
   * @param {HTMLElement} row
   * @param {HTMLElement} handle
   */
  #open(row, handle) {
    const menu = make('div', { className: 'menu' });
    menu.setAttribute('role', 'menu');
    menu.setAttribute('aria-label', handle.title);
    /** @param {string} text @param {() => void} move */
    const add = (text, move) => {
      const entry = make('button', { type: 'button', textContent: text, tabIndex: -1 });
      entry.setAttribute('role', 'menuitem');
      entry.addEventListener('click', (event) => {
        event.stopPropagation();
        this.#close();
        move();
        this.#done(row);
      });
      menu.append(entry);
    };
    if (!find('.steppers', row)?.offsetParent) { // there is no room for them in the row
      const name = this.#name(row);
      add(this.page.word('move_up', { name }), () => this.#step(row, -1));
      add(this.page.word('move_down', { name }), () => this.#step(row, 1));
    }
    add(this.page.word('to_start'), () => this.#toStart(row));
    add(this.page.word('to_end'), () => this.#toEnd(row));
    const rest = find('.rest', this.list);
    if (!isSection(row)) {
      for (const section of all(':scope > .section', this.list)) add(this.#name(section), () => this.#block(section).at(-1)?.after(row));
      if (rest) add(this.page.word('outside'), () => rest.after(row));
    }
    menu.addEventListener('keydown', (event) => {
      event.stopPropagation();
      const entries = all('[role=menuitem]', menu);
      const at = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const next = { ArrowDown: at + 1, ArrowUp: at - 1 + entries.length, Home: 0, End: entries.length - 1 }[event.key];
      if (next !== undefined) entries[next % entries.length]?.focus();
      else if (event.key === 'Escape') { this.#close(); handle.focus(); }
      else return;
      event.preventDefault();
    });
    menu.addEventListener('focusout', (event) => {
      if (!(event.relatedTarget instanceof Node) || !menu.contains(event.relatedTarget) && event.relatedTarget !== handle) this.#close();
    });
    handle.setAttribute('aria-expanded', 'true');
    row.append(menu);
    this.#menu = menu;
    find('button', menu)?.focus();
    menu.scrollIntoView({ block: 'nearest' });
    fit();
  }

  #close() {
    const menu = this.#menu;
    if (!menu) return;
    this.#menu = null;
    menu.parentElement?.querySelector('.handle')?.setAttribute('aria-expanded', 'false');
    menu.remove();
    fit();
  }
}
