// The open settings page: its controls, what they show, and what it says.
import { all, find, one } from './dom.js';
import { fit } from './frame.js';
import { told } from './session.js';
import { changes, plain } from './settings-model.js';

/** @typedef {import('./settings-model.js').Settings} Settings */

export class Page {
  /** What stood in the settings when the page read them last. @type {Settings} */
  base;
  version = 0;
  /** Whether what is not saved comes from a file. */
  imported = false;
  /** The arrangements of cards, which their editor changes. @type {NonNullable<Settings['cards']>} */
  cards = {};
  /** Is called after every change of what is chosen. @type {() => void} */
  onchange = () => {};
  /** Is called where other settings come into the page. @type {() => void} */
  onshow = () => {};
  /** @type {Record<string, string>} */
  #words;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.version = Number(root.dataset.version);
    this.base = JSON.parse(this.one('[data-settings-json]').textContent ?? '{}');
    this.cards = structuredClone(this.base.cards ?? {});
    this.#words = JSON.parse(this.one('[data-settings-words]').textContent ?? '{}');
  }

  /** @param {string} selector */
  one(selector) { return one(selector, this.root); }
  /** @param {string} selector */
  all(selector) { return all(selector, this.root); }
  /** @param {string} id */
  select(id) { return /** @type {HTMLSelectElement} */ (this.one('#' + id)); }
  /** @param {string} id */
  input(id) { return /** @type {HTMLInputElement} */ (this.one('#' + id)); }
  /** @param {string} selector */
  inputs(selector) { return /** @type {HTMLInputElement[]} */ (this.all(selector)); }

  /**
   * A text in the page's language.
   * @param {string} key
   * @param {Record<string, string | number>} [values] what stands in the braces of the text
   */
  word(key, values = {}) {
    return (this.#words[key] ?? key).replace(/\{(\w+)\}/g, (braces, name) => String(values[name] ?? braces));
  }

  /** @param {string[]} texts */
  list(texts) { return texts.reduce((first, next) => (first ? this.word('list', { first, next }) : next), ''); }

  /**
   * Names parts of settings as a person reads them: each kind once, with how many there are of it.
   * @param {string[]} names
   */
  parts(names) {
    const kinds = new Map();
    for (const kind of names.map((name) => name.split(':')[0] ?? '')) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return this.list([...kinds].map(([kind, count]) => this.word('part.' + kind) + (count > 1 ? ' (' + count + ')' : '')));
  }

  /**
   * Says something beside the button that was pressed.
   * @param {Element} at
   * @param {string} text
   */
  say(at, text) { this.#message(at).textContent = text; fit(); }

  /**
   * Tells beside a button why what it does failed.
   * @param {Element} at
   * @param {unknown} error an Error, or a text for people
   */
  fail(at, error) {
    const alert = document.createElement('span');
    alert.className = 'failed';
    alert.setAttribute('role', 'alert');
    alert.textContent = typeof error === 'string' ? error : told(error);
    this.#message(at).replaceChildren(alert);
    fit();
  }

  /** Takes away what was said before. */
  hush() { for (const message of this.all('[data-message]')) message.textContent = ''; }

  /** @param {Element} at */
  #message(at) {
    const row = at.closest('[data-row]');
    return (row instanceof HTMLElement && find('[data-message]', row)) || this.one('[data-message]');
  }

  /** What the page shows now. */
  collect() {
    /** @type {Settings} */
    const settings = { cards: this.cards, titles: {} };
    settings.tabsOff = this.inputs('[data-tab]').filter((box) => !box.checked).map((box) => Number(box.dataset.tab));
    for (const field of this.inputs('[data-title]')) (settings.titles ??= {})[field.dataset.title ?? ''] = field.value;
    settings.showEmpty = this.input('show-empty').checked;
    settings.codesFor = this.select('codes-for').value;
    settings.language = this.select('language').value;
    return plain(settings);
  }

  /**
   * Shows settings, saved or not.
   * @param {Settings} settings
   */
  show(settings) {
    for (const box of this.inputs('[data-tab]')) box.checked = !settings.tabsOff?.includes(Number(box.dataset.tab));
    for (const field of this.inputs('[data-title]')) field.value = settings.titles?.[field.dataset.title ?? ''] ?? '';
    this.input('show-empty').checked = settings.showEmpty === true;
    this.select('codes-for').value = settings.codesFor ?? '';
    this.select('language').value = settings.language ?? '';
    this.cards = structuredClone(settings.cards ?? {});
    this.onshow();
    this.changed();
  }

  /** Names the parts that are not saved. */
  unsaved() { return changes(this.base, this.collect()); }

  /** Says that something is not saved, or that all is. */
  changed() {
    const unsaved = this.unsaved().length > 0;
    if (!unsaved) this.imported = false;
    for (const mark of this.all('[data-unsaved]')) mark.hidden = !unsaved;
    if (unsaved) for (const message of this.all('.save > [data-message]')) message.textContent = ''; // it was about another state
    this.onchange();
    fit();
  }

  /**
   * Takes over settings that are saved now.
   * @param {Settings} settings
   * @param {number} version
   */
  saved(settings, version) {
    this.base = settings;
    this.version = version;
    this.root.dataset.version = String(version);
    this.changed();
  }
}
