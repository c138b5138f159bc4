// Values -> HTML text. Whatever is put into a template is escaped unless it was made by a template itself.
import { createHash } from 'node:crypto';
import { escapedCodePoint } from './python.js';

/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: text is escaped, lists are joined. */
export type Child = Markup | string | number | readonly Child[];

/** A tagged template that escapes what it is given. */
export function html(strings: TemplateStringsArray, ...children: readonly Child[]): Markup {
  let text = strings[0];
  for (const [at, child] of children.entries()) text += render(child) + strings[at + 1];
  return new Markup(text);
}

function render(child: Child): string {
  if (child instanceof Markup) return child.text;
  if (typeof child === 'string') return escapeHtml(child);
  if (typeof child === 'number') return String(child);
  return child.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Escapes text for an element or a quoted attribute. Control and direction characters, with which a testee could reorder or
 * hide what a page says, are shown by their numbers.
 */
export function escapeHtml(text: string): string {
  return text
    .replace(/(?![\t\n])[\p{Cc}\p{Cf}]/gu, escapedCodePoint)
    .replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** A whole page around `body`. It loads nothing and runs nothing but its own `script`: the policy names both by their hashes. */
export function page(title: string, style: string, body: Markup, script: string): string {
  const policy = `default-src 'none'; style-src '${integrity(style)}'; script-src '${integrity(script)}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        ${body}
        <script>
          ${new Markup(script)};
        </script>
      </body>
    </html> `.text;
}

function integrity(source: string): string {
  return `sha256-${createHash('sha256').update(source).digest('base64')}`;
}
