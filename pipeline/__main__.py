"""`python -m pipeline` is `ringtrace`."""

import sys

from pipeline.cli import main

sys.exit(main())
