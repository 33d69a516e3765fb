// The app's side of the platform's JS library, as far as embedded pages use it: what api.bitrix24.com/api/v1/ serves to
// apps in a real portal. Written anew from the documentation (sdk/bx24-js-sdk) and the official SDK's messages.
(function () {
  'use strict';
  var name = String(window.name).split('|'); // DOMAIN|PROTOCOL|APP_SID
  var domain = name[0], protocol = name[1] === '1' ? 'https' : 'http', sid = name[2] || '';
  var origin = protocol + '://' + domain;
  var callbacks = {}, count = 0, data = null, waiting = [], embedded = window.parent !== window && sid !== '';

  function send(command, params, callback) {
    if (!embedded) return;
    var key = 'cb' + (++count);
    callbacks[key] = callback || function () {};
    var text = params ? JSON.stringify(params) : '';
    window.parent.postMessage([command, text, key, sid].filter(Boolean).join(':'), origin);
  }

  window.addEventListener('message', function (event) {
    if (event.origin !== origin || typeof event.data !== 'string') return;
    var at = event.data.indexOf(':'), key = event.data.slice(0, at);
    if (!callbacks[key]) return;
    var callback = callbacks[key];
    delete callbacks[key];
    callback(JSON.parse(event.data.slice(at + 1) || '{}'));
  });

  function scrollSize() {
    var d = document.documentElement;
    return { scrollWidth: Math.max(d.scrollWidth, d.offsetWidth), scrollHeight: Math.max(document.body.scrollHeight, d.offsetHeight) };
  }

  window.BX24 = {
    init: function (callback) {
      if (data) { callback(); return; }
      waiting.push(callback);
      if (waiting.length > 1) return;
      send('getInitData', null, function (d) {
        data = d;
        waiting.splice(0).forEach(function (f) { f(); });
      });
    },
    installFinish: function () { if (data && data.INSTALL) send('setInstallFinish'); },
    getAuth: function () {
      return data && { access_token: data.AUTH_ID, refresh_token: data.REFRESH_ID, expires_in: Number(data.AUTH_EXPIRES), domain: data.DOMAIN, member_id: data.MEMBER_ID };
    },
    refreshAuth: function (callback) {
      send('refreshAuth', null, function (d) {
        Object.assign(data, d);
        if (callback) callback(window.BX24.getAuth());
      });
    },
    isAdmin: function () { return Boolean(data && data.IS_ADMIN); },
    getLang: function () { return data && data.LANG; },
    getDomain: function () { return domain; },
    placement: { info: function () { return data && { placement: data.PLACEMENT, options: data.PLACEMENT_OPTIONS }; } },
    getScrollSize: scrollSize,
    fitWindow: function (callback) { send('resizeWindow', { width: '100%', height: scrollSize().scrollHeight }, callback); },
    resizeWindow: function (width, height, callback) { send('resizeWindow', { width: width, height: height }, callback); },
    setTitle: function (title, callback) { send('setTitle', { title: title }, callback); },
    openPath: function (path, callback) { send('openPath', { path: path }, callback); },
    reloadWindow: function () { send('reloadWindow'); },
    closeApplication: function () { send('closeApplication'); }
  };
})();
