"""Clients: the listening sockets, a session for each connection, what it is told and what it may hold up."""
