// The settings' dialog, the API key's, and what they say to a request.
import { read, write } from './store.js';

const NUMBERS = { temperature: 'temperature', topP: 'top_p', topK: 'top_k', maxTokens: 'max_completion_tokens', seed: 'seed' };
const by = id => document.getElementById(id);

/** While a key is asked for: resolves to whether one was given. */
let asking = null;

let key = read('sessionStorage', 'key') ?? read('localStorage', 'key') ?? '';

/** The API key; '' for none. */
export function apiKey() {
  return key;
}

/** What is said where the server refuses that. */
export function whyKey() {
  return key === '' ? 'This server answers only those who bring one of its keys.' : 'The server does not know this key.';
}

/** The system prompt; '' for none. */
export function systemPrompt() {
  return by('system').value;
}

/** Fields of a request. What is empty, or no value that the server would take, is left to the server. */
export function requestFields() {
  const fields = {};
  for (const [id, name] of Object.entries(NUMBERS)) {
    if (by(id).value !== '' && by(id).checkValidity()) {
      fields[name] = by(id).valueAsNumber;
    }
  }
  if (by('think').value !== '') {
    fields.enable_thinking = by('think').value === 'on';
  }
  return fields;
}

/** Asks for a key; whether one was given. */
export function askForKey(why) {
  if (asking) {
    return asking;
  }
  const dialog = by('key-dialog');
  by('key-why').textContent = why;
  by('key').value = key;
  by('key-keep').checked = read('localStorage', 'key') !== null;
  asking = new Promise(resolve => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => {
      const isGiven = dialog.returnValue === 'ok';
      if (isGiven) {
        key = by('key').value.trim();
        const isKept = by('key-keep').checked;
        write('sessionStorage', 'key', key !== '' && !isKept ? key : null);
        write('localStorage', 'key', key !== '' && isKept ? key : null);
      }
      by('key').value = '';
      asking = null;
      resolve(isGiven);
    }, { once: true });
    dialog.showModal();
    by('key').focus();
  });
  return asking;
}

function setTheme(theme) {
  write('localStorage', 'theme', theme === '' ? null : theme);
  if (theme === '') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  by('theme').value = theme;
}

function load() {
  let kept = {};
  try {
    kept = JSON.parse(read('localStorage', 'settings')) ?? {};
  } catch {
    // not what this page wrote: as if there were none
  }
  for (const id of ['system', 'think', ...Object.keys(NUMBERS)]) {
    by(id).value = typeof kept[id] === 'string' ? kept[id] : '';
  }
}

function keep() {
  const settings = {};
  for (const id of ['system', 'think', ...Object.keys(NUMBERS)]) {
    if (by(id).value !== '') {
      settings[id] = by(id).value;
    }
  }
  write('localStorage', 'settings', JSON.stringify(settings));
}

/** Connects the dialogs. `onKey` is called when another key was given of the user's own accord. */
export function startSettings(onKey) {
  load();
  setTheme(document.documentElement.dataset.theme ?? '');
  by('settings-open').addEventListener('click', () => by('settings').showModal());
  by('settings').addEventListener('input', keep);
  by('theme').addEventListener('change', () => setTheme(by('theme').value));
  by('theme-switch').addEventListener('click', () => {
    const chosen = document.documentElement.dataset.theme;
    const isDark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    setTheme(isDark ? 'light' : 'dark');
  });
  by('settings-reset').addEventListener('click', () => {
    write('localStorage', 'settings', null);
    load();
    setTheme('');
  });
  by('key-cancel').addEventListener('click', () => by('key-dialog').close('cancel'));
  by('key-open').addEventListener('click', async () => {
    by('settings').close();
    if (await askForKey('It is sent with every request, to this server alone.')) {
      onKey();
    }
  });
}
