/** What a request needs is read by `understand`, what a target lacks of it is told by `decide`. */
export { lacks } from '../../decide/index.ts';
export { type Needs, needsOf } from '../../understand/index.ts';
