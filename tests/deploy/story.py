"""What is done with the deployed service, step by step, before and after it is updated."""

from dataclasses import dataclass
from typing import ClassVar, Final

from tests.deploy import scenarios
from tests.deploy.bedrock import Bedrock
from tests.deploy.deployment import Client, ScenarioFailed
from tests.deploy.progress import Progress
from tests.deploy.scenarios import DOCUMENTS

_GUIDE: Final = "on-call-guide.md"
_CONTRACT: Final = "contrato-de-prestacao-de-servicos.pdf"
_SLA: Final = "support-sla.docx"
_REFUNDS: Final = "refunds-and-chargebacks.html"
_API: Final = "api-guide.md"
_REMOTE: Final = "trabalho-remoto-e-reembolso.txt"
_PAY: Final = "How much does the primary receive per week on call?"
_HOURS: Final = "Qual é o horário comum em que todos devem estar disponíveis?"
_REFUND: Final = "How long does a refund take?"


@dataclass(frozen=True, kw_only=True)
class Story:
    """`…_CHUNKING`: the largest chunk, in tokens, of a collection that says nothing about it."""

    FIRST_CHUNKING: ClassVar[int] = 400
    NEXT_CHUNKING: ClassVar[int] = 250

    client: Client
    bedrock: Bedrock
    progress: Progress

    def first_release(self) -> None:
        self._drop_and_ask()
        self._remove()
        self._record()
        self._fail_and_redrive()

    def next_release(self) -> None:
        """The collections of the release before keep their chunking."""
        client = self.client
        with self.progress.step("after the update: a document of a new collection, a question about an old"):
            scenarios.drop(client, DOCUMENTS / "pt" / _REMOTE, f"people/{_REMOTE}")
            scenarios.wait_until_ready(client, "people", _REMOTE)
            scenarios.expect_cited_answer(client, _HOURS, _REMOTE)
            scenarios.expect_cited_answer(client, _PAY, _GUIDE)
        expected = {"people": self.NEXT_CHUNKING, "handbook": self.FIRST_CHUNKING}
        found = {name: scenarios.largest_chunk(client, name) for name in expected}
        if found != expected:
            raise ScenarioFailed(f"chunking {found}, expected {expected}")
        self.progress.say(f"tokens of the largest chunk by collection: {found}")

    def _drop_and_ask(self) -> None:
        client = self.client
        with self.progress.step("s3 cp of three documents → SQS → Lambda → searchable"):
            for path in (
                DOCUMENTS / "en" / _GUIDE,
                DOCUMENTS / "pt" / _CONTRACT,
                DOCUMENTS / "en" / _SLA,
            ):
                scenarios.drop(client, path, f"handbook/{path.name}")
            for key in (_GUIDE, _CONTRACT, _SLA):
                scenarios.wait_until_ready(client, "handbook", key)
            scenarios.expect_found(client, _PAY, _GUIDE)
        with self.progress.step("a question over API Gateway → cited answer"):
            answer = scenarios.expect_cited_answer(client, _PAY, _GUIDE)
        self.progress.say(f"  {_PAY} {answer['text']}")

    def _remove(self) -> None:
        with self.progress.step("s3 rm → gone"):
            scenarios.remove(self.client, f"handbook/{_SLA}")
            scenarios.wait_until_gone(self.client, "handbook", _SLA)

    def _record(self) -> None:
        with self.progress.step("a record of the stream → searchable"):
            path = DOCUMENTS / "en" / _REFUNDS
            scenarios.put_record(self.client, "records", _REFUNDS, path)
            scenarios.wait_until_ready(self.client, "records", _REFUNDS)
            scenarios.expect_found(self.client, _REFUND, _REFUNDS)

    def _fail_and_redrive(self) -> None:
        # Not a document that is there already: its chunks' vectors would be taken from there.
        client, key = self.client, _API
        with self.progress.step("Bedrock away, a poisoned message → both in the dead-letter queue"):
            self.bedrock.leave()
            scenarios.poison(client)
            scenarios.drop(client, DOCUMENTS / "en" / key, f"late/{key}")
            scenarios.wait_until_dead(client, 2)
            self.bedrock.come()
        with self.progress.step("acervo redrive → the document is searchable"):
            if (moved := scenarios.redrive(client)) != 2:
                raise ScenarioFailed(f"acervo redrive moved {moved} messages, not 2")
            scenarios.wait_until_ready(client, "late", key)
