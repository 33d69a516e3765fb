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
const patience = 60_000;

export class Follower {
  #timer = 0;
  #known; // the version of the history in the page
  #boundAt;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.#known = page.version;
    this.#boundAt = page.root.dataset.boundAt ?? '';
    if (page.one('[data-state]').dataset.following === 'true') this.start();
  }

  /** Looks until the tabs are as they were chosen, and says so. */
  start() {
    this.end();
    this.#say('tabs_updating', false);
    void this.#look(Date.now() + patience, this.#boundAt);
  }

  /** Looks no more. */
  end() { clearTimeout(this.#timer); this.#timer = 0; }

  /**
   * @param {number} until
   * @param {string} before names the last attempt that counts no more
   */
  async #look(until, before) {
    const timer = this.#timer = window.setTimeout(() => {}, pause); // its number stands for this search
    let state = null;
    try {
      state = await this.#state();
    } catch { /* the next look may find more; after a while it is told that the tabs do not follow */ }
    if (this.#timer !== timer || !this.page.root.isConnected) return;
    if (state && !state.drift) {
      this.#say('tabs_ok', false);
    } else if (state?.failed && state.boundAt !== before || Date.now() > until) {
      this.#say('tabs_drift', true, state?.failed);
    } else {
      this.#timer = window.setTimeout(() => this.#look(until, before), pause);
    }
  }

  async #state() {
    const answer = await ask('/in/settings/state', { version: this.#known });
    /** @type {State} */
    const state = await answer.json();
    const { page } = this;
    this.#boundAt = state.boundAt;
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
