-- refund: gives the job's budget back the pages that were lost before they were shipped. It may be
-- repeated, and may arrive late: the ledger remembers how many pages each reclaiming has returned.
-- KEYS[1]  the job's ledger
-- ARGV[1]  identifies the reclaiming of a segment
-- ARGV[2]  how many pages it has given back so far
-- Returns  pages spent in the job

local field, pages = 'refund ' .. ARGV[1], tonumber(ARGV[2])
local before = tonumber(redis.call('HGET', KEYS[1], field) or 0)
if pages <= before then return tonumber(redis.call('HGET', KEYS[1], 'spent') or 0) end
redis.call('HSET', KEYS[1], field, pages)
return redis.call('HINCRBY', KEYS[1], 'spent', before - pages)
