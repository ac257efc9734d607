#!/usr/bin/env python3
"""Compares medpsy with llama.cpp on the same GGUF files: prints a Markdown table of tokens/s, peak memory and ratios.

usage: bin/compare-llamacpp.py MODEL.gguf... [-p 512] [-n 64] [-d 0,4096] [-t THREADS] [-r 3] [--rounds 2] [--json FILE]
       bin/compare-llamacpp.py MODEL.gguf... --cold [--rounds 5]

Each round runs medpsy, then llama.cpp without and with its repacking of weights, each in a process of its own; the ratio is
that of the medians over all rounds, and llama.cpp's better setting counts. In brackets stand the least and the greatest.
A dash stands where llama.cpp crashed. Run it on an idle machine: other work slows the two unequally.

--cold compares fresh processes, the file in the page cache. medpsy's first token counts from the start of ./medpsy until
it could be drawn behind a prompt of 20 tokens; llama.cpp's is the time that loading and the same prompt take within a
process that runs already, as its library has no start of its own. The first 64 tokens are then compared with as many that
follow, of the same process.

Peak memory is the most that was resident at once, pages of the mapped file among it; llama.cpp's has Python in it.

llama.cpp is measured through its Python package, which this Python must have, built for this machine:
  CMAKE_ARGS=-DGGML_NATIVE=ON pip install llama-cpp-python==0.3.36
With repacking it computes by AMX or AVX-512 where the processor has them; what it was built with is printed.
"""
import argparse
import ctypes
import importlib.util
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BATCH = 512
COLD_PROMPT = 20
FLAGS = ("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_vbmi", "avx512_bf16",
         "avx512_fp16", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "sve")  # fmt: skip
INSTALL = "CMAKE_ARGS=-DGGML_NATIVE=ON pip install llama-cpp-python==0.3.36"


def number(text, least):
    if not text.strip().isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least} on, got {text!r}")
    return int(text)


def counts(text):
    return [number(value, 0) for value in text.split(",")]


def positive(text):
    return number(text, 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("-p", "--prompt", type=counts, default=[512], metavar="N[,N]", help="tokens of the prompt; 0: none")
    parser.add_argument("-n", "--generate", type=counts, default=[64], metavar="N[,N]", help="tokens to generate; 0: none")
    parser.add_argument("-d", "--depth", type=counts, default=[0], metavar="N[,N]", help="tokens in the context before those")
    parser.add_argument("-t", "--threads", type=positive, default=os.cpu_count(), metavar="N")
    parser.add_argument("-r", "--repetitions", type=positive, default=3, metavar="N", help="in a round, after a warm-up")
    parser.add_argument("--rounds", type=positive, default=2, metavar="N")
    parser.add_argument("--cold", action="store_true", help="compare fresh processes")
    parser.add_argument("--json", metavar="FILE", help="keep every figure, the machine and the versions there")
    parser.add_argument("--medpsy", default=os.path.join(HOME, "medpsy"), metavar="COMMAND", help="another checkout's")
    parser.add_argument("--options", type=shlex.split, default=[], metavar="TEXT", help="more options of medpsy bench")
    parser.add_argument("--peer", choices=("0", "1"), help=argparse.SUPPRESS)  # measure llama.cpp, print JSON
    args = parser.parse_args()
    if args.cold and args.depth != [0]:
        parser.error("--cold has no --depth")
    if not args.cold and max(args.prompt) == 0 and max(args.generate) == 0:
        parser.error("--prompt 0 and --generate 0: nothing is left to compare")
    for model in args.models:
        if not os.path.isfile(model):
            parser.error(f"{model}: no such file")
    return args


def name(tokens, depth, is_prompt):
    return f"pp{tokens}" if is_prompt else f"tg{tokens}" + (f" at {depth}" if depth else "")


def peak_megabytes():
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return None


class Peer:
    """llama.cpp with one model, in this process. The same tokens as `medpsy bench`; what they are does not matter."""

    def __init__(self, args, context_tokens):
        import llama_cpp as llama

        self.llama = llama
        self.silent = llama.llama_log_callback(lambda *_: None)  # kept: the library calls it later
        llama.llama_log_set(self.silent, ctypes.c_void_p(0))
        begin = time.perf_counter()
        llama.llama_backend_init()
        model_params = llama.llama_model_default_params()
        model_params.use_extra_bufts = args.peer == "1"
        self.model = llama.llama_model_load_from_file(args.models[0].encode(), model_params)
        if not self.model:
            sys.exit(f"{args.models[0]}: llama.cpp cannot load it")
        params = llama.llama_context_default_params()
        params.n_ctx = context_tokens + 8
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = args.threads
        self.context = llama.llama_init_from_model(self.model, params)
        if not self.context:
            sys.exit(f"{args.models[0]}: llama.cpp makes no context of {context_tokens} tokens")
        self.load_seconds = time.perf_counter() - begin
        self.memory = llama.llama_get_memory(self.context)
        self.vocabulary = min(llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model)), 50_000)
        self.held = 0  # tokens of the text at the beginning of the context

    def decode(self, tokens):
        for i in range(0, len(tokens), BATCH):
            part = tokens[i : i + BATCH]
            ids = (self.llama.llama_token * len(part))(*part)  # the batch points to it
            if self.llama.llama_decode(self.context, self.llama.llama_batch_get_one(ids, len(part))) != 0:
                sys.exit("llama_decode failed")
        self.llama.llama_synchronize(self.context)

    def text(self, begin, end):
        return [(i * 7919 + 13) % self.vocabulary for i in range(begin, end)]

    def prompt(self, tokens):
        self.llama.llama_memory_clear(self.memory, True)
        text = self.text(0, tokens)
        begin = time.perf_counter()
        self.decode(text)
        seconds = time.perf_counter() - begin
        self.held = tokens
        return tokens / seconds

    def generate(self, tokens, depth):
        kept = min(self.held, depth)
        if kept == 0:
            self.llama.llama_memory_clear(self.memory, True)
        elif not self.llama.llama_memory_seq_rm(self.memory, 0, kept, -1):
            sys.exit("llama_memory_seq_rm failed")
        self.decode(self.text(kept, depth))
        self.held = depth
        begin = time.perf_counter()
        for i in range(tokens):
            self.decode([(i * 104729 + 7) % self.vocabulary])
        return tokens / (time.perf_counter() - begin)

    def cold(self, prompt, generate, repetitions):
        seconds = prompt / self.prompt(prompt)
        first = self.generate(generate, prompt)
        steady = [self.generate(generate, prompt) for _ in range(repetitions + 1)][1:]
        return {
            "load_s": self.load_seconds,
            "prompt_s": seconds,
            "first_token_s": self.load_seconds + seconds,
            "first": first,
            "steady": steady,
        }

    def speeds(self, args):
        """Yields what is known after each test."""
        tests = {}
        for depth in sorted(args.depth):
            for tokens in filter(None, args.generate):
                rates = [self.generate(tokens, depth) for _ in range(args.repetitions + 1)]
                tests[name(tokens, depth, False)] = rates[1:]
                yield {"load_s": self.load_seconds, "tests": tests}
        for tokens in filter(None, args.prompt):
            tests[name(tokens, 0, True)] = [self.prompt(tokens) for _ in range(args.repetitions + 1)][1:]
            yield {"load_s": self.load_seconds, "tests": tests}


def measure_peer(args):
    if args.cold:
        peer = Peer(args, args.prompt[0] + args.generate[0])
        results = [peer.cold(args.prompt[0], args.generate[0], args.repetitions)]
    else:
        results = Peer(args, max(max(args.prompt), max(args.depth) + max(args.generate))).speeds(args)
    for result in results:  # the last line counts; those before it are for a crash
        result["peak_rss_mb"] = peak_megabytes() if os.path.exists("/proc/self/status") else None
        print(json.dumps(result), flush=True)


def run(command, may_crash=False):
    """What a command printed last, as JSON; None where a signal ended it before."""
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode < 0 and may_crash:
        print(f"compare-llamacpp: {shlex.join(command)}: ended by signal {-result.returncode}", file=sys.stderr)
        if not result.stdout.strip():
            return None
    elif result.returncode != 0:
        sys.exit(f"compare-llamacpp: {shlex.join(command)}: exit {result.returncode}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def joined(values):
    return ",".join(map(str, values))


def common(args):
    return ["-p", joined(args.prompt), "-n", joined(args.generate), "-t", str(args.threads), "-r", str(args.repetitions)]


def run_medpsy(args, model):
    command = [args.medpsy, "bench", model, "--json", *common(args), *args.options]
    if args.cold:
        result = run([*command, "--cold"])
        result["first"] = result[f"first{args.generate[0]}"]
        result["steady"] = result["tg_all"]
        return result
    result = run([*command, "-d", joined(args.depth)])
    if isinstance(result, list):  # of the one model, as there are several values
        result = result[0]
        result["tests"] = {
            name(int(test["test"][2:]), test["depth"], test["test"].startswith("pp")): test["all"]
            for test in result["tests"]
        }
    else:
        result["tests"] = {}
        if args.prompt[0]:
            result["tests"][name(args.prompt[0], 0, True)] = result["pp_all"]
        if args.generate[0]:
            result["tests"][name(args.generate[0], args.depth[0], False)] = result["tg_all"]
    return result


def run_peer(args, model, repack):
    command = [sys.executable, os.path.abspath(__file__), model, "--peer", repack, *common(args)]
    return run([*command, "--cold"] if args.cold else [*command, "-d", joined(args.depth)], may_crash=True)


def processor():
    """The name and the flags of interest."""
    model, flags = platform.processor() or platform.machine(), []
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    model = value.strip()
                elif key.strip() in ("flags", "Features"):
                    flags = value.split()
    return model, [flag for flag in FLAGS if flag in flags]


def jdk(args):
    """The JDK that the start script of this checkout found, in full; else what the command says."""
    found = os.path.join(os.path.dirname(os.path.abspath(args.medpsy)), "cli", "target", "medpsy", "flags")
    if os.path.exists(found):
        with open(found, encoding="utf-8") as file:
            release = os.path.join(file.readline().strip(), "release")
        if os.path.exists(release):
            with open(release, encoding="utf-8") as file:
                values = dict(line.strip().split("=", 1) for line in file if "=" in line)
            return " ".join(
                values[key].strip('"') for key in ("IMPLEMENTOR", "JAVA_RUNTIME_VERSION") if key in values
            )  # fmt: skip
    return "unknown JDK"


def machine(args):
    import llama_cpp as llama

    model, flags = processor()
    version = subprocess.run([args.medpsy, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    built = llama.llama_print_system_info().decode()
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "flags": flags,
        "system": f"{platform.system()} {platform.release()}",
        "medpsy": version,
        "jdk": jdk(args),
        "llama_cpp_python": llama.__version__,
        "llama_cpp_built_with": [part.split(" = ")[0].split(":")[-1].strip() for part in built.split("|") if " = 1" in part],
    }


def cell(values, digits):
    if not values:
        return "-"
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def row(model, work, columns, digits=1, less_is_better=False):
    """Prints a line of the table; columns are medpsy's figures and the peer's two, of which one may be empty."""
    peers = [statistics.median(values) for values in columns[1:] if values]
    if not columns[0] or not peers:
        return
    best = (min if less_is_better else max)(peers)
    print(f"| {os.path.basename(model)} | {work} | {' | '.join(cell(values, digits) for values in columns)} "
          f"| **{statistics.median(columns[0]) / best:.2f}** |", flush=True)  # fmt: skip


def compare(args, model, keep):
    results = ([], [], [])  # medpsy's, the peer's without and with repacking
    for number in range(args.rounds):
        for into, engine, measure in (
            (results[0], "medpsy", lambda: run_medpsy(args, model)),
            (results[1], "llama.cpp", lambda: run_peer(args, model, "0")),
            (results[2], "llama.cpp with repacking", lambda: run_peer(args, model, "1")),
        ):
            result = measure()
            keep({"file": os.path.basename(model), "round": number, "engine": engine, **(result or {"crashed": True})})
            if result:
                into.append(result)
    if not results[1] and not results[2]:
        sys.exit(f"compare-llamacpp: {model}: llama.cpp crashed in every run")
    if args.cold:
        seconds = [[result["first_token_s"] for result in each] for each in results]
        row(model, f"first token behind {args.prompt[0]}, s", seconds, 2, less_is_better=True)
        row(model, f"first {args.generate[0]} tokens", [[result["first"] for result in each] for each in results])
        row(model, "those that follow", [[rate for result in each for rate in result["steady"]] for each in results])
        shares = [[result["first"] / statistics.median(result["steady"]) for result in each] for each in results]
        row(model, "first against following", shares, 2)
    else:
        for work in results[0][0]["tests"]:
            row(model, work, [[rate for result in each for rate in result["tests"].get(work, [])] for each in results])
    peaks = [[result["peak_rss_mb"] for result in each if result.get("peak_rss_mb")] for each in results]
    row(model, "peak memory, MB", peaks, 0, less_is_better=True)


def main():
    args = arguments()
    if importlib.util.find_spec("llama_cpp") is None:
        sys.exit(f"compare-llamacpp: this Python ({sys.executable}) has no package llama_cpp; {INSTALL}")
    if args.cold and args.prompt == [512]:
        args.prompt = [COLD_PROMPT]
    if args.peer:
        measure_peer(args)
        return
    about = machine(args)
    kept = {"machine": about, "command": sys.argv, "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "runs": []}

    def keep(result):
        kept["runs"].append(result)
        if args.json:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1)

    for model in args.models:
        with open(model, "rb") as file:  # into the page cache
            while file.read(1 << 24):
                pass
    print(f"{about['processor']} ({about['processors']} processors; {' '.join(about['flags'])}), {about['system']}; "
          f"{about['medpsy']}, {about['jdk']}; llama-cpp-python {about['llama_cpp_python']}, built with "
          f"{' '.join(about['llama_cpp_built_with'])}. {args.threads} threads; medians of {args.rounds} rounds of "
          f"{args.repetitions}, tokens/s where nothing else is said.\n")  # fmt: skip
    print("| file | work | medpsy | llama.cpp | with repacking | ratio |")
    print("|---|---|---|---|---|---|", flush=True)
    for model in args.models:
        compare(args, model, keep)


main()
