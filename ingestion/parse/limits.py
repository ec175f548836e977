"""How large a document may be before it is refused."""

MAX_TEXT_CHARACTERS = 50_000_000
MAX_ARCHIVE_MEMBERS = 10_000
MAX_MEMBER_BYTES = 100_000_000
# What a parsing process may send back: four bytes a character, and the spans of the blocks.
MAX_OUTPUT_BYTES = 8 * MAX_TEXT_CHARACTERS
