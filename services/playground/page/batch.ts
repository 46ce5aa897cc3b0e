/** The batch tab: a file of requests, where each would go, what that would cost. No model is called. */
import { Fault, routeBody } from './api.ts';
import { type BatchRow, downloadCsv, downloadJsonl, estimated, type RowAnswer } from './batch-row.ts';
import { showRows, showSums } from './batch-view.ts';
import type { Routing } from './config.ts';
import { FileProblem } from './csv.ts';
import { ofPreview, replaceAll } from './decisions.ts';
import { announce, byId, h } from './dom.ts';
import { dropZone, problemBox, saveAs } from './files.ts';
import {
  bodyOf,
  decoded,
  excerptOf,
  guess,
  MAX_FILE_BYTES,
  MAX_ROWS,
  readTable,
  type Table,
  type TakenAs,
  WHOLE_LINE,
} from './rows.ts';
import { LONGEST_WAIT_SECONDS, runRows } from './run-rows.ts';
import { currentConfig, prices } from './settings.ts';

/** Questions at a time: the router's list of policies answers more, its rate limits may not. */
const WIDTH = 4;

const columnSelect = byId('batch-column', HTMLSelectElement);
const asSelect = byId('batch-as', HTMLSelectElement);
const policySelect = byId('batch-policy', HTMLSelectElement);
const answerInput = byId('batch-answer', HTMLInputElement);
const form = byId('batch-form', HTMLFormElement);
const runButton = byId('batch-run', HTMLButtonElement);
const stopButton = byId('batch-stop', HTMLButtonElement);
const problems = byId('batch-problem', HTMLDivElement);
const about = byId('batch-file-about', HTMLParagraphElement);
const progress = byId('batch-progress', HTMLProgressElement);
const state = byId('batch-state', HTMLParagraphElement);
const results = byId('batch-results', HTMLElement);

let file: { readonly name: string; readonly table: Table } | null = null;
let running: AbortController | null = null;
let rows: BatchRow[] = [];

const answerTokens = () => Math.min(100_000, Math.max(0, Math.round(Number(answerInput.value) || 0)));

function showButtons(): void {
  runButton.disabled = file === null || policySelect.value === '' || running !== null;
  const hadFocus = document.activeElement === runButton || document.activeElement === stopButton;
  runButton.hidden = running !== null;
  stopButton.hidden = running === null;
  if (hadFocus) (running ? stopButton : runButton).focus();
}

async function take(given: File): Promise<void> {
  if (running) return;
  problems.replaceChildren();
  try {
    if (given.size > MAX_FILE_BYTES)
      throw new FileProblem(
        `${given.name} has ${(given.size / 1e6).toFixed(1)} MB; the page takes ${MAX_FILE_BYTES / 1024 / 1024} MiB. \`llm-router route\` and \`evaluate\` take more`,
      );
    const table = readTable(decoded(await given.arrayBuffer()));
    file = { name: given.name, table };
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    file = null;
    problems.replaceChildren(problemBox(error.message));
  }
  showFile();
}

const counted = (rows: number) => `${rows.toLocaleString('en')} row${rows === 1 ? '' : 's'}`;

function showFile(): void {
  byId('batch-choices', HTMLDivElement).hidden = file === null;
  about.textContent = '';
  if (file) {
    const { table, name } = file;
    about.textContent = `${name}: ${counted(table.rows.length)}${table.cut ? `; more than ${MAX_ROWS.toLocaleString('en')} are left out` : ''}`;
    announce(about.textContent);
    columnSelect.replaceChildren(
      ...table.columns.map((column) => h('option', { value: column }, column)),
      ...(table.isJson ? [h('option', { value: WHOLE_LINE }, '(the whole line)')] : []),
    );
    const { column, as } = guess(table);
    columnSelect.value = column;
    asSelect.value = as;
  }
  showButtons();
}

export function fillBatch(): void {
  const config = currentConfig();
  const before = policySelect.value || config?.default_policy || '';
  policySelect.replaceChildren(
    ...(config?.policies ?? []).map(({ name }) => h('option', { value: name }, name)),
  );
  if (config?.policies.some(({ name }) => name === before)) policySelect.value = before;
  showButtons();
}

/** @returns seconds to wait where a refusal is a matter of time. */
const waitOf = (error: unknown) =>
  error instanceof Fault && error.status === 429 ? { retryAfter: error.retryAfter ?? 2 } : null;

const wordsOf = (error: unknown) =>
  error instanceof Fault || error instanceof FileProblem ? error.message : String(error);

async function run(): Promise<void> {
  if (!file || running) return;
  const { table } = file;
  const mine = new AbortController();
  running = mine;
  const column = columnSelect.value;
  const as = asSelect.value as TakenAs;
  const routing: Routing = { policy: policySelect.value, routing_strategy: 'triton', model: '' };
  const longest = answerTokens();
  rows = table.rows.map((_row, index) => ({ number: index + 1, text: '', answer: null, problem: null }));
  let asked = 0;
  let wait = '';
  problems.replaceChildren();
  results.hidden = false;
  progress.hidden = false;
  progress.max = rows.length;
  let painting: ReturnType<typeof setTimeout> | null = null;
  const paint = () => {
    progress.value = asked;
    state.textContent = `${asked.toLocaleString('en')} of ${rows.length.toLocaleString('en')}${wait}`;
    showRows(rows);
    showSums(rows, longest);
  };
  // Not once a row: thousands of them come within seconds.
  const soon = () => {
    painting ??= setTimeout(() => {
      painting = null;
      paint();
    }, 150);
  };
  showButtons();
  paint();
  announce(`Asking the router about ${counted(rows.length)}`);
  let end = 'Done';
  try {
    await runRows<RowAnswer>({
      count: rows.length,
      width: WIDTH,
      signal: mine.signal,
      ask: async (index) => {
        const body = bodyOf(table.rows[index]!, column, as);
        rows[index] = { ...rows[index]!, text: excerptOf(body) };
        const decision = await routeBody(body, routing, mine.signal);
        return estimated(decision, body, prices(), longest);
      },
      refused: waitOf,
      done: (index, answer) => {
        asked++;
        rows[index] = { ...rows[index]!, answer };
        soon();
      },
      failed: (index, error) => {
        asked++;
        rows[index] = { ...rows[index]!, problem: wordsOf(error) };
        soon();
      },
      waiting: (seconds) => {
        wait = seconds === 0 ? '' : `; the router’s limit is reached, waiting ${seconds} s`;
        if (seconds > 0) announce(`The router’s limit is reached, waiting ${seconds} seconds`);
        soon();
      },
    });
    if (mine.signal.aborted) end = 'Stopped';
  } catch (error) {
    end = 'Stopped';
    const seconds = error instanceof Fault ? error.retryAfter : null;
    const long =
      seconds === null
        ? ''
        : ` It says to wait ${seconds} s; longer than ${LONGEST_WAIT_SECONDS} s is not waited out.`;
    problems.replaceChildren(problemBox(`${wordsOf(error)}${long}`));
  }
  running = null;
  wait = '';
  if (painting !== null) clearTimeout(painting);
  paint();
  const failed = rows.filter(({ problem }) => problem !== null).length;
  state.textContent = `${end}: ${asked.toLocaleString('en')} of ${rows.length.toLocaleString('en')}${failed > 0 ? `, ${failed} with an error` : ''}`;
  announce(state.textContent);
  replaceAll(
    'batch',
    rows.flatMap(({ answer, text }) =>
      answer ? [ofPreview(answer.decision, routing, answer, text, answer.vision)] : [],
    ),
  );
  showButtons();
}

export function startBatch(): void {
  dropZone(
    byId('batch-drop', HTMLElement),
    byId('batch-file', HTMLInputElement),
    (given) => void take(given),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  stopButton.addEventListener('click', () => running?.abort());
  byId('batch-csv', HTMLButtonElement).addEventListener('click', () =>
    saveAs('routed.csv', 'text/csv', downloadCsv(rows)),
  );
  byId('batch-jsonl', HTMLButtonElement).addEventListener('click', () =>
    saveAs('routed.jsonl', 'application/x-ndjson', downloadJsonl(rows)),
  );
  byId('batch-by', HTMLFieldSetElement).addEventListener('change', () => showSums(rows, answerTokens()));
}
