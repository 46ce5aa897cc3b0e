/** Which kinds of tools a request brings, told by their names and types; and whether an agent works with them. */

import type { ToolKind } from './facts.ts';
import { asText, type Body, isItem } from './turns.ts';

/** Looked at in this order; words of a name apart by `_`, `-`, `.` or a capital. */
const KINDS: readonly (readonly [ToolKind, RegExp])[] = [
  ['computer', /^(?:computer|browser|screenshot|playwright|click|mouse|keyboard|navigate)$/],
  [
    'edit',
    /^(?:edit|edits|write|patch|replace|multiedit|create_file|insert|editor|notebook|rename|str_replace)$/,
  ],
  ['shell', /^(?:bash|shell|terminal|exec|execute|powershell|cmd|cli|command|run)$/],
  ['agent', /^(?:task|agent|subagent|delegate|spawn|dispatch)$/],
  ['plan', /^(?:todo|todos|plan|planning|think)$/],
  ['web', /^(?:web|fetch|url|http|internet|crawl|scrape)$/],
  ['search', /^(?:grep|glob|search|find|ripgrep|codebase|symbols)$/],
  ['read', /^(?:read|view|open|cat|ls|list|load)$/],
];
/** What makes an edit or a reading one of files: a bare verb, or a word for where code lives. */
const FILES =
  /^(?:file|files|dir|directory|folder|code|codebase|notebook|patch|str|text|path|workspace|repo|git|editor|diff|lines|content)$/;
const MOST_TOOLS = 400;

function wordsOf(name: string): string[] {
  return name
    .slice(0, 120)
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

function kindOf(name: string): ToolKind {
  // `mcp__github__create_issue`: what the server is called says nothing of the tool.
  const words = wordsOf(name.replace(/^mcp_{1,2}.*?__/, ''));
  for (const [kind, pattern] of KINDS) {
    if (!words.some((word) => pattern.test(word))) continue;
    // `send_command` of a robot or `edit_event` of a calendar touch no files.
    const bare =
      words.length === 1 || words.every((word) => pattern.test(word) || FILES.test(word) || STOP.has(word));
    if (kind === 'edit' || kind === 'read' || kind === 'shell') {
      if (!bare) continue;
    }
    return kind;
  }
  return 'other';
}
const STOP = new Set(
  'in to the a an into and by of or based replace multi create insert tool apply local background'.split(' '),
);

export interface ToolReading {
  readonly kinds: readonly ToolKind[];
  readonly names: readonly string[];
  readonly count: number;
}

export function readTools(body: Body): ToolReading {
  const listed = [body.tools, body.functions].find((value) => Array.isArray(value) && value.length > 0);
  const tools = Array.isArray(listed) ? listed : [];
  const kinds = new Set<ToolKind>();
  const names: string[] = [];
  for (const tool of tools.slice(0, MOST_TOOLS)) {
    if (!isItem(tool)) continue;
    const inner = isItem(tool.function) ? tool.function : isItem(tool.custom) ? tool.custom : tool;
    const type = asText(tool.type);
    const name = asText(inner.name) || type;
    names.push(name);
    kinds.add(kindOf(name));
    // Tools that the provider runs are named by their type: `bash_20250124`, `web_search_preview`, `local_shell`.
    if (type !== '' && type !== 'function' && type !== 'custom' && name !== type) kinds.add(kindOf(type));
  }
  if (kinds.size > 1) kinds.delete('other');
  return { kinds: [...kinds], names, count: tools.length };
}

const CODER =
  /\b(?:software|coding|programming|code|developer|programmer|engineer(?:ing)?|repository|codebase|code base|pair program)\w*\b/i;
/** Protocols of agents that write their tool calls as text. */
const PROTOCOL =
  /(?:^|\n)#+\s*(?:tools?|tool use|tool_use|commands?)\b|<(?:tool_name|execute_command|read_file|write_to_file|replace_in_file|apply_diff|function_calls|invoke|tool_call|create_file|edit_file)\b|\b(?:one|single|ONE)\s+(?:bash|shell)\s+(?:code\s*block|command)|\ba\s+(?:bash|shell)\s+code\s*block|\bautonomous (?:programmer|software engineer|developer)\b|\bBEGIN FUNCTION #|<function=\w|\bSEARCH\/REPLACE\b|\bapply_patch\b|```(?:bash|sh)\s*\n?\s*(?:your_command|command)|\bxml[- ]style tags\b|\binteract with (?:a|the) computer\b|\btools?\b[^.\n]{0,40}\bXML\b|\bXML tools?\b|\bone tool (?:per|in each|a|each) message\b|\btool calls? as\b|\bTOOL_RESULT\b|\b(?:one|single) command in a (?:bash|shell)\b/i;

/**
 * What the system prompts of agents that work in steps are made of, whoever wrote them. One alone also stands in the prompts
 * of pipelines.
 */
const STEPS: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    'tools in the text',
    /\b(?:tools|actions|functions) ?:\s{0,4}(?:[-*`] ?){0,2}\w{2,40}\(|\baccess to (?:the following |these |a set of |some |a list of |several ){0,2}(?:tools|functions|actions)\b|\bcalls? (?:your|the|these|one of your|one of the) tools?\b|\b(?:available|following) tools\b/i,
  ],
  [
    'a loop of steps',
    /\b(?:in|at|on|for) (?:each|every) (?:step|turn|iteration|cycle)\b|\b(?:cycle|loop|sequence|series) of\b[^\n]{0,40}\b(?:thought|steps|action|observation)|\b(?:one|a single) (?:action|step|tool call) (?:per|at a time|in each|each)\b/i,
  ],
  [
    'an end that it calls',
    /\b(?:final_answer|finish|submit|task_complete|complete_task|done)\s?\(|\b(?:[Ss]ay|[Rr]eply|[Aa]nswer|[Ww]rite|[Oo]utput) (?:with )?["'`“]?(?:TERMINATE|DONE|TASK_COMPLETE)\b/,
  ],
  [
    'other agents',
    /\bone of (?:several|many|the|multiple|\w{2,6}) agents\b|\bhand (?:it |over |the task )?back to the (?:coordinator|orchestrator|manager|supervisor)\b|\b(?:other|previous) agents\b/i,
  ],
];
const STEP_LABEL = /\b(Thought|Action|Action Input|Observation|Code|Reflection|PAUSE)['"`”*]{0,3}:/g;

/** By what a program is seen that works in steps of its own text protocol; null: it is not. */
function stepsOf(head: string): string | null {
  const labels = new Set([...head.matchAll(STEP_LABEL)].map(([, label]) => label));
  const seen = STEPS.filter(([, pattern]) => pattern.test(head)).map(([what]) => what);
  if (labels.size > 1) seen.unshift([...labels].slice(0, 3).join(', '));
  return seen.length > 1 ? seen.join(', ') : null;
}

export interface AgentReading {
  readonly agent: 'coding' | 'general' | null;
  readonly evidence: string;
}

/** @param system the beginning of the system prompt. */
export function readAgent({ kinds, count }: ToolReading, system: string): AgentReading {
  const head = system.slice(0, 6_000);
  const works = kinds.filter((kind) => kind === 'edit' || kind === 'shell');
  const coder = CODER.test(head.slice(0, 1_200));
  if (works.includes('edit') || (works.includes('shell') && (coder || kinds.length > 1)))
    return { agent: 'coding', evidence: `tools that ${works.join(' and ')}` };
  if (coder && (kinds.includes('read') || kinds.includes('search')) && count > 1)
    return { agent: 'coding', evidence: 'tools that read files, and a system prompt of a coder' };
  const protocol = PROTOCOL.exec(head)?.[0].trim();
  if (protocol !== undefined && (coder || /bash|shell|execute_command|write_to_file|apply_patch/i.test(head)))
    return { agent: 'coding', evidence: `the system prompt’s protocol: ${protocol.slice(0, 40)}` };
  if (count > 0) return { agent: 'general', evidence: `${count} tools` };
  const steps = stepsOf(head);
  if (steps !== null) return { agent: 'general', evidence: `the system prompt’s protocol: ${steps}` };
  return { agent: null, evidence: '' };
}
