// The settings page, which an administrator opens from the app's own page. What is chosen stands in the page until it is
// saved; nothing of it is lost without a question.
import { find, make, one } from './dom.js';
import { fit, reload } from './frame.js';
import { Refusal, ask } from './session.js';
import { Fields } from './settings-fields.js';
import { changes, join, parse } from './settings-model.js';
import { Page } from './settings-page.js';
import { Preview } from './settings-preview.js';
import { Follower } from './settings-tabs.js';

/** @typedef {import('./settings-model.js').Settings} Settings */
/** @typedef {{version: number, settings: Settings, message?: string}} Changed */

class Editor {
  #running = false;
  #erased = false;
  /** Answers the question whether to leave. @type {((leave: boolean) => void) | null} */
  #answer = null;
  /** What others have saved meanwhile. @type {{theirs: Changed, name: string} | null} */
  #conflict = null;
  /** What an import replaced. @type {Settings | null} */
  #replaced = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    const page = this.page = new Page(root);
    this.fields = new Fields(page);
    this.preview = new Preview(page);
    this.follower = new Follower(page);
    page.onshow = () => this.fields.show();
    page.onchange = () => this.preview.refresh();
    root.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button?.dataset.do) void this.#run(button.dataset.do, button);
      else if (button?.getAttribute('role') === 'tab') this.#select(button);
      else if (button?.dataset.action === 'reload') reload();
    });
    root.addEventListener('change', (event) => this.#changed(event));
    root.addEventListener('input', (event) => this.#typed(event));
    root.addEventListener('keydown', (event) => this.#key(event));
    window.addEventListener('beforeunload', this.#closing);
  }

  /** Fills what takes requests, once the page stands. */
  begin() { void this.#chooseType(); }

  end() {
    window.removeEventListener('beforeunload', this.#closing);
    this.follower.end();
    this.fields.end();
    this.preview.end();
  }

  #unsaved() { return !this.#erased && this.page.unsaved().length > 0; }

  /** @param {BeforeUnloadEvent} event */
  #closing = (event) => { if (this.#unsaved()) event.preventDefault(); };

  /**
   * Asks before what is not saved is left behind.
   * @returns {boolean | Promise<boolean>}
   */
  mayLeave() {
    if (!this.#unsaved()) return true;
    this.#answer?.(false);
    const question = this.page.one('[data-question]');
    question.hidden = false;
    this.page.one('[data-do=leave-save]').focus();
    fit();
    return new Promise((resolve) => {
      this.#answer = (leave) => {
        this.#answer = null;
        question.hidden = true;
        fit();
        resolve(leave);
      };
    });
  }

  async #chooseType() {
    if (await this.fields.load()) await this.preview.list();
  }

  /** @param {Event} event */
  #changed(event) {
    const { target } = event;
    if (!(target instanceof HTMLElement)) return;
    if (target.id === 'card-type') { this.page.input('preview-query').value = ''; void this.#chooseType(); }
    else if (target.id === 'card-pipeline') void this.#chooseType();
    else if (target instanceof HTMLInputElement && target.name === 'order') this.fields.choose();
    else if (target instanceof HTMLInputElement && target.id === 'import') void this.#import(target);
    else if (target.id === 'erase-confirm') this.#checkErase(true);
  }

  /** @param {Event} event */
  #typed(event) {
    const { target } = event;
    if (!(target instanceof HTMLElement)) return;
    if (target.id === 'erase-confirm') this.#checkErase(false);
    else if (target.matches('[data-tab], [data-title], #show-empty, #codes-for, #language')) this.page.changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (event.key === 'Escape' && this.#answer) { this.#stay(); return; }
    if (!(target instanceof HTMLElement) || target.getAttribute('role') !== 'tab') return;
    const tabs = this.page.all('[role=tab]');
    const forward = getComputedStyle(target).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    const at = tabs.indexOf(target);
    const next = { Home: 0, End: tabs.length - 1, ArrowRight: 0, ArrowLeft: 0 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const step = event.key.startsWith('Arrow') ? at + (event.key === forward ? 1 : -1) + tabs.length : next;
    const tab = tabs[step % tabs.length];
    if (tab) this.#select(tab);
  }

  /** @param {HTMLElement} chosen */
  #select(chosen) {
    for (const tab of this.page.all('[role=tab]')) {
      const selected = tab === chosen;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      this.page.one('#' + tab.getAttribute('aria-controls')).hidden = !selected;
    }
    this.root.dataset.open = chosen.id;
    chosen.focus();
    this.preview.refresh(0);
    fit();
  }

  /**
   * Does what a button is for, one thing at a time. The button keeps the focus, and what came of it is told beside it.
   * @param {string} name
   * @param {HTMLButtonElement} button
   */
  async #run(name, button) {
    if (this.#running) return;
    this.#running = true;
    button.setAttribute('aria-busy', 'true');
    this.page.hush();
    try {
      await this.#do(name, button);
    } catch (error) {
      this.page.fail(button, error);
    } finally {
      this.#running = false;
      button.removeAttribute('aria-busy');
    }
  }

  /**
   * @param {string} name
   * @param {HTMLButtonElement} button
   */
  async #do(name, button) {
    const { page, fields } = this;
    switch (name) {
      case 'save': await this.#save(button); break;
      case 'discard': this.#discard(); break;
      case 'leave-save': if (await this.#save(this.#saveButton)) this.#answer?.(true); else this.#answer?.(false); break;
      case 'leave-discard': this.#discard(); this.#answer?.(true); break;
      case 'stay': this.#stay(); break;
      case 'load-theirs': this.#loadTheirs(); break;
      case 'save-mine': await this.#saveMine(); break;
      case 'repair': await ask('/in/settings/repair', {}); this.follower.start(); break;
      case 'undo': await this.#takeBack('/in/settings/undo', {}, button); break;
      case 'restore': await this.#takeBack('/in/settings/restore', { before: Number(button.dataset.before) }, page.one('[data-do=undo]')); break;
      case 'start-portal': fields.start('portal', button); break;
      case 'start-groups': fields.start('groups', button); break;
      case 'start-empty': fields.start('empty', button); break;
      case 'take-back': fields.takeBack(button); break;
      case 'add-section': fields.addSection(); break;
      case 'preview': await this.preview.show(); break;
      case 'export': this.#export(); break;
      case 'import': page.input('import').click(); break;
      case 'import-back': this.#importBack(); break;
      case 'erase': await this.#erase(button); break;
    }
  }

  get #saveButton() { return this.page.one('[data-do=save]'); }

  #stay() {
    this.#answer?.(false);
    this.#saveButton.focus();
  }

  #discard() {
    const lost = document.activeElement instanceof HTMLElement && document.activeElement.dataset.do === 'discard';
    this.page.show(this.page.base);
    this.#offerImportBack(null);
    if (lost) this.#saveButton.focus();
  }

  /**
   * Saves what the page shows. Where others have saved other parts meanwhile both are kept; where they have saved the same
   * ones, who works here decides.
   * @param {Element} at where to say what came of it
   * @returns {Promise<boolean>} whether it is saved
   */
  async #save(at) {
    const { page } = this;
    this.#showConflict(null);
    let told = page.word('saved');
    for (let attempt = 0; ; attempt++) {
      if (!this.#unsaved()) {
        page.say(at, attempt ? told : page.word('unchanged'));
        if (attempt) this.follower.start();
        return true;
      }
      const settings = page.collect();
      try {
        const answer = await ask('/in/settings/save', { version: page.version, settings, import: page.imported });
        /** @type {Changed} */
        const saved = await answer.json();
        page.saved(saved.settings, saved.version);
        this.#offerImportBack(null);
        page.say(at, told);
        this.follower.start();
        return true;
      } catch (error) {
        const conflict = theirs(error);
        if (!conflict || attempt > 2) throw error;
        const { both } = join(page.base, settings, conflict.theirs.settings);
        if (both.length) {
          this.#showConflict(conflict, both);
          return false;
        }
        told = page.word('merged', { name: conflict.name, parts: page.parts(changes(page.base, conflict.theirs.settings)) });
        this.#adopt(conflict.theirs, settings);
      }
    }
  }

  /**
   * Takes over what is saved by now, and keeps what is not.
   * @param {Changed} saved
   * @param {Settings} mine
   */
  #adopt(saved, mine) {
    const { page } = this;
    const { settings } = join(page.base, mine, saved.settings);
    const { imported } = page;
    page.saved(saved.settings, saved.version);
    page.imported = imported;
    page.show(settings);
  }

  /**
   * @param {{theirs: Changed, name: string} | null} conflict
   * @param {string[]} [both]
   */
  #showConflict(conflict, both = []) {
    const { page } = this;
    this.#conflict = conflict;
    page.one('[data-conflict]').hidden = !conflict;
    if (!conflict) return;
    page.one('[data-conflict-text]').textContent = conflict.theirs.message + ' ' + page.word('conflict_both', { parts: this.#names(both) });
    page.one('[data-do=load-theirs]').focus();
    fit();
  }

  /**
   * Names parts one by one, with what they are about.
   * @param {string[]} parts
   */
  #names(parts) {
    const { page } = this;
    return page.list(parts.map((part) => {
      const [kind = '', ...rest] = part.split(':');
      const key = rest.join(':');
      const name = page.word('part.' + kind);
      if (kind === 'tabsOff' || kind === 'cards') {
        const type = key.split('/')[0] ?? '';
        const option = [...page.select('card-type').options].find(({ value }) => value === type);
        return name + ' (' + (option?.text ?? key) + ')';
      }
      return key ? name + ' (' + key + ')' : name;
    }));
  }

  #loadTheirs() {
    const { page } = this;
    const conflict = this.#conflict;
    if (!conflict) return;
    const { settings } = join(page.base, conflict.theirs.settings, page.collect()); // theirs go before, what only I changed stays
    page.saved(conflict.theirs.settings, conflict.theirs.version);
    page.show(settings);
    this.#showConflict(null);
    this.#saveButton.focus();
    page.say(this.#saveButton, page.word('conflict_loaded', { name: conflict.name }));
    this.follower.start();
  }

  async #saveMine() {
    const conflict = this.#conflict;
    if (!conflict) return;
    this.#adopt(conflict.theirs, this.page.collect());
    this.#saveButton.focus();
    try {
      await this.#save(this.#saveButton);
    } catch (error) {
      this.page.fail(this.#saveButton, error);
    }
  }

  /**
   * Takes changes of the past back. What is not saved stays.
   * @param {string} path
   * @param {object} question
   * @param {Element} at
   */
  async #takeBack(path, question, at) {
    const { page } = this;
    const mine = page.collect();
    try {
      const answer = await ask(path, { version: page.version, ...question });
      /** @type {Changed} */
      const made = await answer.json();
      this.#adopt(made, mine);
      page.say(at, made.message ?? '');
    } catch (error) {
      const conflict = theirs(error);
      if (!conflict) { page.fail(at, error); return; }
      this.#adopt(conflict.theirs, mine);
      page.fail(at, conflict.theirs.message ?? '');
    }
    this.follower.start();
  }

  #export() {
    const text = JSON.stringify(this.page.collect(), null, 2);
    const href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    const link = make('a', { download: 'item-lens-settings.json', href });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  /**
   * Loads a file into the page, to be saved or not.
   * @param {HTMLInputElement} field
   */
  async #import(field) {
    const { page } = this;
    const [file] = field.files ?? [];
    field.value = ''; // the same file may be chosen again
    if (!file) return;
    page.hush();
    try {
      const found = file.size > 1 << 20 ? null : parse(await file.text());
      if (!found) { page.fail(field, page.word('not_export')); return; }
      const answer = await ask('/in/settings/import', { settings: found });
      /** @type {{settings: Settings, left: string[] | null}} */
      const { settings, left } = await answer.json();
      const before = page.collect();
      const parts = changes(before, settings);
      const missing = left?.length ? ' ' + page.word('left_out', { what: page.list(left) }) : '';
      if (!parts.length) { page.say(field, page.word('imported_same') + missing); return; }
      page.imported = true;
      page.show(settings);
      this.#offerImportBack(before);
      page.say(field, page.word('imported', { file: file.name, parts: page.parts(parts) }) + missing);
    } catch (error) {
      page.fail(field, error instanceof Refusal && error.code === 'invalid_settings' ? page.word('not_export') : error);
    }
  }

  /** @param {Settings | null} settings */
  #offerImportBack(settings) {
    this.#replaced = settings;
    this.page.one('[data-do=import-back]').hidden = !settings;
  }

  #importBack() {
    if (!this.#replaced) return;
    this.page.imported = false;
    this.page.show(this.#replaced);
    this.#offerImportBack(null);
    this.page.one('[data-do=import]').focus();
  }

  /** @param {boolean} done whether typing is over */
  #checkErase(done) {
    const { page } = this;
    const field = page.input('erase-confirm');
    const typed = field.value.trim().toLowerCase();
    const fits = typed === (field.dataset.domain ?? '').toLowerCase();
    /** @type {HTMLButtonElement} */ (page.one('[data-do=erase]')).disabled = !fits;
    const wrong = done && typed !== '' && !fits;
    field.setAttribute('aria-invalid', String(wrong));
    if (wrong) page.fail(field, page.word('erase_mismatch'));
    else page.say(field, '');
  }

  /** @param {Element} at */
  async #erase(at) {
    const { page } = this;
    try {
      await ask('/in/settings/erase', { confirm: page.input('erase-confirm').value });
    } catch (error) {
      page.fail(at, error instanceof Refusal && error.code === 'bad_request' ? page.word('erase_mismatch') : error);
      return;
    }
    this.#erased = true;
    this.end();
    const last = /** @type {HTMLTemplateElement} */ (page.one('[data-erased]'));
    this.root.replaceChildren(last.content);
    const back = find('[data-action=back]');
    if (back) back.hidden = true; // what it led to is gone
    one('h1', this.root).focus();
    fit();
  }
}

/**
 * What others have saved meanwhile, where that is why the app refused.
 * @param {unknown} error
 * @returns {{theirs: Changed, name: string} | null}
 */
function theirs(error) {
  const told = error instanceof Refusal && error.code === 'settings_conflict' ? error.answer : null;
  return told?.theirs ? { theirs: told.theirs, name: told.name } : null;
}

/**
 * Opens the settings in a box.
 * @param {HTMLElement} box
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./viewer.js').View>}
 */
export async function open(box, signal) {
  const answer = await ask('/in/settings', {}, signal);
  box.innerHTML = await answer.text(); // written by the app's own templates
  const editor = new Editor(one('[data-settings]', box));
  return { shown: () => editor.begin(), mayLeave: () => editor.mayLeave(), left: () => editor.end() };
}
