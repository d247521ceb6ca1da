"""
The Lua of budgets: it does what `TakenLog` does, with the same numbers.

KEYS[1] is the text of one bucket. Times are microseconds since 1970, which Lua's numbers
hold exactly.
"""

from approvals_core.allowances.log import PARTS, SECOND, SET_BACK
from approvals_core.ports.budgets import LONGEST_HOLD

BOUNDS = f"""
local PARTS, SET_BACK, LONGEST_HOLD = {PARTS}, {SET_BACK}, {round(LONGEST_HOLD) * SECOND}
"""

LOG = """
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- {held until, time, permits, time, permits ...}, the oldest first.
local function read(now, latest)
  local text = redis.call('GET', KEYS[1])
  local log = text and cmsgpack.unpack(text) or {0}
  if log[1] - now > LONGEST_HOLD + SET_BACK then log[1] = 0 end
  local back = #log > 1 and log[#log - 1] - latest or 0
  if back > SET_BACK then
    for n = 2, #log, 2 do log[n] = log[n] - back end
  end
  return log, back > SET_BACK
end

local function write(log, microseconds)
  redis.call('SET', KEYS[1], cmsgpack.pack(log), 'PX', math.ceil(microseconds / 1000) + 1000)
end
"""

TAKE = """
local now, most, lasting = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local log, set_back = read(now, now + lasting)
local wait, permits, reach, shortest = math.max(0, log[1] - now), most, 0, math.huge
for w = 4, #ARGV, 2 do
  local count, period = tonumber(ARGV[w]), tonumber(ARGV[w + 1])
  local seen, full = 0, 0
  for n = #log - 1, 2, -2 do
    if log[n] + period <= now then break end
    seen = seen + log[n + 1]
    if full == 0 and seen >= count then full = log[n] + period - now end
  end
  wait, permits = math.max(wait, full), math.min(permits, count - seen)
  reach, shortest = math.max(reach, period), math.min(shortest, period)
end
if wait > 0 then
  if set_back then write(log, wait + reach) end
  return {0, string.format('%.0f', wait)}
end

local at, part = now + lasting, math.max(1, math.floor(shortest / PARTS))
if #log > 1 then at = math.max(at, log[#log - 1]) end
if #log > 1 and math.floor(log[#log - 1] / part) == math.floor(at / part) then
  log[#log - 1], log[#log] = at, log[#log] + permits
else
  table.insert(log, at)
  table.insert(log, permits)
end
local kept = {log[1]}
for n = 2, #log, 2 do
  if log[n] > now - reach then
    table.insert(kept, log[n])
    table.insert(kept, log[n + 1])
  end
end
write(kept, math.max(at + reach, log[1]) - now)
return {permits, '0'}
"""

HOLD = """
local now = clock(ARGV[1])
local log = read(now, now)
log[1] = math.max(log[1], now + ARGV[2])
write(log, 2 * LONGEST_HOLD)
return {'ok'}
"""
