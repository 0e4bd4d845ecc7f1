"""Speed side by side: the same load on redis-server and on Chronis, turn by turn on the same machine."""
