// The generation of one answer: asks, waits where the server says so, and fills the message.
import { ApiFailure, health, streamChat } from './api.js';
import { history } from './conversations.js';
import { apiKey, askForKey, requestFields, systemPrompt, whyKey } from './settings.js';

const BUSY_TRIES_MAX = 8;
const LOADING_POLL_MS = 1000;

export class Run {
  #controller = new AbortController();
  #startedAt = performance.now();
  #thoughtUntil = 0;
  firstAt = 0;
  lastAt = 0;
  tokens = 0;

  /** @param onChange called when the message has changed */
  constructor(conversation, question, message, onChange) {
    this.conversation = conversation;
    this.question = question;
    this.message = message;
    this.onChange = onChange;
  }

  stop() {
    this.#controller.abort();
  }

  figures() {
    return {
      tokens: this.tokens,
      seconds: (this.lastAt - this.firstAt) / 1000,
      firstSeconds: (this.firstAt - this.#startedAt) / 1000,
      thinkingSeconds: this.#thoughtUntil === 0 ? 0 : (this.#thoughtUntil - this.firstAt) / 1000,
      rate: 0,
      prompt: 0,
      model: '',
    };
  }

  /** Resolves at the answer's end, however it came about; the failure if there was one. */
  async start(modelName) {
    const { message } = this;
    try {
      const { finishReason, usage, timings } = await this.#askPatiently();
      this.tokens = usage?.completion_tokens ?? this.tokens;
      message.figures = {
        ...this.figures(),
        rate: timings?.predicted_per_second ?? 0,
        prompt: usage?.prompt_tokens ?? 0,
        model: modelName,
      };
      message.note = finishReason === 'length' ? 'Cut off at a limit: of tokens, of the context or of time.' : '';
      return null;
    } catch (e) {
      const isBegun = message.text !== '' || message.thinking !== '';
      if (e.name === 'AbortError') {
        message.note = isBegun ? 'Stopped.' : 'Stopped before it began.';
        message.figures = isBegun ? { ...this.figures(), model: modelName } : null;
        return null;
      }
      message.note = e instanceof ApiFailure ? e.message : `This page failed: ${e.message}`;
      message.figures = null;
      return e;
    }
  }

  /** Asks until the server has room and the model, and the key is right. */
  async #askPatiently() {
    for (let busy = 0; ;) {
      try {
        return await this.#ask();
      } catch (e) {
        if (!(e instanceof ApiFailure)) {
          throw e;
        }
        if (e.status === 401 && await askForKey(whyKey())) {
          // asked again with it
        } else if (e.status === 429 && ++busy <= BUSY_TRIES_MAX) {
          await this.#count(Math.max(1, e.retryAfterSeconds));
        } else if (e.status === 503 && e.code === 'loading') {
          await this.#waitForTheModel();
        } else {
          throw e;
        }
      }
    }
  }

  #ask() {
    const body = {
      messages: history(this.conversation, this.question, systemPrompt()),
      ...requestFields(),
    };
    return streamChat(body, apiKey(), this.#controller.signal, ({ text, thinking }) => {
      const now = performance.now();
      this.firstAt = this.firstAt === 0 ? now : this.firstAt;
      this.lastAt = now;
      this.#thoughtUntil = thinking === '' ? this.#thoughtUntil : now;
      this.tokens++;
      this.message.text += text;
      this.message.thinking += thinking;
      this.message.note = '';
      this.onChange();
    });
  }

  #say(note) {
    if (this.message.note !== note) {
      this.message.note = note;
      this.onChange();
    }
  }

  async #count(seconds) {
    for (let left = seconds; left > 0; left--) {
      this.#say(`The server is busy; asking again in ${left} s.`);
      await this.#sleep(1000);
    }
  }

  async #waitForTheModel() {
    this.#say('The model is still being loaded; the answer follows.');
    for (;;) {
      await this.#sleep(LOADING_POLL_MS);
      try {
        await health();
        return;
      } catch (e) {
        if (e.status !== 503) {
          throw e;
        }
      }
    }
  }

  #sleep(milliseconds) {
    const { signal } = this.#controller;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      }, { once: true });
    });
  }
}
