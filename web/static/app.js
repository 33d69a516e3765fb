// The page's own script. It speaks with the portal through the platform's JS library, which is loaded before it, and with
// the app through requests that carry the page's session. Without the library (blocked, or opened elsewhere) the page
// stays readable and its tools work; links to the portal open in a new tab then, and nothing is remembered.
(function () {
  'use strict';
  var library = window.BX24 && window.BX24.init ? window.BX24 : null;
  var ready = false; // the portal answers
  var session = document.body.dataset.session || '';
  delete document.body.dataset.session;

  function all(selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); }
  function card() { return document.querySelector('[data-card]'); }

  // The frame has the height of its content: asked for after every change, once a moment.
  var fitting = 0;
  function fit() {
    if (!ready || fitting) return;
    fitting = setTimeout(function () { fitting = 0; library.fitWindow(); }, 30);
  }

  function say(text) {
    var status = document.querySelector('[data-status]');
    if (status) status.textContent = text;
    fit();
  }

  // What the page remembers it remembers in the portal, for this user.
  function recall(name) {
    var text = ready ? library.userOption.get(name) : '';
    try { return JSON.parse(text || 'null'); } catch (e) { return null; }
  }
  function remember(name, value) { if (ready) library.userOption.set(name, JSON.stringify(value)); }

  function ask(path, question) {
    return fetch(path, {
      method: 'POST', headers: { 'Authorization': 'Bearer ' + session, 'Content-Type': 'application/json' }, body: JSON.stringify(question)
    }).then(function (answer) {
      session = answer.headers.get('X-Session') || session;
      if (answer.ok) return answer;
      return answer.json().catch(function () { return {}; }).then(function (problem) {
        throw new Error([problem.message, problem.detail, problem.todo].filter(Boolean).join('. ') || document.body.dataset.failed);
      });
    });
  }
  function told(error) { return error.name === 'TypeError' ? document.body.dataset.failed : error.message; } // no connection

  // Every value can be copied. The buttons are the same in every row, so they are made here and not sent with the page.
  function addCopyButtons(root) {
    var words = root.dataset, made = document.createElement('button');
    made.type = 'button';
    made.className = 'copy';
    made.dataset.action = 'copy';
    made.dataset.done = words.copied;
    made.title = words.copy;
    made.innerHTML = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5 3h7a1 1 0 0 1 1 1v8M4 5h6a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z"/></svg>';
    all('.field:not(.empty)', root).forEach(function (row) {
      var button = made.cloneNode(true);
      button.setAttribute('aria-label', words.copy + ': ' + row.querySelector('bdi').textContent);
      row.lastElementChild.append(button);
    });
  }

  // Names of people and linked items come after the card is painted, in batches.
  function fillNames(root) {
    var waiting = {};
    all('[data-name]', root).forEach(function (link) { (waiting[link.dataset.name] = waiting[link.dataset.name] || []).push(link); });
    var keys = Object.keys(waiting), table = root.querySelector('[data-products][data-missing]');
    if (!keys.length && !table) return;
    var question = { names: keys.slice(0, 300) };
    if (table) question.products = { entityTypeId: Number(root.dataset.entityTypeId), id: Number(root.dataset.id), count: Number(table.dataset.count) };
    ask('/in/names', question).then(function (answer) { return answer.json(); }).then(function (found) {
      question.names.forEach(function (key) {
        var name = found.names[key];
        waiting[key].forEach(function (link) {
          delete link.dataset.name;
          if (!name) return;
          link.textContent = name.text;
          link.dataset.initials = name.initials || '';
          link.classList.remove('raw');
          if (name.photo) {
            var photo = document.createElement('img');
            photo.className = 'photo';
            photo.alt = '';
            photo.referrerPolicy = 'no-referrer';
            photo.src = name.photo;
            link.before(photo);
          }
        });
      });
      if (table && found.products) {
        table.innerHTML = found.products; // written by the app's own templates
        table.removeAttribute('data-missing');
      }
      filter();
      if (keys.length > 300) fillNames(root);
    }).catch(function (error) { say(told(error)); }).then(fit);
  }

  // Filter: every word has to stand in a field's title, value or code.
  function filter() {
    var input = document.getElementById('filter'), root = card();
    if (!input || !root) return;
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), found = 0;
    root.classList.toggle('filtered', words.length > 0);
    all('.field', root).forEach(function (row) {
      var text = row.textContent.toLowerCase();
      var match = words.every(function (word) { return text.indexOf(word) >= 0; });
      row.classList.toggle('nomatch', !match);
      if (match) found++;
    });
    all('.products tbody tr', root).forEach(function (row) {
      var text = row.textContent.toLowerCase();
      var match = words.every(function (word) { return text.indexOf(word) >= 0; });
      row.hidden = !match;
      if (match && words.length) found++;
    });
    all('.group', root).forEach(function (group) {
      var table = group.querySelector('[data-products]');
      var rows = table ? table.querySelectorAll('tbody tr:not([hidden])').length : 0;
      if (table) table.hidden = words.length > 0 && !rows;
      group.classList.toggle('nomatch', words.length > 0 && !rows && !group.querySelector('.field:not(.nomatch)'));
    });
    var system = root.querySelector('details.system');
    if (system && words.length) system.open = !system.classList.contains('nomatch');
    var status = root.querySelector('[data-status]');
    say(words.length ? status.dataset.found.replace('%', found) : '');
  }

  function toggle(name, on) {
    document.body.classList.toggle('show-' + name, on);
    all('[data-toggle="' + name + '"]').forEach(function (button) { button.setAttribute('aria-pressed', String(on)); });
    fit();
  }

  function copy(text) {
    // An iframe of another origin may use the clipboard's own interface only where the portal allows it.
    var box = document.createElement('textarea');
    box.value = text;
    box.className = 'visually-hidden';
    document.body.append(box);
    box.select();
    var done = document.execCommand('copy');
    box.remove();
    if (!done && navigator.clipboard) navigator.clipboard.writeText(text).catch(function () {});
  }
  function copied(button, text) {
    copy(text);
    button.focus();
    button.classList.add('done');
    say(button.dataset.done);
    setTimeout(function () { button.classList.remove('done'); }, 1500);
  }

  // Refresh: the new card in place of the old one, with what differs marked.
  function refresh(button) {
    var old = card(), before = valuesOf(old), input = document.getElementById('filter').value;
    button.disabled = true;
    ask('/in/item', { entityTypeId: Number(old.dataset.entityTypeId), id: Number(old.dataset.id) }).then(function (answer) {
      return answer.text();
    }).then(function (html) {
      var open = old.querySelector('details.system');
      open = open && open.open;
      var slot = document.createElement('template');
      slot.innerHTML = html; // written by the app's own templates
      var fresh = slot.content.querySelector('[data-card]');
      old.replaceWith(fresh);
      var changed = [];
      var now = valuesOf(fresh);
      all('.field', fresh).forEach(function (row) {
        var code = row.dataset.code;
        // A name that is not there yet says nothing of a change: the value as it came does, where it may be seen.
        if (before[code] === now[code] || row.querySelector('[data-name]') && now[code][0] !== '=') return;
        row.classList.add('changed');
        changed.push(row.querySelector('dt').firstChild.textContent.trim());
      });
      if (fresh.querySelector('details.system')) fresh.querySelector('details.system').open = open;
      show(fresh);
      document.getElementById('filter').value = input;
      filter();
      say(changed.length ? fresh.dataset.changed + ' ' + changed.join(', ') : fresh.dataset.unchanged);
      fresh.querySelector('[data-action=refresh]').focus();
    }).catch(function (error) { button.disabled = false; say(told(error)); });
  }

  // What the fields of a card hold: as it came, else as it is shown.
  function valuesOf(root) {
    var data = root.querySelector('[data-item]'), item = data ? JSON.parse(data.textContent) : {}, values = {};
    all('.field', root).forEach(function (row) {
      var code = row.dataset.code;
      values[code] = code in item ? '=' + JSON.stringify(item[code]) : ' ' + row.querySelector('dd').textContent;
    });
    return values;
  }

  function show(root) {
    addCopyButtons(root);
    restore(root);
    fillNames(root);
    looked(root);
    fit();
  }

  // What the user chose before goes before what the administrator chose.
  function restore(root) {
    var empty = recall('show-empty');
    toggle('empty', empty === null ? root.hasAttribute('data-show-empty') : empty === true);
    toggle('codes', recall('show-codes') === true && Boolean(root.querySelector('[data-toggle=codes]')));
  }

  function looked(root) {
    var ref = root.dataset.entityTypeId + ':' + root.dataset.id;
    remember('recent', [ref].concat((recall('recent') || []).filter(function (r) { return r !== ref; })).slice(0, 10));
  }

  // The app's own page: lists, and an item in the same card.
  function list() {
    var slot = document.getElementById('items');
    slot.setAttribute('aria-busy', 'true');
    ask('/in/items', { entityTypeId: Number(document.getElementById('type').value), query: document.getElementById('query').value }).then(function (answer) {
      return answer.text();
    }).then(function (html) { slot.innerHTML = html; }).catch(function (error) { slot.textContent = told(error); }).then(function () {
      slot.removeAttribute('aria-busy');
      remember('type', document.getElementById('type').value);
      fit();
    });
  }
  var opener = null;
  function openItem(link) {
    var ref = link.dataset.itemRef.split(':');
    openViewer(function (slot) {
      return ask('/in/item', { entityTypeId: Number(ref[0]), id: Number(ref[1]) }).then(function (answer) { return answer.text(); }).then(function (html) {
        slot.innerHTML = html; // written by the app's own templates
        show(card());
      });
    }, link.dataset.itemRef);
  }
  // The viewer stands in place of the page until somebody goes back.
  function openViewer(fill, from) {
    var status = document.querySelector('[data-viewer-status]');
    opener = from;
    status.textContent = '';
    document.querySelector('[data-home]').hidden = true;
    document.querySelector('[data-viewer]').hidden = false;
    document.querySelector('[data-action=back]').focus();
    fill(document.querySelector('[data-slot]')).catch(function (error) { status.textContent = told(error); }).then(fit);
  }
  function back() {
    document.querySelector('[data-slot]').textContent = '';
    document.querySelector('[data-viewer]').hidden = true;
    document.querySelector('[data-home]').hidden = false;
    recentItems();
    var link = document.querySelector('[data-item-ref="' + opener + '"]');
    if (link) link.focus();
    fit();
  }
  function recentItems() {
    var box = document.querySelector('[data-recent]'), recent = (recall('recent') || []).filter(function (r) { return /^\d+:\d+$/.test(r); });
    if (!box || !recent.length) return;
    ask('/in/names', { names: recent.map(function (r) { return 'item:' + r; }) }).then(function (answer) { return answer.json(); }).then(function (found) {
      box.textContent = '';
      recent.forEach(function (r) {
        var name = found.names['item:' + r]; // what the user may not see any more is not listed
        if (!name) return;
        var item = document.createElement('li'), link = document.createElement('a'), id = document.createElement('span');
        link.href = '#';
        link.dataset.itemRef = r;
        link.dir = 'auto';
        link.textContent = name.text;
        id.className = 'hint';
        id.textContent = ' #' + r.split(':')[1];
        item.append(link, id);
        box.append(item);
      });
      document.querySelector('[data-recent-section]').hidden = !box.firstChild;
      fit();
    }).catch(function () {});
  }

  // What the settings page's script needs of this one.
  window.ItemLens = { ask: ask, told: told, fit: fit, fillNames: fillNames, addCopyButtons: addCopyButtons };

  document.addEventListener('click', function (event) {
    var target = event.target.closest('[data-path],[data-action],[data-toggle],[data-item-ref]');
    if (!target) return;
    if (target.dataset.path) {
      if (!ready) return; // a plain link
      event.preventDefault();
      library.openPath(target.dataset.path);
      return;
    }
    if (target.dataset.itemRef) {
      event.preventDefault();
      openItem(target);
      return;
    }
    if (target.dataset.toggle) {
      var on = target.getAttribute('aria-pressed') !== 'true';
      toggle(target.dataset.toggle, on);
      remember('show-' + target.dataset.toggle, on);
      return;
    }
    switch (target.dataset.action) {
      case 'refresh': refresh(target); break;
      case 'json': copied(target, JSON.stringify(JSON.parse(card().querySelector('[data-item]').textContent), null, 2)); break;
      case 'copy': copied(target, target.parentNode.querySelector('.value').innerText.trim()); break;
      case 'print': window.print(); break;
      case 'back': back(); break;
      case 'settings': openViewer(function (slot) { return window.ItemLens.openSettings(slot); }, null); break;
      case 'finish': if (library) library.installFinish(); break;
      case 'reload': if (library) library.reloadWindow(); else location.reload(); break;
    }
  });
  document.addEventListener('input', function (event) { if (event.target.id === 'filter') filter(); });
  document.addEventListener('change', function (event) { if (event.target.id === 'type') list(); });
  document.addEventListener('submit', function (event) { event.preventDefault(); list(); });
  document.addEventListener('toggle', fit, true);
  document.addEventListener('keydown', function (event) {
    var input = document.getElementById('filter');
    if (event.key === '/' && (event.ctrlKey || event.metaKey) && input) {
      event.preventDefault();
      input.focus();
    }
    if (event.key === 'Escape' && event.target === input && input.value) {
      input.value = '';
      filter();
    }
  });
  window.addEventListener('resize', fit);
  new ResizeObserver(fit).observe(document.body);

  if (card()) {
    addCopyButtons(card());
    restore(card());
    fillNames(card());
  }
  if (!library) {
    document.body.dataset.settled = '';
    return;
  }
  library.init(function () {
    ready = true;
    if (card()) {
      restore(card());
      looked(card());
    }
    document.body.dataset.settled = '';
    var type = recall('type'), choice = document.getElementById('type');
    if (type && choice && choice.value !== type && choice.querySelector('option[value="' + Number(type) + '"]')) {
      choice.value = type;
      list();
    }
    recentItems();
    library.fitWindow();
    // The way on is automatic; the pause lets the administrator read what was done.
    if (document.querySelector('[data-install-finish]')) {
      setTimeout(function () { library.installFinish(); }, 2500);
    }
  });
})();
