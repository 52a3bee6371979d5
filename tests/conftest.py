"""Hypothesis profiles: no deadlines, since other work shares the machine; and a nightly one.

A shell starts what runs in its background with SIGINT ignored, and a process hands that on to its
children.  The tests press Ctrl-C, so here it works.
"""

import os
import signal

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

settings.register_profile(
    "nightly",
    max_examples=20_000,
    stateful_step_count=80,
    print_blob=True,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
)
profile = os.environ.get("HYPOTHESIS_PROFILE", settings.get_current_profile_name())
settings.register_profile(profile, settings.get_profile(profile), deadline=None)
settings.load_profile(profile)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
