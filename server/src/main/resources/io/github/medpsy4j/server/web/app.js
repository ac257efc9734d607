// The page: which conversation is shown, what is sent, and what the server is doing.
import { health, model } from './api.js';
import { ROOT, add, fromFile, newConversation, path, toFile, versions } from './conversations.js';
import { element, icon } from './document.js';
import { MessageView } from './messages.js';
import { Run } from './run.js';
import { apiKey, askForKey, startSettings, whyKey } from './settings.js';
import { openStore, read, write } from './store.js';

const SAVE_MS = 1000;
const WATCH_MS = 2000;
const NEAR_END_PIXELS = 48;
const IMPORT_BYTES_MAX = 64 << 20;

const by = id => document.getElementById(id);
const runs = new Map(); // by conversation
const unsaved = new Set();
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('medpsy') : null;

let store;
let conversations = [];
let current = newConversation();
let views = [];
let served = null; // {id, context_length} once the server said so
let isAtEnd = true;
let isDrawing = false;
let watching = 0;

// ---- Keeping ----

async function save(conversation) {
  unsaved.delete(conversation);
  if (!conversations.includes(conversation)) {
    return; // deleted, or nothing was said in it
  }
  try {
    await store.put(conversation);
    channel?.postMessage(conversation.id);
  } catch (e) {
    showBanner(`The browser could not keep the conversation: ${e.message}`);
  }
}

function saveSoon(conversation) {
  if (!unsaved.has(conversation)) {
    unsaved.add(conversation);
    setTimeout(() => unsaved.has(conversation) && save(conversation), SAVE_MS);
  }
}

/** An answer that nobody finished: its page was closed. */
function mend(conversation) {
  for (const message of Object.values(conversation.messages)) {
    if (message.role === 'assistant' && message.figures === null && message.note === '') {
      message.note = 'Cut off: the page was closed.';
    }
  }
  return conversation;
}

async function readAll() {
  const kept = await store.all();
  conversations = kept.map(each => {
    const mine = conversations.find(one => one.id === each.id);
    return mine && (runs.has(mine) || unsaved.has(mine)) ? mine : mend(each);
  });
  current = conversations.find(each => each.id === current.id) ?? current;
}

// ---- The list ----

function drawList() {
  conversations.sort((a, b) => b.updated - a.updated);
  const focused = document.activeElement?.closest('#conversations li')?.dataset.id;
  by('conversations').replaceChildren(...conversations.map(drawRow));
  if (focused) {
    by('conversations').querySelector(`li[data-id="${CSS.escape(focused)}"] .pick`)?.focus();
  }
}

function drawRow(conversation) {
  const isCurrent = conversation === current;
  const title = conversation.title || 'Without a title';
  const pick = element('button', { type: 'button', class: 'pick', 'aria-current': isCurrent ? 'true' : null, title },
    element('span', {}, title));
  if (runs.has(conversation)) {
    pick.append(element('span', { class: 'running', role: 'img', 'aria-label': 'is being answered' }));
  }
  pick.addEventListener('click', () => {
    choose(conversation);
    closeSide();
    by('question').focus();
  });
  const row = element('li', { 'data-id': conversation.id, 'data-current': isCurrent }, pick);
  const tool = (name, label, onClick) => {
    const node = element('button', { type: 'button', 'aria-label': `${label}: ${title}`, title: label }, icon(name));
    node.addEventListener('click', onClick);
    return node;
  };
  row.append(element('span', { class: 'row-tools' },
    tool('edit', 'Rename', () => rename(row, conversation)),
    tool('save', 'Export', () => download([conversation], title)),
    tool('delete', 'Delete', () => remove(conversation))));
  return row;
}

function rename(row, conversation) {
  const field = element('input', { 'aria-label': 'Title', maxlength: '200' });
  field.value = conversation.title;
  let isOver = false;
  const end = isKept => {
    if (isOver) {
      return;
    }
    isOver = true;
    if (isKept && field.value.trim() !== '') {
      conversation.title = field.value.trim();
      save(conversation);
    }
    drawList();
    drawHead();
    by('conversations').querySelector(`li[data-id="${CSS.escape(conversation.id)}"] .pick`)?.focus();
  };
  field.addEventListener('keydown', event => {
    if (event.key === 'Enter' || event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      end(event.key === 'Enter');
    }
  });
  field.addEventListener('blur', () => end(true));
  row.replaceChildren(field);
  field.focus();
  field.select();
}

function remove(conversation) {
  const dialog = by('confirm');
  by('confirm-text').textContent = `“${conversation.title}” and its answers are gone then.`;
  dialog.returnValue = 'cancel';
  dialog.addEventListener('close', async () => {
    if (dialog.returnValue !== 'ok') {
      return;
    }
    runs.get(conversation)?.stop();
    conversations = conversations.filter(each => each !== conversation);
    await store.remove(conversation.id);
    channel?.postMessage(conversation.id);
    if (conversation === current) {
      choose(newConversation());
    } else {
      drawList();
    }
    by('question').focus();
  }, { once: true });
  dialog.showModal();
}

function download(chosen, title) {
  const name = title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 40) || 'conversations';
  const address = URL.createObjectURL(new Blob([toFile(chosen)], { type: 'application/json' }));
  element('a', { href: address, download: `medpsy-${name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function importFile(file) {
  try {
    if (file.size > IMPORT_BYTES_MAX) {
      throw new Error(`The file is larger than ${IMPORT_BYTES_MAX >> 20} MiB.`);
    }
    const read = fromFile(await file.text());
    for (const each of read) {
      // What is here already stays as it is.
      each.id = conversations.some(mine => mine.id === each.id) ? newConversation().id : each.id;
      conversations.push(mend(each));
      await save(each);
    }
    drawList();
    announce(`${read.length} ${read.length === 1 ? 'conversation' : 'conversations'} imported`);
    showBanner('');
    if (read.length > 0) {
      choose(conversations.find(each => each.id === read[0].id));
    }
  } catch (e) {
    showBanner(`Nothing was imported. ${e.message}`);
  }
}

// ---- The conversation ----

function choose(conversation) {
  current = conversation;
  views = [];
  by('log').replaceChildren();
  isAtEnd = true;
  write('sessionStorage', 'current', conversation.id);
  drawList();
  draw();
}

function drawHead() {
  const title = current.title || 'New conversation';
  by('title').textContent = title;
  document.title = current.title ? `${title} · medpsy` : 'medpsy';
  by('model-name').textContent = served?.id ?? '…';
  const last = path(current).findLast(each => each.figures?.prompt > 0)?.figures;
  by('context').textContent = served && last
    ? `${(last.prompt + last.tokens).toLocaleString('en')} of ${served.context_length.toLocaleString('en')} tokens`
    : '';
}

const actions = {
  versions: message => versions(current, message),
  show: message => {
    current.chosen[message.parent] = message.id;
    save(current);
    draw();
    by('log').querySelector('article:last-child')?.scrollIntoView({ block: 'nearest' });
  },
  edit: (message, text) => ask(text, message.parent),
  retry: message => answer(current, current.messages[message.parent], message),
};

function draw() {
  const run = runs.get(current) ?? null;
  const messages = path(current);
  let same = 0;
  while (same < messages.length && views[same]?.message === messages[same]) {
    same++;
  }
  views.splice(same).forEach(view => view.node.remove());
  for (const message of messages.slice(same)) {
    const view = new MessageView(message, actions);
    views.push(view);
    by('log').append(view.node);
  }
  for (const view of views) {
    view.update(run?.message === view.message ? run : null, run !== null);
  }
  by('welcome').hidden = messages.length > 0;
  by('send').hidden = run !== null;
  by('stop').hidden = run === null;
  drawSend();
  drawHead();
  if (isAtEnd) {
    by('log-scroll').scrollTop = by('log-scroll').scrollHeight;
  }
}

/** Once for each picture of the screen, however many tokens come. */
function drawSoon() {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      draw();
    });
  }
}

function drawSend() {
  by('send').disabled = by('question').value.trim() === '';
}

function ask(text, parent) {
  if (!conversations.includes(current)) {
    conversations.push(current);
  }
  isAtEnd = true;
  const question = add(current, parent, 'user', text);
  answer(current, question, null);
}

/** @param failed an answer that is to be given again: it goes if it says nothing */
async function answer(conversation, question, failed) {
  if (runs.has(conversation)) {
    return;
  }
  if (failed && failed.text === '' && failed.thinking === '') {
    delete conversation.messages[failed.id];
  }
  const message = add(conversation, question.id, 'assistant', '');
  const run = new Run(conversation, question, message, () => {
    saveSoon(conversation);
    if (conversation === current) {
      drawSoon();
    }
  });
  runs.set(conversation, run);
  isAtEnd = true;
  drawList();
  draw();
  announce('Waiting for the answer');
  const failure = await run.start(served?.id ?? '');
  runs.delete(conversation);
  await save(conversation);
  drawList();
  if (conversation === current) {
    draw();
  }
  announce(failure ? message.note : `Answer finished. ${message.note}`);
  if (failure?.status === 0 || failure?.status === 503) {
    watch();
  }
}

// ---- The server ----

function showBanner(text) {
  by('banner').textContent = text;
  by('banner').hidden = text === '';
}

function announce(text) {
  by('announce').textContent = text;
}

/** Says what keeps the server from answering, until nothing does. */
async function watch() {
  const mine = ++watching;
  while (mine === watching) {
    try {
      await health();
      served = await model(apiKey());
      showBanner('');
      drawHead();
      return;
    } catch (e) {
      if (e.status === 401) {
        if (!await askForKey(whyKey())) {
          showBanner('The server wants an API key: it is among the settings.');
          return;
        }
        continue;
      }
      showBanner(e.status === 503 && e.code === 'loading' ? 'The model is being loaded…' : e.message);
    }
    await new Promise(resolve => {
      setTimeout(resolve, WATCH_MS);
    });
  }
}

// ---- Hands ----

function closeSide() {
  delete by('side').dataset.open;
  by('shade').hidden = true;
  by('side-open').setAttribute('aria-expanded', 'false');
}

function openSide() {
  by('side').dataset.open = '';
  by('shade').hidden = false;
  by('side-open').setAttribute('aria-expanded', 'true');
  by('side-close').focus();
}

function fitQuestion() {
  const field = by('question');
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
  write('sessionStorage', 'draft', field.value === '' ? null : field.value);
  drawSend();
}

function send() {
  const text = by('question').value;
  if (text.trim() === '' || runs.has(current)) {
    return;
  }
  by('question').value = '';
  fitQuestion();
  ask(text.trim(), path(current).at(-1)?.id ?? ROOT);
  by('question').focus();
}

function stop() {
  runs.get(current)?.stop();
  by('question').focus();
}

function begin() {
  choose(newConversation());
  closeSide();
  by('question').focus();
}

function listen() {
  by('composer').addEventListener('submit', event => {
    event.preventDefault();
    send();
  });
  by('question').addEventListener('input', fitQuestion);
  by('question').addEventListener('keydown', event => {
    // On a telephone's keyboard Enter begins a line, as there is no other way to do it.
    const isTouch = matchMedia('(pointer: coarse) and (hover: none)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && !isTouch) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && by('question').value === '' && !runs.has(current)) {
      const last = views.findLast(view => view.message.role === 'user');
      if (last) {
        event.preventDefault();
        last.edit();
      }
    }
  });
  by('stop').addEventListener('click', stop);
  by('new').addEventListener('click', begin);
  by('side-open').addEventListener('click', openSide);
  by('side-close').addEventListener('click', () => {
    closeSide();
    by('side-open').focus();
  });
  by('shade').addEventListener('click', closeSide);
  by('export').addEventListener('click', () => download(conversations, 'conversations'));
  by('import').addEventListener('click', () => by('import-file').click());
  by('import-file').addEventListener('change', async () => {
    const [file] = by('import-file').files;
    by('import-file').value = '';
    if (file) {
      await importFile(file);
    }
  });
  for (const example of by('examples').querySelectorAll('button')) {
    example.addEventListener('click', () => {
      by('question').value = example.textContent;
      send();
    });
  }
  by('latest').addEventListener('click', () => {
    isAtEnd = true;
    by('log-scroll').scrollTop = by('log-scroll').scrollHeight;
  });
  by('log-scroll').addEventListener('scroll', () => {
    const { scrollTop, scrollHeight, clientHeight } = by('log-scroll');
    isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS;
    by('latest').hidden = isAtEnd;
  });
  document.addEventListener('keydown', event => {
    const isDialogOpen = document.querySelector('dialog[open]') !== null;
    if (event.key === 'Escape' && !isDialogOpen) {
      if (by('side').dataset.open !== undefined) {
        closeSide();
        by('side-open').focus();
      } else {
        stop();
      }
    } else if (event.key.toLowerCase() === 'o' && event.ctrlKey && event.shiftKey && !isDialogOpen) {
      event.preventDefault();
      begin();
    }
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') {
      [...unsaved].forEach(save);
    }
  });
  channel?.addEventListener('message', async () => {
    const before = current;
    await readAll();
    drawList();
    if (current !== before) {
      views = [];
      by('log').replaceChildren();
      draw();
    }
  });
}

async function start() {
  startSettings(watch);
  listen();
  store = await openStore();
  by('not-kept').hidden = store.isLasting;
  await readAll();
  choose(conversations.find(each => each.id === read('sessionStorage', 'current')) ?? current);
  by('question').value = read('sessionStorage', 'draft') ?? '';
  fitQuestion();
  by('question').focus();
  await watch();
}

start();
