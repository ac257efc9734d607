// Conversations: trees of messages, as a question may be put anew and an answer given again. `chosen` says which way
// through the tree is shown.
//
// Conversation: {id, title, updated, messages: {ID: message}, chosen: {PARENT: ID}}; the parent of the first is ROOT
// Message: {id, parent, role: 'user' | 'assistant', text, thinking, note, figures, created}
//   figures: {tokens, rate, seconds, firstSeconds, thinkingSeconds, prompt, model} of a finished answer

export const ROOT = 'root';
const TITLE_MAX = 60;
const FORMAT = 'medpsy-conversations';
const MESSAGES_MAX = 10_000;

export function newConversation() {
  return { id: crypto.randomUUID?.() ?? randomId(), title: '', updated: Date.now(), messages: {}, chosen: {} };
}

/** randomUUID is there only on pages that came over TLS or from this machine. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The messages that are shown, first to last. */
export function path(conversation) {
  const all = [];
  let id = conversation.chosen[ROOT];
  while (id !== undefined) {
    all.push(conversation.messages[id]);
    id = conversation.chosen[id];
  }
  return all;
}

/** Those that stand in a message's place, in the order in which they were written. */
export function versions(conversation, message) {
  return Object.values(conversation.messages)
    .filter(each => each.parent === message.parent)
    .sort((a, b) => a.created - b.created || a.id - b.id);
}

/** Adds a message and shows it. */
export function add(conversation, parent, role, text) {
  const id = String(1 + Math.max(0, ...Object.keys(conversation.messages).map(Number)));
  const message = { id, parent, role, text, thinking: '', note: '', figures: null, created: Date.now() };
  conversation.messages[id] = message;
  conversation.chosen[parent] = id;
  conversation.updated = Date.now();
  if (conversation.title === '' && role === 'user') {
    conversation.title = titleOf(text);
  }
  return message;
}

function titleOf(text) {
  const line = text.trim().replace(/\s+/g, ' ');
  const characters = [...line];
  return characters.length <= TITLE_MAX ? line : `${characters.slice(0, TITLE_MAX - 1).join('').trimEnd()}…`;
}

/** What is sent for an answer to a message: it and all before it. Thoughts are not said again. */
export function history(conversation, message, system) {
  const messages = [];
  for (let each = message; each; each = conversation.messages[each.parent]) {
    messages.unshift({ role: each.role, content: each.text });
  }
  if (system.trim() !== '') {
    messages.unshift({ role: 'system', content: system });
  }
  return messages;
}

/** The text of a file with conversations. */
export function toFile(conversations) {
  return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 2);
}

/** Reads such a text; throws an Error with a message for people if it is none. */
export function fromFile(text) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error('The file is not JSON.');
  }
  if (file?.format !== FORMAT || file.version !== 1 || !Array.isArray(file.conversations)) {
    throw new Error('The file has no conversations of this page.');
  }
  return file.conversations.map((each, i) => checked(each, `Conversation ${i + 1} of the file`));
}

function checked(given, what) {
  const fail = () => {
    throw new Error(`${what} is damaged.`);
  };
  const isText = value => typeof value === 'string';
  if (given === null || typeof given !== 'object' || !isText(given.id) || !isText(given.title)
    || typeof given.messages !== 'object' || given.messages === null
    || typeof given.chosen !== 'object' || given.chosen === null) {
    fail();
  }
  const entries = Object.entries(given.messages);
  if (entries.length > MESSAGES_MAX) {
    throw new Error(`${what} has more than ${MESSAGES_MAX} messages.`);
  }
  const messages = {};
  for (const [id, m] of entries) {
    const isFine = /^[1-9]\d{0,8}$/.test(id) && m !== null && typeof m === 'object' && m.id === id && isText(m.text)
      && (m.role === 'user' || m.role === 'assistant')
      // A parent is older, so there are no rings.
      && (m.parent === ROOT || (Object.hasOwn(given.messages, m.parent) && Number(m.parent) < Number(id)));
    if (!isFine) {
      fail();
    }
    messages[id] = {
      id,
      parent: m.parent,
      role: m.role,
      text: m.text,
      thinking: isText(m.thinking) ? m.thinking : '',
      note: isText(m.note) ? m.note : '',
      figures: checkedFigures(m.figures),
      created: Number.isFinite(m.created) ? m.created : 0,
    };
  }
  const chosen = {};
  for (const [parent, id] of Object.entries(given.chosen)) {
    if (!Object.hasOwn(messages, id) || messages[id].parent !== parent) {
      fail();
    }
    chosen[parent] = id;
  }
  const updated = Number.isFinite(given.updated) ? given.updated : 0;
  return { id: given.id, title: given.title.slice(0, 200), updated, messages, chosen };
}

function checkedFigures(figures) {
  if (figures === null || typeof figures !== 'object') {
    return null;
  }
  const out = { model: typeof figures.model === 'string' ? figures.model : '' };
  for (const name of ['tokens', 'rate', 'seconds', 'firstSeconds', 'thinkingSeconds', 'prompt']) {
    out[name] = Number.isFinite(figures[name]) ? figures[name] : 0;
  }
  return out;
}
