// `serveRegistry` is a registry of npm that holds the given tarballs and nothing else, and notes which of them were taken.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * @param packages manifests with the tarball of each: `{ manifest, tarball }`
 * @returns its address, the names of what was taken, and what ends it
 */
export async function serveRegistry(packages) {
  const taken = new Set();
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1)).replace(/\/-\/.*|\?.*/, '');
    const found = packages.find(({ manifest }) => manifest.name === name);
    if (found === undefined) return void response.writeHead(404).end('{}');
    const bytes = readFileSync(found.tarball);
    if (request.url.includes('/-/')) {
      taken.add(name);
      return void response.end(bytes);
    }
    const { version } = found.manifest;
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const shasum = createHash('sha1').update(bytes).digest('hex');
    const tarball = `http://${request.headers.host}/${name}/-/${name}-${version}.tgz`;
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...found.manifest, dist: { integrity, shasum, tarball } } },
        time: { [version]: '2020-01-01T00:00:00.000Z' },
      }),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, taken, close: () => server.close() };
}
