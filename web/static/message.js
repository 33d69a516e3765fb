// Pages that tell something: what was installed, what went wrong.
import { finishInstallation, opened, reload } from './frame.js';

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('[data-action]') : null;
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.action === 'finish') void opened.then(finishInstallation);
  if (button.dataset.action === 'reload') reload();
});
