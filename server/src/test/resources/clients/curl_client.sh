#!/bin/sh
# Talks to the server as shell scripts do: sh curl_client.sh URL KEY
set -eu
url=$1
key=$2

fail() {
    echo "$1" >&2
    exit 1
}

has() {
    case $1 in *"$2"*) ;; *) fail "expected $2 in: $1" ;; esac
}

ask() {
    curl -sS --max-time 60 -H "Authorization: Bearer $key" "$@"
}

[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/health")" = 200 ] || fail "health"
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/models")" = 401 ] || fail "a key is asked for"
has "$(ask "$url/v1/models")" '"id":"tiny"'
has "$(ask -I "$url/health")" 'HTTP/1.1 200'
hello='{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5'
has "$(ask "$url/v1/chat/completions" -d "$hello}")" '"finish_reason":"length"'
has "$(ask -N "$url/v1/chat/completions" -d "$hello, \"stream\": true}")" 'data: [DONE]'
has "$(ask -H 'Connection: close' "$url/v1/chat/completions" -d "$hello}")" '"finish_reason":"length"'
has "$(ask "$url/v1/chat/completions" -d "$hello, \"top_p\": 2}")" '"param":"top_p"'
# A body beyond a megabyte, which curl announces with Expect: 100-continue.
has "$(printf '{"content": "%01200000d"}' 0 | ask "$url/tokenize" -d @- | tail -c 20)" ']}'
has "$(ask "$url/metrics")" 'medpsy_requests_total{path="/v1/chat/completions",status="200"}'
# An answer that is left: there is room for the next one.
ask --max-time 0.5 "$url/v1/chat/completions" -d '{"messages": [{"role": "user", "content": "Hello"}],
    "logit_bias": {"1017": -100, "1018": -100, "1019": -100, "1020": -100, "1021": -100}}' >/dev/null 2>&1 || true
has "$(ask "$url/v1/chat/completions" -d "$hello}")" '"finish_reason":"length"'
echo "all is well"
