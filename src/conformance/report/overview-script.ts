// `OVERVIEW_SCRIPT` hides the rows that do not match the filter; without it the page shows all rows.

/** The text of the script, which runs in the page. It reads the document, and only hides and shows rows. */
export const OVERVIEW_SCRIPT: string = `
'use strict';
const form = document.querySelector('form.filter');
const output = form.querySelector('output');
const bodies = [...document.querySelectorAll('tbody.rows')].map((body) => {
  const group = body.dataset.group;
  const header = document.querySelector('tbody.group[data-group="' + group + '"]');
  const titles = header.querySelector('th').textContent + ' ' + (body.querySelector('.subgroup')?.textContent ?? '');
  const rows = [...body.querySelectorAll('tr[data-standings]')].map((row) => ({
    row,
    standings: row.dataset.standings.split(' '),
    text: (titles + ' ' + row.textContent).toLowerCase(),
  }));
  return { body, group, header, rows };
});
function filter() {
  const group = form.elements.group.value;
  const verdicts = new Set([...form.querySelectorAll('input[name=verdict]:checked')].map((box) => box.value));
  const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const { header } of bodies) header.hidden = true;
  for (const { body, group: own, header, rows } of bodies) {
    let any = false;
    for (const { row, standings, text } of rows) {
      const wanted = (group === '' || group === own) && standings.some((standing) => verdicts.has(standing)) && words.every((word) => text.includes(word));
      row.hidden = !wanted;
      if (wanted) {
        any = true;
        shown++;
      }
    }
    body.hidden = !any;
    if (any) header.hidden = false;
  }
  output.value = shown + (shown === 1 ? ' case' : ' cases');
  document.querySelector('.nothing').hidden = shown > 0;
}
form.addEventListener('input', filter);
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
filter();
`;
