import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { escapeHtml, markup, Markup, page } from '../../../src/conformance/report/html.js';
test('a template escapes text and keeps what templates made', () => {
    const inner = markup `<b title="${`"'`}">${'<&>'}</b>`;
    expect(inner.text).toBe('<b title="&quot;&#39;">&lt;&amp;&gt;</b>');
    expect(markup `<p>${[inner, 'x<', 3]}</p>`.text).toBe(`<p>${inner.text}x&lt;3</p>`);
});
test('the indentation of a template is left out, that of its text is not', () => {
    expect(markup `<pre>${'a\n   b'}</pre>
      <p></p>`.text).toBe('<pre>a\n   b</pre>\n<p></p>');
});
test('control and direction characters are shown by their numbers', () => {
    expect(escapeHtml('a\u0000\u001b[31m\u202e\tb\n')).toBe('a\\x00\\x1b[31m\\u202e\tb\n');
});
test('a page allows its own style and script and nothing else', () => {
    const made = page('<T>', 'a{}', new Markup('<p></p>'), 'b()');
    const hash = (text) => createHash('sha256').update(text).digest('base64');
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(made)?.[1].replaceAll('&#39;', "'");
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash('a{}')}'; script-src 'sha256-${hash('b()')}'; base-uri 'none'; form-action 'none'`);
    expect(made).toContain('<style>a{}</style>');
    expect(made).toContain('<script>b()</script>');
    expect(made).toContain('<title>&lt;T&gt;</title>');
});
