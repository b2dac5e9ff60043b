-- sketches: returns the sketches of a host's pages, as crawler.Brief has them.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, bytes of a sketch, the first sketch, the most to
--          return
-- Returns  how many sketches the host has, these sketches one after the other

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
local size, from, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if not holds(host, epoch) then return STALE end
extend(host, lease)
return { count_sketches(host, size), redis.call('GETRANGE', SKETCHES(host), from * size, (from + most) * size - 1) }
