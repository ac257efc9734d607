"""Talks to the server as programs do that use OpenAI's client: python openai_client.py URL KEY"""

import asyncio
import enum
import json
import sys

import openai
import pydantic

url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0)
HELLO = [{"role": "user", "content": "Hello"}]
NO_END = {str(token): -100 for token in (1017, 1018, 1019, 1020, 1021)}


class Dose(enum.Enum):
    low = "low"
    high = "high"


class Advice(pydantic.BaseModel):
    dose: Dose


def fails(kind, call):
    try:
        call()
    except kind as failure:
        return failure
    raise AssertionError("expected " + kind.__name__)


def chat(**more):
    return client.chat.completions.create(model="tiny", messages=HELLO, **more)


# Models.
assert [model.id for model in client.models.list()] == ["tiny"]
assert client.models.retrieve("tiny").owned_by == "medpsy4j"

# Chats: whole and streamed, with their costs.
whole = chat(max_completion_tokens=12, temperature=0)
assert whole.choices[0].finish_reason == "length", whole
assert whole.usage.completion_tokens == 12 and whole.usage.total_tokens == whole.usage.prompt_tokens + 12, whole
said, usage = "", None
for chunk in chat(max_tokens=12, temperature=0, stream=True, stream_options={"include_usage": True}):
    for choice in chunk.choices:
        said += choice.delta.content or ""
    usage = chunk.usage or usage
assert said == whole.choices[0].message.content, said
assert usage.completion_tokens == 12 and usage.prompt_tokens_details.cached_tokens >= 0, usage

# Several choices, seeds, stop texts, penalties, log-probabilities.
several = chat(n=3, temperature=1.5, seed=7, max_tokens=6, presence_penalty=0.5, frequency_penalty=0.5)
assert len({choice.message.content for choice in several.choices}) > 1, several
again = chat(n=3, temperature=1.5, seed=7, max_tokens=6, presence_penalty=0.5, frequency_penalty=0.5)
assert [c.message.content for c in again.choices] == [c.message.content for c in several.choices]
stopped = chat(max_tokens=12, temperature=0, stop=[said[4:7]])
assert stopped.choices[0].finish_reason == "stop" and stopped.choices[0].message.content == said[: said.index(said[4:7])]
probable = chat(max_tokens=4, temperature=0, logprobs=True, top_logprobs=2).choices[0].logprobs.content
assert len(probable) == 4 and all(len(token.top_logprobs) == 2 for token in probable), probable

# JSON that a schema accepts.
parsed = client.chat.completions.parse(model="tiny", messages=HELLO, response_format=Advice, reasoning_effort="none")
assert isinstance(parsed.choices[0].message.parsed, Advice), parsed

with client.chat.completions.stream(
    model="tiny", messages=HELLO, response_format=Advice, reasoning_effort="none"
) as stream:
    for event in stream:
        pass
    assert isinstance(stream.get_final_completion().choices[0].message.parsed, Advice)

# Texts.
text = client.completions.create(model="tiny", prompt="Once upon", max_tokens=8, temperature=0, logprobs=1)
assert len(text.choices[0].logprobs.tokens) == 8, text
pieces = client.completions.create(model="tiny", prompt="Once upon", max_tokens=8, temperature=0, stream=True)
assert "".join(piece.choices[0].text for piece in pieces) == text.choices[0].text

# Responses.
response = client.responses.create(
    model="tiny", instructions="Be brief.", input="Hello", max_output_tokens=12, temperature=0
)
assert response.status == "incomplete" and response.usage.output_tokens == 12, response
deltas, final = "", None
for event in client.responses.create(
    model="tiny", instructions="Be brief.", input="Hello", max_output_tokens=12, temperature=0, stream=True
):
    if event.type == "response.output_text.delta":
        deltas += event.delta
    if event.type == "response.incomplete":
        final = event.response
assert deltas == response.output_text == final.output_text, deltas
parsed = client.responses.parse(model="tiny", input="Hello", text_format=Advice, reasoning={"effort": "none"})
assert isinstance(parsed.output_parsed, Advice), parsed
with client.responses.stream(model="tiny", input="Hello", text_format=Advice, reasoning={"effort": "none"}) as stream:
    stream.until_done()
    assert isinstance(stream.get_final_response().output_parsed, Advice)
follow_up = client.responses.create(
    model="tiny",
    input=[{"role": "user", "content": "Hello"}, *response.output, {"role": "user", "content": "And?"}],
    max_output_tokens=4,
)
assert follow_up.usage.input_tokens > response.usage.input_tokens, follow_up

# Tools of responses: called whole and streamed, and their results sent back.
dose = {
    "type": "function",
    "name": "dose",
    "description": "Looks a dose up",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"dose": {"enum": ["low", "high"]}},
        "required": ["dose"],
        "additionalProperties": False,
    },
}
asked = {"model": "tiny", "input": HELLO, "tools": [dose], "reasoning": {"effort": "none"}, "parallel_tool_calls": False}
called = client.responses.create(tool_choice="required", **asked)
assert [item.type for item in called.output] == ["function_call"], called
call = called.output[0]
assert call.name == "dose" and json.loads(call.arguments)["dose"] in ("low", "high"), call
with client.responses.stream(tool_choice={"type": "function", "name": "dose"}, **asked) as stream:
    parts = "".join(event.delta for event in stream if event.type == "response.function_call_arguments.delta")
    final = stream.get_final_response().output[0]
    assert final.arguments == parts and json.loads(parts)["dose"] in ("low", "high"), final
result = {"type": "function_call_output", "call_id": call.call_id, "output": "200 mg"}
told = client.responses.create(**{**asked, "input": [*HELLO, *called.output, result]}, max_output_tokens=4)
assert told.usage.input_tokens > called.usage.input_tokens, told
probable = client.responses.create(
    model="tiny", input="Hello", max_output_tokens=4, top_logprobs=2, include=["message.output_text.logprobs"]
).output[0].content[0].logprobs
assert len(probable) == 4 and all(len(token.top_logprobs) == 2 for token in probable), probable

# Mistakes.
mistake = fails(openai.BadRequestError, lambda: chat(temperature=3))
assert mistake.param == "temperature" and "from 0 to 2" in mistake.message, mistake
fails(openai.NotFoundError, lambda: client.chat.completions.create(model="other", messages=HELLO))
stranger = openai.OpenAI(base_url=url + "/v1", api_key="wrong", max_retries=0)
assert fails(openai.AuthenticationError, lambda: stranger.models.list()).code == "invalid_api_key"

# A stream that is left frees its slot: the next answers come.
for _ in range(3):
    with chat(stream=True, logit_bias=NO_END) as left:
        for chunk in left:
            if chunk.choices[0].delta.content:
                break


async def together():
    many = openai.AsyncOpenAI(base_url=url + "/v1", api_key=key)

    async def ask(i):
        answer = await many.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "word " * i}], max_tokens=10, temperature=0
        )
        return answer.choices[0].message.content

    alone = [await ask(i) for i in range(1, 6)]
    assert await asyncio.gather(*(ask(i) for i in range(1, 6))) == alone


asyncio.run(together())
print("all is well")
