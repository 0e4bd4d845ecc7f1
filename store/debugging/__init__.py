"""What DEBUG does, by subject; `store.commands.debug` puts the tables together."""
