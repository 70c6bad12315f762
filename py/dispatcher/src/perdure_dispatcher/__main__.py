"""``python -m perdure_dispatcher``: a dispatcher alone, set up by ``PERDURE_*`` variables."""

from __future__ import annotations

import logging
import sys

import psycopg

from perdure_dispatcher.main import run
from perdure_dispatcher.settings import InvalidSettings, Settings
from perdure_engine.errors import PerdureError

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
try:
    sys.exit(run(Settings.from_environment()))
except (InvalidSettings, PerdureError, psycopg.Error) as error:
    logging.getLogger("perdure_dispatcher").error("not started: %s", error)
    sys.exit(2 if isinstance(error, InvalidSettings) else 1)
