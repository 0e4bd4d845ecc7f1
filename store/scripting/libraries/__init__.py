"""The libraries that Redis gives to scripts beside Lua's own: cjson, cmsgpack, bit, struct and its math.random."""
