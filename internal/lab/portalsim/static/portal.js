// The portal's side of the platform's JS library: opens apps in iframes and answers their messages.
(function () {
  'use strict';
  var frames = {}; // by APP_SID
  var asThePlatform = document.documentElement.dataset.frames === 'platform';
  // What openPath opens (the platform's own page); older portals lack type.
  var allowed = /^\/(crm\/(deal|lead|contact|company|type)|marketplace|company\/personal\/user\/[0-9]+|workgroups\/group\/[0-9]+)\//;
  var mobile = /Android|iPhone|iPad|Mobile/i.test(navigator.userAgent);

  function post(path, fields) {
    return fetch(path, { method: 'POST', body: new URLSearchParams(fields || {}) }).then(function (r) {
      return r.json();
    });
  }

  function openFrame(box, client, placement, options) {
    box.replaceChildren();
    post('/sim/frame/open', { client: client, placement: placement, options: options || '' }).then(function (o) {
      if (o.error) {
        var p = document.createElement('p');
        p.className = 'notice';
        p.textContent = o.error;
        box.append(p);
        return;
      }
      var iframe = document.createElement('iframe');
      iframe.name = o.name;
      iframe.title = client;
      iframe.allow = 'geolocation *; microphone *; camera *; autoplay *'; // no clipboard-write
      var form = document.createElement('form');
      form.method = 'post';
      form.action = o.action;
      form.target = o.name;
      form.hidden = true;
      Object.keys(o.fields).forEach(function (name) {
        var input = document.createElement('input');
        input.type = 'hidden';
        input.name = name;
        input.value = o.fields[name];
        form.append(input);
      });
      box.append(iframe, form);
      frames[o.sid] = { iframe: iframe, origin: o.origin, placement: placement };
      form.submit();
    });
  }

  // A message is "command:parameters:callback:APP_SID", where parameters are JSON (and may hold colons) or missing.
  function parse(text) {
    var parts = text.split(':');
    var sid = parts[parts.length - 1];
    var call = { command: parts[0], sid: sid, callback: '', params: {} };
    if (parts.length > 2) call.callback = parts[parts.length - 2];
    var params = parts.slice(1, -2).join(':');
    if (params) {
      try { call.params = JSON.parse(params); } catch (e) { call.params = { value: params }; }
    }
    return call;
  }

  // The slider: another page of the portal over this one. The app that opened it hears when it is closed.
  var slider = null;

  function openSlider(path, answer) {
    var url;
    try { url = new URL(path, location.origin); } catch (e) { url = null; }
    if (asThePlatform && mobile) {
      answer({ result: 'error', errorCode: 'METHOD_NOT_SUPPORTED_ON_DEVICE' });
      return;
    }
    if (asThePlatform && !allowed.test(path) || path[0] !== '/' || !url || url.origin !== location.origin) {
      answer({ result: 'error', errorCode: 'PATH_NOT_AVAILABLE' });
      return;
    }
    showSlider(url, answer);
  }

  function showSlider(url, answer) {
    closeSlider();
    url.searchParams.set('IFRAME', 'Y');
    url.searchParams.set('IFRAME_TYPE', 'SIDE_SLIDER');
    var box = document.createElement('div');
    box.className = 'slider';
    var close = document.createElement('button');
    close.type = 'button';
    close.id = 'slider-close';
    close.textContent = '\u00d7';
    close.setAttribute('aria-label', 'Close');
    var page = document.createElement('iframe');
    page.src = url.pathname + url.search;
    page.title = url.pathname;
    box.append(close, page);
    document.body.append(box);
    slider = { box: box, answer: answer };
    close.addEventListener('click', closeSlider);
    close.focus();
  }

  function closeSlider() {
    if (!slider) return;
    slider.box.remove();
    slider.answer({ result: 'close' });
    slider = null;
  }

  // A dialog to choose people or items from.
  function pick(kind, types, multiple, done) {
    fetch('/sim/choices?kind=' + kind + '&types=' + encodeURIComponent(types)).then(function (r) { return r.json(); }).then(function (choices) {
      var box = document.createElement('form');
      box.className = 'picker';
      choices.forEach(function (choice, i) {
        var label = document.createElement('label');
        var input = document.createElement('input');
        input.type = multiple ? 'checkbox' : 'radio';
        input.name = 'choice';
        input.value = i;
        label.append(input, ' ' + (choice.name || choice.title));
        box.append(label);
      });
      var ok = document.createElement('button');
      ok.id = 'picker-ok';
      ok.textContent = 'OK';
      box.append(ok);
      box.addEventListener('submit', function (event) {
        event.preventDefault();
        var chosen = new FormData(box).getAll('choice').map(function (i) { return choices[i]; });
        box.remove();
        done(chosen);
      });
      document.body.append(box);
    });
  }

  document.addEventListener('keydown', function (event) { if (event.key === 'Escape') closeSlider(); });

  window.addEventListener('message', function (event) {
    if (typeof event.data !== 'string') return;
    var call = parse(event.data);
    var frame = frames[call.sid];
    if (!frame || event.source !== frame.iframe.contentWindow || event.origin !== frame.origin) return;
    function answer(value) {
      if (call.callback) frame.iframe.contentWindow.postMessage(call.callback + ':' + JSON.stringify(value === undefined ? {} : value), frame.origin);
    }
    switch (call.command) {
      case 'getInitData':
        post('/sim/frame/' + call.sid + '/init').then(answer);
        break;
      case 'refreshAuth':
        post('/sim/frame/' + call.sid + '/refresh').then(answer);
        break;
      case 'setInstallFinish':
        post('/sim/frame/' + call.sid + '/finish').then(function (r) { location.assign(r.location); });
        break;
      case 'resizeWindow':
        if (call.params.height > 0) frame.iframe.style.height = Math.min(call.params.height, 100000) + 'px';
        if (call.params.width === '100%') frame.iframe.style.width = '';
        if (call.params.width > 0) frame.iframe.style.width = call.params.width + 'px';
        answer({ result: true });
        break;
      case 'setTitle':
        if (asThePlatform && frame.placement !== 'DEFAULT') break; // placements may not
        document.querySelector('h1').textContent = String(call.params.title);
        answer({});
        break;
      case 'openPath':
        openSlider(String(call.params.path || ''), answer);
        break;
      case 'openApplication':
        location.assign('/market/app/' + encodeURIComponent(frame.iframe.title) + '/');
        break;
      case 'closeApplication':
        closeSlider();
        break;
      case 'setAppOption':
      case 'setUserOption':
        post('/sim/frame/' + call.sid + (call.command === 'setAppOption' ? '/app-option' : '/user-option'), {
          name: call.params.name, value: JSON.stringify(call.params.value === undefined ? null : call.params.value)
        }).then(answer);
        break;
      case 'getInterface':
        answer({ command: ['getStatus', 'reloadData'], event: [] });
        break;
      case 'selectUser':
        pick('user', '', Boolean(call.params.mult), function (chosen) { answer(call.params.mult ? chosen : chosen[0] || null); });
        break;
      case 'selectAccess':
        pick('access', '', true, answer);
        break;
      case 'selectCRM':
        pick('crm', (call.params.entityType || ['lead', 'contact', 'company', 'deal', 'quote']).join(), call.params.multiple !== false, function (chosen) {
          var result = {}; // each type's items under numbers, as the portal has them
          chosen.forEach(function (c) {
            result[c.type] = result[c.type] || {};
            result[c.type][Object.keys(result[c.type]).length] = c;
          });
          answer(result);
        });
        break;
      case 'setScroll':
        window.scrollTo(0, Number(call.params.scroll) || 0);
        answer({});
        break;
      case 'placementBindEvent': // tabs of items have no events
        break;
      case 'reloadWindow':
        location.reload();
        break;
      default:
        answer({});
    }
  });

  // Cards and apps open in the slider; with a key held, in a tab of the browser.
  document.addEventListener('click', function (event) {
    var link = event.target.closest('[data-slider]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || mobile) return;
    event.preventDefault();
    showSlider(new URL(link.href), function () {});
  });

  document.addEventListener('click', function (event) {
    var tab = event.target.closest('[role=tab]');
    if (!tab) return;
    document.querySelectorAll('[role=tab]').forEach(function (t) { t.setAttribute('aria-selected', String(t === tab)); });
    document.querySelectorAll('.panel').forEach(function (p) { p.hidden = p.id !== tab.dataset.tab; });
    if (tab.dataset.tab === 'app') openFrame(document.getElementById('app'), tab.dataset.client, tab.dataset.placement, tab.dataset.options);
  });

  // A link to a card with #app opens the app's tab at once.
  var linked = location.hash === '#app' && document.querySelector('[data-tab=app]');
  if (linked) linked.click();

  var own = document.querySelector('[data-open]');
  if (own) openFrame(own, own.dataset.open, 'DEFAULT', '');
})();
