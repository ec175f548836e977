#!/bin/sh
# The HTTP interface with curl only, against `acervo serve --port 8123`. README shows its output.
set -eu
cd "$(dirname "$0")/.."
api=${1:-http://127.0.0.1:8123}/v1

step() { printf '\n\n# %s\n' "$*"; }
post() { curl --silent --show-error --fail-with-body -H 'Content-Type: application/json' -X POST "$@"; }

step create a collection
# A run before this one has left its collection, which is used again.
post "$api/collections" -d '{"name": "contracts"}' || curl --silent --fail "$api/collections/contracts"

step post a PDF
posted=$(curl --silent --show-error --fail-with-body -X POST "$api/collections/contracts/documents" \
    -F file=@examples/documents/pt/contrato-de-prestacao-de-servicos.pdf -F 'metadata={"year": 2026}')
printf '%s' "$posted"
id=$(printf '%s' "$posted" | sed 's/^{"id":"\([^"]*\)".*/\1/')

step poll until it is ready
until curl --silent --fail "$api/documents/$id" | grep -q '"status":"\(ready\|failed\)"'; do sleep 0.2; done
curl --silent "$api/documents/$id"

step search
post "$api/search" -d '{"query": "multa por rescisão", "collections": ["contracts"], "top_k": 1}'

step ask
question='"question": "Qual é a multa se a contratante rescindir sem motivo?", "collections": ["contracts"], "top_k": 1'
post "$api/answers" -d "{$question}"

step ask, streaming
post "$api/answers" --no-buffer -d "{$question, \"stream\": true}"

step delete
curl --silent --fail-with-body -X DELETE "$api/documents/$id"

step search again: nothing is left
post "$api/search" -d '{"query": "multa por rescisão", "collections": ["contracts"]}'
echo
