#!/usr/bin/env python3
"""Makes GGUF files with random weights in the shape of MedPsy-1.7B or -4B, for measuring speed where the models are not at hand.

usage: bin/make-shape.py SHAPE DONOR.gguf OUT.gguf TYPE

SHAPE is 1.7b or 4b, or 'tiny' for a try. DONOR is any model of Qwen's family: its vocabulary and chat template are
taken. TYPE is a name of llama.cpp's file types: q4_k_m, q8_0, iq3_xxs, bf16, ...

Each tensor has the type that llama.cpp chooses for it in a file of that type made with an importance matrix (of ones).
Its rows repeat after 512, and every layer has the same weights, which speed does not notice; so a file takes seconds and no
more disk than its own size. What such a model says is gibberish, and its accuracy says nothing.

Needs the Python packages gguf, numpy and llama-cpp-python (0.3.36 was tried).
"""
import argparse
import ctypes
import os
import sys
import tempfile
from typing import NamedTuple

try:
    import gguf
    import llama_cpp as llama
    import numpy as np
except ImportError as missing:
    sys.exit(f"make-shape: {missing}; pip install gguf numpy llama-cpp-python==0.3.36")


class Shape(NamedTuple):
    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    context: int
    rope_base: float


SHAPES = {
    "1.7b": Shape(28, 2048, 6144, 16, 8, 128, 40960, 1e6),
    "4b": Shape(36, 2560, 9728, 32, 8, 128, 262144, 5e6),
    "tiny": Shape(4, 256, 512, 4, 2, 64, 4096, 1e6),
}
FILE_TYPES = {
    name.removeprefix("LLAMA_FTYPE_MOSTLY_").lower(): value
    for name, value in vars(llama).items()
    if name.startswith("LLAMA_FTYPE_MOSTLY_") and isinstance(value, int)
}
DISTINCT_ROWS = 512
STANDARD_DEVIATION = 0.02  # that of Qwen's weights


def tensors(shape, vocabulary):
    """Names to (rows, columns); norms have 1 row."""
    heads, kv_heads = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    yield "token_embd.weight", (vocabulary, shape.hidden)
    yield "output_norm.weight", (1, shape.hidden)
    yield "output.weight", (vocabulary, shape.hidden)
    for i in range(shape.layers):
        for name, size in {
            "attn_norm": (1, shape.hidden),
            "attn_q": (heads, shape.hidden),
            "attn_k": (kv_heads, shape.hidden),
            "attn_v": (kv_heads, shape.hidden),
            "attn_q_norm": (1, shape.head_dim),
            "attn_k_norm": (1, shape.head_dim),
            "attn_output": (shape.hidden, heads),
            "ffn_norm": (1, shape.hidden),
            "ffn_gate": (shape.ffn, shape.hidden),
            "ffn_up": (shape.ffn, shape.hidden),
            "ffn_down": (shape.hidden, shape.ffn),
        }.items():
            yield f"blk.{i}.{name}.weight", size


def writer(path, shape, file_type, donor):
    """A file's metadata; the vocabulary is the donor's, or absent."""
    w = gguf.GGUFWriter(path, "qwen3")
    w.add_name("random weights")
    w.add_file_type(file_type)
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_block_count(shape.layers)
    w.add_context_length(shape.context)
    w.add_embedding_length(shape.hidden)
    w.add_feed_forward_length(shape.ffn)
    w.add_head_count(shape.heads)
    w.add_head_count_kv(shape.kv_heads)
    w.add_key_length(shape.head_dim)
    w.add_value_length(shape.head_dim)
    w.add_rope_freq_base(shape.rope_base)
    w.add_layer_norm_rms_eps(1e-6)
    if donor:
        for key in ("model", "pre", "tokens", "token_type", "merges", "eos_token_id", "bos_token_id",
                    "padding_token_id", "add_bos_token", "chat_template"):  # fmt: skip
            field = donor.fields.get(f"tokenizer.{key}" if key == "chat_template" else f"tokenizer.ggml.{key}")
            if field is not None:
                sub_type = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
                w.add_key_value(field.name, field.contents(), field.types[0], sub_type)
    return w


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def chosen_types(shape, file_type):
    """The type of each tensor as llama.cpp quantizes it, seen in a model of the same layers and heads but narrow."""
    ratio = shape.heads // shape.kv_heads
    narrow = shape._replace(hidden=256, ffn=256, heads=ratio, kv_heads=1, head_dim=256)
    names = dict(tensors(narrow, 256))
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "f32.gguf"), os.path.join(folder, "out.gguf")
        w = writer(source, narrow, llama.LLAMA_FTYPE_ALL_F32, None)
        random = np.random.default_rng(1)
        for name, (rows, columns) in names.items():
            values = random.standard_normal((rows, columns), dtype=np.float32)
            w.add_tensor(name, values if rows > 1 else values[0])
        finish(w)
        params = llama.llama_model_quantize_default_params()
        params.ftype = file_type
        ones = {columns: (ctypes.c_float * columns)(*[1.0] * columns) for _, columns in names.values()}
        importance = [
            llama.llama_model_imatrix_data(name.encode(), ctypes.cast(ones[columns], ctypes.POINTER(ctypes.c_float)), columns)
            for name, (rows, columns) in names.items() if rows > 1
        ]  # fmt: skip
        importance.append(llama.llama_model_imatrix_data(None, None, 0))  # ends the list
        importance = (llama.llama_model_imatrix_data * len(importance))(*importance)
        params.imatrix = importance
        if llama.llama_model_quantize(source.encode(), target.encode(), params) != 0:
            sys.exit("make-shape: llama.cpp cannot quantize to that type")
        return {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(target).tensors}


def quantizer():
    from llama_cpp import _ggml  # the library below llama.cpp's, which has the conversion of rows

    function = _ggml.libggml.ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    function.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
    ]  # fmt: skip
    return function


def matrix(quantize, tensor_type, rows, columns, random):
    """[rows][bytes of a row], of which the first DISTINCT_ROWS repeat."""
    distinct = min(rows, DISTINCT_ROWS)
    values = random.standard_normal((distinct, columns), dtype=np.float32) * np.float32(STANDARD_DEVIATION)
    block, block_bytes = gguf.GGML_QUANT_SIZES[tensor_type]
    encoded = np.empty((distinct, columns // block * block_bytes), np.uint8)
    ones = np.ones(columns, np.float32)
    written = quantize(tensor_type, values.ctypes.data, encoded.ctypes.data, 0, distinct, columns, ones.ctypes.data)
    if written != encoded.nbytes:
        sys.exit(f"make-shape: {tensor_type.name}: expected {encoded.nbytes} bytes, got {written}")
    return np.resize(encoded, (rows, encoded.shape[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("donor", metavar="DONOR.gguf")
    parser.add_argument("out", metavar="OUT.gguf")
    parser.add_argument("type", metavar="TYPE", choices=FILE_TYPES, help=", ".join(FILE_TYPES))
    args = parser.parse_args()
    silent = llama.llama_log_callback(lambda *_: None)
    llama.llama_log_set(silent, ctypes.c_void_p(0))
    shape, file_type = SHAPES[args.shape], FILE_TYPES[args.type]
    donor = gguf.GGUFReader(args.donor)
    if donor.fields["tokenizer.ggml.model"].contents() != "gpt2":
        sys.exit(f"make-shape: {args.donor}: expected a byte-level vocabulary, as Qwen's is")
    vocabulary = len(donor.fields["tokenizer.ggml.tokens"].data)
    types = chosen_types(shape, file_type)
    quantize = quantizer()
    random = np.random.default_rng(1)
    made = {}
    w = writer(args.out, shape, file_type, donor)
    for name, (rows, columns) in tensors(shape, vocabulary):
        if rows == 1:
            w.add_tensor(name, (1 + 0.1 * random.standard_normal(columns)).astype(np.float32))
            continue
        key = (types[name], rows, columns)
        if key not in made:
            made[key] = matrix(quantize, *key, random)
        w.add_tensor(name, made[key], raw_dtype=types[name])
    finish(w)
    print(f"{args.out}: {os.path.getsize(args.out):,} bytes")


main()
