// The iframe that the portal shows the page in, through the platform's JS library, which is loaded before. Libraries and
// portals differ in what they can, and the library may be missing altogether (blocked, or the page is opened elsewhere):
// every call is guarded, and the page works without an answer.

const library = window.BX24 && typeof window.BX24.init === 'function' ? window.BX24 : null;
let ready = false;

/** Is settled with true once the portal answers; never where there is no portal. */
export const opened = new Promise((/** @type {(answers: true) => void} */ resolve) => {
  attempt(() => library?.init(() => {
    ready = true;
    resolve(true);
    fit();
  }));
});

/**
 * Calls the library.
 * @template T
 * @param {() => T} call
 * @returns {T | undefined}
 */
function attempt(call) {
  try {
    return call();
  } catch (error) {
    console.warn('the portal\'s library:', error);
    return undefined;
  }
}

let fitting = 0;
let refused = 0; // a height that the portal did not take

/** Gives the frame the height of its content, larger or smaller: soon, and once for all changes of a moment. */
export function fit() {
  if (!ready || fitting) return;
  fitting = window.setTimeout(async () => {
    try {
      await shrink();
      attempt(() => library?.fitWindow());
    } finally {
      fitting = 0;
    }
  }, 30);
}

/** The height of the content, whatever the height of the frame is. */
function contentHeight() {
  return Math.ceil(document.body.getBoundingClientRect().height);
}

/**
 * Makes the frame smaller where the content is. fitWindow cannot: it takes the larger of content and frame. resizeWindow
 * can, but it knows pixels only, so fitWindow has to follow, which gives the frame its full width again.
 */
async function shrink() {
  const height = contentHeight();
  if (height >= window.innerHeight || height === refused || !library?.resizeWindow) return;
  await new Promise((resolve) => {
    const done = () => { window.removeEventListener('resize', done); resolve(undefined); };
    window.addEventListener('resize', done);
    setTimeout(done, 1000); // portals forbid it in sliders, and tell nobody
    attempt(() => library?.resizeWindow?.(window.innerWidth, height));
  });
  refused = window.innerHeight > height ? height : 0;
}

/** @type {Set<string>} */
const closed = new Set(); // kinds of paths that the portal does not open

/** @param {string} path */
function kindOf(path) { return path.split('/').slice(0, 3).join('/'); }

/**
 * Opens a page of the portal over this one. It reports whether the portal was asked to; where it was not, or refuses, the
 * link's own address is the way there. The portal tells a refusal to a callback alone: its list of paths is short, and on
 * mobiles it opens none.
 * @param {HTMLAnchorElement} link
 * @returns {boolean}
 */
export function openPath(link) {
  const path = link.dataset.path ?? '';
  if (!ready || closed.has(kindOf(path)) || typeof library?.openPath !== 'function') return false;
  return attempt(() => {
    library.openPath?.(path, (answer) => {
      if (answer?.result !== 'error') return;
      closed.add(kindOf(path)); // the next click is a plain one: late windows are easily blocked
      window.open(link.href, '_blank', 'noopener,noreferrer');
    });
    return true;
  }) ?? false;
}

/**
 * Recalls what the page remembers in the portal, for this user. It is null where nothing is, and before the portal answers.
 * @param {string} name
 * @returns {unknown}
 */
export function recall(name) {
  if (!ready) return null;
  const text = attempt(() => library?.userOption.get(name));
  return attempt(() => JSON.parse(String(text || 'null'))) ?? null;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function remember(name, value) {
  if (ready) attempt(() => library?.userOption.set(name, JSON.stringify(value)));
}

/** Tells the portal that the installation is done; it opens the app then. */
export function finishInstallation() { attempt(() => library?.installFinish()); }

/** Opens the page anew. */
export function reload() {
  if (attempt(() => { library?.reloadWindow(); return ready; })) return;
  location.reload();
}

window.addEventListener('resize', fit);
document.addEventListener('toggle', fit, true);
new ResizeObserver(fit).observe(document.body);
