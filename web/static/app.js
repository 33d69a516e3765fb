// The page's own script: speaks with the portal through the platform's JS library, which is loaded before it. Without
// the library (blocked, or opened elsewhere) the page stays readable, and links to the portal open in a new tab.
(function () {
  'use strict';
  var library = window.BX24;
  if (!library) return;

  library.init(function () {
    library.fitWindow();
    document.querySelectorAll('details').forEach(function (d) {
      d.addEventListener('toggle', function () { library.fitWindow(); });
    });
    window.addEventListener('resize', function () { library.fitWindow(); });

    document.addEventListener('click', function (event) {
      var target = event.target.closest('[data-path],[data-action]');
      if (!target) return;
      if (target.dataset.path) {
        event.preventDefault();
        library.openPath(target.dataset.path);
      }
      if (target.dataset.action === 'finish') library.installFinish();
      if (target.dataset.action === 'reload') library.reloadWindow();
    });

    // The way on is automatic; the pause lets the administrator read what was done.
    if (document.querySelector('[data-install-finish]')) {
      setTimeout(function () { library.installFinish(); }, 2500);
    }
  });
})();
