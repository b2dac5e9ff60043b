-- trouble: a worker says why it can not keep a job's pages, or that it can again.
-- What a worker does not say again is forgotten: it may have died.
-- KEYS[1]  the job's troubles: of each worker "SINCE AT REASON"
-- KEYS[2]  the job; one that was removed has no troubles
-- ARGV[1]  the worker
-- ARGV[2]  what is wrong; '' for nothing
-- ARGV[3]  milliseconds after which what is not said again is forgotten
-- Returns  1; 0 when there was nothing to note

local key, worker, reason, term = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if reason == '' then return redis.call('HDEL', key, worker) end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local since = now
local all = redis.call('HGETALL', key) -- of workers that spoke within the term of the last one
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
