-- state: changes the state of a job, if its current state permits it, and makes the event that says
-- so in the same call.
-- KEYS[1]  the job
-- KEYS[2]  clients that bring it seeds, by when they are forgotten
-- KEYS[3]  its events
-- ARGV     new state, reason, then the states that it may be in
-- Returns  the state that it was in; 'changed' if it cannot become done because the budget was
--          raised, or because seeds are being brought; '' if there is no such job

local key, to, reason = KEYS[1], ARGV[1], ARGV[2]
local from = redis.call('HGET', key, 'state')
if not from then return '' end
local allowed = false
for i = 3, #ARGV do allowed = allowed or ARGV[i] == from end
if not allowed then return from end
local budget = to == 'done' and string.match(reason, '^budget of (%a+)$')
if budget and redis.call('HGET', key, 'ending') ~= budget then return 'changed' end -- it was raised meanwhile
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if to == 'done' and (redis.call('HGET', key, 'ending') or '') == '' then -- nothing was left to fetch
  local last = redis.pcall('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES') -- garbage holds nothing
  if tonumber(last[2] or 0) > now then return 'changed' end
end
redis.call('HDEL', key, 'reason') -- first, so that a full Redis accepts the following writes and a job can be controlled there
redis.call('HSET', key, 'state', to, 'reason', reason)
local event = to
if to == 'running' then
  if from == 'done' then -- it was reopened for seeds, and would end at once without them
    redis.call('HSET', key, 'seeded', '0')
  end
  event = redis.call('HSETNX', key, 'started', now) == 1 and 'began' or 'resumed'
  redis.call('HSET', key, 'kept', now) -- age.lua counts from here
  redis.call('HDEL', key, 'ended', 'ending', 'closing')
elseif to == 'done' or to == 'cancelled' or to == 'failed' then
  redis.call('HSET', key, 'ended', now)
  redis.call('HDEL', key, 'ending', 'closing')
elseif to == 'created' then -- it was paused before it began
  event = 'resumed'
end
if to ~= from then emit(key, KEYS[3], event, now, reason) end
return from
