"""Settings that hold for every test: how hypothesis searches, and fixtures for real servers."""

import os

from hypothesis import HealthCheck, settings

# No deadline: timings are never assertions. CHRONIS_EXAMPLES widens the search for a long run by hand.
settings.register_profile(
    "chronis",
    deadline=None,
    max_examples=int(os.environ.get("CHRONIS_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("chronis")
