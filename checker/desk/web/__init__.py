"""The desk over HTTP: REST API, pages, and what guards them."""
