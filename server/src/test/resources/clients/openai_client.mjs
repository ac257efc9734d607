// Talks to the server as programs do that use OpenAI's client: node openai_client.mjs URL KEY
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

// The package lies where the tests' runner says, not beside this file.
const { default: OpenAI } = await import(createRequire(process.env.CLIENT_FOLDER + '/').resolve('openai'));

const [url, key] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url + '/v1', apiKey: key, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hello' }];
const chat = (more) => client.chat.completions.create({ model: 'tiny', messages, ...more });
const noEnd = Object.fromEntries([1017, 1018, 1019, 1020, 1021].map((token) => [token, -100]));

// Models.
const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ['tiny']);

// Chats: whole and streamed, with their costs.
const whole = await chat({ max_completion_tokens: 12, temperature: 0 });
assert.equal(whole.choices[0].finish_reason, 'length');
assert.equal(whole.usage.completion_tokens, 12);
let said = '';
let usage;
for await (const chunk of await chat({
  max_tokens: 12, temperature: 0, stream: true, stream_options: { include_usage: true },
})) {
  for (const choice of chunk.choices) said += choice.delta.content ?? '';
  usage = chunk.usage ?? usage;
}
assert.equal(said, whole.choices[0].message.content);
assert.equal(usage.completion_tokens, 12);
const runner = client.chat.completions.stream({ model: 'tiny', messages, max_tokens: 12, temperature: 0 });
assert.equal(await runner.finalContent(), said);

// Several choices, stop texts, log-probabilities, JSON that a schema accepts.
const several = await chat({ n: 2, temperature: 1.5, seed: 7, max_tokens: 6 });
assert.equal(several.choices.length, 2);
const stopped = await chat({ max_tokens: 12, temperature: 0, stop: said.slice(4, 7) });
assert.equal(stopped.choices[0].finish_reason, 'stop');
const probable = await chat({ max_tokens: 4, temperature: 0, logprobs: true, top_logprobs: 2 });
assert.equal(probable.choices[0].logprobs.content[0].top_logprobs.length, 2);
const schema = {
  type: 'object',
  properties: { dose: { type: 'string', enum: ['low', 'high'] } },
  required: ['dose'],
  additionalProperties: false,
};
const parsed = await client.chat.completions.parse({
  model: 'tiny', messages, reasoning_effort: 'none',
  response_format: { type: 'json_schema', json_schema: { name: 'advice', strict: true, schema } },
});
assert.ok(['low', 'high'].includes(JSON.parse(parsed.choices[0].message.content).dose));

// Texts.
const text = await client.completions.create({ model: 'tiny', prompt: 'Once upon', max_tokens: 8, temperature: 0 });
let goesOn = '';
for await (const piece of await client.completions.create({
  model: 'tiny', prompt: 'Once upon', max_tokens: 8, temperature: 0, stream: true,
})) goesOn += piece.choices[0].text;
assert.equal(goesOn, text.choices[0].text);

// Responses.
const asked = { model: 'tiny', instructions: 'Be brief.', input: 'Hello', max_output_tokens: 12, temperature: 0 };
const response = await client.responses.create(asked);
assert.equal(response.status, 'incomplete');
assert.equal(response.usage.output_tokens, 12);
let deltas = '';
for await (const event of await client.responses.create({ ...asked, stream: true })) {
  if (event.type === 'response.output_text.delta') deltas += event.delta;
}
assert.equal(deltas, response.output_text);
const final = await client.responses.stream(asked).finalResponse();
assert.equal(final.output_text, deltas);
const shaped = await client.responses.parse({
  model: 'tiny', input: 'Hello', reasoning: { effort: 'none' },
  text: { format: { type: 'json_schema', name: 'advice', strict: true, schema } },
});
assert.ok(['low', 'high'].includes(JSON.parse(shaped.output_text).dose));

// A tool of responses is called, and its result sent back.
const dose = { type: 'function', name: 'dose', strict: true, parameters: schema };
const withTool = { model: 'tiny', input: messages, tools: [dose], reasoning: { effort: 'none' } };
const called = await client.responses.create({ ...withTool, tool_choice: { type: 'function', name: 'dose' } });
assert.ok(['low', 'high'].includes(JSON.parse(called.output[0].arguments).dose));
const streamedCall = await client.responses.stream({ ...withTool, tool_choice: { type: 'function', name: 'dose' } })
  .finalResponse();
assert.equal(streamedCall.output[0].arguments, called.output[0].arguments);
const result = { type: 'function_call_output', call_id: called.output[0].call_id, output: '200 mg' };
const told = await client.responses.create({
  ...withTool, input: [...messages, ...called.output, result], max_output_tokens: 4,
});
assert.ok(told.usage.input_tokens > called.usage.input_tokens);

// Mistakes.
await assert.rejects(chat({ temperature: 3 }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'temperature');
await assert.rejects(client.chat.completions.create({ model: 'other', messages }), OpenAI.NotFoundError);
const stranger = new OpenAI({ baseURL: url + '/v1', apiKey: 'wrong', maxRetries: 0 });
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);

// A stream that is left frees its slot: the next answers come.
for (let i = 0; i < 3; i++) {
  for await (const chunk of await chat({ stream: true, logit_bias: noEnd })) {
    if (chunk.choices[0].delta.content) break;
  }
}
const ask = async (i) => (await client.chat.completions.create({
  model: 'tiny', messages: [{ role: 'user', content: 'word '.repeat(i) }], max_tokens: 10, temperature: 0,
})).choices[0].message.content;
const alone = [];
for (let i = 1; i < 6; i++) alone.push(await ask(i));
assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(ask)), alone);
console.log('all is well');
