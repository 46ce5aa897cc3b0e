/** Licences as SPDX expressions, and which of them may come in. */

/** How packages write them, by what SPDX says. */
const SPELLINGS: Readonly<Record<string, string>> = {
  '3-clause bsd license': 'BSD-3-Clause',
  'bsd 3-clause': 'BSD-3-Clause',
  'bsd license': 'BSD-3-Clause',
  bsd: 'BSD-3-Clause',
  'new bsd': 'BSD-3-Clause',
  apache: 'Apache-2.0',
  'apache 2.0': 'Apache-2.0',
  'apache license 2.0': 'Apache-2.0',
  'apache-2': 'Apache-2.0',
  'apache license, version 2.0': 'Apache-2.0',
  'apache software license': 'Apache-2.0',
  'apache license v2.0': 'Apache-2.0',
  'apache license 2.0 (apache-2.0)': 'Apache-2.0',
  'mit license': 'MIT',
  'isc license (iscl)': 'ISC',
  'mozilla public license 2.0 (mpl 2.0)': 'MPL-2.0',
  'python software foundation license': 'PSF-2.0',
  'psf-2.0': 'PSF-2.0',
  'the unlicense (unlicense)': 'Unlicense',
  'zope public license': 'ZPL-2.1',
  'historical permission notice and disclaimer (hpnd)': 'HPND',
};

/**
 * What Apache-2.0 code may stand beside: permissive ones, and weak copyleft by file (MPL-2.0) for parts that are used as they come.
 * GCC's runtime exception lets its libraries be linked.
 */
const ALLOWED = new Set(
  `0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC-BY-4.0 CC0-1.0 HPND ISC LicenseRef-matplotlib MIT MIT-0 MIT-CMU MPL-2.0
   PSF-2.0 Python-2.0 Unlicense Zlib ZPL-2.1`.split(/\s+/),
);

/** @returns an SPDX expression, or null when nothing was said that is one. */
export function spdx(said: string | null | undefined): string | null {
  const text = (said ?? '').trim();
  if (!text || text === 'UNKNOWN') return null;
  const known = SPELLINGS[text.toLowerCase()];
  if (known) return known;
  return /^[\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+|[()])*$/.test(text.replaceAll(/[()]/g, '')) ? text : null;
}

/** Whether an expression leaves a way to use the part: every side of AND, one side of OR. */
export function isAllowed(expression: string): boolean {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' AND ')
    .every((term) => term.split(' OR ').some((one) => ALLOWED.has(one.replace(/ WITH .*$/, ''))));
}
