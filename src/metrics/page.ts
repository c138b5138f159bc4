// `Page` writes metrics in the text format of Prometheus, version 0.0.4.

export type Labels = Readonly<Record<string, string>>;

/** A page in the text format of Prometheus. */
export class Page {
  readonly #lines: string[] = [];
  #name = '';

  constructor(private readonly prefix: string) {}

  /** Begins the samples of one metric. */
  begin(name: string, type: 'counter' | 'gauge', help: string): void {
    this.#name = `${this.prefix}_${name}`;
    this.#lines.push(`# HELP ${this.#name} ${help}`, `# TYPE ${this.#name} ${type}`);
  }

  line(value: number, labels: Labels): void {
    const list = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
    this.#lines.push(`${this.#name}${list.length > 0 ? `{${list.join(',')}}` : ''} ${value}`);
  }

  /** One sample for each entry, whose key is the value of `label`. */
  lines(values: Readonly<Record<string, number>>, label: string, labels: Labels): void {
    for (const [key, value] of Object.entries(values)) this.line(value, { ...labels, [label]: key });
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** A label's value, with the characters that end it escaped. */
function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
