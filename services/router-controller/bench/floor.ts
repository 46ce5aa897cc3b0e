/**
 * The floor: what a proxy costs in Node that does nothing. Bytes in, bytes out, through undici, nothing parsed.
 * `node floor.ts UPSTREAM`; prints `ready URL`.
 */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2]!, { connections: 256 });
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    pool.stream(
      { path: request.url!, method: 'POST', headers: { 'content-type': 'application/json' }, body },
      ({ statusCode, headers }) => {
        const { 'content-type': type, 'content-length': length } = headers;
        return response.writeHead(statusCode, {
          'content-type': String(type),
          ...(length !== undefined && { 'content-length': String(length) }),
        });
      },
      (error) => {
        if (error) response.destroy(error);
      },
    );
  });
});
server.listen(0, '127.0.0.1', 1024, () => {
  console.log(`ready http://127.0.0.1:${(server.address() as { port: number }).port}`);
});
process.stdin.once('end', () => process.exit()).resume();
