// `fold` breaks the long lines of a help or a sentence at spaces, so that a narrow terminal does not cut words.

/** Prose that was broken by hand: it continues the prose above. */
const PROSE = /^[A-Za-z](?!.* {2})/;
/** The rest of an option's description: it belongs to the line above. */
const DEEP = /^ {16,}\S/;
/** A line of two columns, such as an option and its description. */
const COLUMNS = /^ *\S.*? {2,}(?=\S)/;

/**
 * Returns the text with no line longer than `columns`, as far as its words allow. The rest of a line stands below its
 * description. Text that fits, and text for no terminal, stays as it is.
 */
export function fold(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  const lines = text.split('\n');
  if (lines.every((line) => line.length <= columns)) return text;
  const whole: string[] = [];
  for (const line of lines) {
    const above = whole.at(-1) ?? '';
    if (above !== '' && (DEEP.test(line) || (PROSE.test(line) && PROSE.test(above)))) {
      whole[whole.length - 1] = `${above} ${line.trimStart()}`;
    } else {
      whole.push(line);
    }
  }
  return whole.flatMap((line) => (line.length <= columns ? [line] : broken(line, columns))).join('\n');
}

function broken(line: string, columns: number): string[] {
  const [head = ''] = COLUMNS.exec(line) ?? [];
  const [indent] = /^ */.exec(line)!;
  const isWide = head.length > columns / 2;
  const isItem = head === '' && /^ +-/.test(line);
  const hang = isWide || isItem ? `${indent}    ` : ' '.repeat(head.length || indent.length);
  // A description that would have less than half of the columns begins on a line of its own.
  const rows = isWide ? [head.trimEnd()] : [];
  const start = head === '' ? indent : isWide ? hang : head;
  const [first, ...words] = line.slice(head.length).trimStart().split(' ');
  let row = start + first;
  for (const word of words) {
    if (row.length + 1 + word.length <= columns) {
      row += ` ${word}`;
    } else {
      rows.push(row);
      row = hang + word;
    }
  }
  return [...rows, row];
}
