"""E-mail: encodings, plain and HTML versions, attachments, forwarded mail, encryption."""

from email.message import EmailMessage

from tests.ingestion.parse.goldens.golden import Golden
from tests.ingestion.parse.goldens.plain_files import encoded

_SUBJECT_WORDS = "=?utf-8?Q?Reuni=C3=A3o_de_?= =?utf-8?B?c2V4dGEtZmVpcmE=?="


def mail(
    subject: str, text: str, *, charset: str = "utf-8", transfer: str = "quoted-printable"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ana Conceição <ana@example.org>"
    message["To"] = "Rui <rui@example.org>"
    message["Subject"] = subject
    message["Date"] = "Tue, 05 Mar 2024 14:30:00 -0300"
    message.set_content(text, charset=charset, cte=transfer)
    return message


def _alternative() -> bytes:
    message = mail("Invoice", "The invoice is 100 euros.")
    message.add_alternative(
        "<html><body><p>The invoice is <b>one hundred</b>.</p></body></html>", subtype="html"
    )
    return message.as_bytes()


def _html_only() -> bytes:
    message = mail("Newsletter", "x")
    message.set_content(
        "<html><head><style>p{color:red}</style></head><body><h1>Hello</h1><table><tr><td>laid out</td></tr>"
        "</table><script>track()</script></body></html>",
        subtype="html",
    )
    return message.as_bytes()


def _with_attachments() -> bytes:
    message = mail("Contrato", "Segue anexo.")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="contrato final.pdf")
    message.add_attachment("a;b\n1;2\n", subtype="csv", filename="dados.csv")
    return message.as_bytes()


def _forwarded() -> bytes:
    message = mail("FW: plans", "See below.")
    message.add_attachment(mail("Original plans", "The inner words."))
    return message.as_bytes()


GOLDENS = (
    Golden(
        name="reuniao.eml",
        make=encoded(
            "From: =?iso-8859-1?Q?Jos=E9_Mota?= <jose@example.org>\r\nTo: ana@example.org\r\n"
            f"Subject: {_SUBJECT_WORDS}\r\nMIME-Version: 1.0\r\n"
            'Content-Type: text/plain; charset="iso-8859-1"\r\n'
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "A reuni=E3o ser=E1 =E0s 15h,=\r\n na sala 2.\r\n",
            "ascii",
        ),
        title="Reunião de sexta-feira",
        present=(
            "From: José Mota <jose@example.org>",
            "To: ana@example.org",
            "Subject: Reunião de sexta-feira",
            "A reunião será às 15h, na sala 2.",
        ),
        absent=("=E3", "=?"),
    ),
    Golden(
        name="base64.eml",
        make=lambda: mail("Olá", "Conteúdo em base64: ação.", transfer="base64").as_bytes(),
        title="Olá",
        present=("From: Ana Conceição <ana@example.org>", "05 Mar 2024", "Conteúdo em base64: ação."),
    ),
    Golden(
        name="latin1-undeclared.eml",
        make=encoded("From: a@example.org\nSubject: Pão\n\nO pão está à mesa.\n", "latin-1"),
        title="Pão",
        present=("O pão está à mesa.",),
    ),
    Golden(
        name="alternative.eml",
        make=_alternative,
        present=("The invoice is 100 euros.",),
        absent=("one hundred", "<b>"),
    ),
    Golden(
        name="html-only.eml",
        make=_html_only,
        headings=("Hello",),
        present=("Hello", "laid out"),
        absent=("color:red", "track()"),
    ),
    Golden(
        name="anexos.eml",
        make=_with_attachments,
        present=("Attachments: contrato final.pdf, dados.csv", "Segue anexo."),
        absent=("%PDF", "a;b"),
    ),
    Golden(
        name="forwarded.eml",
        make=_forwarded,
        title="FW: plans",
        present=("Attachments: Original plans.eml", "See below."),
        absent=("The inner words.",),
    ),
    Golden(
        name="secret.eml",
        make=encoded(
            "From: a@example.org\nSubject: x\nContent-Type: multipart/encrypted; boundary=b\n\n"
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b--\n",
            "ascii",
        ),
        code="encrypted",
    ),
)
