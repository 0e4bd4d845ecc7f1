"""Command line tools that work beside a server or on its files."""
