// What can be chosen, as one document: compared, and joined where two people change it at once.

/**
 * @typedef {{title: string, fields: string[]}} Section
 * @typedef {{sections?: Section[], hidden?: string[], top?: string[]}} Card
 * @typedef {object} Settings
 * @property {number[]} [tabsOff]
 * @property {Record<string, string>} [titles]
 * @property {Record<string, Card>} [cards]
 * @property {boolean} [showEmpty]
 * @property {string} [codesFor]
 * @property {string} [language]
 */

/**
 * Takes settings apart into what a person chooses at a time. Each part has a name, such as "titles:de", and a value as
 * JSON; what is not chosen has none.
 * @param {Settings} settings
 * @returns {Map<string, string>}
 */
function parts(settings) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const id of settings.tabsOff ?? []) found.set('tabsOff:' + id, 'true');
  for (const [language, title] of Object.entries(settings.titles ?? {})) {
    if (title.trim()) found.set('titles:' + language, JSON.stringify(title.trim()));
  }
  if (settings.showEmpty) found.set('showEmpty', 'true');
  if (settings.codesFor) found.set('codesFor', JSON.stringify(settings.codesFor));
  if (settings.language) found.set('language', JSON.stringify(settings.language));
  for (const [key, card] of Object.entries(settings.cards ?? {})) {
    const text = JSON.stringify(tidy(card));
    if (text !== '{}') found.set('cards:' + key, text);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The same arrangement, written the same way.
 * @param {Card} card
 * @returns {Card}
 */
function tidy(card) {
  /** @type {Card} */
  const out = {};
  if (card.sections?.length) out.sections = card.sections.map(({ title, fields }) => ({ title, fields: fields ?? [] }));
  if (card.hidden?.length) out.hidden = [...card.hidden].sort();
  if (card.top?.length) out.top = card.top;
  return out;
}

/**
 * Puts parts together again.
 * @param {Map<string, string>} found
 * @returns {Settings}
 */
function assemble(found) {
  /** @type {Settings} */
  const settings = {};
  for (const [part, text] of found) {
    const value = JSON.parse(text);
    const [name = '', ...rest] = part.split(':');
    const key = rest.join(':');
    switch (name) {
      case 'tabsOff': (settings.tabsOff ??= []).push(Number(key)); break;
      case 'titles': (settings.titles ??= {})[key] = value; break;
      case 'cards': (settings.cards ??= {})[key] = value; break;
      case 'showEmpty': settings.showEmpty = value; break;
      case 'codesFor': settings.codesFor = value; break;
      case 'language': settings.language = value; break;
    }
  }
  return settings;
}

/**
 * Writes settings as they are saved: without what is left as it comes.
 * @param {Settings} settings
 * @returns {Settings}
 */
export function plain(settings) { return assemble(parts(settings)); }

/**
 * Names the parts in which two settings differ.
 * @param {Settings} from
 * @param {Settings} to
 * @returns {string[]}
 */
export function changes(from, to) {
  const before = parts(from);
  const after = parts(to);
  return [...new Set([...before.keys(), ...after.keys()])].filter((part) => before.get(part) !== after.get(part)).sort();
}

/**
 * Joins what two people made of the same settings. What only one of them changed is as that one left it; where both did,
 * the first goes before. It names the parts that both changed, and differently.
 * @param {Settings} base
 * @param {Settings} first
 * @param {Settings} second
 * @returns {{settings: Settings, both: string[]}}
 */
export function join(base, first, second) {
  const joined = parts(second);
  const mine = parts(first);
  const theirs = new Set(changes(base, second));
  const both = [];
  for (const part of changes(base, first)) {
    if (theirs.has(part) && joined.get(part) !== mine.get(part)) both.push(part);
    const value = mine.get(part);
    if (value === undefined) joined.delete(part);
    else joined.set(part, value);
  }
  return { settings: assemble(joined), both };
}

/**
 * Reads a text as settings that somebody exported; null where it is something else.
 * @param {string} text
 * @returns {Settings | null}
 */
export function parse(text) {
  const kinds = { tabsOff: Array.isArray, titles: isObject, cards: isObject, showEmpty: isBoolean, codesFor: isText, language: isText };
  try {
    const found = JSON.parse(text);
    if (!isObject(found)) return null;
    for (const [name, value] of Object.entries(found)) {
      const fits = Object.hasOwn(kinds, name) && kinds[/** @type {keyof typeof kinds} */ (name)](value);
      if (!fits) return null;
    }
    return found;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function isObject(value) { return typeof value === 'object' && value !== null && !Array.isArray(value); }
/** @param {unknown} value */
function isBoolean(value) { return typeof value === 'boolean'; }
/** @param {unknown} value */
function isText(value) { return typeof value === 'string'; }
