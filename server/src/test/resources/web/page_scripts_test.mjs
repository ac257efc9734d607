// Run by PageScriptsTest: node page_scripts_test.mjs FOLDER_OF_THE_PAGE
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const folder = pathToFileURL(`${process.argv[2]}/`);
const { parse, parseInlines } = await import(new URL('markdown.js', folder));
const { EventReader } = await import(new URL('api.js', folder));
const { ROOT, add, fromFile, history, newConversation, path, toFile, versions } =
  await import(new URL('conversations.js', folder));

/** Inlines in short: *em*, **strong**, ~~strike~~, `code`, [text](href), | for a break. */
function short(inlines) {
  return inlines.map(each => {
    switch (each.type) {
      case 'text': return each.text;
      case 'code': return `\`${each.text}\``;
      case 'break': return '|';
      case 'em': return `*${short(each.children)}*`;
      case 'strong': return `**${short(each.children)}**`;
      case 'strike': return `~~${short(each.children)}~~`;
      default: return `[${short(each.children)}](${each.href})`;
    }
  }).join('');
}

/** Blocks in short. */
function outline(blocks) {
  return blocks.map(block => {
    switch (block.type) {
      case 'heading': return `h${block.level}(${short(block.inlines)})`;
      case 'code': return `code:${block.language}(${block.text})`;
      case 'quote': return `quote(${outline(block.blocks)})`;
      case 'rule': return 'rule';
      case 'list': {
        const name = (block.ordered ? `ol${block.start}` : 'ul') + (block.tight ? '' : '+');
        const mark = checked => checked === null ? '' : checked ? '[x]' : '[ ]';
        return `${name}(${block.items.map(item => mark(item.checked) + outline(item.blocks)).join('; ')})`;
      }
      case 'table':
        return `table:${block.align}(${[block.head, ...block.rows].map(row => row.map(short).join('|')).join('; ')})`;
      default: return `p(${short(block.inlines)})`;
    }
  }).join(' ');
}

const tests = {
  emphasis() {
    for (const [text, expected] of [
      ['*a* **b** ***c*** ~~d~~ __e__ _f_', '*a* **b** ***c*** ~~d~~ **e** *f*'],
      ['**bold *both* bold**', '**bold *both* bold**'],
      ['2 * 3 * 4', '2 * 3 * 4'],
      ['snake_case_name', 'snake_case_name'],
      ['**open', '**open'],
      ['*a **b*', '*a **b*'],
      ['a*b*c', 'a*b*c'],
      ['**a:**b', '**a:**b'],
      ['~a~', '~a~'],
    ]) {
      assert.equal(short(parseInlines(text)), expected, text);
    }
    assert.equal(parseInlines('2 * 3 * 4')[0].type, 'text');
    assert.equal(parseInlines('snake_case_name').length, 1);
    assert.equal(parseInlines('*a*')[0].type, 'em');
  },

  codeSpans() {
    assert.deepEqual(parseInlines('``a`b``'), [{ type: 'code', text: 'a`b' }]);
    assert.deepEqual(parseInlines('` `` `'), [{ type: 'code', text: '``' }]);
    assert.deepEqual(parseInlines('`*a*`'), [{ type: 'code', text: '*a*' }]);
    assert.deepEqual(parseInlines('`a'), [{ type: 'text', text: '`a' }]);
  },

  links() {
    for (const [text, expected] of [
      ['[a](https://b.c/d)', '[a](https://b.c/d)'],
      ['[a](<https://b.c/d> "e")', '[a](https://b.c/d)'],
      ['[a](https://b.c/d_(e))', '[a](https://b.c/d_(e))'],
      ['![a](https://b.c/d.png)', '[a](https://b.c/d.png)'],
      ['[*a*](https://b.c/)', '[*a*](https://b.c/)'],
      ['see https://b.c/d. Or (https://b.c/e)', 'see [https://b.c/d](https://b.c/d). Or ([https://b.c/e](https://b.c/e))'],
      ['<https://b.c/>', '[https://b.c/](https://b.c/)'],
      ['[a](https://b.c', '[a]([https://b.c](https://b.c/)'],
      ['[a]', '[a]'],
    ]) {
      assert.equal(short(parseInlines(text)), expected, text);
    }
    assert.equal(parseInlines('[a [b](http://c/) d](http://e/)').filter(each => each.type === 'link').length, 2);
  },

  onlyAddressesOfTheWebAreLinks() {
    for (const address of ['javascript:alert(1)', 'JavaScript:alert(1)', 'java\\script:x', 'data:text/html,x',
      'vbscript:x', '//b.c', '/d', 'file:///etc/passwd', 'https:', 'https://', 'http:b.c', '&#106;avascript:x']) {
      const nodes = parseInlines(`[a](${address})`);
      assert.ok(nodes.every(each => each.type !== 'link' || each.href === '' || /^https?:\/\/./.test(each.href)), address);
    }
    assert.deepEqual(parseInlines('[a](javascript:x)'), [{ type: 'link', href: '', children: [{ type: 'text', text: 'a' }] }]);
  },

  escapesEntitiesAndBreaks() {
    assert.equal(short(parseInlines('\\*a\\* \\q')), '*a* \\q');
    assert.equal(short(parseInlines('&lt;&amp;&#65;&#x42;&nope;&#0;&#xD800;')), '<&AB&nope;\ufffd\ufffd');
    assert.equal(short(parseInlines('a  \nb\\\nc\nd<br>e')), 'a|b|c\nd|e');
    assert.equal(short(parseInlines('<b onclick="x">a</b>')), '<b onclick="x">a</b>');
  },

  blocks() {
    for (const [text, expected] of [
      ['# a\n## b ##\n###### c\n####### d', 'h1(a) h2(b) h6(c) p(####### d)'],
      ['a\n===\nb\n---', 'h1(a) h2(b)'],
      ['a\nb\n\nc', 'p(a\nb) p(c)'],
      ['---\n***\n- - -', 'rule rule rule'],
      ['```js\nx\n\n  y\n```\nz', 'code:js(x\n\n  y) p(z)'],
      ['~~~\n```\n~~~', 'code:(```)'],
      ['```\nunfinished', 'code:(unfinished)'],
      ['    a\n    b', 'code:(a\nb)'],
      ['> a\nb\n> > c', 'quote(p(a\nb) quote(p(c)))'],
      ['- a\n- b\n\n* c', 'ul(p(a); p(b)) ul(p(c))'],
      ['1. a\n2. b\n   - c\n     d\n3. e', 'ol1(p(a); p(b) ul(p(c\nd)); p(e))'],
      ['7) a', 'ol7(p(a))'],
      ['- a\n\n- b', 'ul+(p(a); p(b))'],
      ['- a\n\n  b', 'ul+(p(a) p(b))'],
      ['- ```\n  x\n  ```', 'ul(code:(x))'],
      ['- [ ] a\n- [x] b', 'ul([ ]p(a); [x]p(b))'],
      ['in\n2024. it', 'p(in\n2024. it)'],
      ['a:\n- b', 'p(a:) ul(p(b))'],
      ['a\n\n\n', 'p(a)'],
      ['', ''],
      ['a\r\nb\rc', 'p(a\nb\nc)'],
    ]) {
      assert.equal(outline(parse(text)), expected, text);
    }
  },

  tables() {
    for (const [text, expected] of [
      ['|a|b|\n|-|:-:|\n|1|2|', 'table:,center(a|b; 1|2)'],
      ['a | b\n--- | ---:\n1', 'table:,right(a|b) p(1)'],
      ['|a|\n|-|\n|1\\|2|', 'table:(a; 1|2)'],
      ['|a|b|\n|-|-|\n|1|\n|1|2|3|', 'table:,(a|b; 1; 1|2)'],
      ['|a|b|\n|-|', 'p(|a|b|\n|-|)'],
      ['x\n|a|\n|-|', 'p(x) table:(a)'],
      ['|**a**|\n|:-|\n|`b`|', 'table:left(**a**; `b`)'],
    ]) {
      assert.equal(outline(parse(text)), expected, text);
    }
  },

  whatHasNotEndedYetCountsAsEnded() {
    for (const [text, expected] of [
      ['a **b', 'p(a **b**)'],
      ['a *b', 'p(a *b*)'],
      ['a `b', 'p(a `b`)'],
      ['a **', 'p(a )'],
      ['**a**\n\n- b **c', 'p(**a**) ul(p(b **c**))'],
      ['a **b\n\nc', 'p(a **b) p(c)'],
    ]) {
      assert.equal(outline(parse(text, true)), expected, text);
    }
  },

  everyBeginningCanBeDrawn() {
    const text = '# A\n\n1. **b** `c`\n   - [d](https://e.f)\n\n|g|h|\n|-|-|\n|*i*|j|\n\n> k\n\n```l\nm\n```\n***n*** ~~o~~';
    for (let end = 0; end <= text.length; end++) {
      const blocks = parse(text.slice(0, end), true);
      let at = 0;
      for (const { lines: [from, to] } of blocks) {
        assert.ok(from >= at && to > from, `lines of ${JSON.stringify(text.slice(0, end))}`);
        at = to;
      }
    }
  },

  workGrowsWithTheText() {
    const many = 20_000;
    for (const part of ['*', '*a ', '[', '[a](', '![', '> ', '- ', '-   ', '`', '**a', '_a*', '|', 'a|b\n', '- a\n', '[a](b "',
      'http://(', '*a _b ', '\\', '&#', '<https://', '[a](b)', '#', '    ', '1. ']) {
      const text = part.repeat(many);
      parse(text);
      parse(text, true);
      parse(`x ${text} y`);
      parse(`[x](${text}y`);
    }
    parse(`${'['.repeat(many)}${'[a](b)'.repeat(many)}`);
    parse(Array.from({ length: 600 }, (_, i) => `${'`'.repeat(i)} `).join(''));
    parse(`${'|'.repeat(many)}\n${'|-'.repeat(many)}\n${'|\n'.repeat(many)}`);
  },

  eventsComeWhole() {
    const reader = new EventReader();
    const events = [];
    for (const c of ': hello\n\ndata: a\n\ndata:b\r\n\r\nevent: x\ndata: c\ndata: d\n\ndata: unfinished') {
      events.push(...reader.push(c));
    }
    assert.deepEqual(events, ['a', 'b', 'c\nd']);
  },

  conversationsAreTrees() {
    const all = newConversation();
    const first = add(all, ROOT, 'user', 'One?\n');
    const answer = add(all, first.id, 'assistant', 'One.');
    const again = add(all, first.id, 'assistant', 'Uno.');
    assert.equal(all.title, 'One?');
    assert.deepEqual(path(all).map(each => each.text), ['One?\n', 'Uno.']);
    assert.deepEqual(versions(all, again).map(each => each.text), ['One.', 'Uno.']);
    all.chosen[first.id] = answer.id;
    const second = add(all, answer.id, 'user', 'Two?');
    assert.deepEqual(history(all, second, ' Be brief.').map(each => each.content),
      [' Be brief.', 'One?\n', 'One.', 'Two?']);
    const edited = add(all, ROOT, 'user', 'Other');
    assert.deepEqual(path(all), [edited]);
    assert.deepEqual(fromFile(toFile([all])), [all]);
  },

  filesAreDistrusted() {
    const all = newConversation();
    add(all, add(all, ROOT, 'user', 'a').id, 'assistant', 'b');
    const damage = change => {
      const copy = JSON.parse(toFile([all]));
      change(copy.conversations[0], copy);
      return JSON.stringify(copy);
    };
    assert.throws(() => fromFile('{'), /not JSON/);
    assert.throws(() => fromFile('null'), /no conversations/);
    assert.throws(() => fromFile('{"format":"x"}'), /no conversations/);
    for (const change of [
      (c, file) => { file.conversations = [null]; },
      c => { c.messages['1'].parent = '2'; },
      c => { c.messages['2'].role = 'system'; },
      c => { c.messages['1'].text = 5; },
      c => { c.messages['2'].id = '3'; },
      c => { c.messages.x = c.messages['1']; },
      c => { c.chosen['1'] = '9'; },
      c => { c.chosen.root = '2'; },
      c => { c.id = 5; },
    ]) {
      assert.throws(() => fromFile(damage(change)), /damaged/, change.toString());
    }
    assert.equal(fromFile(damage(c => { c.messages['2'].figures = { tokens: '<b>' }; }))[0].messages['2'].figures.tokens, 0);
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    test();
  } catch (e) {
    console.log(`${name}: ${e.stack}`);
    process.exit(1);
  }
}
console.log('all is well');
