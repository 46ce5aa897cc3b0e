/** Chat completions' messages, tools and answers as the page uses them. Types alone. */

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export type Message =
  | { readonly role: 'user'; readonly content: string | readonly Part[] }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

/** A function that the model may call, as chat completions name it. */
export interface Tool {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly [more: string]: unknown };
}

export interface Asked {
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
}
