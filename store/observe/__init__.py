"""What the node counts and times about itself: statistics, rates, latency, slow log, memory."""
