/** Completion scripts: the whole tree written out, so that a key press starts no process. */
import type { Node } from './words.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const line = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

/** A `case` over the words so far; shared by bash and zsh. */
function cases(nodes: readonly Node[], body: (node: Node) => string): string {
  return nodes.map((node) => `    ${quoted(node.path)}) ${body(node)} ;;`).join('\n');
}

/** Walks the words before the cursor: one that leads on is a step, options and their values are not. */
const walk = (words: string, first: number, count: string, nodes: readonly Node[]) => `
  local at='' word next i skip=0
  for ((i = ${first}; i < ${count}; i++)); do
    word="\${${words}[i]}"
    if ((skip)); then skip=0; continue; fi
    case "$word" in
      ${valueFlags(nodes)}) skip=1; continue ;;
      -*) continue ;;
    esac
    next="\${at:+$at }$word"
    case "$next" in
      ${nodes
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at="$next" ;;
    esac
  done`;

const valueFlags = (nodes: readonly Node[]) => {
  const flags = new Set(
    nodes.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).map(({ flag }) => flag)),
  );
  return [...flags].sort().join('|');
};

const bash = (
  nodes: readonly Node[],
) => `# bash completion of llm-router: eval "$(llm-router completion bash)"
_llm_router() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words='' flags=''${walk('COMP_WORDS', 1, 'COMP_CWORD', nodes)}
  case "$at" in
${cases(nodes, ({ words, options }) => `words=${quoted(words.map(({ word }) => word).join(' '))} flags=${quoted(options.map(({ flag }) => flag).join(' '))}`)}
  esac
  if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _llm_router llm-router
`;

const described = (each: { about: string }, word: string) =>
  quoted(`${word.replaceAll(':', '\\:')}:${line(each.about) || word}`);

const zsh = (nodes: readonly Node[]) => `#compdef llm-router
# zsh completion of llm-router: eval "$(llm-router completion zsh)", after compinit
_llm_router() {
  local -a names flags${walk('words', 2, 'CURRENT', nodes)}
  case "$at" in
${cases(
  nodes,
  ({ words, options }) =>
    `names=(${words.map((each) => described(each, each.word)).join(' ')}); flags=(${options.map((each) => described(each, each.flag)).join(' ')})`,
)}
  esac
  if [[ "$PREFIX" == -* ]]; then _describe option flags
  elif ((\${#names})); then _describe command names
  else _files; fi
}
compdef _llm_router llm-router
`;

function fish(nodes: readonly Node[]): string {
  const lines = ['# fish completion of llm-router: llm-router completion fish | source'];
  lines.push(`function __llm_router_at
  set -l path ''
  set -l skip 0
  for word in (commandline -opc)[2..]
    if test $skip = 1
      set skip 0
      continue
    end
    switch $word
      case ${valueFlags(nodes).split('|').join(' ')}
        set skip 1
      case '-*'
      case '*'
        set -l next (string trim "$path $word")
        if contains -- "$next" ${nodes
          .filter(({ path }) => path !== '')
          .map(({ path }) => quoted(path))
          .join(' ')}
          set path $next
        end
    end
  end
  test "$path" = "$argv[1]"
end`);
  for (const { path, words, options } of nodes) {
    const at = `complete -c llm-router -n ${quoted(`__llm_router_at ${quoted(path)}`)}`;
    for (const { word, about } of words) lines.push(`${at} -f -a ${quoted(word)} -d ${quoted(line(about))}`);
    for (const { flag, about, takesValue } of options) {
      const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
      lines.push(`${at} ${name}${takesValue ? ' -r' : ''} -d ${quoted(line(about))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The script for a shell to read at its start. */
export const scriptFor = (shell: Shell, nodes: readonly Node[]): string =>
  ({ bash, zsh, fish })[shell](nodes);
