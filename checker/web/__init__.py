"""``huashu serve``: one FastAPI application for editors, programs and the desk.

:func:`checker.web.app.create_app` puts the parts together: the LanguageTool-compatible API, our
own JSON API with its OpenAPI description and, where a store is configured, the desk. Each part is
a router that asks the one :class:`checker.web.service.Service` for reports and only translates.
"""
