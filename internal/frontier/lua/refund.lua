-- refund: returns pages that were lost before they were shipped to the job's budget. It may be
-- repeated.
-- KEYS[1]  the job's ledger
-- ARGV[1]  identifies the reclaiming of a segment
-- ARGV[2]  how many pages it has given back so far; -1 when it is complete
-- Returns  pages spent in the job

local field = 'refund ' .. ARGV[1]
if ARGV[2] == '-1' then
  redis.call('HDEL', KEYS[1], field)
  return tonumber(redis.call('HGET', KEYS[1], 'spent') or 0)
end
local before = tonumber(redis.call('HGET', KEYS[1], field) or 0)
redis.call('HSET', KEYS[1], field, ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'spent', before - ARGV[2])
