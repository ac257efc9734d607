// The server's API as this page uses it.

/** What is asked for did not come. `status` is 0 where no answer came at all. */
export class ApiFailure extends Error {
  constructor(message, { status = 0, code = null, retryAfterSeconds = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Collects the events of a stream (text/event-stream) from its pieces. */
export class EventReader {
  #rest = '';
  #data = [];

  /** @returns the data of the events that this piece completes */
  push(piece) {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop();
    const complete = [];
    for (const each of lines) {
      const line = each.endsWith('\r') ? each.slice(0, -1) : each;
      if (line === '') {
        if (this.#data.length > 0) {
          complete.push(this.#data.join('\n'));
        }
        this.#data = [];
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return complete;
  }
}

async function request(path, key, options = {}) {
  const headers = { ...options.headers };
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (e) {
    if (e.name === 'AbortError') {
      throw e;
    }
    throw new ApiFailure('The server does not answer. Is it running?');
  }
  if (response.ok) {
    return response;
  }
  let error = null;
  try {
    error = (await response.json()).error;
  } catch {
    // no JSON: the status is all that it says
  }
  throw new ApiFailure(error?.message ?? `The server answered with status ${response.status}.`, {
    status: response.status,
    code: error?.code ?? null,
    retryAfterSeconds: Number(response.headers.get('Retry-After')) || 0,
  });
}

/** Resolves once the server has its model; otherwise an ApiFailure, of status 503 while it is loaded. */
export async function health() {
  await request('health', '');
}

/** The model that is served: {id, context_length}. */
export async function model(key) {
  const response = await request('v1/models', key);
  return (await response.json()).data[0];
}

/**
 * Asks for an answer as it comes.
 *
 * @param body of /v1/chat/completions
 * @param signal ends it
 * @param onPiece called with {text, thinking} of which one is not empty
 * @returns {finishReason, usage, timings}, the last as llama.cpp has them; null for what the server did not say
 */
export async function streamChat(body, key, signal, onPiece) {
  const response = await request('v1/chat/completions', key, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  const result = { finishReason: null, usage: null, timings: null };
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (e) {
      if (e.name === 'AbortError') {
        throw e;
      }
      throw new ApiFailure('The connection broke off before the answer’s end.');
    }
    if (piece.done) {
      throw new ApiFailure('The connection broke off before the answer’s end.');
    }
    for (const data of events.push(piece.value)) {
      if (data === '[DONE]') {
        await reader.cancel();
        return result;
      }
      const event = JSON.parse(data);
      if (event.error) {
        throw new ApiFailure(event.error.message, { status: 500, code: event.error.code });
      }
      const choice = event.choices?.[0];
      const text = choice?.delta?.content ?? '';
      const thinking = choice?.delta?.reasoning_content ?? '';
      if (text !== '' || thinking !== '') {
        onPiece({ text, thinking });
      }
      result.finishReason = choice?.finish_reason ?? result.finishReason;
      result.usage = event.usage ?? result.usage;
      result.timings = event.timings ?? result.timings;
    }
  }
}
