// @ts-nocheck
// The settings page, which an administrator opens from the app's own page. What is chosen stands in the page until it is
// saved, as one JSON document: the same that is exported and imported.
import { enliven } from './card.js';
import { make } from './dom.js';
import { fit } from './frame.js';
import { ask, told } from './session.js';

var root = null, chosen = null, fields = {}, key = null;

function all(selector) { return Array.prototype.slice.call(root.querySelectorAll(selector)); }
function one(selector) { return root.querySelector(selector); }
function say(text) { one('[data-settings-status]').textContent = text; fit(); }
function fail(error) { say(told(error)); }

/**
 * Opens the settings in a box. What it returns has a say in whether they are left: see View in viewer.js.
 * @param {HTMLElement} box
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./viewer.js').View>}
 */
export async function open(box, signal) {
  await load(box, signal);
  return {};
}

function load(box, signal) {
  return ask('/in/settings', {}, signal).then(function (answer) { return answer.text(); }).then(function (html) {
    box.innerHTML = html; // written by the app's own templates
    root = box.querySelector('[data-settings]');
    chosen = JSON.parse(one('[data-settings-json]').textContent);
    key = null;
    return chooseType();
  }).then(fit);
}

// The document that the page shows now.
function collect() {
  keepCard();
  chosen.tabsOff = all('[data-tab]').filter(function (box) { return !box.checked; }).map(function (box) { return Number(box.dataset.tab); });
  chosen.titles = {};
  all('[data-title]').forEach(function (input) { if (input.value.trim()) chosen.titles[input.dataset.title] = input.value.trim(); });
  chosen.showEmpty = one('#show-empty').checked;
  chosen.codesFor = one('#codes-for').value;
  chosen.language = one('#language').value;
  return chosen;
}

// --- the arrangement of one type's cards ---

function chooseType() {
  keepCard();
  key = null;
  var type = one('#card-type').value;
  return ask('/in/settings/card', { entityTypeId: Number(type) }).then(function (answer) { return answer.json(); }).then(function (found) {
    fields = found;
    var pipelines = one('#card-pipeline');
    pipelines.textContent = '';
    pipelines.hidden = !found.pipelines.length;
    [{ code: '', title: root.dataset.all }].concat(found.pipelines).forEach(function (p) {
      pipelines.append(make('option', { value: p.code, textContent: p.title }));
    });
    showCard();
  }).catch(fail);
}

function showCard() {
  var pipeline = one('#card-pipeline').value;
  key = one('#card-type').value + (pipeline ? '/' + pipeline : '');
  var card = (chosen.cards || {})[key] || {};
  all('[name=order]').forEach(function (radio) { radio.checked = radio.value === (card.sections && card.sections.length ? 'own' : 'follow'); });
  draw(card);
}

function draw(card) {
  var list = one('#arrangement'), own = one('[name=order][value=own]').checked, left = fields.fields.slice();
  list.textContent = '';
  function field(code) {
    var at = left.findIndex(function (f) { return f.code === code; });
    if (at < 0) return; // the portal has it no more
    list.append(fieldItem(left.splice(at, 1)[0], card, own));
  }
  if (own) {
    (card.sections && card.sections.length ? card.sections : [{ title: root.dataset.section, fields: fields.fields.map(function (f) { return f.code; }) }]).forEach(function (s) {
      list.append(sectionItem(s.title));
      s.fields.forEach(field);
    });
    list.append(make('li', { className: 'rest', textContent: root.dataset.rest }));
  }
  left.slice().forEach(function (f) { field(f.code); });
  one('[data-do=section]').hidden = !own;
  fit();
}

function handle(name) {
  var button = make('button', { type: 'button', className: 'handle', textContent: '⠿' });
  button.setAttribute('aria-label', root.dataset.move + ': ' + name);
  return button;
}
function fieldItem(f, card, own) {
  function box(kind, label) {
    var input = make('input', { type: 'checkbox', checked: (card[kind] || []).indexOf(f.code) >= 0 });
    input.dataset.kind = kind;
    return make('label', { className: 'check' }, [input, ' ' + label]);
  }
  var item = make('li', { className: 'item', draggable: own }, own ? [handle(f.title)] : []);
  item.append(make('span', { className: 'name', textContent: f.title }), make('code', { textContent: f.code }), box('top', root.dataset.top), box('hidden', root.dataset.hide));
  item.dataset.code = f.code;
  return item;
}
function sectionItem(title) {
  var input = make('input', { type: 'text', value: title, maxLength: 100 }), remove = make('button', { type: 'button', textContent: '×' });
  input.setAttribute('aria-label', root.dataset.section);
  remove.setAttribute('aria-label', root.dataset.remove + ': ' + title);
  remove.addEventListener('click', function () { remove.parentNode.remove(); fit(); });
  return make('li', { className: 'item section', draggable: true }, [handle(title), input, remove]);
}

function keepCard() {
  if (!key || !root) return;
  var own = one('[name=order][value=own]').checked, card = {}, section = null, done = false;
  ['top', 'hidden'].forEach(function (kind) {
    var codes = all('#arrangement [data-kind=' + kind + ']:checked').map(function (box) { return box.closest('li').dataset.code; });
    if (codes.length) card[kind] = codes;
  });
  if (own) {
    card.sections = [];
    all('#arrangement > li').forEach(function (item) {
      if (item.classList.contains('rest')) done = true;
      if (done) return;
      if (item.classList.contains('section')) card.sections.push(section = { title: item.querySelector('input').value, fields: [] });
      else {
        if (!section) card.sections.push(section = { title: '', fields: [] });
        section.fields.push(item.dataset.code);
      }
    });
  }
  chosen.cards = chosen.cards || {};
  if (Object.keys(card).length) chosen.cards[key] = card;
  else delete chosen.cards[key];
}

// Moving: by dragging, or with the arrow keys on a handle.
var dragged = null;
function within(event) { return root && event.target.closest && event.target.closest('#arrangement > li'); }
document.addEventListener('dragstart', function (event) {
  dragged = within(event);
  if (dragged && event.dataTransfer) {
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', '');
  }
});
document.addEventListener('dragover', function (event) {
  var item = within(event);
  if (!dragged || !item || item === dragged) return;
  event.preventDefault();
  var middle = item.getBoundingClientRect().top + item.offsetHeight / 2;
  if (event.clientY < middle) item.before(dragged); else item.after(dragged);
});
document.addEventListener('drop', function (event) { if (dragged) event.preventDefault(); });
document.addEventListener('dragend', function () { dragged = null; });
document.addEventListener('keydown', function (event) {
  var button = event.target.closest && event.target.closest('.handle');
  if (!button || event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
  event.preventDefault();
  var item = button.closest('li');
  if (event.key === 'ArrowUp' && item.previousElementSibling) item.previousElementSibling.before(item);
  if (event.key === 'ArrowDown' && item.nextElementSibling) item.nextElementSibling.after(item);
  button.focus();
  say(root.dataset.moved.replace('%', Array.prototype.indexOf.call(item.parentNode.children, item) + 1));
});

document.addEventListener('change', function (event) {
  if (!root || !root.contains(event.target)) return;
  if (event.target.id === 'card-type') chooseType();
  if (event.target.id === 'card-pipeline') { keepCard(); showCard(); }
  if (event.target.name === 'order') {
    var card = (chosen.cards || {})[key] || {};
    draw(event.target.value === 'own' ? card : { top: card.top, hidden: card.hidden });
  }
  if (event.target.id === 'import') {
    var file = event.target.files[0];
    if (file) file.text().then(function (text) {
      var document;
      try { document = JSON.parse(text); } catch (e) { say(root.dataset.unreadable); return; }
      return save(document, true);
    }).catch(fail);
  }
});

function reopen(message) {
  return load(root.parentNode).then(function () { say(message); });
}
function version() { return Number(root.dataset.version); }
function save(settings, imported) {
  return ask('/in/settings/save', { version: version(), settings: settings, import: Boolean(imported) }).then(function () { return reopen(root.dataset.saved); });
}

var actions = {
  save: function () { return save(collect()); },
  undo: function () { return ask('/in/settings/undo', { version: version() }).then(function () { return reopen(root.dataset.saved); }); },
  repair: function () { return ask('/in/settings/repair', {}).then(function () { say(root.dataset.planned); }); },
  section: function () {
    var list = one('#arrangement'), item = sectionItem('');
    list.prepend(item);
    item.querySelector('input').focus();
    fit();
  },
  preview: function () {
    var id = parseInt(one('#preview-id').value, 10);
    return ask('/in/settings/preview', { entityTypeId: Number(one('#card-type').value), id: id > 0 ? id : 0, settings: collect() }).then(function (answer) { return answer.text(); }).then(function (html) {
      one('[data-preview]').innerHTML = html; // written by the app's own templates
      enliven(one('[data-preview] [data-card]'), new AbortController().signal);
      fit();
    });
  },
  export: function () {
    var link = make('a', { download: 'item-lens-settings.json', href: URL.createObjectURL(new Blob([JSON.stringify(collect(), null, 2)], { type: 'application/json' })) });
    document.body.append(link);
    link.click();
    link.remove();
  },
  erase: function () {
    return ask('/in/settings/erase', { confirm: one('#erase-confirm').value }).then(function () {
      root.textContent = root.dataset.erased;
      fit();
    });
  }
};
document.addEventListener('click', function (event) {
  var button = event.target.closest('[data-do]');
  if (!button || !root || !root.contains(button)) return;
  button.disabled = true;
  Promise.resolve(actions[button.dataset.do]()).catch(fail).then(function () { button.disabled = false; });
});

