// `PAGE_STYLE` is the style sheet of the page of `wsimd serve`: light and dark, from phone width up.

/** CSS, which the page embeds unchanged. */
export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --line: #dcdcd8; --text: #1c1d1f; --quiet: #63666b;
  --accent: #1f5fbf; --on-accent: #ffffff; --good: #1a7f45; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131416; --card: #1b1d20; --line: #33363b; --text: #e7e8ea; --quiet: #9da1a8;
    --accent: #84aef5; --on-accent: #10203c; --good: #6cc792; --bad: #f2938c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 62rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; margin-bottom: 1rem; }
h1 { margin: 0; font-size: 1.25rem; font-weight: 650; }
h2 { margin: 0 0 .75rem; font-size: .95rem; font-weight: 600; }
header h1 { flex: 1; }
header p { order: 1; flex: 1 1 100%; margin: 0; color: var(--quiet); overflow-wrap: anywhere; }
#state::before {
  content: ''; display: inline-block; width: .6rem; height: .6rem; margin-right: .5rem; border-radius: 50%;
  background: var(--quiet);
}
#state[data-state='open']::before { background: var(--good); }
#state[data-state='lost']::before { background: var(--bad); }
main, main > div { display: grid; gap: 1rem; align-content: start; grid-template-columns: minmax(0, 1fr); }
section { min-width: 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
@media (min-width: 48rem) {
  main { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
  header h1 { flex: none; }
  header p { order: 0; flex: 1; }
}
label { display: block; margin-bottom: .25rem; color: var(--quiet); font-size: .85rem; }
textarea, input {
  width: 100%; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: .35rem; background: var(--ground);
  color: inherit; font: inherit;
}
textarea { min-height: 4.5rem; resize: vertical; }
textarea, pre, td { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: .85rem; }
button, ::file-selector-button {
  padding: .45rem .9rem; border: 1px solid var(--line); border-radius: .35rem; background: var(--card); color: inherit;
  font: inherit; white-space: nowrap; cursor: pointer;
}
::file-selector-button { margin: -.1rem .6rem -.1rem -.25rem; padding: .1rem .6rem; }
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button[aria-pressed='true'] { border-color: var(--accent); color: var(--accent); }
button:hover:not(:disabled) { border-color: var(--text); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
form + form { margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.row { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem; margin-top: .5rem; }
.row > div { flex: 1 1 7rem; }
.quiet, figcaption { margin: .5rem 0 0; color: var(--quiet); font-size: .85rem; font-variant-numeric: tabular-nums; }
figure { margin: 0; }
svg { display: block; width: 100%; height: 10rem; }
svg .grid { stroke: var(--line); }
svg text { fill: var(--quiet); font-size: 11px; font-variant-numeric: tabular-nums; }
svg polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; }
svg circle { fill: var(--accent); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .2rem 0; border-bottom: 1px solid var(--line); text-align: right; font-variant-numeric: tabular-nums; }
th { color: var(--quiet); font-size: .85rem; font-weight: 400; }
th:first-child { text-align: left; }
tr:last-child > * { border-bottom: 0; }
tr.none td { color: var(--quiet); }
ol { margin: 0; padding: 0; list-style: none; max-height: 22rem; overflow-y: auto; }
li { padding: .4rem 0; border-bottom: 1px solid var(--line); }
li:last-child { border-bottom: 0; }
li p { margin: 0; color: var(--quiet); font-size: .85rem; font-variant-numeric: tabular-nums; }
li.differs p { color: var(--bad); }
pre { margin: .1rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
`;
