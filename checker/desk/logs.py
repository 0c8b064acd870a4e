"""Structured logs: one JSON object a line on standard error. No event holds words of a script."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Set up the process's logs; for whoever owns the process, never for a library."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
