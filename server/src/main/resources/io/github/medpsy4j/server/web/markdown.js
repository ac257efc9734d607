// Markdown as models write it (CommonMark's core and GitHub's tables, task lists and strikethrough) to a tree of plain
// objects. It knows no DOM: document.js draws the tree. HTML is text here. Work grows with the text's length: nesting is
// bounded, and nothing is searched for twice that was not found once.
//
// Blocks:  {type: 'paragraph' | 'heading', level, inlines}  {type: 'code', language, text}  {type: 'quote', blocks}
//          {type: 'list', ordered, start, tight, items: [{checked, blocks}]}  {type: 'rule'}
//          {type: 'table', align: ['left' | 'center' | 'right' | ''], head: [inlines], rows: [[inlines]]}
// Inlines: {type: 'text', text}  {type: 'code', text}  {type: 'break'}
//          {type: 'strong' | 'em' | 'strike' | 'link', href, children}; href is '' unless it is http or https

const DEPTH_MAX = 12;
const COLUMNS_MAX = 64;

const FENCE = /^ {0,3}(`{3,}|~{3,})[ ]*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?: (.*))?$/;
const RULE = /^ {0,3}(?:(?:\*[ ]*){3,}|(?:-[ ]*){3,}|(?:_[ ]*){3,})$/;
const QUOTE = /^ {0,3}>[ ]?/;
const MARKER = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( +)(.*))?$/;
const TASK = /^\[([ xX])\] +/;
const DELIMITER_CELL = /^:?-+:?$/;

/**
 * Parses a text.
 *
 * @param text Markdown
 * @param partial whether more of it is to come: marks whose end has not come yet count as closed
 * @returns blocks; each has `lines`, the range [from, to) of its lines
 */
export function parse(text, partial = false) {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n');
  return parseBlocks(lines, 0, partial);
}

function isBlank(line) {
  return line.trim() === '';
}

function startsBlock(line) {
  const marker = MARKER.exec(line);
  return FENCE.test(line)
    || HEADING.test(line)
    || RULE.test(line)
    || QUOTE.test(line)
    // As in CommonMark, a list ends a paragraph only if it begins with 1 and is not empty.
    || (marker !== null && marker[4] !== undefined && marker[4] !== '' && /^([-*+]|1[.)])$/.test(marker[2]));
}

function parseBlocks(lines, depth, partial) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }
    const [block, end] = parseBlock(lines, at, depth, partial);
    block.lines = [at, end];
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function parseBlock(lines, at, depth, partial) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) {
    return fenced(lines, at, fence);
  }
  if (depth < DEPTH_MAX && /^ {4}/.test(line)) {
    return indented(lines, at);
  }
  const heading = HEADING.exec(line);
  if (heading) {
    const text = (heading[2] ?? '').trim();
    const tail = /(?:^|[^#])(#*)$/.exec(text)[1].length;
    const isClosed = tail === text.length || text[text.length - tail - 1] === ' ';
    const inlines = parseInlines(isClosed ? text.slice(0, text.length - tail).trim() : text, partial && at === lines.length - 1);
    return [{ type: 'heading', level: heading[1].length, inlines }, at + 1];
  }
  if (RULE.test(line)) {
    return [{ type: 'rule' }, at + 1];
  }
  if (depth < DEPTH_MAX && QUOTE.test(line)) {
    return quote(lines, at, depth, partial);
  }
  if (depth < DEPTH_MAX && MARKER.test(line)) {
    return list(lines, at, depth, partial);
  }
  return table(lines, at, partial) ?? paragraph(lines, at, partial);
}

function fenced(lines, at, fence) {
  const indent = line => line.length - line.trimStart().length;
  const own = indent(lines[at]);
  const content = [];
  let end = at + 1;
  for (; end < lines.length; end++) {
    const trimmed = lines[end].trim();
    const isClosing = indent(lines[end]) <= 3 && trimmed.length >= fence[1].length
      && trimmed === fence[1][0].repeat(trimmed.length);
    if (isClosing) {
      end++;
      break;
    }
    content.push(lines[end].slice(Math.min(own, indent(lines[end]))));
  }
  return [{ type: 'code', language: fence[2].trim().split(' ')[0], text: content.join('\n') }, end];
}

function indented(lines, at) {
  const content = [];
  let end = at;
  while (end < lines.length && (/^ {4}/.test(lines[end]) || isBlank(lines[end]))) {
    content.push(lines[end].slice(4));
    end++;
  }
  return [{ type: 'code', language: '', text: content.join('\n').trimEnd() }, end];
}

function quote(lines, at, depth, partial) {
  const content = [];
  let end = at;
  while (end < lines.length) {
    if (QUOTE.test(lines[end])) {
      content.push(lines[end].replace(QUOTE, ''));
    } else if (isBlank(lines[end]) || startsBlock(lines[end]) || isBlank(content.at(-1))) {
      break;
    } else {
      content.push(lines[end]); // a paragraph goes on without its mark
    }
    end++;
  }
  return [{ type: 'quote', blocks: parseBlocks(content, depth + 1, partial && end === lines.length) }, end];
}

function kindOf(marker) {
  return marker[2].at(-1);
}

function list(lines, at, depth, partial) {
  const first = MARKER.exec(lines[at]);
  const ordered = /\d/.test(first[2]);
  const items = [];
  let tight = true;
  let end = at;
  while (end < lines.length) {
    const marker = MARKER.exec(lines[end]);
    if (!marker || kindOf(marker) !== kindOf(first) || RULE.test(lines[end])) {
      break;
    }
    // More than four spaces behind the mark are the content's own.
    const gap = marker[3] === undefined || marker[4] === '' ? 1 : marker[3].length > 4 ? 1 : marker[3].length;
    const width = marker[1].length + marker[2].length + gap;
    const content = [lines[end].slice(width)];
    end++;
    while (end < lines.length) {
      const line = lines[end];
      if (isBlank(line)) {
        content.push('');
      } else if (line.length - line.trimStart().length >= width) {
        content.push(line.slice(width));
      } else if (isBlank(content.at(-1)) || startsBlock(line) || MARKER.test(line)) {
        break;
      } else {
        content.push(line.trimStart());
      }
      end++;
    }
    const before = content.length;
    while (content.length > 1 && isBlank(content.at(-1))) {
      content.pop();
    }
    const next = end < lines.length ? MARKER.exec(lines[end]) : null;
    const goesOn = next !== null && kindOf(next) === kindOf(first) && !RULE.test(lines[end]);
    if (before > content.length && goesOn) {
      tight = false;
    }
    const task = TASK.exec(content[0]);
    if (task) {
      content[0] = content[0].slice(task[0].length);
    }
    const blocks = parseBlocks(content, depth + 1, partial && end === lines.length);
    if (blocks.some((block, i) => i > 0 && blocks[i - 1].lines[1] < block.lines[0] && block.type === 'paragraph')) {
      tight = false;
    }
    items.push({ checked: task ? task[1] !== ' ' : null, blocks });
    if (!goesOn) {
      break;
    }
  }
  return [{ type: 'list', ordered, start: ordered ? parseInt(first[2], 10) : 1, tight, items }, end];
}

/** The cells of a row, or null if it has no bar. */
function cells(line) {
  const trimmed = line.trim();
  if (!trimmed.includes('|')) {
    return null;
  }
  const found = [];
  let cell = '';
  for (let i = 0; i < trimmed.length; i++) {
    if (trimmed[i] === '\\' && trimmed[i + 1] === '|') {
      cell += '|';
      i++;
    } else if (trimmed[i] === '|') {
      found.push(cell.trim());
      cell = '';
    } else {
      cell += trimmed[i];
    }
  }
  if (cell.trim() !== '' || !trimmed.endsWith('|')) {
    found.push(cell.trim());
  }
  if (trimmed.startsWith('|')) {
    found.shift();
  }
  return found;
}

function table(lines, at, partial) {
  const head = cells(lines[at]);
  if (!head || head.length > COLUMNS_MAX || at + 1 >= lines.length) {
    return null;
  }
  const delimiters = cells(lines[at + 1]);
  if (!delimiters || delimiters.length !== head.length || !delimiters.every(cell => DELIMITER_CELL.test(cell))) {
    return null;
  }
  const align = delimiters.map(cell =>
    cell.endsWith(':') ? (cell.startsWith(':') ? 'center' : 'right') : cell.startsWith(':') ? 'left' : '');
  const rows = [];
  let end = at + 2;
  while (end < lines.length && !isBlank(lines[end])) {
    const row = cells(lines[end]);
    if (!row) {
      break;
    }
    const isLast = partial && end === lines.length - 1;
    rows.push(row.slice(0, head.length).map(cell => parseInlines(cell, isLast)));
    end++;
  }
  return [{ type: 'table', align, head: head.map(cell => parseInlines(cell, false)), rows }, end];
}

function paragraph(lines, at, partial) {
  const content = [lines[at].trimStart()];
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end])) {
    const underline = /^ {0,3}(=+|-+) *$/.exec(lines[end]);
    if (underline) {
      const level = underline[1][0] === '=' ? 1 : 2;
      return [{ type: 'heading', level, inlines: parseInlines(content.join('\n'), false) }, end + 1];
    }
    if (startsBlock(lines[end]) || (end + 1 < lines.length && table(lines.slice(end, end + 2), 0, false))) {
      break;
    }
    content.push(lines[end].trimStart());
    end++;
  }
  return [{ type: 'paragraph', inlines: parseInlines(content.join('\n'), partial && end === lines.length) }, end];
}

// ---- Inlines ----

const PLAIN = /[^\\`*_~[\]!<&\nhH]+/y;
const AUTOLINK = /<(https?:\/\/[^\s<>]*)>/iy;
const BARE = /https?:\/\/[^\s<>"`*|]+/iy;
const BREAK_TAG = /<br *\/?>/iy;
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp|ge|le|ne|deg|micro|plusmn|times|mdash|ndash|hellip));/y;
const TARGET = /\([ \n]{0,3}(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:[ \n]{1,3}(?:"[^"]*"|'[^']*'))?[ \n]{0,3}\)/y;
const NAMED = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', ge: '≥', le: '≤', ne: '≠', deg: '°', micro: 'µ',
  plusmn: '±', times: '×', mdash: '—', ndash: '–', hellip: '…',
};

/** The address if it is one of the web, else ''. */
export function webAddress(text) {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return '';
  }
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : '';
}

/** A list whose parts can be taken out anywhere: `first` is a guard before its nodes. */
class Chain {
  constructor() {
    this.first = { next: null, previous: null };
    this.last = this.first;
  }

  add(node) {
    node.previous = this.last;
    node.next = null;
    this.last.next = node;
    this.last = node;
    return node;
  }

  text(text) {
    if (this.last.type === 'text') {
      this.last.text += text;
    } else {
      this.add({ type: 'text', text });
    }
  }

  remove(node) {
    node.previous.next = node.next;
    if (node.next) {
      node.next.previous = node.previous;
    } else {
      this.last = node.previous;
    }
  }

  /** Puts all nodes between two others (`to` null: to the end) into a new one in their place. */
  wrap(from, to, node) {
    const inside = [];
    for (let each = from.next; each !== to; each = each.next) {
      inside.push(each);
    }
    node.children = merged(inside);
    node.previous = from;
    node.next = to;
    from.next = node;
    if (to) {
      to.previous = node;
    } else {
      this.last = node;
    }
    return node;
  }
}

/** Nodes as they are given out: without links, what is left of marks as text. */
function merged(nodes) {
  const out = [];
  for (const node of nodes) {
    const text = node.type === 'text' ? node.text
      : node.type === 'mark' ? node.mark.repeat(node.count)
      : node.type === 'bracket' ? node.text : null;
    if (text === null) {
      out.push(plain(node));
    } else if (out.at(-1)?.type === 'text') {
      out.at(-1).text += text;
    } else if (text !== '') {
      out.push({ type: 'text', text });
    }
  }
  return out;
}

function plain(node) {
  const { previous, next, ...rest } = node;
  return rest;
}

/** Parses a text without blocks. */
export function parseInlines(text, partial = false) {
  const chain = new Chain();
  const brackets = { open: [], floor: 0 }; // those below the floor hold a link, so only images among them can close
  const missingTicks = new Set();
  let at = 0;
  const match = pattern => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const plainRun = match(PLAIN);
    if (plainRun) {
      chain.text(plainRun[0]);
      at += plainRun[0].length;
      continue;
    }
    const c = text[at];
    if (c === '\\') {
      const next = text[at + 1] ?? '';
      if (next === '\n') {
        chain.add({ type: 'break' });
        at = skipSpaces(text, at + 2);
      } else if (/[!-/:-@[-`{-~]/.test(next)) {
        chain.text(next);
        at += 2;
      } else {
        chain.text(c);
        at++;
      }
    } else if (c === '\n') {
      const isHard = chain.last.type === 'text' && chain.last.text.endsWith('  ');
      if (chain.last.type === 'text') {
        chain.last.text = chain.last.text.trimEnd();
      }
      if (isHard) {
        chain.add({ type: 'break' });
      } else {
        chain.text('\n');
      }
      at = skipSpaces(text, at + 1);
    } else if (c === '`') {
      at = ticks(chain, text, at, missingTicks, partial);
    } else if (c === '*' || c === '_' || c === '~') {
      at = mark(chain, text, at);
    } else if (c === '[' || (c === '!' && text[at + 1] === '[')) {
      const opening = c === '[' ? '[' : '![';
      brackets.open.push(chain.add({ type: 'bracket', text: opening, isImage: c === '!' }));
      at += opening.length;
    } else if (c === ']') {
      at = closeBracket(chain, brackets, text, at);
    } else if (c === '<' && match(BREAK_TAG)) {
      chain.add({ type: 'break' });
      at = text.indexOf('>', at) + 1;
    } else if (c === '<' && match(AUTOLINK)) {
      const found = match(AUTOLINK);
      link(chain, found[1]);
      at += found[0].length;
    } else if ((c === 'h' || c === 'H') && !/[\p{L}\p{N}]/u.test(text[at - 1] ?? ' ') && match(BARE)) {
      const address = withoutTail(match(BARE)[0]);
      link(chain, address);
      at += address.length;
    } else if (c === '&' && match(ENTITY)) {
      const found = match(ENTITY);
      chain.text(entity(found));
      at += found[0].length;
    } else {
      chain.text(c);
      at++;
    }
  }
  emphasize(chain, chain.first);
  if (partial) {
    closeLast(chain);
  }
  const nodes = [];
  for (let node = chain.first.next; node; node = node.next) {
    nodes.push(node);
  }
  return merged(nodes);
}

function skipSpaces(text, at) {
  while (text[at] === ' ') {
    at++;
  }
  return at;
}

function entity([, decimal, hex, name]) {
  if (name) {
    return NAMED[name];
  }
  const code = decimal ? parseInt(decimal, 10) : parseInt(hex, 16);
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : '\ufffd';
}

function link(chain, address) {
  chain.add({ type: 'link', href: webAddress(address), children: [{ type: 'text', text: address }] });
}

/** A bare address without what ends the sentence around it. */
function withoutTail(address) {
  let end = address.length;
  let open = 0;
  for (const c of address) {
    open += c === '(' ? 1 : c === ')' ? -1 : 0;
  }
  while (end > 0) {
    const c = address[end - 1];
    if (c === ')' && open < 0) {
      open++;
    } else if (!/[.,;:!?'_~\]]/.test(c)) {
      break;
    }
    end--;
  }
  return address.slice(0, end);
}

/** A code span, from its first backtick; returns where the text goes on. */
function ticks(chain, text, at, missing, partial) {
  let start = at;
  while (text[start] === '`') {
    start++;
  }
  const count = start - at;
  if (!missing.has(count)) {
    for (let from = start; from < text.length;) {
      const open = text.indexOf('`', from);
      if (open < 0) {
        break;
      }
      let end = open;
      while (text[end] === '`') {
        end++;
      }
      if (end - open === count) {
        code(chain, text.slice(start, open));
        return end;
      }
      from = end;
    }
    missing.add(count); // nor is there one further on
    if (partial && start < text.length) {
      code(chain, text.slice(start));
      return text.length;
    }
  }
  chain.text(text.slice(at, start));
  return start;
}

function code(chain, text) {
  const line = text.replace(/\n/g, ' ');
  const isPadded = line.startsWith(' ') && line.endsWith(' ') && line.trim() !== '';
  chain.add({ type: 'code', text: isPadded ? line.slice(1, -1) : line });
}

/** A run of asterisks, underscores or tildes; returns where the text goes on. */
function mark(chain, text, at) {
  const c = text[at];
  let end = at;
  while (text[end] === c) {
    end++;
  }
  const before = at === 0 ? ' ' : text[at - 1];
  const after = end >= text.length ? ' ' : text[end];
  const isSpaceBefore = /\s/.test(before);
  const isSpaceAfter = /\s/.test(after);
  const isPunctuationBefore = /[\p{P}\p{S}]/u.test(before);
  const isPunctuationAfter = /[\p{P}\p{S}]/u.test(after);
  const left = !isSpaceAfter && (!isPunctuationAfter || isSpaceBefore || isPunctuationBefore);
  const right = !isSpaceBefore && (!isPunctuationBefore || isSpaceAfter || isPunctuationAfter);
  const isUnderscore = c === '_';
  const count = end - at;
  if (c === '~' && count !== 2) {
    chain.text(text.slice(at, end));
    return end;
  }
  chain.add({
    type: 'mark',
    mark: c,
    count,
    full: count,
    opens: left && (!isUnderscore || !right || isPunctuationBefore),
    closes: right && (!isUnderscore || !left || isPunctuationAfter),
  });
  return end;
}

/** CommonMark's way of pairing marks, from a node to the end. */
function emphasize(chain, from) {
  const bottoms = new Map();
  let closer = from.next;
  while (closer) {
    if (closer.type !== 'mark' || !closer.closes) {
      closer = closer.next;
      continue;
    }
    const key = closer.mark + (closer.opens ? 1 : 0) + (closer.full % 3);
    const bottom = bottoms.get(key) ?? from;
    let opener = closer.previous;
    while (opener !== bottom && opener !== from && !(opener.type === 'mark' && pairs(opener, closer))) {
      opener = opener.previous;
    }
    if (opener === bottom || opener === from) {
      bottoms.set(key, closer.previous);
      closer = closer.next;
      continue;
    }
    const count = opener.count >= 2 && closer.count >= 2 ? 2 : 1;
    chain.wrap(opener, closer, { type: closer.mark === '~' ? 'strike' : count === 2 ? 'strong' : 'em' });
    opener.count -= count;
    closer.count -= count;
    if (opener.count === 0) {
      chain.remove(opener);
    }
    if (closer.count === 0) {
      const next = closer.next;
      chain.remove(closer);
      closer = next;
    }
  }
}

function pairs(opener, closer) {
  if (!opener.opens || opener.mark !== closer.mark) {
    return false;
  }
  const isThreefold = (opener.closes || closer.opens) && (opener.full + closer.full) % 3 === 0;
  return !isThreefold || (opener.full % 3 === 0 && closer.full % 3 === 0);
}

/** Where more is to come: the last mark that could open something has the rest. */
function closeLast(chain) {
  let node = chain.last;
  if (node.type === 'mark') {
    chain.remove(node); // no telling yet what it does
    node = chain.last;
  }
  while (node !== chain.first && !(node.type === 'mark' && node.opens)) {
    node = node.previous;
  }
  if (node !== chain.first) {
    chain.wrap(node, null, { type: node.mark === '~' ? 'strike' : node.count === 1 ? 'em' : 'strong' });
    node.count = Math.max(0, node.count - 2);
  }
}

function closeBracket(chain, brackets, text, at) {
  const opening = brackets.open.pop();
  const isActive = opening && (opening.isImage || brackets.open.length >= brackets.floor);
  brackets.floor = Math.min(brackets.floor, brackets.open.length);
  TARGET.lastIndex = at + 1;
  const target = isActive ? TARGET.exec(text) : null;
  if (!target) {
    chain.text(']');
    return at + 1;
  }
  emphasize(chain, opening);
  const address = (target[1] ?? target[2]).replace(/\\([!-/:-@[-`{-~])/g, '$1');
  chain.wrap(opening, null, { type: 'link', href: webAddress(address) });
  chain.remove(opening);
  if (!opening.isImage) {
    brackets.floor = brackets.open.length; // no link in a link
  }
  return at + 1 + target[0].length;
}
