/** What there is to see, and where it stands in the docs. */

/** Folder of the pictures, from the repository's root. */
export const FOLDER = 'docs/how-to/captures';

/** Terminals, by file. */
export const TERMINALS = {
  'init.svg': 'llm-router init: its questions, answered',
  'doctor.svg': 'llm-router doctor: what is right here, and what is to do',
  'top.svg': 'llm-router top: traffic as it goes',
} as const;

/** The load report of one run, as readers may see it. */
export const REPORTS = {
  'load-report-light.webp': { width: 1100, dark: false },
  'load-report-dark.webp': { width: 1100, dark: true },
  'load-report-phone.webp': { width: 390, dark: false },
} as const;
