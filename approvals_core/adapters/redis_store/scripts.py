"""
The Lua scripts: one verb each, whole or not at all.

KEYS[1] is the scope's hash of jobs, KEYS[2] and on are its lanes: sorted sets of job keys by
the time they are handed out next (due, or the end of their lease). Times are microseconds as
decimal text; Lua compares them as numbers, and writes one back with all its digits only.
"""

from hashlib import sha1

from approvals_core.adapters.redis_store import budget_lua
from approvals_core.adapters.stored import FIRST_PATIENCE, PATIENCE_DOUBLINGS
from approvals_core.models import Lane

_NUMBERS = f"""
local LANES, PATIENCE, DOUBLINGS = {len(Lane)}, {FIRST_PATIENCE}, {PATIENCE_DOUBLINGS}
"""

_JOBS = """
-- Why nothing may be changed, if so: the store of which *own* is the id is closed, or this is not it.
-- What is marked on it is the last key then; without *own* nobody looks.
local function closed(own)
  if own == '' then return nil end
  local about = redis.call('HMGET', KEYS[#KEYS], 'id', 'moved', 'arriving')
  if about[1] == own and not about[2] and not about[3] then return nil end
  return {'closed', about[1] or '', about[2] or '', about[3] or ''}
end

local function lane_key(lane) return KEYS[2 + lane] end

-- A job is one text: lane|due|token|again|failures|record. JSON in it stays untouched.
-- A text that is none counts as no job: who asks for the job writes it anew.
local function read(key)
  local text = redis.call('HGET', KEYS[1], key)
  if not text then return nil end
  local lane, due, token, again, failures, record =
    string.match(text, '^(%d+)|(%d+)|([^|]*)|(%d*)|(%d+)|(.*)$')
  if not lane then return nil end
  return {lane = lane, due = due, token = token, again = again,
          failures = tonumber(failures), record = record}
end

local function write(key, job, next)
  redis.call('HSET', KEYS[1], key, table.concat(
    {job.lane, job.due, job.token, job.again, job.failures, job.record}, '|'))
  redis.call('ZADD', lane_key(job.lane), next, key)
end

local function earlier(a, b)
  if a == '' or tonumber(b) < tonumber(a) then return b end
  return a
end

-- When a job that failed so often is due if something was asked of it at *at*: see stored.py.
local function patient(at, failures)
  if at == '' or failures == 0 then return at end
  return string.format('%.0f', at + PATIENCE * 2 ^ math.min(failures, DOUBLINGS))
end

-- The job, if *token* is still its token.
local function held(key, token)
  local job = read(key)
  if job and token ~= '' and job.token == token then return job end
  return nil
end

-- Forget a job that is done, or make it due again. Returns its lane and time if so.
local function finish(key, job)
  if job.again == '' then
    redis.call('HDEL', KEYS[1], key)
    redis.call('ZREM', lane_key(job.lane), key)
    return nil
  end
  job.due, job.again, job.token, job.failures = job.again, '', '', 0
  write(key, job, job.due)
  return {job.lane, job.due}
end
"""

_COMMIT = """
local APPROVAL, CONTACT, LISTS = KEYS[2 + LANES], KEYS[3 + LANES], KEYS[4 + LANES]
-- Everything is text but the lists; the records in it are JSON in JSON and stay as they are.
local plan = cjson.decode(ARGV[1])
local refused = closed(plan.store)
if refused then return refused end

-- Nothing is written before all is known to fit. What is answered about somebody's commit is
-- written once more: WAIT waits for this connection's own writes only, and another one, or another
-- process, may have made that commit.
local function look(key, version)
  if version == '' then return 'ok' end
  local stored = redis.call('HMGET', key, 'version', 'change')
  if stored[2] == plan.id then
    redis.call('HSET', key, 'change', stored[2])
    return 'done'
  end
  if tonumber(stored[1] or 0) ~= tonumber(version) - 1 then
    if stored[1] then redis.call('HSET', key, 'version', stored[1]) end
    return 'conflict'
  end
  return 'ok'
end

local seen = {look(APPROVAL, plan.approval), look(CONTACT, plan.contact)}
if seen[1] == 'done' or seen[2] == 'done' then return {'done'} end
if seen[1] == 'conflict' or seen[2] == 'conflict' then return {'conflict'} end

local finishing = nil
if plan.finish_job ~= '' then
  finishing = held(plan.finish_job, plan.finish_token)
  if not finishing then return {'lost'} end
end

if plan.held_job ~= '' and not held(plan.held_job, plan.held_token) then return {'lost'} end

local again = nil
if finishing then again = finish(plan.finish_job, finishing) end

if plan.approval ~= '' then
  local before = redis.call('HGET', APPROVAL, 'listed')
  if before ~= plan.listed then
    for _, member in ipairs(cjson.decode(before or '[]')) do
      redis.call('ZREM', LISTS, member)
    end
    for _, member in ipairs(cjson.decode(plan.listed)) do
      redis.call('ZADD', LISTS, 0, member)
    end
    redis.call('HSET', APPROVAL, 'listed', plan.listed)
  end
end

-- Plain commands, each preceded by its length; the last ones, which say that the change is
-- there, wait for the end: a script that fails before them has committed nothing.
local at, plain, versions = 2, tonumber(plan.plain), {}
while ARGV[at] do
  local length = tonumber(ARGV[at])
  if plain > 0 then
    redis.call(unpack(ARGV, at + 1, at + length))
  else
    table.insert(versions, at)
  end
  plain = plain - 1
  at = at + length + 1
end

for _, asked in ipairs(plan.jobs) do
  local job = read(asked.key) or {token = '', again = '', due = '', failures = 0}
  local next = job.lane and redis.call('ZSCORE', lane_key(job.lane), asked.key)
  if job.lane and job.lane ~= asked.lane then redis.call('ZREM', lane_key(job.lane), asked.key) end
  job.lane, job.record = asked.lane, asked.record
  if asked.token ~= '' then
    job.due, job.token, job.failures, next = asked.due, asked.token, 0, asked.ends
  elseif job.token ~= '' then
    job.again = earlier(job.again, asked.due)
  else
    job.due = earlier(job.due, patient(asked.due, job.failures))
    next = job.due
  end
  write(asked.key, job, next)
end

for _, start in ipairs(versions) do
  redis.call(unpack(ARGV, start + 1, start + tonumber(ARGV[start])))
end

if again then return {'ok', again[1], again[2]} end
return {'ok'}
"""

_LEASE = """
local lane, now, ends, token, limit, own = unpack(ARGV)
local refused = closed(own)
if refused then return refused end
local due = redis.call('ZRANGEBYSCORE', lane_key(lane), '-inf', now, 'LIMIT', 0, limit)
local answer = {}
for _, key in ipairs(due) do
  local job = read(key)
  if job then
    job.token = token
    -- What was asked for before this lease began is done by it.
    if job.again ~= '' and tonumber(job.again) <= tonumber(now) then job.again = '' end
    write(key, job, ends)
    for _, part in ipairs({key, job.due, tostring(job.failures), job.record}) do
      table.insert(answer, part)
    end
  else
    -- Nobody can do it; left in front it would take its place in every lease.
    redis.call('ZADD', lane_key(lane), ends, key)
  end
end
local head = redis.call('ZRANGE', lane_key(lane), 0, 0, 'WITHSCORES')
table.insert(answer, 1, head[2] or '')
return answer
"""

_RENEW = """
local key, token, ends, own = unpack(ARGV)
local refused = closed(own)
if refused then return refused end
local job = held(key, token)
if not job then return {'lost'} end
write(key, job, ends)
return {'ok'}
"""

_FINISH = """
local key, token, own = unpack(ARGV)
local refused = closed(own)
if refused then return refused end
local job = held(key, token)
if not job then return {'lost'} end
local again = finish(key, job)
if again then return {'ok', again[1], again[2]} end
return {'ok'}
"""

_RETRY = """
local key, token, due, failed, own = unpack(ARGV)
local refused = closed(own)
if refused then return refused end
local job = held(key, token)
if not job then return {'lost'} end
job.failures = failed == '1' and job.failures + 1 or 0
job.due, job.token, job.again = earlier(patient(job.again, job.failures), due), '', ''
write(key, job, job.due)
return {'ok', job.lane, job.due}
"""

# KEYS[1] is the approval; the commands, each preceded by its length, are run if it is of that
# version, or whatever it is if none is given. ARGV[2] is the store's id, as above.
_SWAP = """
local refused = closed(ARGV[2])
if refused then return refused end
if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return {'conflict'} end
local at = 3
while ARGV[at] do
  local length = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + length))
  at = at + length + 1
end
return {'ok'}
"""

# KEYS[1] is what is marked on the store: a name has another text from now on, if it has this one.
# '' is none.
_MARK = """
local name, before, after = unpack(ARGV)
if (redis.call('HGET', KEYS[1], name) or '') ~= before then return 0 end
if after == '' then redis.call('HDEL', KEYS[1], name) else redis.call('HSET', KEYS[1], name, after) end
return 1
"""

# KEYS[1] is a hash. A read of some fields that is as safe as a commit: the first one is written once
# more as it is, so that WAIT waits until the replicas have what is answered, and all before it.
_SURE = """
local found = redis.call('HMGET', KEYS[1], unpack(ARGV))
if found[1] then redis.call('HSET', KEYS[1], ARGV[1], found[1]) end
return found
"""


class Script:
    """A script and the name by which the server remembers it."""

    def __init__(self, body: str, before: str = _NUMBERS + _JOBS) -> None:
        self.text = f"{before}\n{body}"
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


COMMIT = Script(_COMMIT)
LEASE = Script(_LEASE)
RENEW = Script(_RENEW)
FINISH = Script(_FINISH)
RETRY = Script(_RETRY)
SWAP = Script(_SWAP)
MARK = Script(_MARK)
SURE = Script(_SURE)
TAKE = Script(budget_lua.TAKE, budget_lua.BOUNDS + budget_lua.LOG)
HOLD = Script(budget_lua.HOLD, budget_lua.BOUNDS + budget_lua.LOG)
ALL = (COMMIT, LEASE, RENEW, FINISH, RETRY, SWAP, MARK, SURE, TAKE, HOLD)
