// The arrangement of a type's cards, or of those of one of its pipelines: sections with fields, and how each field is shown.
import { all, find, make } from './dom.js';
import { fit } from './frame.js';
import { Mover } from './settings-move.js';
import { Latest, ask } from './session.js';

/** @typedef {import('./settings-page.js').Page} Page */
/** @typedef {import('./settings-model.js').Section} Section */
/** @typedef {import('./settings-model.js').Card} Card */
/** @typedef {{code: string, title: string, system?: boolean}} Choice */
/** @typedef {{fields: Choice[], pipelines: Choice[], portal: Section[] | null, groups: Section[] | null}} Choices */

export class Fields {
  #requests = new Latest();
  /** Sections that are put aside while the portal's own are followed, by card. @type {Map<string, Section[]>} */
  #aside = new Map();
  /** What "start from" replaced. @type {Section[] | null} */
  #replaced = null;
  /** @type {Choices} */
  #choices = { fields: [], pipelines: [], portal: null, groups: null };
  #key = '';
  #shown = ''; // the type whose pipelines are listed
  /** Where the next section goes: after the row that had the focus last. @type {Element | null} */
  #last = null;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.list = page.one('#arrangement');
    this.find = page.input('find-field');
    this.mover = new Mover(page, this.list, () => this.#read());
    this.find.addEventListener('input', () => this.#filter());
    this.list.addEventListener('focusin', (event) => { this.#last = event.target instanceof Element ? event.target.closest('li') : null; });
    this.list.addEventListener('input', () => this.#read());
    this.list.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-remove]') : null;
      if (button) this.#removeSection(/** @type {HTMLElement} */ (button.closest('li')));
    });
  }

  end() { this.#requests.end(); }

  /** The sections that stand in the page; none where the portal's are followed. */
  get #own() { return /** @type {HTMLInputElement} */ (this.page.one('[name=order][value=own]')).checked; }

  /** What is chosen for the card. @returns {Card} */
  get #card() { return this.page.cards[this.#key] ?? {}; }

  /**
   * Reads what there is of the type and pipeline that are chosen, and shows it.
   * @returns {Promise<boolean>} whether it came
   */
  async load() {
    const { page } = this;
    const type = page.select('card-type');
    const pipelines = page.select('card-pipeline');
    const pipeline = this.#shown === type.value ? pipelines.value : '';
    const signal = this.#requests.next();
    try {
      this.list.setAttribute('aria-busy', 'true');
      this.#lock(true);
      const answer = await ask('/in/settings/card', { entityTypeId: Number(type.value), pipeline }, signal);
      const choices = await answer.json();
      if (signal.aborted) return false;
      this.#choices = choices;
      if (this.#shown !== type.value) {
        this.#shown = type.value;
        pipelines.replaceChildren(...[{ code: '', title: page.word('all_pipelines') }, ...this.#choices.pipelines].map(({ code, title }) => make('option', { value: code, textContent: title })));
        pipelines.hidden = !this.#choices.pipelines.length;
      }
      this.#key = type.value + (pipeline ? '/' + pipeline : '');
      this.find.value = '';
      this.show();
      this.#lock(false);
      return true;
    } catch (error) {
      if (!signal.aborted) page.fail(type, error);
      return false;
    } finally {
      if (!signal.aborted) this.list.removeAttribute('aria-busy');
    }
  }

  /**
   * Locks what stands beside the choice of the type, or gives it back: until the type's own has come, it is another type's,
   * and what somebody changes there would be that one's.
   * @param {boolean} on
   */
  #lock(on) {
    for (const part of all(':scope > :not(:has(#card-type))', /** @type {HTMLElement} */ (this.list.parentElement))) part.inert = on;
  }

  /** Shows what is chosen for the card. */
  show() {
    const own = Boolean(this.#card.sections?.length);
    /** @type {HTMLInputElement} */ (this.page.one('[name=order][value=' + (own ? 'own' : 'follow') + ']')).checked = true;
    this.#offerBack(null);
    this.#draw();
  }

  /** Follows what was chosen of the order: the portal's, or one of one's own. What is not shown any more is kept aside. */
  choose() {
    const card = { ...this.#card };
    if (this.#own) {
      card.sections = this.#aside.get(this.#key) ?? this.#standing();
    } else {
      if (card.sections?.length) this.#aside.set(this.#key, card.sections);
      delete card.sections;
    }
    this.#keep(card);
    this.#offerBack(null);
    this.#draw();
  }

  /** The card as it stands in the portal. */
  #standing() { return this.#choices.portal ?? this.#choices.groups ?? []; }

  /**
   * Begins the order anew.
   * @param {'portal' | 'groups' | 'empty'} from
   * @param {Element} at
   */
  start(from, at) {
    const before = this.#card.sections ?? [];
    const sections = { portal: this.#standing(), groups: this.#choices.groups ?? [], empty: [{ title: '', fields: [] }] }[from];
    this.#keep({ ...this.#card, sections });
    this.#draw();
    this.#offerBack(before);
    this.page.say(at, this.page.word('started'));
  }

  /** @param {Element} at */
  takeBack(at) {
    if (!this.#replaced) return;
    this.#keep({ ...this.#card, sections: this.#replaced });
    this.#draw();
    this.#offerBack(null);
    this.page.say(at, '');
    this.page.one('[data-do=start-portal]').focus();
  }

  /** @param {Section[] | null} sections */
  #offerBack(sections) {
    this.#replaced = sections;
    this.page.one('[data-do=take-back]').hidden = !sections;
  }

  #draw() {
    const own = this.#own;
    const left = new Map(this.#choices.fields.map((field) => [field.code, field]));
    this.#last = null;
    /** @type {Node[]} */
    const rows = [];
    /** @param {string} code */
    const take = (code) => {
      const field = left.get(code); // the portal may have it no more
      if (field && left.delete(code)) rows.push(this.#fieldRow(field));
    };
    for (const section of own ? this.#card.sections ?? [] : this.#standing()) {
      if (own) rows.push(this.#sectionRow(section.title));
      else if (section.fields.some((code) => left.has(code))) rows.push(make('li', { className: 'heading', textContent: section.title, dir: 'auto' }));
      section.fields.forEach(take);
    }
    if (left.size) {
      rows.push(make('li', { className: 'rest', textContent: this.page.word('rest') }));
      for (const field of [...left.values()].sort((a, b) => Number(a.system ?? false) - Number(b.system ?? false))) take(field.code);
    }
    this.list.classList.toggle('own', own);
    this.list.replaceChildren(...rows);
    for (const control of this.page.all('[data-own]')) control.hidden = !own;
    this.#filter();
    fit();
  }

  /** @param {Choice} field */
  #fieldRow(field) {
    const { page } = this;
    const card = this.#card;
    const now = card.hidden?.includes(field.code) ? 'hidden' : card.top?.includes(field.code) ? 'top' : '';
    const choice = make('select', {}, [
      make('option', { value: '', textContent: page.word('as_is') }),
      make('option', { value: 'top', textContent: page.word('top') }),
      make('option', { value: 'hidden', textContent: page.word('hide') })
    ]);
    choice.value = now;
    choice.dataset.kind = '';
    choice.setAttribute('aria-label', page.word('shown_as', { name: field.title }));
    const row = make('li', { className: 'item' + (field.system ? ' system' : '') }, [
      ...this.mover.controls(field.title, page.word('move_field', { name: field.title })),
      make('span', { className: 'name' }, [make('span', { textContent: field.title, dir: 'auto' }), ' ', make('code', { textContent: field.code, dir: 'ltr' })]), choice
    ]);
    row.dataset.code = field.code;
    row.dataset.name = field.title;
    return row;
  }

  /** @param {string} title */
  #sectionRow(title) {
    const { page } = this;
    const name = title || page.word('untitled');
    const field = make('input', { type: 'text', value: title, maxLength: 100, placeholder: page.word('new_section'), dir: 'auto' });
    field.setAttribute('aria-label', page.word('section'));
    const remove = make('button', { type: 'button', className: 'remove', textContent: '×', title: page.word('remove_section') });
    remove.dataset.remove = '';
    remove.setAttribute('aria-label', page.word('remove_section') + ': ' + name);
    return make('li', { className: 'item section' }, [...this.mover.controls(name, page.word('move_field', { name })), field, remove]);
  }

  /**
   * Adds a section after the row that was worked on last, or at the end of the card.
   */
  addSection() {
    const row = this.#sectionRow('');
    const rest = find('.rest', this.list);
    const last = this.#last?.isConnected ? this.#last : null;
    if (last && !(rest && rest.compareDocumentPosition(last) & Node.DOCUMENT_POSITION_FOLLOWING) && last !== rest) last.after(row);
    else if (rest) rest.before(row);
    else this.list.append(row);
    find('input', row)?.focus();
    this.#read();
  }

  /** @param {HTMLElement} row */
  #removeSection(row) {
    const next = row.nextElementSibling;
    row.remove();
    this.#read();
    const focus = next instanceof HTMLElement && find('.handle', next) || this.page.one('[data-do=add-section]');
    focus.focus();
    this.page.say(this.find, this.page.word('removed_section'));
  }

  /** Takes over what the rows show. */
  #read() {
    const rows = all(':scope > li', this.list);
    /** @param {string} kind */
    const of = (kind) => rows.filter((row) => find('select', row)?.matches('select') && /** @type {HTMLSelectElement} */ (find('select', row)).value === kind).map((row) => row.dataset.code ?? '');
    /** @type {Card} */
    const card = { hidden: of('hidden') };
    const top = of('top');
    const before = this.#card.top ?? [];
    card.top = [...before.filter((code) => top.includes(code)), ...top.filter((code) => !before.includes(code))];
    if (this.#own) {
      /** @type {Section[]} */
      const sections = [];
      for (const row of rows) {
        if (row.classList.contains('rest')) break;
        const title = find('input', row);
        if (title instanceof HTMLInputElement) {
          sections.push({ title: title.value, fields: [] });
        } else if (row.dataset.code) {
          if (!sections.length) sections.push({ title: '', fields: [] });
          sections.at(-1)?.fields.push(row.dataset.code);
        }
      }
      card.sections = sections;
    }
    this.#keep(card);
  }

  /** @param {Card} card */
  #keep(card) {
    this.page.cards[this.#key] = card;
    this.page.changed();
  }

  /** Shows the rows alone that are looked for. */
  #filter() {
    const words = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = all(':scope > li[data-code]', this.list);
    let found = 0;
    for (const row of rows) {
      const text = (row.dataset.name + ' ' + row.dataset.code).toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) found++;
    }
    this.page.say(this.find, words.length ? this.page.word('found', { count: found, of: rows.length }) : '');
  }
}
