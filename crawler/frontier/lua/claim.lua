-- claim: a URL that a redirect led to goes straight into flight, if it is new.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, fingerprint, band, packed entry
-- Returns  its ticket; '' when it was seen before

local host, epoch, lease, fp, band, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if not holds(host, epoch) then return STALE end
redis.call('ZADD', OPEN, now_ms() + lease, host)
if not see(fp) then return '' end
local ticket = band .. ':' .. redis.call('HINCRBY', HOST(host), 'ticket', 1)
redis.call('HSET', FLIGHT(host), ticket, entry)
redis.call('HINCRBY', HOST(host), 'seen', 1)
count('flight', 1)
grow(1)
return ticket
