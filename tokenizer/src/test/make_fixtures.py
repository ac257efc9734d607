"""Makes the vocabularies and reference ids in src/test/resources: small trained vocabularies, one for each
pre-tokenizer, with the ids that Hugging Face's `tokenizers` gives, and a SentencePiece one with those of llama.cpp.

    python make_fixtures.py tokenizer-qwen3.jsonl OUT_FOLDER      (pip install tokenizers gguf llama-cpp-python)
"""
import json
import random
import sys

import gguf
from llama_cpp import Llama
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

golden, out = sys.argv[1:]
random.seed(20260101)

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2150, 0x218F),
           (0x2460, 0x24FF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFF00, 0xFFEF),
           (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF), (0x20000, 0x200FF), (0, 0x1F), (0x7F, 0x9F)]
ATOMS = ["'s", "'S", "'re", "'LL", "'ve", "'D", "'m", "'T", "'x", "'ſ", " ", "  ", "    ", "\n", "\r\n", "\n\n", "\t", "\u00a0",
         "\u3000", "1", "12", "1234", "x", "Hello", " the", "é", "e\u0301", "👩‍⚕️", "🇩🇪", "<", "</", "<tag>", "<|end|>",
         "<s>", "\u0085", "!!", "...", "—", "½", "Ⅷ", "٣", "▁", "<0x0A>", "\0", "patient", " mg/dL"]
TEXTS = ["", " ", "  ", "\n", "a", "Hello, world!", " Hello", "don't we'll THEY'VE I'M you're he'd", "'s", "x's", "''s'",
         "3.14159 2024-05-11 1,234,567 0x1F", "The patient was given metformin 500 mg twice a day.", "tabs\tand\r\nlines\r\n\r\n",
         "   leading and trailing   ", "a  b   c    d", "unmergeable", " unmergeable", "x unmergeable unmergeables",
         "Привет, мир! Здравствуйте", "你好，世界。糖尿病患者", "こんにちは 世界", "안녕하세요", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก",
         "é e\u0301 Å \u212b ﬁ", "👩‍⚕️👨‍👩‍👧‍👦🏳️‍🌈🇩🇪🇫🇷", "a\0b\x01\x7f", "\ue000\uf8ff\ufffd", "12345678", "x" * 200, "ab" * 150, " " * 100,
         "\n" * 50, " \n" * 20, "\t\t  \n  x", "½Ⅷ٣²①", "<|end|>", "a<|end|>b", "<tag>x</tag>", " <tag> <|end|> ", "<s>a", "<|end", "\n\n\n\n\n",
         "a \n\n  b", "the cat the cat the cat", "1 2  3   4", "a1b22c333d4444", "!!! ??? ...", "--- *** ___", "\u2028\u2029\u180e\u200b x"]
for _ in range(220):
    s = ""
    for _ in range(random.randint(1, 20)):
        if random.random() < 0.6:
            s += random.choice(ATOMS)
        else:
            low, high = random.choice(SCRIPTS)
            s += "".join(chr(random.randint(low, high)) for _ in range(random.randint(1, 4)))
    TEXTS.append(s)
CORPUS = [json.loads(line)["text"] for line in open(golden, encoding="utf-8")] + [t for t in TEXTS if "unmergeable" not in t] * 2

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
split = lambda pattern: pre_tokenizers.Sequence(
    [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
PRE = {
    "qwen2": split(QWEN2),
    "llama-bpe": split(QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")),
    "gpt-2": gpt2,
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2]),
}


def byte_level(name, pre):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    if name == "qwen2":
        t.normalizer = normalizers.NFC()
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=900, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(t.to_str())["model"]
    vocab = model["vocab"]
    merges = [" ".join(m) for m in model["merges"]]
    if name == "llama-bpe":  # a word that no merges make
        for word in ("unmergeable", "Ġunmergeable"):
            vocab[word] = len(vocab)
    t = Tokenizer(models.BPE(vocab, [tuple(m.split(" ")) for m in merges], ignore_merges=name == "llama-bpe"))
    t.pre_tokenizer = pre
    if name == "qwen2":
        t.normalizer = normalizers.NFC()
    plain = [(text, t.encode(text, add_special_tokens=False).ids) for text in TEXTS]
    t.add_special_tokens([AddedToken("<|end|>", normalized=False, special=True)])
    t.add_tokens([AddedToken("<tag>", normalized=False), AddedToken("</tag>", normalized=False), AddedToken("<t", normalized=False)])
    tokens = [token for token, _ in sorted(t.get_vocab().items(), key=lambda item: item[1])]
    cases = [{"text": text, "special": False, "ids": ids} for text, ids in plain]
    for text in TEXTS:
        ids = t.encode(text, add_special_tokens=False).ids
        if ids != dict(plain)[text]:
            cases.append({"text": text, "special": True, "ids": ids})
    write(name, {"model": "gpt2", "pre": name, "tokens": tokens, "types": [1] * len(vocab) + [3, 4, 4, 4], "merges": merges}, cases)


def sentence_piece(name, space_prefix):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always" if space_prefix else "never")
    # llama.cpp joins characters through control and byte tokens; without "<" no token has one of those inside.
    t.train_from_iterator([c for c in CORPUS if "<" not in c], trainers.BpeTrainer(vocab_size=1500, min_frequency=2, limit_alphabet=400, show_progress=False))
    model = json.loads(t.to_str())["model"]
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<|end|>", 3), ("<tag>", 4), ("</tag>", 4)]
    special += [("\n" * n, 4) for n in range(1, 9)] + [(" " * n, 4) for n in range(2, 9)]
    special += [(f"<0x{b:02X}>", 6) for b in range(256)]
    chars = [c for c in sorted(model["vocab"], key=model["vocab"].get) if len(c) == 1 and c not in "\n\0"]
    tokens = special + [(c, 1) for c in chars]
    scores = [0.0] * len(special) + [-1e6] * len(chars)
    for rank, (left, right) in enumerate(model["merges"]):
        if "\n" not in left + right and "\0" not in left + right and "▁▁" not in left + right:
            tokens.append((left + right, 1))
            scores.append(float(-(rank // 2)))  # pairs of equal scores: the left one goes first
    keep, seen = [], set()
    for i, (text, _) in enumerate(tokens):
        if text not in seen:
            seen.add(text)
            keep.append(i)
    tokens, scores = [tokens[i] for i in keep], [scores[i] for i in keep]
    w = gguf.GGUFWriter("/tmp/sentencepiece.gguf", "llama")
    w.add_block_count(1); w.add_context_length(64); w.add_embedding_length(64); w.add_feed_forward_length(64)
    w.add_head_count(1); w.add_layer_norm_rms_eps(1e-5)
    w.add_tokenizer_model("llama"); w.add_tokenizer_pre("default")
    w.add_token_list([text for text, _ in tokens]); w.add_token_scores(scores); w.add_token_types([kind for _, kind in tokens])
    w.add_bos_token_id(1); w.add_eos_token_id(2); w.add_unk_token_id(0); w.add_add_space_prefix(space_prefix)
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
    llama = Llama("/tmp/sentencepiece.gguf", vocab_only=True, verbose=False)
    cases = []
    for text in TEXTS:
        for parse in (False, True):
            ids = llama.tokenize(text.encode(), add_bos=False, special=parse)
            # llama.cpp matches every user-defined token in any text, and joins characters into control tokens.
            if not parse and any(tokens[i][1] != 1 and tokens[i][1] != 6 and tokens[i][0].strip() for i in ids):
                continue
            cases.append({"text": text, "special": parse, "ids": ids})
    write(name, {"model": "llama", "tokens": [text for text, _ in tokens], "types": [kind for _, kind in tokens],
                 "scores": scores, "bos": 1, "eos": 2, "unknown": 0, "addSpacePrefix": space_prefix}, cases)


def write(name, vocabulary, cases):
    with open(f"{out}/{name}.json", "w", encoding="utf-8") as f:
        f.write(json.dumps({"vocabulary": vocabulary})[:-1] + ', "cases": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]}\n")


for name, pre in PRE.items():
    byte_level(name, pre)
sentence_piece("sentencepiece", False)
sentence_piece("sentencepiece-prefix", True)
