"""Ollama's client against a server with the tiny model: ollama_client.py URL KEY"""

import json
import sys

import ollama

MODEL = "tiny"
MESSAGES = [{"role": "user", "content": "Hello"}]
SHORT = {"num_predict": 8, "temperature": 0}


def check(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def main(url, key):
    client = ollama.Client(host=url, headers={"Authorization": f"Bearer {key}"})

    whole = client.chat(model=MODEL, messages=MESSAGES, options=SHORT)
    check(whole.message.role == "assistant" and whole.message.content, whole)
    check(whole.done and whole.done_reason == "length" and whole.eval_count == 8, whole)
    check(whole.total_duration > 0 and whole.prompt_eval_count > 0, whole)

    parts = list(client.chat(model=MODEL, messages=MESSAGES, options=SHORT, stream=True))
    check("".join(part.message.content for part in parts) == whole.message.content, parts)
    check([part.done for part in parts] == [False] * (len(parts) - 1) + [True], parts)

    generated = client.generate(model=MODEL, prompt="Hello", options=ollama.Options(**SHORT))
    check(generated.response == whole.message.content, generated)
    streamed = client.generate(model=MODEL, prompt="Hello", options=SHORT, stream=True)
    check("".join(part.response for part in streamed) == generated.response, "a stream of a prompt")

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    formed = client.chat(model=MODEL, messages=MESSAGES, format=schema, options={"temperature": 0, "seed": 1})
    if formed.done_reason == "stop":
        check(isinstance(json.loads(formed.message.content)["a"], int), formed)

    def dose(kg: int) -> str:
        """A dose.

        Args:
            kg: the weight
        """
        return f"{kg} mg"

    called = ollama.Message(role="assistant", tool_calls=[
        ollama.Message.ToolCall(function=ollama.Message.ToolCall.Function(name="dose", arguments={"kg": 70}))])
    told = client.chat(model=MODEL, tools=[dose], options=SHORT, messages=[
        *MESSAGES, called, {"role": "tool", "tool_name": "dose", "content": dose(70)}])
    check(told.done and told.prompt_eval_count > whole.prompt_eval_count, told)

    check([model.model for model in client.list().models] == [MODEL], "the list")
    check([model.model for model in client.ps().models] == [MODEL], "what runs")
    shown = client.show(MODEL)
    check(shown.modelinfo["general.architecture"] == shown.details.family, shown)
    check("completion" in shown.capabilities, shown)

    vectors = client.embed(model=MODEL, input=["one", "two"]).embeddings
    check(len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 1, "vectors")
    check(abs(sum(each * each for each in vectors[0]) - 1) < 1e-4, "their norm")
    check(len(client.embeddings(model=MODEL, prompt="one").embedding) == len(vectors[0]), "the older path")

    for wrong, status, message in (
        ({"model": "other", "messages": MESSAGES}, 404, "model 'other' not found"),
        ({"model": MODEL, "messages": MESSAGES, "options": {"top_p": 2}}, 400, "options.top_p"),
    ):
        for stream in (False, True):
            try:
                answer = client.chat(stream=stream, **wrong)
                list(answer)
                sys.exit(f"answered: {wrong}")
            except ollama.ResponseError as e:
                check(e.status_code == status and message in e.error, e)
    try:
        ollama.Client(host=url).list()
        sys.exit("answered without a key")
    except ollama.ResponseError as e:
        check(e.status_code == 401, e)


main(*sys.argv[1:])
print("all is well")
