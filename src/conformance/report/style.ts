// `BASE_STYLE`, `CASE_STYLE` and `OVERVIEW_STYLE` are the style sheets of the pages.
// The colours of verdicts differ under the common kinds of colour blindness (after Okabe and Ito), and each colour has a mark
// and a word beside it.

/** The part that all pages share. */
export const BASE_STYLE: string = `
:root {
  --page: #fdfdfc; --text: #1d2023; --quiet: #5d6369; --line: #e2e3e1; --raised: #f5f5f2; --link: #0b57a4;
  --ok: #009e73; --ok-text: #00634a; --ok-tint: #e4f4ee;
  --informational: #56b4e9; --informational-text: #0f5488; --informational-tint: #e4f1fa;
  --nonStrict: #e69f00; --nonStrict-text: #7a5000; --nonStrict-tint: #fcf0d6;
  --unimplemented: #9a9a9a; --unimplemented-text: #4d4d4d; --unimplemented-tint: #ececea;
  --closeFault: #cc79a7; --closeFault-text: #87245d; --closeFault-tint: #f8e7f0;
  --failed: #d55e00; --failed-text: #a03300; --failed-tint: #fde6d9;
  --missing: #d8d8d4; --missing-text: #5d6369; --missing-tint: transparent;
  --received: #0f5488; --sent: #00634a;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #17191c; --text: #e4e5e6; --quiet: #9aa0a6; --line: #31353a; --raised: #1f2226; --link: #8ab8ea;
    --ok-text: #5fd3ae; --ok-tint: #12312a;
    --informational-text: #8ccaf2; --informational-tint: #152d40;
    --nonStrict-text: #f0bf55; --nonStrict-tint: #382a0d;
    --unimplemented-text: #b9bcbf; --unimplemented-tint: #2b2e32;
    --closeFault-text: #e8a6c8; --closeFault-tint: #3a1f2f;
    --failed-text: #ff9b61; --failed-tint: #401f0f;
    --missing: #44484d; --missing-text: #9aa0a6;
    --received: #8ccaf2; --sent: #5fd3ae;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1, h2, h3, p, pre, table, ul, fieldset { margin: 0; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
a:not(:hover) { text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
pre, code { font-family: var(--mono); font-size: 0.8125rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: baseline; }
.chip { display: inline-block; padding: 0 0.5em; border-radius: 3px; font-size: 0.875rem; white-space: nowrap; color: var(--shade-text); background: var(--shade-tint); }
${['ok', 'informational', 'nonStrict', 'unimplemented', 'closeFault', 'failed', 'missing']
  .map(
    (name) =>
      `.${name} { --shade: var(--${name}); --shade-text: var(--${name}-text); --shade-tint: var(--${name}-tint); fill: var(--${name}); }`,
  )
  .join('\n')}
@media print {
  :root { --page: #fff; --text: #000; --quiet: #444; --line: #bbb; --raised: transparent; --link: #000; --received: #000; --sent: #000; }
  html { font-size: 8.5pt; }
  main { padding: 0; max-width: none !important; }
  a { text-decoration: none; }
  h1, h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .chip, .bar, td, rect { print-color-adjust: exact; }
}
`;

/** The part of case pages. */
export const CASE_STYLE: string = `
.case-page { max-width: 64rem; }
.case-page h1 { font-size: 1.5rem; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
.case-page h1 .when { font-weight: 400; color: var(--quiet); }
.case-page h1 .verdict { padding: 0 0.3em; border-radius: 3px; color: var(--shade-text); background: var(--shade-tint); box-shadow: inset 0 -2px 0 var(--shade); }
nav { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 2rem; margin-top: 0.6rem; padding-bottom: 0.9rem; border-bottom: 1px solid var(--line); font-size: 0.9375rem; color: var(--quiet); }
nav .steps a { margin-left: 1.1em; white-space: nowrap; }
nav .steps a:first-child { margin-left: 0; }
nav .others { flex-basis: 100%; }
section { margin-top: 2.2rem; }
h2 { font-size: 1.0625rem; font-weight: 650; margin-bottom: 0.45rem; }
h2 + .statistics { margin-top: 0.8rem; }
h3 { font-size: 0.875rem; font-weight: 600; margin-bottom: 0.35rem; }
.prose { max-width: 44rem; overflow-wrap: anywhere; }
.case-page section > pre, .outcome pre { padding: 0.65rem 0.85rem; background: var(--raised); border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; }
.outcome { display: grid; grid-template-columns: auto 1fr; gap: 0.4rem 1rem; margin-top: 0.7rem; align-items: baseline; }
.outcome p { color: var(--quiet); font-size: 0.9375rem; }
.handshake + .handshake { margin-top: 0.4rem; }
.closing { width: 100%; font-size: 0.9375rem; }
.closing th, .closing td { padding: 0.34rem 1.25rem 0.34rem 0; border-bottom: 1px solid var(--line); }
.closing th { font-size: 0.8125rem; font-weight: 500; color: var(--quiet); }
.closing td:last-child { padding-right: 0; color: var(--quiet); }
.closing td:nth-child(2) { max-width: 18rem; overflow-wrap: break-word; }
.closing .value { font-weight: 600; }
.statistics { display: grid; grid-template-columns: repeat(2, 1fr); gap: 1.6rem 2.5rem; align-items: start; }
.statistics table { width: 100%; font-size: 0.875rem; }
.statistics th, .statistics td { padding: 0.2rem 0; border-bottom: 1px solid var(--line); text-align: right; }
.statistics th { font-size: 0.8125rem; font-weight: 500; color: var(--quiet); }
.statistics :is(th, td):first-child { text-align: left; }
.statistics tfoot td { border-bottom: 0; font-weight: 600; }
.case-page section > .log { padding: 0.8rem 0.85rem; font-size: 0.75rem; line-height: 1.55; white-space: pre; overflow-x: auto; }
.log .line { display: block; }
.log .received { color: var(--received); }
.log .sent { color: var(--sent); }
@media screen and (max-width: 48rem) {
  main { padding: 1.25rem 1rem 3rem; }
  .case-page h1 { font-size: 1.25rem; }
  .outcome { grid-template-columns: 1fr; gap: 0.2rem; }
  .outcome pre + p { margin-top: 0.4rem; }
  .statistics { grid-template-columns: 1fr; }
  .closing thead { display: none; }
  .closing tr { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 1rem; padding: 0.45rem 0; border-bottom: 1px solid var(--line); }
  .closing td { padding: 0 !important; border: 0; }
  .closing td:nth-child(2) { max-width: none; text-align: right; }
  .closing td:last-child { overflow-wrap: anywhere; }
  .closing td:last-child { grid-column: 1 / -1; font-size: 0.875rem; }
  .case-page section > .log { white-space: normal; overflow-wrap: anywhere; font-size: 0.71875rem; }
  .log .line { padding-left: 1.5rem; text-indent: -1.5rem; }
  .log .bytes { word-break: break-all; }
}
@media print {
  .case-page section > .log { white-space: pre-wrap; font-size: 6.4pt; padding: 0; }
  .case-page section > pre, .outcome pre { padding-left: 0; padding-right: 0; }
  nav .steps { display: none; }
  section { margin-top: 1.3rem; }
}
`;

/** The part of the overview. */
export const OVERVIEW_STYLE: string = `
.overview { max-width: 80rem; }
.overview h1 { font-size: 1.75rem; font-weight: 650; letter-spacing: -0.015em; }
.lede { color: var(--quiet); margin-top: 0.2rem; }
.agents { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.8rem 3rem; margin-top: 2rem; }
.agent-card h2 { font-size: 1.0625rem; font-weight: 650; overflow-wrap: anywhere; }
.agent-card .role { font-weight: 400; color: var(--quiet); }
.bar { display: block; width: 100%; height: 0.7rem; margin: 0.55rem 0 0.5rem; border-radius: 2px; background: var(--raised); }
.agent-card ul { display: flex; flex-wrap: wrap; gap: 0.1rem 1.3rem; padding: 0; list-style: none; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.agent-card li::before { content: ""; display: inline-block; width: 0.6em; height: 0.6em; margin-right: 0.45em; border-radius: 1px; background: var(--shade); }
.filter { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem 1.6rem; margin-top: 2.2rem; padding: 0.75rem 0; border-block: 1px solid var(--line); font-size: 0.9375rem; }
.filter fieldset { display: flex; flex-wrap: wrap; gap: 0.35rem; padding: 0; border: 0; min-width: 0; }
.filter legend { float: left; margin-right: 0.3rem; padding: 0.05rem 0 0; }
.filter .chip { display: inline-flex; align-items: center; gap: 0.3em; padding: 0.1rem 0.55rem 0.1rem 0.4rem; cursor: pointer; }
.filter .chip:not(:has(:checked)) { background: none; color: var(--quiet); }
.filter input[type=checkbox] { margin: 0; accent-color: var(--shade-text); }
.filter select { max-width: 12rem !important; }
.filter input[type=search] { width: 11rem; }
.filter select, .filter input[type=search] { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 4px; padding: 0.2rem 0.5rem; max-width: 100%; }
.filter output { margin-left: auto; color: var(--quiet); font-variant-numeric: tabular-nums; }
.nothing { margin-top: 1.5rem; color: var(--quiet); }
.cases { width: 100%; margin-top: 0.6rem; font-size: 0.9375rem; }
.cases thead th { position: sticky; top: 0; z-index: 1; padding: 0.5rem 0.9rem 0.5rem 0; background: var(--page); box-shadow: inset 0 -1px 0 var(--line); font-size: 0.875rem; font-weight: 600; overflow-wrap: anywhere; }
.few .cases { table-layout: fixed; }
.few .cases thead th:not(:first-child) { width: clamp(10rem, 19vw, 16rem); }
.cases :is(td, thead th):not(:first-child) { padding-left: 0.8rem; }
.group th, .group td { padding-top: 1.9rem; padding-bottom: 0.35rem; border-bottom: 1px solid var(--line); }
.group th { font-size: 1.0625rem; font-weight: 650; }
.group th span { margin-left: 0.35em; }
.group td { color: var(--quiet); font-size: 0.875rem; }
.subgroup th { padding: 0.9rem 0 0.25rem; font-size: 0.875rem; font-weight: 600; color: var(--quiet); }
.subgroup th span { margin-left: 0.35em; }
.rows tr[data-standings] > * { border-bottom: 1px solid var(--line); padding-top: 0.34rem; padding-bottom: 0.34rem; }
.rows th[scope=row] { padding-right: 1.2rem; font-weight: 400; }
.rows th[scope=row] div { display: flex; gap: 0.9rem; }
.rows tr { scroll-margin-top: 3rem; }
.rows tr:target { outline: 2px solid var(--link); outline-offset: -1px; }
.rows .id { flex: 0 0 4.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.rows .description { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; color: var(--quiet); overflow-wrap: anywhere; }
.rows td { background: var(--shade-tint); box-shadow: inset 3px 0 0 var(--shade); }
.rows td a, .rows td b { font-weight: 500; color: var(--shade-text); white-space: nowrap; }
.rows td.ok { background: none; }
.rows td a { text-decoration: none; }
.rows td a:hover { text-decoration: underline; }
.rows td i { display: inline-block; width: 1.05em; font-style: normal; text-align: center; }
.rows td small { font-size: 0.8125rem; color: var(--quiet); margin-left: 0.35em; }
.rows td em { font-style: normal; font-weight: 600; color: var(--shade-text); }
.rows td.excluded { box-shadow: none; color: var(--quiet); font-size: 0.8125rem; }
.scroll.many { overflow: auto; max-height: calc(100vh - 2rem); }
.many .cases thead th:first-child { z-index: 2; }
.many .cases { width: max-content; min-width: 100%; }
.many .cases :is(td, thead th):not(:first-child) { max-width: 11rem; }
.many .cases :is(.rows, .group, thead) th:first-child { max-width: 32rem; overflow-wrap: anywhere; }
.many .cases :is(.rows th[scope=row], .group th, thead th:first-child) { position: sticky; left: 0; background: var(--page); }
@media screen and (max-width: 48rem) {
  main { padding: 1.25rem 1rem 3rem; }
  .overview h1 { font-size: 1.375rem; }
  .filter { gap: 0.6rem 1rem; }
  .filter label:has([type=search]), .filter [type=search] { flex: 1 1 auto; min-width: 0; }
  .few .cases thead th:not(:first-child) { width: 33%; }
  .rows td a, .rows td b { font-size: 0.75rem; }
  .rows td i { width: 0.95em; }
  .many .rows .description { display: none; }
  .many .cases :is(.rows, .group, thead) th:first-child { max-width: 7rem; }
  .many .cases :is(td, thead th):not(:first-child) { max-width: 8rem; }
  .cases { font-size: 0.875rem; }
  .rows th[scope=row] { padding-right: 0.6rem; }
  .rows th[scope=row] div { flex-direction: column; gap: 0.05rem; }
  .rows .id { flex-basis: auto; }
  .rows .description { font-size: 0.8125rem; line-height: 1.4; -webkit-line-clamp: 3; }
  .rows td small { display: block; margin-left: 0; padding-left: 1.05em; font-size: 0.75rem; line-height: 1.35; }
  .cases :is(td, thead th):not(:first-child) { padding-left: 0.45rem; padding-right: 0; }
}
@media print {
  .filter { display: none; }
  .cases thead th { position: static; }
  .scroll.many { max-height: none; }
  .few .cases thead th:not(:first-child) { width: 26%; }
  .rows .description { -webkit-line-clamp: none; display: block; }
  .group { break-after: avoid; }
}
`;
