/** In Grafana's place: `/api/health`, `/api/search` (the dashboards that it finds), `/api/datasources/proxy/…` to Prometheus. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const PROVISIONING = '/etc/grafana/provisioning';
const text = (folder) =>
  readdirSync(`${PROVISIONING}/${folder}`)
    .map((name) => readFileSync(`${PROVISIONING}/${folder}/${name}`, 'utf8'))
    .join('\n');
// The files are ours and simple: one line each.
const field = (name, of) => new RegExp(`^\\s*-?\\s*${name}:\\s*(\\S+)`, 'm').exec(of)?.[1];
const dataSource = field('url', text('datasources'));
const folder = field('path', text('dashboards'));

// Grafana keeps its database in its volume, and has a password for its user.
writeFileSync('/var/lib/grafana/grafana.db', '');
if (!process.env.GF_SECURITY_ADMIN_PASSWORD) throw new Error('GF_SECURITY_ADMIN_PASSWORD is not set');

createServer(async (request, response) => {
  const say = (value) => response.end(JSON.stringify(value));
  try {
    if (request.url === '/api/health') return say({ database: 'ok' });
    if (request.url === '/api/search')
      return say(
        readdirSync(folder).map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')).uid),
      );
    const query = /^\/api\/datasources\/proxy(\/.*)/.exec(request.url)?.[1];
    if (!query) return response.writeHead(404).end();
    const answer = await fetch(`${dataSource}${query}`);
    response.writeHead(answer.status).end(await answer.text());
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(3000);

// The first process of a container has no default for it.
process.on('SIGTERM', () => process.exit(0));
