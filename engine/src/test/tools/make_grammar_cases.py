"""Writes src/test/resources/grammar/llama-cpp.json: the tokens that llama.cpp's grammars allow after texts.

    python make_grammar_cases.py TINY_GGUF OUT    (llama-cpp-python 0.3.36)

TINY_GGUF is src/test/resources/golden/tiny/tiny-q4_k_m.gguf. "allowed" is a bit for each token, as hexadecimal digits:
token 0 is the lowest bit of the first digit.
"""

import ctypes
import json
import sys

import llama_cpp as L

GRAMMARS = {
    "literals": ('root ::= "the end" | "then" | "\\x41\\n\\"\\\\"', ["", "t", "the", "the ", "the end", "then", "A", "A\n"]),
    "classes": ("root ::= [a-cx] [^a-z\\n] [\\]\\-] [é-ü]", ["", "a", "x1", "b ]", "b -"]),
    "any": ("root ::= . .", ["", "a", "é", "€"]),
    "repetitions": (
        'root ::= "a"* "b"+ "c"? ("de"){2} "f"{1,} "g"{0,3} [0-9]{2,4}',
        ["", "aaa", "b", "bbc", "bcde", "bdede", "bdedef", "bdedefg", "bdedefggg", "bdedefggg12", "bdedef1234"],
    ),
    "arithmetic": (
        "root ::= expr\nexpr ::= term ([-+*/] term)*  # a comment\n\nterm ::= num | ident |\n  \"(\" ws expr ws \")\"\n"
        "ident ::= [a-z] [a-z0-9]*\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*\n",
        ["", "a", "a+", "(", "((1 ", "(1 )", "12*", "(a-b)"],
    ),
    "nullable": ('root ::= a a "!"\na ::= "x"* b?\nb ::= "y"?', ["", "x", "xy", "xyx", "xyxy", "!"]),
    "json": (
        'root ::= object\nvalue ::= object | array | string | number | ("true" | "false" | "null") ws\n'
        'object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws\n'
        'array ::= "[" ws (value ("," ws value)*)? "]" ws\n'
        'string ::= "\\"" ([^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\\"" ws\n'
        'number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws\n'
        'ws ::= | " " | "\\n" [ \\t]{0,20}\n',
        [
            "", "{", "{ ", '{"', '{"a', '{"a\\', '{"a\\u0', '{"a"', '{"a":', '{"a":[', '{"a":[1', '{"a":[1,', '{"a":[[[',
            '{"a":tr', '{"a":true', '{"a":{"b":-0.', '{"é', "{}", '{"a":""}', '{"a":""}\n',
        ],
    ),
    "unicode": ('root ::= [Ā-￿]+ "😀" [\\u00e9-\\U0001F600]', ["", "Ā", "漢字", "漢😀"]),
}


def main(tiny, out):
    parameters = L.llama_model_default_params()
    parameters.vocab_only = True
    model = L.llama_model_load_from_file(tiny.encode(), parameters)
    vocab = L.llama_model_get_vocab(model)
    size = L.llama_vocab_n_tokens(vocab)

    def tokens(text):
        raw = text.encode()
        buffer = (ctypes.c_int32 * 256)()
        n = L.llama_tokenize(vocab, raw, len(raw), buffer, 256, False, False)
        return list(buffer[:n])

    cases = []
    for name, (grammar, prefixes) in GRAMMARS.items():
        for prefix in prefixes:
            sampler = L.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
            assert sampler, name
            for token in tokens(prefix):
                L.llama_sampler_accept(sampler, token)
            data = (L.llama_token_data * size)(*[L.llama_token_data(i, 1.0, 0.0) for i in range(size)])
            array = L.llama_token_data_array(data, size, -1, False)
            L.llama_sampler_apply(sampler, ctypes.byref(array))
            allowed = {data[i].id for i in range(size) if data[i].logit > -1}
            L.llama_sampler_free(sampler)
            digits = "".join(
                "%x" % sum(1 << b for b in range(4) if 4 * d + b in allowed) for d in range((size + 3) // 4)
            )
            cases.append({"name": name, "grammar": grammar, "prefix": prefix, "allowed": digits})
    with open(out, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]\n")
    print(len(cases), "cases")


main(*sys.argv[1:])
