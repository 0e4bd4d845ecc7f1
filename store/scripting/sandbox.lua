-- The world that scripts see. Run once per interpreter, before any script; what scripts can reach they can't change.
--
-- Law: no script gets hold of this file's locals, of the real globals, of `debug`, or of a host object. Shared tables are
-- shown as empty stand-ins whose metatable reads from the real ones and refuses writes; the functions that go round
-- metatables (rawset, rawget, pairs, setmetatable, table.insert …) know the stand-ins. getfenv, setfenv and newproxy, which
-- could undo this, are not there, as in Redis since its security fixes of 2025.
-- Arguments: libraries (name -> table of functions and values of the host), hooks (host functions for this file alone).

local libraries, hooks, as_function = ...
local error, type, tostring, tonumber, rawequal = error, type, tostring, tonumber, rawequal
local rawset, rawget, getmetatable, setmetatable = rawset, rawget, getmetatable, setmetatable
local getfenv, setfenv, newproxy, collectgarbage = getfenv, setfenv, newproxy, collectgarbage
local native_pairs, native_next, native_pcall, native_xpcall = pairs, next, pcall, xpcall
local native_loadstring, native_load, byte, concat = loadstring, load, string.byte, table.concat
local insert, remove, sort = table.insert, table.remove, table.sort
local resume, create = coroutine.resume, coroutine.create
local getinfo, sethook = debug.getinfo, debug.sethook
local process = getfenv(0)
local string_metatable = getmetatable("")

local READ_ONLY = "Attempt to modify a readonly table"
local real = {}         -- what scripts know as their globals
local visible = real    -- what they see of it now: while a library is loaded only `redis`
local stands_for = {}   -- stand-in -> the table it shows
local G                 -- the stand-in of `real`, environment of all scripts

for name, hook in native_pairs(hooks) do
  hooks[name] = as_function(hook)
end
local interrupt, plain = hooks.interrupt, hooks.plain

-- ── stand-ins ──────────────────────────────────────────────────────────────────────────────────────────────────────

local function refuse()
  error(READ_ONLY, 2)
end

local shown_metatable = setmetatable({}, {__newindex = refuse, __metatable = false})
stands_for[shown_metatable] = {}

local function missing(_, name)
  if type(name) ~= "string" and type(name) ~= "number" then
    error("Second argument to luaProtectedTableError must be a string or number", 3)
  end
  error("Script attempted to access nonexistent global variable '" .. name .. "'", 3)
end

local function stand_in(of, index)
  local shown = setmetatable({}, {__index = index or of, __newindex = refuse, __metatable = shown_metatable})
  stands_for[shown] = of
  return shown
end

local function strict(of)
  return stand_in(of, function(_, name)
    local value = of[name]
    if value == nil then missing(_, name) end
    return value
  end)
end

G = stand_in(real, function(_, name)
  local value = visible[name]
  if value == nil then missing(_, name) end
  return value
end)
setfenv(1, G)           -- the functions below are made in the scripts' environment: there is nothing else in them to find

local function writable(t)
  if stands_for[t] then error(READ_ONLY, 0) end
end

local function expect_table(value, name)
  if type(value) ~= "table" then
    local got = value == nil and "nil" or type(value)
    error("bad argument #1 to '" .. name .. "' (table expected, got " .. got .. ")", 3)
  end
end

-- ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The host raises its errors as host objects; scripts only ever see the string or table that `plain` makes of them.
local function readable(err)
  if type(err) == "userdata" then return plain(err) end
  return err
end

local function settle(ok, err, ...)
  if ok then return ok, err, ... end
  err = readable(err)
  if type(err) == "table" then
    local text = rawget(err, "err")
    if type(text) == "string" or type(text) == "number" then return false, text end
  end
  return false, err
end

-- Where in the user's code an error came from: Redis names the first line that is neither C nor the sandbox's own.
local function locate(err)
  for level = 3, 30 do
    local info = getinfo(level, "Sl")
    if not info then break end
    if info.what ~= "C" and info.currentline > 0 and info.source ~= "@sandbox" then
      rawset(err, "source", info.source)
      rawset(err, "line", info.currentline)
      break
    end
  end
  return err
end

local function handle(err)
  err = readable(err)
  if type(err) ~= "table" or stands_for[err] then err = {err = "ERR " .. tostring(err)} end
  return locate(err)
end

local function where()
  for level = 2, 30 do
    local info = getinfo(level, "Sl")
    if not info then return "" end
    if info.what ~= "C" and info.currentline > 0 and info.source ~= "@sandbox" then
      return info.short_src .. ":" .. info.currentline .. ": "
    end
  end
  return ""
end

-- ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────────

local watching = false

-- Called every 100 000 instructions. Once the host wants an end, every line of the user's code raises: pcall in a loop
-- can't hold it up. The sandbox's own lines do not, or nobody would be left to report the error.
local function hook()
  local reason = interrupt()
  if reason then
    sethook(hook, "l")
    if getinfo(2, "S").source ~= "@sandbox" then error({err = reason}, 0) end
  end
end

local function watched(thread)
  if watching then sethook(thread, hook, "", 100000) end
  return thread
end

-- ── globals ────────────────────────────────────────────────────────────────────────────────────────────────────────

for _, name in native_next, {
  "tostring", "next", "assert", "tonumber", "rawequal", "collectgarbage", "type", "select", "unpack", "gcinfo", "ipairs",
  "_VERSION", "error", "getmetatable",
} do
  real[name] = process[name]
end

real._G = G

-- The interpreter's own crashes on ranges beyond what its stack holds (Lua 5.1 counts them in an int).
local native_unpack = unpack
function real.unpack(t, i, j)
  local first, last = tonumber(i) or 1, tonumber(j) or (type(t) == "table" and #t) or 0
  if last - first >= 1000000 then error("too many results to unpack", 2) end
  if i == nil and j == nil then return native_unpack(t) end  -- each argument takes a place that a result could have
  return native_unpack(t, i, j)
end

function real.pairs(t)
  expect_table(t, "pairs")
  local of = stands_for[t]
  if not of then return native_pairs(t) end
  return function(_, key) return native_next(of, key) end, t, nil
end

function real.rawget(t, key)
  expect_table(t, "rawget")
  return rawget(stands_for[t] or t, key)
end

function real.rawset(t, key, value)
  expect_table(t, "rawset")
  writable(t)
  return rawset(t, key, value)
end

function real.setmetatable(t, metatable)
  expect_table(t, "setmetatable")
  writable(t)
  return setmetatable(t, metatable)
end

-- Compiled code is refused: it can be made to do what no source can.
local function compile(code, name)
  if byte(code, 1) == 27 then return nil, "binary chunks can't be loaded" end
  local chunk, message = native_loadstring(code, name)
  if chunk then setfenv(chunk, G) end
  return chunk, message
end

function real.loadstring(code, name)
  if type(code) == "number" then code = tostring(code) end
  if type(code) ~= "string" then error("bad argument #1 to 'loadstring' (string expected, got " .. type(code) .. ")", 2) end
  return compile(code, name or code)
end

function real.load(reader, name)
  if type(reader) ~= "function" then
    error("bad argument #1 to 'load' (function expected, got " .. type(reader) .. ")", 2)
  end
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == "" then break end
    if type(piece) ~= "string" then return nil, "reader function must return a string" end
    pieces[#pieces + 1] = piece
  end
  return compile(concat(pieces), name or "=(load)")
end

function real.pcall(...)
  return settle(native_pcall(...))
end

function real.xpcall(call, handler)
  return native_xpcall(call, function(err) return handler(readable(err)) end)
end

-- ── libraries ──────────────────────────────────────────────────────────────────────────────────────────────────────

local function copy(of)
  local made = {}
  for key, value in native_pairs(of) do made[key] = value end
  return made
end

local strings, tables, mathematics, coroutines = copy(process.string), copy(process.table), copy(process.math), {}
for _, name in native_next, {"running", "status", "yield"} do coroutines[name] = process.coroutine[name] end

function tables.insert(t, ...)
  writable(t)
  return insert(t, ...)
end

function tables.remove(t, ...)
  writable(t)
  return remove(t, ...)
end

function tables.sort(t, ...)
  writable(t)
  return sort(t, ...)
end

function coroutines.create(call)
  return watched(create(call))
end

local function resumed(ok, ...)
  if ok then return ok, ... end
  return ok, (readable((...)))
end

function coroutines.resume(thread, ...)
  return resumed(resume(thread, ...))
end

local function unwrapped(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

function coroutines.wrap(call)
  local thread = watched(create(call))
  return function(...) return unwrapped(resume(thread, ...)) end
end

local null = newproxy()
local function made_of(members)
  local made = {}
  for key, value in native_pairs(members) do
    made[key] = type(value) == "userdata" and value ~= null and as_function(value) or value
  end
  return made
end
for name, library in native_pairs(libraries) do
  libraries[name] = made_of(library)
end
libraries.cjson.null = null
for _, name in native_next, {"random", "randomseed"} do
  mathematics[name] = libraries.math[name]
end
string_metatable.__index = strings
string_metatable.__metatable = shown_metatable
real.string, real.table, real.math = stand_in(strings), stand_in(tables), stand_in(mathematics)
real.coroutine = stand_in(coroutines)
real.redis = stand_in(libraries.redis)
for _, name in native_next, {"cjson", "cmsgpack", "bit", "struct"} do
  real[name] = stand_in(libraries[name])
end
local loading = {redis = strict(libraries.loading)}

-- Nothing is left in the real globals: code that somehow got there finds an empty table.
for name in native_pairs(copy(process)) do
  rawset(process, name, nil)
end

-- ── for the host ───────────────────────────────────────────────────────────────────────────────────────────────────

local host = {null = null, where = where, rawequal = rawequal, compile = compile, library = made_of}

function host.memory()
  return collectgarbage("count") * 1024
end

-- A little of the garbage of every so many runs at a time, rather than all of it at once.
local runs = 0
local function tidy()
  runs = runs + 1
  if runs % 20 == 0 then collectgarbage("step", 50) end
end

-- Run a compiled chunk or function; true and its first result, or false and an error table with err, source, line.
function host.run(call, keys, argv, watch)
  watching = watch
  if watch then sethook(hook, "", 100000) end
  local ok, result = native_xpcall(function() return (call(keys, argv)) end, handle)
  watching = false
  sethook()
  tidy()
  return ok, result
end

-- Run a library's code, which sees nothing but the functions to register with.
function host.load(call)
  visible = loading
  local ok, result = host.run(call, nil, nil, true)
  visible = real
  return ok, result
end

function host.globals(keys, argv)
  real.KEYS, real.ARGV = keys, argv
end

collectgarbage()
return host
