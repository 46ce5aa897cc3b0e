/** A real browser for the playground's tests. */
import { systemProgram } from './debian.ts';

/** @returns the path of a Chromium or Chrome. */
export const setupChromium = (): Promise<string> =>
  systemProgram(
    'Chromium',
    // Ubuntu's chromium-browser is only a door to a snap that containers can't open, so it is not looked for.
    ['chromium', 'google-chrome', 'google-chrome-stable'],
    ['chromium'],
  );
