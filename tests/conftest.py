"""What every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a loaded machine is not a bug. In CI the examples are the same every time, so that a change is judged
# by what it changes; at a desk they differ, so that something new is found.
settings.register_profile("desk", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gate" if os.environ.get("CI") else "desk")
