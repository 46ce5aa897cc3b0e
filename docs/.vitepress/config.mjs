/** The site's settings. scripts/site/stage.ts copies this folder beside the pages and writes sidebar.json into it. */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const sidebar = JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url), 'utf8'));

/** Braces in prose and code are words, not Vue's. */
function bracesAreWords(md) {
  const { rules } = md.renderer;
  for (const kind of ['text', 'code_inline']) {
    const asItWas = rules[kind];
    rules[kind] = (tokens, at, ...rest) => {
      const shown = asItWas(tokens, at, ...rest);
      return shown.includes('{{') ? `<span v-pre>${shown}</span>` : shown;
    };
  }
}

/** A column of names has no heading; an empty one would be read out as a heading that says nothing. */
function emptyHeadingsAreCells(md) {
  md.core.ruler.push('empty_headings', ({ tokens }) => {
    for (const [at, token] of tokens.entries())
      if (token.type === 'th_open' && tokens[at + 1].content === '')
        for (const each of [token, tokens[at + 2]]) each.tag = 'td';
  });
}

export default defineConfig({
  title: 'LLM Router',
  description:
    'Works out what kind of work each prompt is, and sends it to the model that does it best for the money',
  lang: 'en',
  head: [['link', { rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' }]],
  // Headings get the ids that GitHub gives them, so that one link holds in both.
  markdown: {
    html: false,
    linkify: false,
    config: (md) => {
      bracesAreWords(md);
      emptyHeadingsAreCells(md);
    },
    anchor: {
      slugify: (words) =>
        words
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
    },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  ignoreDeadLinks: false,
  // The pages say when they were written where it matters.
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    sidebar,
    nav: [
      { text: 'First minute', link: '/tutorials/first-minute' },
      { text: 'Configuration', link: '/reference/configuration' },
      { text: 'Commands', link: '/reference/cli' },
      { text: 'How it decides', link: '/explanation/how-a-decision-is-made' },
    ],
    outline: [2, 3],
    footer: { message: 'Apache-2.0' },
  },
});
