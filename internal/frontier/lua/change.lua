-- change: replaces the settings of a job, if they have not changed since they were read. If the job
-- is ending or has ended because of a budget that is raised now, it continues.
-- KEYS[1]  the job
-- KEYS[2]  the job's ledger
-- KEYS[3]  its events
-- ARGV     revision of the settings that were read ('' for any), settings, the history of changes
--          ('' to leave it), pages fetched so far if a budget of pages is introduced (''
--          otherwise), 1 if the schedule changes, then the budgets that now exceed what is spent
-- Returns  the new revision, 1 if the job was reopened; -1, 0: there is no such job; -2,
--          revision: they have changed since

local job, ledger = KEYS[1], KEYS[2]
local h = redis.call('HMGET', job, 'settings', 'revision', 'state', 'reason', 'ending')
if not h[1] then return { -1, 0 } end
local revision = tonumber(h[2] or 0)
if ARGV[1] ~= '' and revision ~= tonumber(ARGV[1]) then return { -2, revision } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
revision = revision + 1
if ARGV[3] ~= '' then
  redis.call('HDEL', job, 'changes') -- first, so that a full Redis accepts the following writes
  redis.call('HSET', job, 'changes', ARGV[3])
end
redis.call('HSET', job, 'settings', ARGV[2], 'revision', revision)
if ARGV[4] ~= '' then
  redis.call('DEL', ledger)
  redis.call('HSET', ledger, 'spent', ARGV[4])
  redis.call('HSET', job, 'budgeted', revision)
end
if ARGV[5] == '1' then redis.call('HSET', job, 'scheduled', now) end
local reopened = 0
for i = 6, #ARGV do
  if h[5] == ARGV[i] then redis.call('HDEL', job, 'ending', 'closing') end
  if h[3] == 'done' and h[4] == 'budget of ' .. ARGV[i] then
    redis.call('HSET', job, 'state', 'running', 'reason', '', 'kept', now)
    redis.call('HDEL', job, 'ended', 'ending', 'closing')
    if reopened == 0 then emit(job, KEYS[3], 'resumed', now, 'its budget of ' .. ARGV[i] .. ' was raised') end
    reopened = 1
  end
end
return { revision, reopened }
