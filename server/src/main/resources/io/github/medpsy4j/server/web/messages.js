// A message on the page.
import { MarkdownView, copy, element, icon } from './document.js';

function button(name, label, onClick) {
  const node = element('button', { type: 'button', 'aria-label': label, title: label }, icon(name));
  node.addEventListener('click', onClick);
  return node;
}

/** A message's figures for people: tokens a second, and how they came about. */
function figuresOf({ tokens, seconds, firstSeconds, rate }) {
  // Where the server did not tell: the first token's time belongs to the prompt.
  const perSecond = rate || (tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : 0);
  return `${perSecond > 0 ? `${perSecond.toFixed(1)} tokens/s · ` : ''}${tokens} ${tokens === 1 ? 'token' : 'tokens'} · first after ${firstSeconds.toFixed(1)} s`;
}

/**
 * Draws a message; `update` draws it anew.
 *
 * `actions` has edit(message, text), retry(message), show(message) for another version of it, and
 * versions(message).
 */
export class MessageView {
  #actions;
  #body;
  #markdown;
  #thinking;
  #thoughts;
  #summary;
  #note;
  #tools;
  #figures;

  constructor(message, actions) {
    this.message = message;
    this.#actions = actions;
    const isUser = message.role === 'user';
    this.node = element('article', { class: `message ${message.role}`, 'aria-label': isUser ? 'You' : 'Answer' });
    this.#note = element('div', { class: 'note', hidden: true });
    this.#tools = element('div', { class: 'tools' });
    if (isUser) {
      this.#body = element('div', { class: 'bubble' });
      this.node.append(this.#body, this.#tools);
    } else {
      this.#figures = element('span', { class: 'figures' });
      this.#summary = element('summary');
      const thoughts = element('div', { class: 'markdown' });
      this.#thoughts = new MarkdownView(thoughts);
      this.#thinking = element('details', { class: 'thinking', hidden: true }, this.#summary, thoughts);
      this.#thinking.addEventListener('toggle', () => this.#showThoughts());
      this.#body = element('div', { class: 'markdown' });
      this.#markdown = new MarkdownView(this.#body);
      this.node.append(this.#thinking, this.#body, this.#note, this.#tools);
    }
  }

  /** @param run what generates it: {tokens, firstAt, lastAt}; null once it has ended */
  update(run, isBusy) {
    const { message } = this;
    this.run = run;
    if (message.role === 'user') {
      this.#body.textContent = message.text;
    } else {
      this.#markdown.show(message.text, run !== null);
      this.#showThoughts();
      this.#showNote(isBusy);
      this.node.classList.toggle('waiting', run !== null && message.text === '');
      const isSilent = run !== null && message.text === '' && message.thinking === '' && message.note === '';
      const dot = this.node.querySelector(':scope > .wait');
      if (isSilent && !dot) {
        this.#body.after(element('div', { class: 'wait' }));
      } else if (!isSilent) {
        dot?.remove();
      }
      this.node.setAttribute('aria-busy', String(run !== null));
      this.#figures.textContent = run
        ? run.tokens > 1 ? figuresOf(run.figures()) : ''
        : message.figures ? figuresOf(message.figures) : '';
    }
    this.#showTools(isBusy);
  }

  #showThoughts() {
    const { message, run } = this;
    this.#thinking.hidden = message.thinking === '';
    const seconds = message.figures?.thinkingSeconds ?? 0;
    this.#summary.textContent = run && message.text === '' ? 'Thinking…'
      : seconds >= 1 ? `Thought for ${Math.round(seconds)} s` : 'Thoughts';
    if (this.#thinking.open) {
      this.#thoughts.show(message.thinking, Boolean(run) && message.text === '');
    }
  }

  #showNote(isBusy) {
    const { message, run } = this;
    this.#note.hidden = message.note === '';
    this.#note.classList.toggle('bad', message.figures === null && run === null);
    if (this.#note.dataset.text !== `${message.note}${run === null}${isBusy}`) {
      this.#note.dataset.text = `${message.note}${run === null}${isBusy}`;
      this.#note.replaceChildren(message.note);
      if (message.figures === null && run === null && !isBusy) {
        const again = element('button', { type: 'button' }, 'Try again');
        again.addEventListener('click', () => this.#actions.retry(message));
        this.#note.append(again);
      }
    }
  }

  /** Buttons that are there stay, with the focus. */
  #showTools(isBusy) {
    const { message, run } = this;
    const versions = this.#actions.versions(message);
    const place = versions.indexOf(message);
    const state = [run !== null, isBusy, place, versions.length, message.text === ''].join();
    if (this.#tools.dataset.state === state) {
      return;
    }
    this.#tools.dataset.state = state;
    const tools = [];
    if (versions.length > 1) {
      const previous = button('left', 'Earlier version', () => this.#actions.show(versions[place - 1]));
      const next = button('right', 'Later version', () => this.#actions.show(versions[place + 1]));
      previous.disabled = place === 0 || isBusy;
      next.disabled = place === versions.length - 1 || isBusy;
      const count = element('span', { 'aria-label': `Version ${place + 1} of ${versions.length}` },
        `${place + 1}/${versions.length}`);
      tools.push(element('span', { class: 'versions' }, previous, count, next));
    }
    if (message.text !== '' && run === null) {
      const copying = button('copy', 'Copy', async () => {
        const text = await copy(message.text) ? 'Copied' : 'Not allowed';
        copying.setAttribute('aria-label', text);
        copying.title = text;
        setTimeout(() => {
          copying.setAttribute('aria-label', 'Copy');
          copying.title = 'Copy';
        }, 2000);
      });
      tools.push(copying);
    }
    if (message.role === 'user') {
      const edit = button('edit', 'Edit', () => this.edit());
      edit.disabled = isBusy;
      tools.push(edit);
    } else if (run === null) {
      const retry = button('retry', 'Answer again', () => this.#actions.retry(message));
      retry.disabled = isBusy;
      tools.push(retry);
    }
    this.#tools.replaceChildren(...tools, ...(this.#figures ? [this.#figures] : []));
  }

  /** Puts a field in place of a question. */
  edit() {
    if (this.node.querySelector('.edit')) {
      return;
    }
    const area = element('textarea', { 'aria-label': 'The question, edited', rows: '3' });
    area.value = this.message.text;
    const cancel = element('button', { type: 'button', class: 'quiet' }, 'Cancel');
    const send = element('button', { type: 'submit', class: 'primary' }, 'Send');
    const form = element('form', { class: 'edit' }, area, element('div', { class: 'buttons' }, cancel, send));
    const end = () => {
      form.remove();
      this.#body.hidden = false;
      this.#tools.hidden = false;
    };
    cancel.addEventListener('click', () => {
      end();
      this.#tools.querySelector('[aria-label="Edit"]')?.focus();
    });
    form.addEventListener('submit', event => {
      event.preventDefault();
      if (area.value.trim() !== '') {
        end();
        this.#actions.edit(this.message, area.value);
      }
    });
    area.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key === 'Escape') {
        event.stopPropagation();
        cancel.click();
      }
    });
    this.#body.hidden = true;
    this.#tools.hidden = true;
    this.node.prepend(form);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }
}
