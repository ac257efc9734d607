// In front of the page's own scripts: what it sends is written down, and answers can be made up.
window.sent = []; // bodies of requests for answers
window.fakes = []; // answers to come: {gone}, {status, body, headers} or {chunks, isOpen}
window.extra = {}; // fields added to requests
window.streams = [];
{
  const real = window.fetch;
  const bytes = text => new TextEncoder().encode(text);
  const event = delta => bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`);
  window.say = delta => window.streams.at(-1).enqueue(event(delta));
  window.end = () => {
    const stream = window.streams.at(-1);
    const usage = { prompt_tokens: 21, completion_tokens: 180, total_tokens: 201 };
    stream.enqueue(bytes('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'));
    stream.enqueue(bytes(`data: ${JSON.stringify({ choices: [], usage })}\n\n`));
    stream.enqueue(bytes('data: [DONE]\n\n'));
    stream.close();
  };
  window.breakOff = () => window.streams.at(-1).error(new TypeError('network error'));
  window.fetch = (path, options = {}) => {
    if (!String(path).endsWith('chat/completions')) {
      return real(path, options);
    }
    const body = { ...JSON.parse(options.body), ...window.extra };
    window.sent.push(body);
    const fake = window.fakes.shift();
    if (!fake) {
      return real(path, { ...options, body: JSON.stringify(body) });
    }
    if (fake.gone) {
      return Promise.reject(new TypeError('Failed to fetch'));
    }
    if (fake.status) {
      return Promise.resolve(new Response(JSON.stringify(fake.body), { status: fake.status, headers: fake.headers }));
    }
    const stream = new ReadableStream({
      start(controller) {
        window.streams.push(controller);
        options.signal.addEventListener('abort', () => controller.error(options.signal.reason));
      },
    });
    setTimeout(() => {
      fake.chunks.forEach(window.say);
      if (!fake.isOpen) {
        window.end();
      }
    });
    return Promise.resolve(new Response(stream));
  };
}
