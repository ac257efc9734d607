#!/usr/bin/env python3
"""Compares medpsy with llama.cpp on the same GGUF files: prints a Markdown table of tokens/s and ratios.

usage: bin/compare-llamacpp.py MODEL.gguf... [-p 512] [-n 64] [-d 0] [-t THREADS] [-r 3] [--rounds 2]

Each round runs medpsy, then llama.cpp without and with its repacking of weights; the ratio is that of the medians of all
rounds, and llama.cpp's better setting counts. Run it on an idle machine: other work slows the two unequally.

llama.cpp is measured through its Python package, which this Python must have, built for this machine:
  CMAKE_ARGS=-DGGML_NATIVE=ON pip install llama-cpp-python==0.3.36
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

MEDPSY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "medpsy")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("-p", "--prompt", type=int, default=512, metavar="N", help="tokens of the prompt")
    parser.add_argument("-n", "--generate", type=int, default=64, metavar="N", help="tokens to generate")
    parser.add_argument("-d", "--depth", type=int, default=0, metavar="N", help="tokens in the context before those")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("-r", "--repetitions", type=int, default=3, metavar="N", help="in a round, after a warm-up")
    parser.add_argument("--rounds", type=int, default=2, metavar="N")
    parser.add_argument("--peer", choices=("0", "1"), help=argparse.SUPPRESS)  # measure llama.cpp, print JSON
    return parser.parse_args()


def llama_cpp(args):
    """Speeds of each repetition: [pp], [tg]. The same tokens as `medpsy bench`; what they are does not matter."""
    import llama_cpp as llama

    llama.llama_backend_init()
    silent = llama.llama_log_callback(lambda *_: None)
    llama.llama_log_set(silent, ctypes.c_void_p(0))
    model_params = llama.llama_model_default_params()
    model_params.use_extra_bufts = args.peer == "1"
    model = llama.llama_model_load_from_file(args.models[0].encode(), model_params)
    if not model:
        sys.exit(f"{args.models[0]}: llama.cpp cannot load it")
    params = llama.llama_context_default_params()
    params.n_ctx = max(args.prompt, args.depth + args.generate) + 8
    params.n_batch = params.n_ubatch = 512
    params.n_threads = params.n_threads_batch = args.threads
    context = llama.llama_init_from_model(model, params)
    vocabulary = min(llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model)), 50_000)
    prompt = [(i * 7919 + 13) % vocabulary for i in range(max(args.prompt, args.depth))]

    def decode(tokens):
        for i in range(0, len(tokens), 512):
            part = tokens[i : i + 512]
            ids = (llama.llama_token * len(part))(*part)  # the batch points to it
            if llama.llama_decode(context, llama.llama_batch_get_one(ids, len(part))) != 0:
                sys.exit("llama_decode failed")
        llama.llama_synchronize(context)

    def clear():
        llama.llama_memory_clear(llama.llama_get_memory(context), True)

    pp, tg = [], []
    for repetition in range(args.repetitions + 1):
        clear()
        start = time.perf_counter()
        decode(prompt[: args.prompt])
        pp.append(args.prompt / (time.perf_counter() - start))
        clear()
        decode(prompt[: args.depth])
        start = time.perf_counter()
        for i in range(args.generate):
            decode([(i * 104729 + 7) % vocabulary])
        tg.append(args.generate / (time.perf_counter() - start))
    return pp[1:], tg[1:]


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {result.returncode}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def medpsy(args, model):
    result = run([
        MEDPSY, "bench", model, "--json", "-p", str(args.prompt), "-n", str(args.generate), "-d", str(args.depth),
        "-t", str(args.threads), "-r", str(args.repetitions),
    ])  # fmt: skip
    return [result.get(f"pp{args.prompt}", 0)], [result.get(f"tg{args.generate}", 0)]


def peer(args, model, repack):
    return run([
        sys.executable, os.path.abspath(__file__), model, "--peer", repack, "-p", str(args.prompt), "-n",
        str(args.generate), "-d", str(args.depth), "-t", str(args.threads), "-r", str(args.repetitions),
    ])  # fmt: skip


def cell(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main():
    args = arguments()
    if args.peer:
        print(json.dumps(llama_cpp(args)))
        return
    depth = f" at {args.depth}" if args.depth else ""
    print("| file | work | medpsy | llama.cpp | with repacking | ratio |")
    print("|---|---|---|---|---|---|")
    for model in args.models:
        ours, plain, repacked = ([], []), ([], []), ([], [])
        for _ in range(args.rounds):
            for into, values in (
                (ours, medpsy(args, model)),
                (plain, peer(args, model, "0")),
                (repacked, peer(args, model, "1")),
            ):
                into[0].extend(values[0])
                into[1].extend(values[1])
        for i, work in enumerate((f"pp{args.prompt}", f"tg{args.generate}{depth}")):
            if (args.prompt, args.generate)[i] == 0:
                continue
            best = max(statistics.median(plain[i]), statistics.median(repacked[i]))
            ratio = statistics.median(ours[i]) / best
            print(f"| {os.path.basename(model)} | {work} | {cell(ours[i])} | {cell(plain[i])} | {cell(repacked[i])} "
                  f"| **{ratio:.2f}** |", flush=True)  # fmt: skip


main()
