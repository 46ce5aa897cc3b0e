/** Server-sent events of a chat stream. Free of the DOM, so that Node tests it. */

/** The `data` of each event, comments left out; an event that the end cuts off is left out too. */
export async function* sseData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    for (;;) {
      const end = /\r\n|\n|\r(?=[^\n])/.exec(rest);
      if (!end) break;
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
  }
}

/** Chunks of a fetch's body. `ReadableStream` is iterable by itself in some browsers only. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Also when whoever reads stops in the middle.
    await reader.cancel().catch(() => {});
  }
}
