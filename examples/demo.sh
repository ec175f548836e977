#!/bin/sh
# What `make demo` runs: the same commands that a person would type.
set -eu
cd "$(dirname "$0")/.."

run() {
    printf '\n\033[1m$ acervo'
    for word in "$@"; do
        case $word in *[!a-zA-Z0-9/_.-]*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\033[0m\n'
    acervo "$@"
}

run ingest examples/documents --collection examples
run ask "Qual é a multa se a contratante rescindir o contrato sem motivo nos primeiros 24 meses?" --collection examples
run ask "How fast is the first response to a P1 ticket on the plan Copa?" --collection examples
run ask "Qual é o limite de transferência por Pix à noite?" --collection examples
run ask "Which telescope took the first photograph of a black hole?" --collection examples
