/** What of a Messages request becomes what in a chat completion. */
import type { DialectTables, FieldTable } from '../table.ts';

const SERVER = 'runs at a target that speaks the Messages API only';

export const FIELDS: FieldTable = {
  model: { fate: 'router' },
  stream: { fate: 'same' },
  max_tokens: {
    fate: 'mapped',
    to: 'max_tokens',
    note: 'or as the target’s `max_tokens_as` says; cut to the room beside the prompt where the target’s `context_tokens` is known',
  },
  messages: { fate: 'mapped', to: 'messages' },
  system: {
    fate: 'mapped',
    to: 'messages',
    is: 'text or list',
    note: 'the first, of role system; its blocks joined',
  },
  tools: { fate: 'mapped', to: 'tools', is: 'list' },
  tool_choice: { fate: 'mapped', to: 'tool_choice, parallel_tool_calls' },
  stop_sequences: { fate: 'same', to: 'stop' },
  temperature: { fate: 'same' },
  top_p: { fate: 'same' },
  top_k: { fate: 'dropped', note: 'chat completions have none' },
  metadata: { fate: 'mapped', to: 'user', is: 'object', note: 'its `user_id`' },
  thinking: {
    fate: 'mapped',
    to: 'reasoning_effort',
    is: 'object',
    note: 'a budget up to 2,048 tokens is low, up to 8,192 medium, above high; reasoning is shown where it is on',
  },
  output_config: { fate: 'mapped', to: 'response_format, reasoning_effort', is: 'object' },
  output_format: { fate: 'mapped', to: 'response_format', is: 'object' },
  cache_control: { fate: 'dropped', quiet: true },
  context_management: { fate: 'dropped' },
  service_tier: { fate: 'dropped', neutral: ['auto'] },
  speed: { fate: 'dropped', neutral: ['standard'] },
  diagnostics: { fate: 'dropped', quiet: true },
  fallbacks: { fate: 'dropped' },
  fallback: { fate: 'dropped' },
  user_profile_id: { fate: 'dropped' },
  workspace_id: { fate: 'dropped' },
  betas: { fate: 'dropped', quiet: true },
  container: { fate: 'refused', note: `a container ${SERVER}` },
  mcp_servers: {
    fate: 'refused',
    note: `an MCP server is asked by a target that speaks the Messages API only`,
  },
  inference_geo: {
    fate: 'refused',
    note: 'where the model runs can only be asked of a target that speaks the Messages API',
  },
};

export const BLOCKS: FieldTable = {
  text: { fate: 'mapped', to: 'text', note: 'citations are left out' },
  image: { fate: 'mapped', to: 'image_url', note: 'base64 or URL; an uploaded file is refused' },
  document: {
    fate: 'mapped',
    to: 'text or file',
    note: 'text and content as text, base64 PDF as a file; URL and uploaded file are refused',
  },
  search_result: { fate: 'mapped', to: 'text' },
  tool_use: { fate: 'mapped', to: 'tool_calls' },
  tool_result: {
    fate: 'mapped',
    to: 'a message of role tool',
    note: 'images follow as a user message; an error says so in words',
  },
  thinking: {
    fate: 'mapped',
    to: 'reasoning_content',
    note: 'where the target’s `reasoning_input` is on, else left out; the signature always is',
  },
  redacted_thinking: { fate: 'dropped', quiet: true },
  tool_reference: { fate: 'dropped', quiet: true, note: 'every tool is offered at once' },
  tool_search_tool_result: { fate: 'dropped', quiet: true },
  server_tool_use: { fate: 'dropped', note: 'what it found stands in the text after it' },
  web_search_tool_result: { fate: 'dropped', note: 'what it found stands in the text after it' },
  web_fetch_tool_result: { fate: 'dropped' },
  code_execution_tool_result: { fate: 'dropped' },
  bash_code_execution_tool_result: { fate: 'dropped' },
  text_editor_code_execution_tool_result: { fate: 'dropped' },
  browser_state: { fate: 'dropped' },
  container_upload: { fate: 'refused', note: `a container ${SERVER}` },
  mcp_tool_use: { fate: 'dropped' },
  mcp_tool_result: { fate: 'dropped' },
};

/** By type without its date. A server tool beside tools of the client is left out; alone it is refused. */
export const TOOLS: FieldTable = {
  custom: { fate: 'mapped', to: 'function', note: 'also without a type' },
  bash: { fate: 'mapped', to: 'function', note: 'the client runs it' },
  text_editor: { fate: 'mapped', to: 'function', note: 'the client runs it' },
  memory: { fate: 'mapped', to: 'function', note: 'the client runs it' },
  tool_search_tool_bm25: { fate: 'dropped', quiet: true, note: 'every tool is offered at once' },
  tool_search_tool_regex: { fate: 'dropped', quiet: true, note: 'every tool is offered at once' },
  web_search: { fate: 'dropped', note: `it ${SERVER}` },
  web_fetch: { fate: 'dropped', note: `it ${SERVER}` },
  code_execution: { fate: 'dropped', note: `it ${SERVER}` },
  computer: { fate: 'refused', note: 'the computer tool needs a model that was taught it' },
  computer_toolset: { fate: 'refused', note: 'the computer tool needs a model that was taught it' },
  browser_toolset: { fate: 'refused', note: 'the browser tool needs a model that was taught it' },
  mcp_toolset: {
    fate: 'refused',
    note: `an MCP server is asked by a target that speaks the Messages API only`,
  },
};

export const TOOL_CHOICES: FieldTable = {
  auto: { fate: 'mapped', to: 'auto' },
  any: { fate: 'mapped', to: 'required' },
  tool: { fate: 'mapped', to: 'function' },
  none: { fate: 'mapped', to: 'none' },
};

export const ANSWER: FieldTable = {
  'choices[0].message.content': { fate: 'mapped', to: 'content[] text' },
  'choices[0].message.annotations': {
    fate: 'dropped',
    note: 'a message’s citations name what only its own search has found',
  },
  'choices[0].message.refusal': { fate: 'mapped', to: 'content[] text, stop_reason refusal' },
  'reasoning_content, reasoning': {
    fate: 'mapped',
    to: 'content[] thinking',
    note: 'where the request asks for thinking, else left out; without a signature',
  },
  'choices[0].message.tool_calls': { fate: 'mapped', to: 'content[] tool_use' },
  'finish_reason stop': {
    fate: 'mapped',
    to: 'stop_reason end_turn',
    note: 'stop_sequence where the server names it',
  },
  'finish_reason length': { fate: 'mapped', to: 'stop_reason max_tokens' },
  'finish_reason tool_calls, function_call': {
    fate: 'mapped',
    to: 'stop_reason tool_use',
    note: 'as every answer that calls a tool',
  },
  'finish_reason content_filter': { fate: 'mapped', to: 'stop_reason refusal' },
  usage: {
    fate: 'mapped',
    to: 'usage',
    note: 'input_tokens without the cached ones, which are cache_read_input_tokens; in a stream at its end',
  },
  'an error in the stream': { fate: 'mapped', to: 'event error' },
};

export const TABLES: DialectTables = {
  title: 'Messages',
  tables: [
    { title: 'Members of the request', rows: FIELDS },
    { title: 'Blocks of content, by type', rows: BLOCKS },
    { title: 'Tools, by type without its date', rows: TOOLS },
    { title: 'Tool choices', rows: TOOL_CHOICES },
    { title: 'The answer: from a chat completion to a message', rows: ANSWER },
  ],
};
