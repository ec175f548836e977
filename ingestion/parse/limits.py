"""How large a document may be before it is refused."""

MAX_TEXT_CHARACTERS = 50_000_000
# A paragraph of more lines is cut at a line's end: nobody writes one, programs do.
LONGEST_PARAGRAPH = 1_000_000
# Of files that are read as a stream: a line, and what is read of them at once.
LONGEST_LINE = 20_000_000
PIECE_BYTES = 1_000_000
# What tells their format; more than JSON that is looked at whole (media_type_text.py).
PROBE_BYTES = 2_000_000
# A text that is read as a stream comes in parts of about this size: what a worker holds of it at once, and
# what the database reads to show a passage.
PART_CHARACTERS = 1_000_000
MAX_ARCHIVE_MEMBERS = 10_000
MAX_MEMBER_BYTES = 100_000_000
# What a parsing process may send back: four bytes a character, and the spans of the blocks.
MAX_OUTPUT_BYTES = 8 * MAX_TEXT_CHARACTERS
