-- pack: replaces the names of a block by the same names in fewer bytes. Names that were appended
-- since stay behind them. The slots are written again as well, without the room that Redis keeps
-- behind a value that grows.
-- KEYS[1]  the shard's base
-- ARGV     host, block, the names as they were read, the same packed
-- Returns  1 if it did; 0 if the names have changed in between

local host, block, read, packed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local names, states = redis.call('GET', PATHS(block, host)), redis.call('GET', STATES(block, host))
if not names or not states or string.sub(names, 1, #read) ~= read then return 0 end
redis.call('SET', PATHS(block, host), packed .. string.sub(names, #read + 1))
redis.call('SET', STATES(block, host), states)
return 1
