"""``python -m checker`` is the ``huashu`` command."""

import sys

from checker.cli import main

sys.exit(main())
