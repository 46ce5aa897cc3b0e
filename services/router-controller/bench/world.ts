/** What stands around the routers that are measured, in a process of its own: the upstream and the classifier. */

import { startFakeTriton } from './fake-triton.ts';
import { type Answers, startMockUpstream } from './mock-upstream.ts';

const upstream = await startMockUpstream();
const triton = await startFakeTriton();
process.on('message', (answers: Answers) => {
  upstream.set(answers);
  process.send!('set');
});
process.on('disconnect', () => process.exit());
process.send!({ upstream: upstream.url, triton });
