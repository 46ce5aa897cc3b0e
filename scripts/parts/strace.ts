/** strace: sees every socket call of a process and of all that it starts, native libraries' too, without root. */
import { systemProgram } from './debian.ts';

/** @returns its full path. */
export const setupStrace = (): Promise<string> => systemProgram('strace', ['strace'], ['strace']);
