-- claim: takes a URL that a redirect led to straight into flight, if it is new.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, fingerprint, band, packed entry
-- Returns  its ticket; '' if it was seen before

local host, epoch, lease, fp, band, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'ticket')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local now = now_ms()
redis.call('ZADD', OPEN, now + lease, host)
if not see(fp) then return '' end
local ticket = name_ticket(band, reserve_tickets(host, h[3], 1, now))
redis.call('HSET', FLIGHT(host), ticket, entry)
redis.call('HINCRBY', HOST(host), 'seen', 1)
count('flight', 1)
grow(1)
return ticket
