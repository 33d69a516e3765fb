// The portal's light or dark look: the system's, until somebody presses the button. Loaded before the page is painted.
(function () {
  'use strict';
  var root = document.documentElement;
  function dark() {
    return root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  }
  root.dataset.theme = localStorage.getItem('sim-theme') || '';
  document.addEventListener('click', function (event) {
    if (event.target.id !== 'theme') return;
    root.dataset.theme = dark() ? 'light' : 'dark';
    localStorage.setItem('sim-theme', root.dataset.theme);
  });
})();
