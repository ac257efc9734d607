"""Renders snippets with jinja2 3.1.6, set up as transformers does it, and writes them with the results as
jinja-cases.json. Usage: python make_jinja_cases.py OUT (needs: pip install jinja2==3.1.6; made with Python 3.11)."""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 5, 11, 10, 0, 0)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return env


# Variables that every snippet sees.
VARS = {
    "n": 7, "neg": -3, "f": 2.5, "big": 123456789012345678901234567890, "t": True, "no": False, "nil": None,
    "s": "Hello, World!", "empty": "", "uni": "naïve café ß İ 日本語 🎉 e\u0301", "multi": "one\n  two\r\nthree\n\nfour\n",
    "ws": " \t padded \n", "xml": "<a href='x'>\"q\" & co</a>", "q": "it's", "qq": "it's \"both\"",
    "l": [3, 1, 2], "el": [], "ls": ["b", "A", "c"], "nested": [[1, 2], [3, [4, 5]]],
    "d": {"b": 1, "a": [1, {"x": None}], "C": "v"}, "ed": {},
    "users": [{"name": "Ann", "age": 30, "city": "Rome", "tags": ["x"]}, {"name": "bob", "age": 25, "city": "oslo", "tags": []},
              {"name": "Cy", "age": 30, "city": "rome", "tags": ["y", "z"]}],
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <|im_end|>"},
                 {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello!", "tool_calls": [
                     {"type": "function", "function": {"name": "f", "arguments": {"x": 1, "y": "é", "z": [True, None, 1.5]}}}]},
                 {"role": "tool", "content": "{\"r\": 1}", "name": "f"}, {"role": "user", "content": ["part", {"type": "text", "text": "more"}]}],
    "tree": [{"v": 1, "c": [{"v": 2, "c": []}, {"v": 3, "c": [{"v": 4, "c": []}]}]}, {"v": 5, "c": []}],
}

SNIPPETS = []


# The snippets stand in files beside this one, one a line, `⏎` for a newline; the file's name is the group.
def load():
    for path in sorted(pathlib.Path(__file__).parent.glob("jinja-snippets/*.txt")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line and not line.startswith("#!"):
                SNIPPETS.append((path.stem, line.replace("⏎", "\n")))


def main(out):
    load()
    env = environment()
    cases = []
    for group, source in SNIPPETS:
        case = {"group": group, "source": source}
        try:
            case["expected"] = env.from_string(source).render(**VARS)
        except Exception as error:  # any: what Python would not do, the interpreter must not do
            case["error"] = str(error)
            case["type"] = type(error).__name__
        if " at 0x" in case.get("expected", ""):
            print("left out, as it prints an address:", source)
            continue
        cases.append(case)
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"vars": VARS, "now": NOW.isoformat(), "cases": cases}, file, ensure_ascii=False, indent=0)
        file.write("\n")
    print(len(cases), "cases,", sum("error" in case for case in cases), "of them errors")


if __name__ == "__main__":
    main(sys.argv[1])
