"""Writes src/test/resources/sampling/llama-cpp.json: what llama.cpp's samplers make of logits.

    python make_sampler_cases.py TINY_GGUF OUT    (llama-cpp-python 0.3.36)

TINY_GGUF is src/test/resources/golden/tiny/tiny-q4_k_m.gguf, whose vocabulary DRY's cases use. A case has logits, the
chain (each sampler's name and arguments), the history, and the probabilities by id of what the chain leaves.
"""

import ctypes
import json
import math
import random
import sys

import llama_cpp as L

rnd = random.Random(20)


def model(path):
    parameters = L.llama_model_default_params()
    parameters.vocab_only = True
    return L.llama_model_load_from_file(path.encode(), parameters)


def make(step, vocab, n_vocab):
    name, args = step[0], step[1:]
    if name == "penalties":
        last_n, repeat, frequency, presence = args
        return L.llama_sampler_init_penalties(n_vocab, last_n, repeat, frequency, presence)
    if name == "dry":
        multiplier, base, allowed, last_n, breakers = args
        texts = (ctypes.c_char_p * max(1, len(breakers)))(*[b.encode() for b in breakers])
        return L.llama_sampler_init_dry(vocab, multiplier, base, allowed, last_n, texts, len(breakers))
    if name == "top_n_sigma":
        return L.llama_sampler_init_top_n_sigma(*args)
    if name == "top_k":
        return L.llama_sampler_init_top_k(*args)
    if name == "typ_p":
        return L.llama_sampler_init_typical(*args, 1)
    if name == "top_p":
        return L.llama_sampler_init_top_p(*args, 1)
    if name == "min_p":
        return L.llama_sampler_init_min_p(*args, 1)
    if name == "xtc":
        return L.llama_sampler_init_xtc(1.0, *args, 1, 0)
    if name == "temperature":
        return L.llama_sampler_init_temp_ext(*args)
    raise ValueError(name)


def run(logits, chain, history, vocab):
    n = len(logits)
    data = (L.llama_token_data * n)(*[L.llama_token_data(i, x, 0.0) for i, x in enumerate(logits)])
    array = L.llama_token_data_array(data, n, -1, False)
    for step in chain:
        sampler = make(step, vocab, n)
        for token in history:
            L.llama_sampler_accept(sampler, token)
        L.llama_sampler_apply(sampler, ctypes.byref(array))
        L.llama_sampler_free(sampler)
    left = {array.data[i].id: array.data[i].logit for i in range(array.size)}
    left = {i: x for i, x in left.items() if x > -math.inf}
    top = max(left.values())
    total = sum(math.exp(x - top) for x in left.values())
    return {str(i): float("%.7g" % (math.exp(x - top) / total)) for i, x in sorted(left.items())}


def gaussian(n, scale=2.0):
    # Multiples of 1/1024 are floats and short decimals alike.
    return [round(rnd.gauss(0, scale) * 1024) / 1024 for _ in range(n)]


def main(tiny, out):
    tiny_model = model(tiny)
    vocab = L.llama_model_get_vocab(tiny_model)
    size = L.llama_vocab_n_tokens(vocab)
    cases = []

    def case(logits, chain, history=()):
        cases.append(
            {
                "logits": logits,
                "chain": chain,
                "history": list(history),
                "probabilities": run(logits, chain, history, vocab),
            }
        )

    one = [
        *[["top_k", k] for k in (1, 5, 39, 40, 100)],
        *[["top_p", p] for p in (0.1, 0.5, 0.9, 0.999)],
        *[["min_p", p] for p in (0.01, 0.1, 0.5, 1.0)],
        *[["typ_p", p] for p in (0.1, 0.5, 0.9, 0.999)],
        *[["top_n_sigma", n] for n in (0.5, 1.0, 2.0)],
        *[["xtc", t] for t in (0.02, 0.1, 0.3)],
        *[["temperature", t, 0.0, 1.0] for t in (0.25, 0.8, 1.5)],
        *[["temperature", t, r, e] for t, r, e in ((0.8, 0.5, 1.0), (0.5, 0.5, 2.0), (0.3, 1.0, 0.5))],
        ["penalties", 64, 1.3, 0.0, 0.0],
        ["penalties", 64, 1.0, 0.5, 0.0],
        ["penalties", 64, 1.0, 0.0, 0.7],
        ["penalties", 8, 1.2, 0.3, 0.4],
    ]
    for step in one:
        for _ in range(2):
            logits = gaussian(40)
            history = [rnd.randrange(40) for _ in range(30)] if step[0] == "penalties" else []
            case(logits, [step], history)
    for _ in range(24):
        chain = [
            ["penalties", 20, 1.1, 0.1, 0.1],
            ["top_k", rnd.choice([10, 30])],
            ["typ_p", rnd.choice([0.9, 0.99])],
            ["top_p", rnd.choice([0.8, 0.95])],
            ["min_p", rnd.choice([0.02, 0.1])],
            ["xtc", rnd.choice([0.1, 0.2])],
            ["temperature", rnd.choice([0.6, 1.3]), 0.0, 1.0],
        ]
        if rnd.random() < 0.5:
            rnd.shuffle(chain)
        case(gaussian(40), chain, [rnd.randrange(40) for _ in range(30)])
    # DRY: histories that repeat themselves, with breakers that are one token, part of one, and several.
    ids = [i for i in range(size) if not L.llama_vocab_is_control(vocab, i)]
    breaker_sets = [[], ["\n", ":", '"', "*"], ["th"], ["the end", "\n\n"]]
    for breakers in breaker_sets:
        for allowed, last_n in ((0, 64), (1, 64), (2, 64), (2, 12), (5, 64)):
            few = [i for i in ids if rnd.random() < 0.004] + [rnd.choice(range(0, 300))]
            few = (few + ids)[:3]
            text = "".join(rnd.choice(["the end", "\n", "a: b", "th", "he", "\n\n", " end"]) for _ in range(20)).encode()
            tokens = (ctypes.c_int32 * 256)()
            n = L.llama_tokenize(vocab, text, len(text), tokens, 256, False, False)
            spelled = list(tokens[:n])
            history = [rnd.choice(few) for _ in range(30)] if not breakers else spelled
            # llama.cpp keeps the last n tokens that it was given; a history of the same length says the same to us.
            step = ["dry", 0.8, 1.75, allowed, last_n, breakers]
            kept = sorted(set(history))
            logits = [-math.inf] * size
            for i, x in zip(kept, gaussian(len(kept), 1.0)):
                logits[i] = x
            cases.append(
                {
                    "vocabulary": size,
                    "finite": {str(i): logits[i] for i in kept},
                    "chain": [step],
                    "history": history,
                    "probabilities": run(logits, [step], history, vocab),
                }
            )
    with open(out, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
    print(len(cases), "cases")


main(*sys.argv[1:])
