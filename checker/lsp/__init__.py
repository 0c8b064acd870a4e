"""``huashu lsp``: the checker as a language server, for any editor that speaks the protocol.

The server keeps the text of every open script, checks it when it changes and translates findings
into diagnostics, hovers and quick fixes. Sentences it has judged are remembered by the engine, so
that a change costs the views of the text and the judging of the sentences that changed.
"""
