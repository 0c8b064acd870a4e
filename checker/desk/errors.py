"""What a service refuses, and why. The message is Chinese and meant for the person who asked."""

from __future__ import annotations


class DeskError(Exception):
    """A refusal; ``status`` is the HTTP status that says the same, ``code`` a stable slug."""

    status = 400
    code = "bad-request"


class NotFoundError(DeskError):
    """No such thing, or none that this person may know of."""

    status = 404
    code = "not-found"


class ForbiddenError(DeskError):
    """The person may not do this."""

    status = 403
    code = "forbidden"


class ConflictError(DeskError):
    """Not possible in the present state; read again and decide anew."""

    status = 409
    code = "conflict"


class InvalidError(DeskError):
    """A value that cannot be used."""

    status = 422
    code = "invalid"


class TooLargeError(DeskError):
    """A text or file above the limit."""

    status = 413
    code = "too-large"


class TooManyError(DeskError):
    """Too many attempts; wait."""

    status = 429
    code = "too-many"


class UnauthenticatedError(DeskError):
    """Nobody is signed in, or the credentials are wrong."""

    status = 401
    code = "unauthenticated"
