// How far the portal's tabs follow what was chosen. The app has them follow in the background, which takes seconds.
import { fit } from './frame.js';
import { ask } from './session.js';

/** @typedef {import('./settings-page.js').Page} Page */
/**
 * @typedef {object} State
 * @property {number} version
 * @property {boolean} drift
 * @property {string} [failed]
 * @property {string} boundAt
 * @property {Record<string, string>} tabs
 * @property {string} [history]
 * @property {string} [data]
 */

const pause = 2000;
const patience = 60_000; // before it is told that the tabs do not follow
const rest = 10_000; // between looks after that

export class Follower {
  #timer = 0;
  #known; // the version of the history in the page

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.#known = page.version;
    const { drift, following } = page.one('[data-state]').dataset;
    if (following === 'true') this.start();
    else if (drift === 'true') this.#later(0, '', rest);
  }

  /** Looks until the tabs are as they were chosen, and says so. */
  start() {
    this.#say('tabs_updating', false);
    this.#later(Date.now() + patience, null, 0);
  }

  /** Looks no more. */
  end() { clearTimeout(this.#timer); this.#timer = 0; }

  /**
   * @param {number} until when it is told that they do not follow
   * @param {string | null} before names the last attempt that had ended when this search began
   * @param {number} delay
   */
  #later(until, before, delay) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#look(until, before), delay);
  }

  /**
   * @param {number} until
   * @param {string | null} before
   */
  async #look(until, before) {
    const timer = this.#timer; // its number stands for this search
    let state = null;
    try {
      state = await this.#state();
    } catch { /* the next look may find more */ }
    if (this.#timer !== timer || !this.page.root.isConnected) return;
    before ??= state?.boundAt ?? null;
    if (state && !state.drift) {
      this.#say('tabs_ok', false);
    } else if (Date.now() > until || state?.failed && state.boundAt !== before) {
      this.#say('tabs_drift', true, state?.failed);
      this.#later(0, before, rest);
    } else {
      this.#later(until, before, pause);
    }
  }

  async #state() {
    const answer = await ask('/in/settings/state', { version: this.#known });
    /** @type {State} */
    const state = await answer.json();
    const { page } = this;
    for (const note of page.all('[data-tab-state]')) note.textContent = state.tabs[note.dataset.tabState ?? ''] ?? note.textContent;
    if (state.history && state.data) {
      const list = page.one('[data-changes]');
      const inside = list.contains(document.activeElement);
      list.innerHTML = state.history; // written by the app's own templates, as the next one
      page.one('[data-holdings]').innerHTML = state.data;
      page.one('[data-do=undo]').hidden = state.version === 0;
      if (inside) page.one('[data-do=undo]').focus();
      this.#known = state.version;
      fit();
    }
    return state;
  }

  /**
   * @param {string} key
   * @param {boolean} drift
   * @param {string} [failed]
   */
  #say(key, drift, failed = '') {
    const { page } = this;
    const state = page.one('[data-state]');
    state.dataset.drift = String(drift);
    state.dataset.following = String(key === 'tabs_updating');
    page.one('[data-state-text]').textContent = page.word(key);
    page.one('[data-state-failed]').textContent = failed;
    page.one('[data-do=repair]').hidden = !drift;
    fit();
  }
}
