"""From findings to rewrites, each proven by checking again.

``grammar`` answers questions about a sentence, ``operations`` drafts, ``proof`` checks drafts again in
their sentence and document, ``ranking`` orders them, ``apply`` puts them into the text.
"""

from checker.rewrite.apply import apply_rewrites, best, disjoint
from checker.rewrite.remote import Endpoint, RemoteRewriter
from checker.rewrite.rewriter import Rewriter

__all__ = ["Endpoint", "RemoteRewriter", "Rewriter", "apply_rewrites", "best", "disjoint"]
