// Where conversations are kept: IndexedDB, or this page's memory where the browser gives none.

const NAME = 'medpsy';
const TABLE = 'conversations';

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

class DatabaseStore {
  isLasting = true;
  #database;

  constructor(database) {
    this.#database = database;
  }

  #table(mode) {
    return this.#database.transaction(TABLE, mode).objectStore(TABLE);
  }

  all() {
    return done(this.#table('readonly').getAll());
  }

  put(conversation) {
    return done(this.#table('readwrite').put(conversation));
  }

  remove(id) {
    return done(this.#table('readwrite').delete(id));
  }
}

class MemoryStore {
  isLasting = false;
  #all = new Map();

  async all() {
    return [...this.#all.values()];
  }

  async put(conversation) {
    this.#all.set(conversation.id, conversation);
  }

  async remove(id) {
    this.#all.delete(id);
  }
}

/** Opens the store; `isLasting` says whether it outlives the page. */
export async function openStore() {
  try {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: 'id' });
    return new DatabaseStore(await done(request));
  } catch {
    return new MemoryStore();
  }
}

/** A setting or another small text; null if there is none, or the browser keeps none. */
export function read(area, name) {
  try {
    return window[area].getItem(`medpsy.${name}`);
  } catch {
    return null;
  }
}

/** Keeps it; null removes it. */
export function write(area, name, value) {
  try {
    if (value === null) {
      window[area].removeItem(`medpsy.${name}`);
    } else {
      window[area].setItem(`medpsy.${name}`, value);
    }
  } catch {
    // the browser keeps nothing: it holds for as long as the page
  }
}
