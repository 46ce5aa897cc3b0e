/** A tutorial page: its commands, and the output that stands under each. */

/** A `sh` block, and the `text` block right after it, if any. */
export interface Step {
  readonly command: string;
  /** What the page shows; null where it shows nothing. */
  readonly output: string | null;
}

const BLOCK = /^```sh\n([\s\S]*?)^```\n(?:\n^```text\n([\s\S]*?)^```\n)?/gm;

/** The page's steps in order. */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(BLOCK)].map(([, command, output]) => ({
    command: command!,
    output: output ?? null,
  }));
}

/** The page with other outputs; steps that show none keep none. */
export function withOutputs(page: string, outputs: readonly string[]): string {
  let at = 0;
  return page.replace(BLOCK, (block, command: string, shown?: string) => {
    const output = outputs[at++]!;
    return shown === undefined ? block : `\`\`\`sh\n${command}\`\`\`\n\n\`\`\`text\n${output}\`\`\`\n`;
  });
}

/** What must be the same in every run: words and lines, not numbers, of which times and probabilities change, nor bars drawn of them. */
export const comparable = (output: string): string =>
  output
    .replace(/\d+(?:[.,]\d+)*/g, '#')
    .replace(/[█░·]{2,}/g, '█')
    .replace(/[ \t]+/g, ' ')
    .replace(/ $/gm, '');
