// What the page asks of the app. Every request carries the page's session, which each answer prolongs.

let session = document.body.dataset.session ?? '';
delete document.body.dataset.session;

/** The browser's time zone; it counts where the portal does not know its user's. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || '';

/** A refusal, in words for people. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {Record<string, any>} answer all that the app told
   */
  constructor(message, answer) {
    super(message);
    this.name = 'Refusal';
    this.answer = answer;
    this.code = String(answer.error ?? '');
  }
}

// The portal, in the words in which it opened the page: a balancer that goes by them brings every request to one replica.
const portal = /[?&](DOMAIN=[^&]+)/.exec(location.search)?.[1];

/**
 * Asks the app. A refusal is an Error whose message is for people.
 * @param {string} path
 * @param {unknown} question
 * @param {AbortSignal} [signal] ends the wait where nobody needs the answer any more
 * @returns {Promise<Response>}
 */
export async function ask(path, question, signal) {
  const answer = await fetch(portal ? path + '?' + portal : path, {
    method: 'POST',
    headers: { 'Authorization': 'Bearer ' + session, 'Content-Type': 'application/json', 'X-Time-Zone': zone },
    body: JSON.stringify(question),
    signal: signal ?? null
  });
  session = answer.headers.get('X-Session') ?? session;
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const words = [problem.message, problem.detail, problem.todo].filter(Boolean).join('. ');
  throw new Refusal(words || failed(), problem);
}

function failed() { return document.body.dataset.failed ?? ''; }

/**
 * What an error says to people.
 * @param {unknown} error
 * @returns {string}
 */
export function told(error) {
  return error instanceof Refusal ? error.message : failed();
}

/** Requests of one place on the page: a newer one ends the older, so that no late answer takes the place of the newest. */
export class Latest {
  #controller = new AbortController();

  /** Ends what is under way and returns the signal of what comes now. */
  next() {
    this.#controller.abort();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  /** Ends what is under way. */
  end() { this.#controller.abort(); }
}
