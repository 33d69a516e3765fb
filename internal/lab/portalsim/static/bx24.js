// The app's side of the platform's JS library, as far as embedded pages use it: what api.bitrix24.com/api/v1/ serves to
// apps in a real portal. Written anew from the documentation (sdk/bx24-js-sdk) and the official SDK's messages.
(function () {
  'use strict';
  var name = String(window.name).split('|'); // DOMAIN|PROTOCOL|APP_SID
  var domain = name[0], protocol = name[1] === '1' ? 'https' : 'http', sid = name[2] || '';
  var origin = protocol + '://' + domain;
  var framesAsThePlatform = false; // the server writes true where Frames is on
  var callbacks = {}, lasting = {}, count = 0, data = null, waiting = [], embedded = window.parent !== window && sid !== '';

  function send(command, params, callback, lasts) {
    if (!embedded) return;
    var key = 'cb' + (++count);
    if (lasts) lasting[key] = true;
    callbacks[key] = callback || function () {};
    var text = params ? JSON.stringify(params) : '';
    window.parent.postMessage([command, text, key, sid].filter(Boolean).join(':'), origin);
  }

  window.addEventListener('message', function (event) {
    if (event.origin !== origin || typeof event.data !== 'string') return;
    var at = event.data.indexOf(':'), key = event.data.slice(0, at);
    if (!callbacks[key]) return;
    var callback = callbacks[key];
    if (!lasting[key]) delete callbacks[key];
    callback(JSON.parse(event.data.slice(at + 1) || '{}'));
  });

  // The platform's is never smaller than the visible part of the frame, so that fitWindow never makes a frame smaller.
  function scrollSize() {
    var d = document.documentElement;
    if (framesAsThePlatform) {
      return { scrollWidth: Math.max(d.scrollWidth, d.offsetWidth), scrollHeight: Math.max(d.scrollHeight, d.offsetHeight) };
    }
    return { scrollWidth: Math.max(d.scrollWidth, d.offsetWidth), scrollHeight: Math.max(document.body.scrollHeight, d.offsetHeight) };
  }

  // Parameters in PHP's way: a[b][0]=x.
  function encode(params, prefix, out) {
    Object.keys(params || {}).forEach(function (key) {
      var name = prefix ? prefix + '[' + key + ']' : key, value = params[key];
      if (value !== null && typeof value === 'object') encode(value, name, out);
      else out.append(name, value === null || value === undefined ? '' : value === true ? '1' : value === false ? '0' : value);
    });
    return out;
  }

  function Refusal(answer, status) {
    this.status = status;
    this.ex = { error: answer.error, error_description: answer.error_description };
  }
  Refusal.prototype.getError = function () { return this.ex; };
  Refusal.prototype.getStatus = function () { return this.status; };
  Refusal.prototype.toString = function () {
    return this.ex.error + (this.ex.error_description ? ': ' + this.ex.error_description : '') + ' (' + this.status + ')';
  };

  // Functions with a context of their own: the same pair gives the same function.
  var proxies = [], proxied = null;

  function proxy(func, context) {
    var known = proxies.find(function (p) { return p.func === func && p.context === context; });
    if (known) return known.made;
    function made() {
      var before = proxied;
      proxied = this;
      try { return func.apply(context, arguments); } finally { proxied = before; }
    }
    proxies.push({ func: func, context: context, made: made });
    return made;
  }

  function loadScripts(list, callback) {
    var rest = list.slice(), first = rest.shift();
    if (first === undefined) { if (callback) callback(); return; }
    var script = document.createElement('script');
    script.src = first;
    script.onload = function () { loadScripts(rest, callback); };
    document.head.append(script);
  }

  function result(answer, status, again) {
    return {
      data: function () { return answer.result; },
      error: function () { return answer.error === undefined ? undefined : new Refusal(answer, status); },
      total: function () { return answer.total; },
      more: function () { return answer.next > 0; },
      time: function () { return answer.time; },
      next: function (callback) { return again && answer.next > 0 ? again(answer.next, callback) : false; }
    };
  }

  function request(method, params) {
    var body = encode(params, '', new URLSearchParams());
    body.set('auth', data.AUTH_ID);
    return fetch(origin + data.PATH + '/' + method + '.json', { method: 'POST', body: body }).then(function (r) {
      return r.json().then(function (answer) {
        if (String(answer.error).toLowerCase() !== 'expired_token') return { answer: answer, status: r.status };
        return new Promise(function (resolve) { window.BX24.refreshAuth(resolve); }).then(function () { return request(method, params); });
      });
    });
  }

  function callMethod(method, params, callback) {
    window.BX24.init(function () {
      request(method, params).then(function (r) {
        if (callback) callback(result(r.answer, r.status, function (start, next) { callMethod(method, Object.assign({}, params, { start: start }), next || callback); return true; }));
      });
    });
  }

  function callBatch(calls, callback, halt) {
    var cmd = {};
    Object.keys(calls).forEach(function (key) {
      var c = calls[key], method = Array.isArray(c) ? c[0] : c.method, params = Array.isArray(c) ? c[1] : c.params;
      cmd[key] = method + '?' + encode(params, '', new URLSearchParams());
    });
    window.BX24.init(function () {
      request('batch', { halt: halt ? 1 : 0, cmd: cmd }).then(function (r) {
        var results = Array.isArray(calls) ? [] : {}, all = r.answer.result || {};
        Object.keys(calls).forEach(function (key) {
          var failed = (all.result_error || {})[key];
          results[key] = result(failed || { result: (all.result || {})[key], total: (all.result_total || {})[key], next: (all.result_next || {})[key] }, r.status);
        });
        if (callback) callback(results);
      });
    });
  }

  function options(store, command) {
    return {
      get: function (name) { return (data && data[store] || {})[name]; },
      set: function (name, value, callback) {
        if (Array.isArray(data[store])) data[store] = {};
        data[store][name] = value;
        send(command, { name: name, value: value }, callback);
      }
    };
  }

  window.BX24 = {
    callMethod: callMethod,
    callBatch: callBatch,
    callBind: function (event, handler, authType, callback) { callMethod('event.bind', { event: event, handler: handler, auth_type: authType || 0 }, callback); },
    callUnbind: function (event, handler, authType, callback) { callMethod('event.unbind', { event: event, handler: handler, auth_type: authType || 0 }, callback); },
    appOption: options('APP_OPTIONS', 'setAppOption'),
    userOption: options('USER_OPTIONS', 'setUserOption'),
    selectUser: function (callback) { send('selectUser', { mult: false }, callback); },
    selectUsers: function (callback) { send('selectUser', { mult: true }, callback); },
    selectAccess: function (value, callback) { send('selectAccess', { value: callback ? value : [] }, callback || value); },
    selectCRM: function (params, callback) { send('selectCRM', params, callback); },
    ready: function (callback) { document.readyState === 'loading' ? document.addEventListener('DOMContentLoaded', callback) : callback(); },
    isReady: function () { return document.readyState !== 'loading'; },
    scrollParentWindow: function (scroll, callback) { send('setScroll', { scroll: scroll }, callback); },
    openApplication: function (params, callback) { send('openApplication', params, callback); },
    init: function (callback) {
      if (data) { callback(); return; }
      waiting.push(callback);
      if (waiting.length > 1) return;
      send('getInitData', null, function (d) {
        data = d;
        waiting.splice(0).forEach(function (f) { f(); });
      });
    },
    install: function (callback) { window.BX24.init(function () { if (data.INSTALL || data.FIRST_RUN) callback(); }); },
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
    bind: function (element, name, func) { element.addEventListener(name, func); },
    unbind: function (element, name, func) { element.removeEventListener(name, func); },
    proxy: proxy,
    proxyContext: function () { return proxied; },
    loadScript: function (script, callback) { window.BX24.ready(function () { loadScripts([].concat(script), callback); }); },
    im: {
      callTo: function (user, video) { send('imCallTo', { userId: user, video: video }); },
      phoneTo: function (phone) { send('imPhoneTo', { phone: phone }); },
      openMessenger: function (dialog) { send('imOpenMessenger', { dialogId: dialog }); },
      openHistory: function (dialog) { send('imOpenHistory', { dialogId: dialog }); }
    },
    placement: {
      call: function (command, params, callback) { send(command, params, callback); },
      bindEvent: function (event, callback) { send('placementBindEvent', { event: event }, callback, true); },
      getInterface: function (callback) { send('getInterface', null, callback); }, info: function () { return data && { placement: data.PLACEMENT, options: data.PLACEMENT_OPTIONS }; } },
    getScrollSize: scrollSize,
    fitWindow: function (callback) { send('resizeWindow', { width: '100%', height: scrollSize().scrollHeight }, callback); },
    // Pixels: '100%' becomes 100 of them.
    resizeWindow: function (width, height, callback) {
      if (framesAsThePlatform) { width = parseInt(width, 10); height = parseInt(height, 10); }
      send('resizeWindow', { width: width, height: height }, callback);
    },
    setTitle: function (title, callback) { send('setTitle', { title: title }, callback); },
    openPath: function (path, callback) { send('openPath', { path: path }, callback); },
    reloadWindow: function () { send('reloadWindow'); },
    closeApplication: function () { send('closeApplication'); }
  };
})();
