/** Shows an error as it was said. */
import type { Fault } from './api.ts';
import { h } from './dom.ts';

export function faultBox({ message, status, code, param, requestId }: Fault): HTMLElement {
  const details = [
    ...(status > 0 ? [`HTTP ${status}`] : []),
    ...(code === '' ? [] : [code]),
    ...(param === null ? [] : [`in ${param}`]),
    ...(requestId === null ? [] : [requestId]),
  ];
  return h(
    'div',
    { class: 'fault', role: 'alert' },
    h('p', {}, message),
    details.length > 0 && h('p', { class: 'details' }, details.join(' · ')),
  );
}
