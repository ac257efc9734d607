"""Writes src/test/resources/golden/embeddings.json: the vectors that llama.cpp makes of texts.

    python make_embedding_cases.py ROPE_FOLDER QWEN2_GGUF OUT    (llama-cpp-python 0.3.36)

ROPE_FOLDER is src/test/resources/golden/rope, small models with random weights in floats; QWEN2_GGUF is
qwen2.5-coder-0.5b-instruct-q4_k_m.gguf. Pooling is as with llama.cpp's --pooling mean and last; vectors are normalised
(--embd-normalize 2). All texts of a case are computed in one batch, with a KV cache in floats. The small models get
token ids, for their vocabularies spell nothing.
"""

import json
import math
import sys

import llama_cpp as L

POOLINGS = {"mean": L.LLAMA_POOLING_TYPE_MEAN, "last": L.LLAMA_POOLING_TYPE_LAST}

TEXTS = [
    "Metformin lowers the blood sugar of people with type 2 diabetes.",
    "A drug against high blood glucose.",
    "The train to the coast leaves at nine.",
]


def embed(path, texts, pooling):
    parameters = L.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model = L.llama_model_load_from_file(path.encode(), parameters)
    vocab = L.llama_model_get_vocab(model)
    p = L.llama_context_default_params()
    p.n_ctx = 256 * len(texts)
    p.n_batch = p.n_ubatch = 85 * len(texts)  # a multiple, or llama.cpp aborts
    p.n_seq_max = len(texts)
    p.kv_unified = True  # else texts of unequal length are cut, and means taken of the pieces
    p.embeddings = True
    p.pooling_type = POOLINGS[pooling]
    p.type_k = p.type_v = L.GGML_TYPE_F32
    p.flash_attn_type = 0
    p.n_threads = p.n_threads_batch = 1
    ctx = L.llama_init_from_model(model, p)
    ids = []
    for text in texts:
        if isinstance(text, str):
            raw = text.encode()
            buf = (L.llama_token * 256)()
            n = L.llama_tokenize(vocab, raw, len(raw), buf, 256, True, False)
            ids.append(list(buf[:n]))
        else:
            ids.append(text)
    total = sum(len(i) for i in ids)
    batch = L.llama_batch_init(total, 0, 1)
    batch.n_tokens = total
    at = 0
    for seq, tokens in enumerate(ids):
        for pos, token in enumerate(tokens):
            batch.token[at] = token
            batch.pos[at] = pos
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = seq
            batch.logits[at] = True
            at += 1
    assert L.llama_decode(ctx, batch) == 0
    n = L.llama_model_n_embd(model)
    vectors = []
    for seq in range(len(ids)):
        e = L.llama_get_embeddings_seq(ctx, seq)[:n]
        norm = math.sqrt(sum(x * x for x in e))
        vectors.append([round(x / norm, 6) for x in e])
    L.llama_free(ctx)
    L.llama_model_free(model)
    return ids, vectors


def main():
    rope, real, out = sys.argv[1:]
    cases = []
    tiny = [[(i * 37 + 11 + seed) % 96 for i in range(count)] for seed, count in ((0, 48), (5, 1), (40, 17))]
    for name in ("llama-normal", "qwen2-biases", "qwen3-yarn"):
        for pooling in POOLINGS:
            ids, vectors = embed(f"{rope}/{name}.gguf", tiny, pooling)
            cases.append({"model": name, "pooling": pooling, "ids": ids, "vectors": vectors})
    for pooling in POOLINGS:
        ids, vectors = embed(real, TEXTS, pooling)
        cases.append({"model": "real", "pooling": pooling, "texts": TEXTS, "ids": ids, "vectors": vectors})
    with open(out, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


main()
