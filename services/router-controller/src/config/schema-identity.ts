/** Where clients name their conversation. */
import { z } from 'zod';

const names = (what: string, defaults: readonly string[]) =>
  z
    .array(z.string().trim().min(1).max(120))
    .max(64)
    .default([...defaults])
    .describe(what);
const headers = (what: string, defaults: readonly string[]) =>
  names(what, defaults).transform((list) => list.map((name) => name.toLowerCase()));

export const identitySchema = z.strictObject({
  session_headers: headers('Request headers that name the conversation; the first that is there counts', [
    'x-session-id',
    'x-claude-code-session-id',
    'session-id',
    'session_id',
    'x-session-affinity',
    'x-litellm-session-id',
    'x-litellm-trace-id',
    'x-opencode-session',
    'x-model-affinity',
    'x-conversation-id',
    'conversation-id',
    'conversation_id',
    'x-openwebui-chat-id',
    'x-chat-id',
    'x-thread-id',
    'x-codex-session-id',
    'helicone-session-id',
  ]),
  session_fields: names(
    'Fields of the body that name it, with dots between levels. A field of an end user (`…user_id`) counts only where a session stands in it',
    [
      'session_id',
      'conversation_id',
      'conversation',
      'chat_id',
      'thread_id',
      'metadata.session_id',
      'metadata.conversation_id',
      'metadata.chat_id',
      'metadata.thread_id',
      'metadata.user_id',
      'litellm_session_id',
      'prompt_cache_key',
    ],
  ),
  agent_headers: headers('Request headers that name a sub-agent within the conversation', [
    'x-claude-code-agent-id',
    'x-agent-id',
    'x-subagent-id',
    'x-openai-subagent',
    'x-opencode-agent',
  ]),
  agent_fields: names('Fields of the body that name it', [
    'agent_id',
    'metadata.agent_id',
    'metadata.subagent_id',
  ]),
});
