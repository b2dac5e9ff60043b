-- resolve: replaces pages of a host, which turned out to be near duplicates, by the pages that they
-- are near duplicates of. Their sketches stay.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, and for each page: its position, the text of the
--          other page: when this one was remembered, host, packed entry
-- Returns  0

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
if not holds(host, epoch) then return STALE end
extend(host, lease)
local pages = redis.call('LLEN', SKETCHED(host))
for i = 4, #ARGV, 2 do
  if tonumber(ARGV[i]) < pages then redis.call('LSET', SKETCHED(host), ARGV[i], ARGV[i + 1]) end
end
return 0
