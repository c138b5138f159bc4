// `markup` writes HTML text, and escapes each value in a template unless a template made the value.
import { createHash } from 'node:crypto';
import { visibleText } from './visible.js';

/** Text that is HTML, which `markup` does not escape. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a template: `markup` escapes text and joins lists. */
export type Child = Markup | string | number | readonly Child[];

/** A template tag that escapes values and removes the indentation of the template itself. */
export function markup(strings: TemplateStringsArray, ...children: readonly Child[]): Markup {
  const literals = strings.map((literal) => literal.replace(/\n +/g, '\n'));
  return new Markup(literals.reduce((text, literal, at) => text + render(children[at - 1]) + literal));
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

/** Escapes text for an element or a quoted attribute, and makes invisible characters visible. */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** The style sheet of a page: its text, or a link to its file. */
export type Style = string | { href: string };

/**
 * The HTML of a page around `body`. Its Content-Security-Policy lets it load only a style sheet that is a file, and run only
 * `script`: it contains the hashes of what is inline. `allow` is one more directive.
 */
export function page(title: string, style: Style, body: Markup, script: string, allow: string = ''): string {
  const sheet =
    typeof style === 'string'
      ? markup`<style>${new Markup(style)}</style>`
      : markup`<link rel="stylesheet" href="${style.href}" />`;
  // A page on a disk has no origin, so that only the scheme allows the files beside it.
  const styles = typeof style === 'string' ? `'${integrity(style)}'` : "'self' file:";
  const policy = `default-src 'none'; style-src ${styles}; script-src '${integrity(script)}'; base-uri 'none'; form-action 'none'${allow === '' ? '' : `; ${allow}`}`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${sheet}
      </head>
      <body>
        ${body}
        ${script === '' ? '' : markup`<script>${new Markup(script)}</script>`}
      </body>
    </html>
`.text;
}

function integrity(source: string): string {
  return `sha256-${createHash('sha256').update(source).digest('base64')}`;
}
