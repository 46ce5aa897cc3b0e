/** What of a Responses request becomes what in a chat completion. */
import type { DialectTables, FieldTable } from '../table.ts';

const STORED = 'lives on a target that speaks the Responses API; send the whole conversation as `input`';

export const FIELDS: FieldTable = {
  model: { fate: 'router' },
  stream: { fate: 'same' },
  input: { fate: 'mapped', to: 'messages' },
  instructions: { fate: 'mapped', to: 'messages', is: 'text', note: 'the first, of role system' },
  tools: { fate: 'mapped', to: 'tools', is: 'list' },
  tool_choice: { fate: 'mapped', to: 'tool_choice' },
  parallel_tool_calls: { fate: 'mapped', to: 'parallel_tool_calls', note: 'where tools are sent' },
  text: { fate: 'mapped', to: 'response_format, verbosity', is: 'object' },
  reasoning: { fate: 'mapped', to: 'reasoning_effort', is: 'object', note: 'its `effort`' },
  max_output_tokens: { fate: 'mapped', to: 'max_tokens', note: 'or as the target’s `max_tokens_as` says' },
  top_logprobs: { fate: 'mapped', to: 'logprobs, top_logprobs' },
  temperature: { fate: 'same' },
  top_p: { fate: 'same' },
  user: { fate: 'same' },
  safety_identifier: { fate: 'mapped', to: 'user', note: 'where there is no `user`' },
  metadata: { fate: 'dropped', note: 'comes back in the answer', quiet: true },
  // Also OpenAI's own where clients set them through the SDK's extra body.
  stop: { fate: 'same' },
  seed: { fate: 'same' },
  presence_penalty: { fate: 'same' },
  frequency_penalty: { fate: 'same' },
  logit_bias: { fate: 'same' },
  previous_response_id: { fate: 'refused', note: `an earlier response ${STORED}` },
  conversation: { fate: 'refused', note: `a conversation ${STORED}` },
  background: {
    fate: 'refused',
    neutral: [false],
    note: 'a target that speaks only chat completions answers at once or not at all',
  },
  background_options: { fate: 'dropped', quiet: true, note: 'they speak of `background`' },
  prompt: { fate: 'refused', note: 'a stored prompt is known only to who stores it; send its text' },
  store: {
    fate: 'dropped',
    neutral: [false],
    quiet: true,
    note: 'nothing is stored: the answer says `store: false`',
  },
  include: {
    fate: 'dropped',
    neutral: [],
    note: 'except `message.output_text.logprobs`, which asks for logprobs',
  },
  stream_options: { fate: 'dropped', quiet: true, note: '`include_obfuscation`: there is none' },
  truncation: { fate: 'dropped', neutral: ['disabled'] },
  service_tier: { fate: 'dropped', neutral: ['auto', 'default'] },
  max_tool_calls: { fate: 'dropped', note: 'it limits built-in tools, and none runs' },
  prompt_cache_key: { fate: 'dropped', quiet: true },
  prompt_cache_options: { fate: 'dropped', quiet: true },
  prompt_cache_retention: { fate: 'dropped', quiet: true },
  context_management: { fate: 'dropped' },
  client_metadata: { fate: 'dropped', quiet: true, note: 'Codex’ own' },
  moderation: { fate: 'refused', note: 'moderation beside the answer is the Responses API’s own' },
  access_programs: { fate: 'dropped' },
  image: { fate: 'dropped' },
};

export const ITEMS: FieldTable = {
  message: { fate: 'mapped', to: 'a message', note: 'role developer becomes system' },
  function_call: {
    fate: 'mapped',
    to: 'tool_calls of an assistant message',
    note: 'with what stands beside it',
  },
  function_call_output: {
    fate: 'mapped',
    to: 'a message of role tool',
    note: 'images follow as a user message',
  },
  custom_tool_call: { fate: 'mapped', to: 'tool_calls', note: 'a function with the one argument `input`' },
  custom_tool_call_output: { fate: 'mapped', to: 'a message of role tool' },
  local_shell_call: { fate: 'mapped', to: 'tool_calls', note: 'function `local_shell`' },
  local_shell_call_output: { fate: 'mapped', to: 'a message of role tool' },
  shell_call: { fate: 'mapped', to: 'tool_calls', note: 'function `shell`' },
  shell_call_output: { fate: 'mapped', to: 'a message of role tool' },
  apply_patch_call: { fate: 'mapped', to: 'tool_calls', note: 'function `apply_patch`' },
  apply_patch_call_output: { fate: 'mapped', to: 'a message of role tool' },
  additional_tools: { fate: 'mapped', to: 'tools' },
  reasoning: {
    fate: 'mapped',
    to: 'reasoning_content of the next assistant message',
    note: 'where the target’s `reasoning_input` is on, else left out; encrypted content always is',
  },
  tool_search_call: { fate: 'dropped', note: 'every tool is offered at once', quiet: true },
  tool_search_output: { fate: 'mapped', to: 'tools', note: 'those that it found' },
  web_search_call: { fate: 'dropped', note: 'what it found stands in the message after it' },
  code_interpreter_call: { fate: 'dropped' },
  image_generation_call: { fate: 'dropped' },
  file_search_call: { fate: 'dropped' },
  mcp_list_tools: { fate: 'dropped' },
  mcp_call: { fate: 'dropped' },
  mcp_approval_request: { fate: 'refused', note: 'MCP tools run at a target that speaks the Responses API' },
  mcp_approval_response: { fate: 'refused', note: 'MCP tools run at a target that speaks the Responses API' },
  computer_call: { fate: 'refused', note: 'the computer tool needs a target that speaks the Responses API' },
  computer_call_output: {
    fate: 'refused',
    note: 'the computer tool needs a target that speaks the Responses API',
  },
  item_reference: { fate: 'refused', note: `an item named by its id ${STORED}` },
  compaction: { fate: 'refused', note: 'only the target that compacted a conversation can read it' },
  compaction_trigger: { fate: 'refused', note: 'compaction is the Responses API’s own' },
  configuration_update: { fate: 'dropped' },
  program: { fate: 'refused', note: 'programmatic tool calling is the Responses API’s own' },
  program_output: { fate: 'refused', note: 'programmatic tool calling is the Responses API’s own' },
};

export const PARTS: FieldTable = {
  input_text: { fate: 'mapped', to: 'text' },
  output_text: { fate: 'mapped', to: 'text', note: 'annotations are left out' },
  text: { fate: 'mapped', to: 'text' },
  summary_text: { fate: 'mapped', to: 'text' },
  reasoning_text: { fate: 'mapped', to: 'text' },
  refusal: { fate: 'mapped', to: 'refusal' },
  input_image: { fate: 'mapped', to: 'image_url', note: 'by URL or data URL; `file_id` is refused' },
  input_file: { fate: 'mapped', to: 'file', note: 'with `file_data`; `file_id` and `file_url` are refused' },
  input_audio: { fate: 'mapped', to: 'input_audio' },
};

const HOSTED = 'runs at a target that speaks the Responses API only';

/**
 * A hosted tool beside tools that the client runs itself is left out: the model does without it, as agents that offer
 * web search by default must expect. A request whose only tools are hosted ones, or that demands one, is refused.
 */
export const TOOLS: FieldTable = {
  function: { fate: 'mapped', to: 'function', note: '`strict` and the schema as they are' },
  custom: {
    fate: 'mapped',
    to: 'function',
    note: 'one argument `input`; a grammar goes into the description, nobody enforces it',
  },
  namespace: { fate: 'mapped', to: 'function', note: 'each tool in it as NAMESPACE__NAME' },
  local_shell: { fate: 'mapped', to: 'function', note: 'the client runs it' },
  shell: { fate: 'mapped', to: 'function', note: 'in the client’s environment; a container is refused' },
  apply_patch: { fate: 'mapped', to: 'function', note: 'the client runs it' },
  tool_search: { fate: 'dropped', note: 'every tool is offered at once', quiet: true },
  web_search: { fate: 'dropped', note: `it ${HOSTED}` },
  web_search_preview: { fate: 'dropped', note: `it ${HOSTED}` },
  image_generation: { fate: 'dropped', note: `it ${HOSTED}` },
  code_interpreter: { fate: 'dropped', note: `it ${HOSTED}` },
  file_search: { fate: 'refused', note: `file search ${HOSTED}` },
  mcp: { fate: 'refused', note: `an MCP tool ${HOSTED}` },
  computer: { fate: 'refused', note: `the computer tool ${HOSTED}` },
  computer_use_preview: { fate: 'refused', note: `the computer tool ${HOSTED}` },
  programmatic_tool_calling: { fate: 'refused', note: `programmatic tool calling ${HOSTED}` },
};

export const TOOL_CHOICES: FieldTable = {
  auto: { fate: 'same' },
  none: { fate: 'same' },
  required: { fate: 'same' },
  function: { fate: 'mapped', to: 'function' },
  custom: { fate: 'mapped', to: 'function' },
  allowed_tools: { fate: 'mapped', to: 'tools, tool_choice', note: 'only the allowed ones are sent' },
  shell: { fate: 'mapped', to: 'function' },
  apply_patch: { fate: 'mapped', to: 'function' },
  local_shell: { fate: 'mapped', to: 'function' },
};

export const ANSWER: FieldTable = {
  'choices[0].message.content': { fate: 'mapped', to: 'output[] message, output_text' },
  'choices[0].message.annotations': {
    fate: 'mapped',
    to: 'annotations of the text',
    note: 'sources by `url_citation`; others are left out',
  },
  'choices[0].message.refusal': { fate: 'mapped', to: 'output[] message, refusal' },
  'reasoning_content, reasoning': { fate: 'mapped', to: 'output[] reasoning, content[] reasoning_text' },
  'choices[0].message.tool_calls': {
    fate: 'mapped',
    to: 'output[] function_call',
    note: 'or the call that the tool has',
  },
  'choices[0].logprobs': { fate: 'mapped', to: 'logprobs of the text' },
  'finish_reason stop, tool_calls, function_call': { fate: 'mapped', to: 'status completed' },
  'finish_reason length': { fate: 'mapped', to: 'status incomplete, max_output_tokens' },
  'finish_reason content_filter': { fate: 'mapped', to: 'status incomplete, content_filter' },
  usage: {
    fate: 'mapped',
    to: 'usage',
    note: 'cached tokens in input_tokens_details, reasoning tokens in output_tokens_details',
  },
  'an error in the stream': { fate: 'mapped', to: 'response.failed' },
};

export const TABLES: DialectTables = {
  title: 'Responses',
  tables: [
    { title: 'Members of the request', rows: FIELDS },
    { title: 'Items of `input`, by type', rows: ITEMS },
    { title: 'Parts of content, by type', rows: PARTS },
    { title: 'Tools, by type', rows: TOOLS },
    { title: 'Tool choices', rows: TOOL_CHOICES },
    { title: 'The answer: from a chat completion to a response', rows: ANSWER },
  ],
};
