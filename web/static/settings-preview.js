// A card as it would be with what the page shows: beside the arrangement where there is room, else where it is asked for.
import { enliven } from './card.js';
import { find, make } from './dom.js';
import { fit } from './frame.js';
import { Latest, Refusal, ask } from './session.js';

/** @typedef {import('./settings-page.js').Page} Page */
/** @typedef {{id: number, title: string, pipeline: string}} Item */

export class Preview {
  #lists = new Latest();
  #cards = new Latest();
  #wide = matchMedia('(min-width: 960px)');
  #open = false; // somebody asked for it
  #timer = 0;
  #type = '';
  #shown = '';

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.choice = page.select('preview-item');
    this.choice.addEventListener('change', () => this.refresh(0));
    page.input('preview-query').addEventListener('input', () => this.#later(() => this.list(), 300));
    this.#wide.addEventListener('change', this.#widened);
  }

  #widened = () => this.refresh(0);

  end() {
    clearTimeout(this.#timer);
    this.#lists.end();
    this.#cards.end();
    this.#wide.removeEventListener('change', this.#widened);
  }

  /** @param {() => void} run @param {number} delay */
  #later(run, delay) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(run, delay);
  }

  /** Lists what there is to preview of the type that is chosen: the newest, or what is searched for. */
  async list() {
    const { page } = this;
    const type = page.select('card-type').value;
    const query = page.input('preview-query').value.trim();
    const signal = this.#lists.next();
    try {
      const answer = await ask('/in/settings/items', { entityTypeId: Number(type), query }, signal);
      /** @type {Item[]} */
      let items = await answer.json();
      if (signal.aborted) return;
      const pipeline = page.select('card-pipeline').value;
      if (pipeline) items = items.filter((item) => item.pipeline === pipeline);
      this.choice.replaceChildren(...items.map(({ id, title }, i) => make('option', {
        value: String(id), textContent: !query && i === 0 ? page.word('preview_newest', { name: title }) : title + ' #' + id
      })));
      this.#type = type;
      if (items.length) {
        page.say(this.choice, '');
        this.refresh(0);
      } else {
        this.#cards.end();
        this.#shown = '';
        page.one('[data-preview]').replaceChildren();
        page.say(this.choice, query ? page.word('nothing', { query }) : page.word('no_items'));
      }
    } catch (error) {
      if (!signal.aborted) page.fail(this.choice, error);
    }
  }

  /** Shows the preview where there is no room for it beside the arrangement. */
  async show() {
    this.#open = true;
    await this.#draw();
    this.page.one('[data-preview]').scrollIntoView({ block: 'nearest' });
  }

  /**
   * Draws the card anew where it is shown.
   * @param {number} [delay]
   */
  refresh(delay = 500) {
    if (!this.#wide.matches && !this.#open || this.page.one('#settings-cards').hidden) return;
    this.#later(() => void this.#draw(), delay);
  }

  async #draw() {
    const { page } = this;
    const id = Number(this.choice.value);
    if (!id) return;
    const settings = page.collect();
    const question = { entityTypeId: Number(this.#type), id, settings };
    const text = JSON.stringify(question);
    if (text === this.#shown) return;
    const signal = this.#cards.next();
    const place = page.one('[data-preview]');
    place.setAttribute('aria-busy', 'true');
    try {
      const answer = await ask('/in/settings/preview', question, signal);
      const html = await answer.text();
      if (signal.aborted) return;
      place.innerHTML = html; // written by the app's own templates
      this.#shown = text;
      page.say(this.choice, '');
      const card = find('[data-card]', place);
      if (card) enliven(card, signal);
    } catch (error) {
      if (signal.aborted) return;
      place.replaceChildren();
      this.#shown = '';
      page.fail(this.choice, error instanceof Refusal && error.code === 'not_found' ? page.word('preview_gone') : error);
    } finally {
      if (!signal.aborted) place.removeAttribute('aria-busy');
      fit();
    }
  }
}
