-- refund: pages that were lost before they were shipped go back to the job's budget.
-- It may be said again.
-- KEYS[1]  the job's ledger
-- ARGV[1]  which reclaiming of a segment it is
-- ARGV[2]  how many pages it has given back so far; -1 when it is over
-- Returns  pages spent in the job

local field = 'refund ' .. ARGV[1]
if ARGV[2] == '-1' then
  redis.call('HDEL', KEYS[1], field)
  return tonumber(redis.call('HGET', KEYS[1], 'spent') or 0)
end
local before = tonumber(redis.call('HGET', KEYS[1], field) or 0)
redis.call('HSET', KEYS[1], field, ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'spent', before - ARGV[2])
