-- trouble: a worker reports why it cannot keep a job's pages, or that it can again. A report that
-- is not repeated is forgotten, because the worker may have died.
-- KEYS[1]  the job's troubles: "SINCE AT REASON" for each worker
-- KEYS[2]  the job; a removed job has no troubles
-- ARGV[1]  the worker
-- ARGV[2]  what is wrong; '' for nothing
-- ARGV[3]  milliseconds after which a report is forgotten unless it is repeated
-- Returns  1; 0 if nothing had to be changed

local key, worker, reason, term = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if reason == '' then return redis.call('HDEL', key, worker) end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local since = now
local all = redis.call('HGETALL', key) -- the workers that reported within the term of the last one
for i = 1, #all, 2 do
  local began, at = string.match(all[i + 1], '^(%d+) (%d+) ')
  if not at or now - tonumber(at) > term then
    redis.call('HDEL', key, all[i])
  elseif all[i] == worker then
    since = tonumber(began)
  end
end
redis.call('HSET', key, worker, since .. ' ' .. now .. ' ' .. reason)
redis.call('PEXPIRE', key, term)
return 1
