"""Why a bundle cannot be made."""


class BundleError(Exception):
    """The bundle cannot be made; the message says why."""


class ToolMissing(BundleError):
    """uv or Python 3.13 is not installed here."""


class PackagesUnavailable(BundleError):
    """A package of the lock cannot be had as a binary wheel."""
