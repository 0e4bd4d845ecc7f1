"""Random command sequences, the same to redis-server and to Chronis: every reply and all data must be equal."""
