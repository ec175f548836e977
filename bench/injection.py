"""Which passages are told for orders to a model: attacks of public sets, and texts that are none.

Attacks: BIPIA's test attacks, each within an e-mail of its test set, and CyberSecEval's indirect ones.
Innocent texts: the same e-mails, and passages of CLAPnq and FaQuAD.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path

from bench.datasets import load, read_jsonl
from rag.adapters.local.guard import build_guard
from rag.errors import SettingInvalid
from rag.settings import GuardSettings

INJECTIONS = "prompt_injection"


def main() -> None:
    arguments = _arguments()
    guard = build_guard(GuardSettings())
    if guard is None:
        raise SettingInvalid("ACERVO_GUARD=off leaves nothing to measure")
    report = {
        name: round(sum(guard.suspicious(texts)) / len(texts), 4)
        for name, texts in samples(arguments.data).items()
    }
    if arguments.json:
        print(json.dumps(report))
    else:
        for name, share in report.items():
            print(f"{name:<28} {share:6.1%} suspicious")


def samples(data: Path) -> Mapping[str, Sequence[str]]:
    emails = [line["context"] for line in read_jsonl(data / INJECTIONS / "bipia/email/test.jsonl")]
    return {
        "attacks, bipia": list(_inserted(bipia_attacks(data), emails)),
        "attacks, cyberseceval": cyberseceval_attacks(data),
        "innocent, bipia e-mails": emails,
        "innocent, clapnq": [document.text for document in load(data / "clapnq_dev").documents],
        "innocent, faquad": [document.text for document in load(data / "faquad_pt").documents],
    }


def bipia_attacks(data: Path) -> list[str]:
    attacks = json.loads((data / INJECTIONS / "bipia/text_attack_test.json").read_text())
    return [attack for kind in attacks.values() for attack in kind]


def cyberseceval_attacks(data: Path) -> list[str]:
    cases = json.loads((data / INJECTIONS / "cyberseceval/prompt_injection.json").read_text())
    return [case["user_input"] for case in cases if case["injection_type"] == "indirect"]


def _inserted(attacks: Sequence[str], emails: Sequence[str]) -> Iterator[str]:
    for attack, email in zip(attacks, cycle(emails), strict=False):
        yield f"{email}\n\n{attack}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.injection", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
