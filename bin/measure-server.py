#!/usr/bin/env python3
"""Measures a running `medpsy serve`: prints Markdown tables of tokens/s for one and for several clients, and of what
constrained output costs.

usage: bin/measure-server.py [URL] [--key KEY] [--clients 4] [-n 96] [-p 512] [--rounds 5]

Each round asks everything once, in turn; the first round is a warm-up and not counted. Run it on an idle machine.
The prompts of the answers are in the server's cache, so what is measured is generation; that of the prompts is new each
time. All answers are greedy and end after -n tokens.
"""
import argparse
import json
import random
import statistics
import threading
import time
import urllib.request

TOPICS = ["tides", "bread", "sleep", "bridges", "honey", "glass", "maps", "salt", "clocks", "rivers", "paper", "silk",
          "lamps", "dust", "bells", "roots"]  # fmt: skip

# What a model of any size goes on with as JSON by itself, so that both texts are alike.
NAMES = ["Anna Berg", "Carl Moe", "Eva Lund", "Finn Dahl", "Greta Holm", "Hugo Vik", "Ida Strand", "Jon Sand", "Kari Lie",
         "Lars Aas"]  # fmt: skip
DRUGS = ["metformin", "aspirin", "ramipril", "insulin", "warfarin", "digoxin", "codeine"]
WARD = [{"name": name, "age": 41 + 7 * i % 50, "drugs": [DRUGS[i % 7], DRUGS[3 * i % 7]]} for i, name in enumerate(NAMES)]
PATIENTS = f"""Ten patients of a ward, each with a name, an age and what they take, as JSON:

{json.dumps(WARD)}

Ten other patients of another ward, in the same form:

"""
PATIENT = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "drugs": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "drugs"],
    "additionalProperties": False,
}
SCHEMA = {"type": "array", "items": PATIENT, "minItems": 4}
# What no model would say to this question by itself: nearly each token is drawn against its will.
ESSAY = "Explain in plain words how the heart works."
UNWANTED = {
    "type": "object",
    "properties": {"chambers": {"type": "array", "items": {"type": "string", "maxLength": 20}, "minItems": 50}},
    "required": ["chambers"],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080", metavar="URL")
    parser.add_argument("--key", default="none", help="the server's API key")
    parser.add_argument("--clients", type=int, default=4, metavar="N", help=f"at most {len(TOPICS)}")
    parser.add_argument("-n", "--generate", type=int, default=96, metavar="N", help="tokens of an answer")
    parser.add_argument("-p", "--prompt", type=int, default=512, metavar="N", help="words of the prompt that is read")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    return parser.parse_args()


def post(args, path, body):
    request = urllib.request.Request(
        args.url + path,
        json.dumps({"temperature": 0, "max_tokens": args.generate, **body}).encode(),
        {"Authorization": f"Bearer {args.key}", "Content-Type": "application/json"},
    )
    # A proxy is none of the business of what is measured.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return json.load(response)


def counted(args, answer, what):
    tokens = answer["usage"]["completion_tokens"]
    if tokens != args.generate:
        raise SystemExit(f"{what}: expected {args.generate} tokens, got {tokens}; choose a smaller -n")
    return answer


def essay(args, topic):
    ask = f"Write a long essay about {topic}, at least ten paragraphs, without lists."
    answer = post(args, "/v1/chat/completions", {"messages": [{"role": "user", "content": ask}]})
    return counted(args, answer, topic)


def together(args, clients):
    """Tokens/s of so many clients, each with its own question."""
    threads = [threading.Thread(target=essay, args=(args, TOPICS[i])) for i in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients * args.generate / (time.perf_counter() - start)


def reading(args, words):
    """Tokens/s of a prompt that is new from its first word."""
    prompt = " ".join(random.choice(words) for _ in range(args.prompt))
    return post(args, "/v1/completions", {"prompt": prompt, "max_tokens": 1})["timings"]["prompt_per_second"]


def each_token(args, path, body):
    """Milliseconds of a token, and the text."""
    answer = counted(args, post(args, path, body), path)
    choice = answer["choices"][0]
    text = choice["text"] if "text" in choice else choice["message"]["content"]
    return answer["timings"]["predicted_ms"] / args.generate, text


def cell(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main():
    args = arguments()
    question = {"messages": [{"role": "user", "content": ESSAY}]}
    unwanted = {"type": "json_schema", "json_schema": {"name": "heart", "schema": UNWANTED}}
    works = {
        "alone": lambda: together(args, 1),
        "together": lambda: together(args, args.clients),
        "prompt": lambda: reading(args, TOPICS),
        "free": lambda: each_token(args, "/v1/completions", {"prompt": PATIENTS}),
        "bound": lambda: each_token(args, "/v1/completions", {"prompt": PATIENTS, "json_schema": SCHEMA}),
        "essay": lambda: each_token(args, "/v1/chat/completions", question),
        "against": lambda: each_token(args, "/v1/chat/completions", {**question, "response_format": unwanted}),
    }
    results = {name: [] for name in works}
    for i in range(args.rounds + 1):
        for name, work in works.items():
            value = work()
            if i > 0:
                results[name].append(value)
    speed = {name: statistics.median(results[name]) for name in ("alone", "together", "prompt")}
    print("| tokens/s | median (least to greatest) |")
    print("|---|---|")
    print(f"| one client | {cell(results['alone'])} |")
    print(f"| {args.clients} clients together | {cell(results['together'])} |")
    print(f"| prompt, about {args.prompt} tokens | {cell(results['prompt'])} |")
    bound = min(2 * speed["alone"], 0.7 * speed["prompt"])
    verdict = "kept" if speed["together"] >= bound else "missed"
    print(f"\n{args.clients} clients: {speed['together'] / speed['alone']:.2f} times one client's; the lesser of twice "
          f"that and 0.7 of the prompt's speed is {bound:.1f}: {verdict}\n")  # fmt: skip
    print("| ms per token | free | held to a schema | ratio of medians | ratios of rounds |")
    print("|---|---|---|---|---|")
    for work, free, held in (("the same JSON", "free", "bound"), ("an essay; a list", "essay", "against")):
        a, b = ([ms for ms, _ in results[name]] for name in (free, held))
        ratios = [y / x for x, y in zip(a, b)]
        print(f"| {work} | {cell(a)} | {cell(b)} | {statistics.median(b) / statistics.median(a):.2f} "
              f"| {min(ratios):.2f} to {max(ratios):.2f} |")  # fmt: skip
    same = results["free"][0][1].strip() == results["bound"][0][1].strip()
    print(f"\nThe texts of the first row are {'equal' if same else 'not equal'}.")
    if not same:
        print(f"free: {results['free'][0][1]!r}\nheld: {results['bound'][0][1]!r}")


main()
