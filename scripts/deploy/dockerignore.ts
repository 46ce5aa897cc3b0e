/** Which files of the repository a build gets to see. */

/** One pattern of a .dockerignore; as Docker does, `*` stays within a folder and `**` does not. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((part) => {
      if (part === '**') return '**';
      return part
        .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]');
    })
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll('**', '.*');
  // A folder's pattern holds for all that is in it.
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** @returns whether a path of the repository is left out; of several patterns the last one holds. */
export function readIgnore(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const keeps = line.startsWith('!');
      const pattern = (keeps ? line.slice(1) : line).replace(/^\/+|\/+$/g, '');
      return { keeps, matches: toRegExp(pattern) };
    });
  return (path) => {
    const last = rules.findLast(({ matches }) => matches.test(path));
    return last !== undefined && !last.keeps;
  };
}
