"""Tests of replication: the tables and readers without sockets, then nodes as processes."""
