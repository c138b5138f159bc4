// `markup` writes HTML text: a value in a template is escaped unless a template made it.
import { createHash } from 'node:crypto';
import { visibleText } from './visible.js';

/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a template: text is escaped, lists are joined. */
export type Child = Markup | string | number | readonly Child[];

/** A tagged template that escapes its values. The indentation of the template itself is left out. */
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

/** Escapes text for an element or a quoted attribute, and shows invisible characters. */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** The style sheet of a page: its text, or the file beside the page that has it. */
export type Style = string | { href: string };

/**
 * A whole page around `body`. It loads nothing but a style sheet that is a file, and runs nothing but its own `script`: the policy names
 * what stands in the page by its hash. `allow` is one more directive.
 */
export function page(title: string, style: Style, body: Markup, script: string, allow: string = ''): string {
  const sheet =
    typeof style === 'string'
      ? markup`<style>${new Markup(style)}</style>`
      : markup`<link rel="stylesheet" href="${style.href}" />`;
  // A page on a disk has no origin of its own, so its neighbors are named by their scheme.
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
