// nginx with the settings of its manual for WebSocket, and with its defaults, which speak HTTP/1.0 to the server and blank Upgrade.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, listening } from './support.mjs';

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'].find((file) => existsSync(file));
if (NGINX === undefined) finish('not run: there is no nginx here (Debian package nginx)', []);

const free = createServer();
const port = await listening(free);
free.close();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
await event(server, 'listening');
const upstream = `proxy_pass http://127.0.0.1:${server.address().port};`;
const upgrade = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
const directory = await mkdtemp(path.resolve('nginx-'));
await writeFile(
  path.join(directory, 'nginx.conf'),
  `daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
  events {}
  http {
    access_log off;
    client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
    uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
    server {
      listen 127.0.0.1:${port};
      location /manual { ${upstream} proxy_http_version 1.1; ${upgrade} }
      location /http-1.0 { ${upstream} ${upgrade} }
      location /no-host { ${upstream} proxy_http_version 1.1; ${upgrade} proxy_set_header Host ""; }
      location /default { ${upstream} }
    }
  }`,
);
const nginx = spawn(NGINX, ['-c', path.join(directory, 'nginx.conf'), '-p', directory], { stdio: 'inherit' });
try {
  for (let up = false; !up;) {
    const socket = connect(port, '127.0.0.1');
    up = await Promise.race([event(socket, 'connect').then(() => true), event(socket, 'error').then(() => false)]);
    socket.destroy();
  }
  for (const location of ['manual', 'http-1.0', 'no-host']) {
    const client = new WebSocket(`ws://127.0.0.1:${port}/${location}`);
    await event(client, 'open');
    for (const text of ['text', 'long '.repeat(50_000)]) {
      client.send(text);
      assert.equal(String((await event(client, 'message'))[0]), text);
    }
    client.close(1000);
    assert.equal((await event(client, 'close'))[0], 1000);
  }
  // Without Upgrade it is no handshake: the server answers 426, and nginx hands that on.
  const client = new WebSocket(`ws://127.0.0.1:${port}/default`);
  const [error] = await event(client, 'error');
  assert.match(error.message, /Unexpected server response: (400|426)/);
} finally {
  nginx.kill();
  await event(nginx, 'exit');
  await rm(directory, { recursive: true, force: true });
}
finish('through nginx: its manual’s settings, HTTP/1.0, no Host, defaults', []);
