/** A real browser for tests of pages. */
import { systemProgram } from './debian.ts';

/** @returns the path of a Chromium or Chrome. */
export const setupChromium = (): Promise<string> =>
  systemProgram(
    'Chromium',
    // Ubuntu's chromium-browser is only a door to a snap that containers can't open, so it is not looked for.
    ['chromium', 'google-chrome', 'google-chrome-stable'],
    ['chromium'],
  );

/** Of two such flags Chromium takes the last, so Playwright's own are in it. */
const FEATURES_OFF = [
  ...['AimEnabled', 'AvoidCorsURLLoaderRestartOnRedirect', 'AvoidUnnecessaryBeforeUnloadCheckSync'],
  ...['DestroyProfileOnBrowserClose', 'HttpsFirstBalancedModeAutoEnable', 'HttpsUpgrades', 'LensOverlay'],
  ...['MediaRouter', 'NetworkTimeServiceQuerying', 'OptimizationHints', 'PaintHolding', 'PreconnectToSearch'],
  'ThirdPartyStoragePartitioning',
  // Pages of the browser's own, in a process of their own for each window, and a process in reserve: a quarter of the CPU.
  ...['WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup', 'WebUIOmniboxPopup', 'SpareRendererForSitePerProcess'],
];

/** For Playwright's `args`: no window, no sandbox (tests may run as root), and nothing that it would ask others for. */
export const CHROMIUM_ARGS: string[] = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  `--disable-features=${FEATURES_OFF.join(',')}`,
];
