"""Files of the shared corpus, with what a reader of each finds in it."""

from pathlib import Path

from tests.ingestion.parse.goldens.golden import Golden

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "documents"


def _real(path: str, **expected: object) -> Golden:
    """`expected`: the fields of Golden."""
    found = FOLDER / path
    return Golden(name=found.name, make=found.read_bytes, **expected)  # type: ignore[arg-type] # as named


_UNSTRUCTURED = "Unstructured-IO+unstructured/example-docs"
_MARKITDOWN = "microsoft+markitdown/packages/markitdown/tests/test_files"
_STANLEY_CUP_ROWS = (("Blues", "STL", "1"), ("Maple Leafs", "TOR", "13"))

GOLDENS = (
    _real(
        f"{_UNSTRUCTURED}/sample-presentation.pptx",
        title="Title Slide",
        present=("With a subtitle", "There’s text here", "With a sub-bullet", "Topic 1", "Details 2"),
        header=("Table", "A", "B", "C"),
        rows=(("1", "A1", "B1", "C1"), ("2", "A2", "B2", "C2")),
        pages=(("With a subtitle", 1), ("sub-bullet", 2), ("Subtopic 1 of subtopic 2", 3), ("B2", 4)),
        page_count=4,
    ),
    _real(
        f"{_UNSTRUCTURED}/fake-power-point.pptx",
        present=(
            "Adding a Bullet Slide",
            "- Find the bullet slide layout",
            "- Use _TextFrame.text for first bullet",
            "Here is a lot of text!",
        ),
        page_count=1,
    ),
    _real(
        f"{_MARKITDOWN}/test.pptx",
        title="AutoGen: Enabling Next-Gen LLM Applications via Multi-Agent Conversation",
        present=("AutoGen is an open-source framework", "a3f6004b-6f4f-4ea8-bee3-3741f4dc385f"),
        page_count=6,
    ),
    _real(
        f"{_UNSTRUCTURED}/fake.odt",
        present=("Lorem ipsum dolor sit amet.",),
        header=("Header row", "Mon", "Wed", "Fri"),
        rows=(("Color", "Blue", "Red", "Green"), ("Leader", "Sarah", "Mark", "Ryan")),
    ),
    _real(
        f"{_UNSTRUCTURED}/simple.odt",
        headings=("These are a few of my favorite things:",),
        items=("Hockey",),
        present=("Parrots", "Hockey", "This is my third thought.", "DOYLESTOWN, PA 18901"),
    ),
    _real(
        f"{_UNSTRUCTURED}/winter-sports.epub",
        title="Winter Sports in Switzerland",
        present=("Title: Winter Sports in Switzerland", "START OF THE PROJECT GUTENBERG", "THE EIGER"),
    ),
    _real(
        f"{_MARKITDOWN}/test.epub",
        title="Test EPUB Document",
        headings=("Chapter 1: Test Content", "Chapter 2: More Content"),
        items=("A bullet point", "Another point"),
        pages=(("A bullet point", 1), ("This is a blockquote", 2)),
    ),
    _real(
        f"{_UNSTRUCTURED}/fake-doc.rtf",
        headings=("My First Heading",),
        present=("My first paragraph.",),
        header=("Column 1", "Column 2"),
        rows=(("Row 2, Cell 1", "Row 2, Cell 2"),),
    ),
    _real(
        f"{_UNSTRUCTURED}/eml/fake-email-utf-16-be.eml",
        title="Test Email",
        present=("From: Matthew Robinson", "Important points:", "Roses are red", "Violets are blue"),
    ),
    _real(
        f"{_UNSTRUCTURED}/eml/email-no-utf8-2008-07-16.062410.eml",
        title="RE: שלום",
        present=("אני חושב שזה לא יהיה מקצועי", "בהצלחה"),
    ),
    _real(
        f"{_UNSTRUCTURED}/eml/fake-email-attachment.eml",
        present=("Attachments: fake-attachment.txt", "Here's the attachments!"),
    ),
    _real(f"{_UNSTRUCTURED}/eml/fake-encrypted.eml", code="encrypted"),
    _real(
        f"{_UNSTRUCTURED}/docx-tables.docx",
        header=("Header Col 1", "Header Col 2"),
        rows=(("Lorem ipsum", "A link example"),),
        present=("Nested Table", "Table with merged cells"),
    ),
    _real(
        f"{_UNSTRUCTURED}/stanley-cups.xlsx",
        header=("Team", "Location", "Stanley Cups"),
        rows=_STANLEY_CUP_ROWS,
        present=("Stanley Cups Since 67",),
        page_count=2,
    ),
    _real(
        f"{_UNSTRUCTURED}/stanley-cups-utf-16.csv",
        header=("Team", "Location", "Stanley Cups"),
        rows=_STANLEY_CUP_ROWS,
    ),
    _real(
        f"{_UNSTRUCTURED}/pdf/multi-column-2p.pdf",
        present=(
            "Dense Passage Retrieval for Open-Domain Question Answering",
            "relies on efficient passage retrieval to select candidate contexts",
            "new state-of-the-art on multiple open-domain QA benchmarks",
            "1 Introduction",
        ),
        page_count=2,
    ),
)
