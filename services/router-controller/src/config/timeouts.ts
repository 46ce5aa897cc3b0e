import type { z } from 'zod';
import { FALL_BACK_AFTER_MS, FIRST_BYTE_MS, type timeoutsSchema } from './schema-table.ts';

/** Milliseconds by kind of call. */
export interface ByKind {
  readonly stream: number;
  readonly plain: number;
}

/** A target's limits with every default in place, milliseconds. */
export interface Timeouts {
  readonly connect_ms: number;
  readonly first_byte_ms: ByKind;
  readonly fall_back_after_ms: ByKind;
  readonly idle_ms: number;
  readonly total_ms: number;
}

function byKind(
  given: number | Partial<Record<keyof ByKind, number | undefined>> | undefined,
  or: ByKind,
): ByKind {
  if (typeof given === 'number') return { stream: given, plain: given };
  return { stream: given?.stream ?? or.stream, plain: given?.plain ?? or.plain };
}

export function timeoutsOf(file: z.infer<typeof timeoutsSchema>): Timeouts {
  return {
    ...file,
    first_byte_ms: byKind(file.first_byte_ms, FIRST_BYTE_MS),
    fall_back_after_ms: byKind(file.fall_back_after_ms, FALL_BACK_AFTER_MS),
  };
}
