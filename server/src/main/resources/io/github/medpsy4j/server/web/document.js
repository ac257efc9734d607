// Draws what markdown.js parsed. Text only ever becomes text nodes; nothing is loaded, and only addresses of the web
// become links.
import { parse } from './markdown.js';

/** An element with attributes, and children that are elements or texts. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) {
      node.setAttribute(key, '');
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(key, value);
    }
  }
  node.append(...children);
  return node;
}

/** A picture of index.html's. */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Puts a text on the clipboard, also where the page is not served over TLS; false if the browser refuses. */
export async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed: the older way may be
    }
  }
  const before = document.activeElement;
  const area = element('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  before?.focus();
  return isDone;
}

/** An element with a text of Markdown that may grow: what is drawn already stays, with what is selected in it. */
export class MarkdownView {
  #root;
  #sources = [];

  constructor(root) {
    this.#root = root;
  }

  /** @param partial whether more of the text is to come */
  show(text, partial) {
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    const blocks = parse(text, partial);
    const sources = blocks.map(({ lines: [from, to] }, i) =>
      // The last one looks otherwise once it has ended.
      (partial && i === blocks.length - 1 ? 'partial ' : '') + lines.slice(from, to).join('\n'));
    let same = 0;
    while (same < sources.length && sources[same] === this.#sources[same]) {
      same++;
    }
    while (this.#root.childNodes.length > same) {
      this.#root.lastChild.remove();
    }
    const outline = new Outline();
    const levels = blocks.map(block => block.type === 'heading' ? outline.add(block.level) : outline.below());
    this.#root.append(...blocks.slice(same).map((block, i) => drawBlock(block, levels[same + i])));
    this.#sources = sources;
  }
}

/** Headings under the page's own, none of which skips a level whatever the model wrote. */
class Outline {
  #above = [];

  add(level) {
    this.#above = [...this.#above.filter(each => each < level), level];
    return this.below() - 1;
  }

  below() {
    return Math.min(6, this.#above.length + 2);
  }
}

/** @param level of headings in it */
function drawBlock(block, level, tight = false) {
  switch (block.type) {
    case 'heading':
      return element(`h${level}`, {}, ...drawInlines(block.inlines));
    case 'code':
      return drawCode(block);
    case 'quote':
      return element('blockquote', {}, ...block.blocks.map(each => drawBlock(each, level)));
    case 'list': {
      const attributes = block.ordered && block.start !== 1 ? { start: block.start } : {};
      return element(block.ordered ? 'ol' : 'ul', attributes, ...block.items.map(item => drawItem(item, level, block.tight)));
    }
    case 'rule':
      return element('hr');
    case 'table':
      return drawTable(block);
    default:
      return tight ? fragment(drawInlines(block.inlines)) : element('p', {}, ...drawInlines(block.inlines));
  }
}

function fragment(nodes) {
  const all = document.createDocumentFragment();
  all.append(...nodes);
  return all;
}

function drawItem(item, level, tight) {
  const li = element('li', item.checked === null ? {} : { class: 'task' });
  if (item.checked !== null) {
    const box = element('input', { type: 'checkbox', disabled: true, 'aria-label': item.checked ? 'done' : 'to do' });
    box.checked = item.checked;
    li.append(box, ' ');
  }
  li.append(...item.blocks.map(each => drawBlock(each, level, tight)));
  return li;
}

function drawTable(table) {
  const row = (cells, name) => element('tr', {}, ...cells.map((cell, i) =>
    element(name, {
      class: table.align[i] ? `align-${table.align[i]}` : null,
      scope: name === 'th' ? 'col' : null,
    }, ...drawInlines(cell))));
  // Whoever has no mouse scrolls a wide table by its keys.
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table' },
    element('table', {},
      element('thead', {}, row(table.head, 'th')),
      element('tbody', {}, ...table.rows.map(cells => row(cells, 'td')))));
}

function drawCode(block) {
  const said = element('span', {}, 'Copy');
  const button = element('button', { type: 'button', class: 'quiet', 'aria-label': 'Copy the code' }, icon('copy'), said);
  button.addEventListener('click', async () => {
    said.textContent = await copy(block.text) ? 'Copied' : 'Not allowed';
    setTimeout(() => {
      said.textContent = 'Copy';
    }, 2000);
  });
  return element('div', { class: 'code' },
    element('div', { class: 'code-head' }, element('span', {}, block.language), button),
    element('pre', { tabindex: '0', role: 'region', 'aria-label': 'Code' }, element('code', {}, block.text)));
}

function drawInlines(inlines) {
  return inlines.map(inline => {
    switch (inline.type) {
      case 'code':
        return element('code', {}, inline.text);
      case 'break':
        return element('br');
      case 'strong':
      case 'em':
        return element(inline.type, {}, ...drawInlines(inline.children));
      case 'strike':
        return element('s', {}, ...drawInlines(inline.children));
      case 'link':
        return inline.href === ''
          ? element('span', { class: 'inert' }, ...drawInlines(inline.children))
          : element('a', { href: inline.href, target: '_blank', rel: 'noopener noreferrer nofollow', title: inline.href },
            ...drawInlines(inline.children));
      default:
        return inline.text;
    }
  });
}
