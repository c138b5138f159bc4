import { expect, test } from 'vitest';
import { readSpec } from '../../src/cli/spec-file.js';

test('the classic spec of a fuzzing client is read', () => {
  const spec = {
    servers: [
      {
        agent: 'mine',
        url: 'ws://127.0.0.1:9001',
        hostname: 'local.test',
        protocols: ['chat'],
        origin: 'http://a',
        options: { version: 18 },
      },
    ],
    protocols: ['mqtt'],
    outdir: './reports/servers',
    options: { failByDrop: false },
    cases: ['*'],
    'exclude-cases': ['9.*', '12.*'],
    'exclude-agent-cases': { 'mine*': ['1.*'] },
  };
  expect(readSpec(JSON.stringify(spec))).toEqual({
    servers: [
      { agent: 'mine', url: 'ws://127.0.0.1:9001', hostname: 'local.test', protocols: ['chat'], origin: 'http://a' },
    ],
    protocols: ['mqtt'],
    outdir: './reports/servers',
    cases: ['*'],
    excludeCases: ['9.*', '12.*'],
    excludeAgentCases: { 'mine*': ['1.*'] },
    ignored: ['version'],
  });
});

test('the classic spec of a fuzzing server is read', () => {
  const spec = {
    url: 'wss://127.0.0.1:9001',
    webport: 8080,
    key: 'k.pem',
    cert: 'c.pem',
    options: { failByDrop: true },
  };
  expect(readSpec(JSON.stringify(spec))).toEqual({
    url: 'wss://127.0.0.1:9001',
    key: 'k.pem',
    cert: 'c.pem',
    ignored: ['webport', 'failByDrop'],
  });
});

test.each([
  ['{', /^The spec file is not JSON: .*\.$/],
  ['[]', /^In the spec file the whole is not an object\.$/],
  ['{"case": []}', /^The spec file has an unknown key: "case"\.$/],
  ['{"options": {"fail": 1}}', /^The spec file has an unknown option: "fail"\.$/],
  ['{"servers": [{"uri": ""}]}', /^The spec file has an unknown key of a server: "uri"\.$/],
  ['{"servers": [{}]}', /^A server of the spec file has no url\.$/],
  ['{"cases": "*"}', /^In the spec file cases is not a list\.$/],
  ['{"cases": [1]}', /^In the spec file an item of cases is not a string\.$/],
  ['{"exclude-agent-cases": {"a": "*"}}', /^In the spec file exclude-agent-cases of a is not a list\.$/],
])('%s is refused with one sentence', (text, sentence) => {
  expect(() => readSpec(text)).toThrow(sentence);
});
