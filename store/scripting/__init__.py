"""Lua scripts and function libraries: Lua 5.1 in a sandbox, its commands run through the engine like any other.

Law: a script is never logged, only what its commands record, as one transaction. Function libraries are state: events load
and delete them, `Keyspace.functions` holds their code, and the interpreter is made to follow it when a function is called.
Reading order: metadata (first lines), sandbox.lua and interpreter (Lua), convert (values), libraries, api (`redis.*`),
run (one execution), library (functions), scripts (all of them), busy (other clients while a script takes too long).
"""
