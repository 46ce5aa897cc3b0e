import type { Board } from './board.ts';
import { limits } from './limits.ts';
import { overview } from './overview.ts';
import { routing } from './routing.ts';
import { runtime } from './runtime.ts';
import { upstreams } from './upstreams.ts';

/** All dashboards, in the order of a first look. */
export const BOARDS: readonly Board[] = [overview, routing, upstreams, limits, runtime];
