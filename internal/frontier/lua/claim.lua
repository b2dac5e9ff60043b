-- claim: takes a URL that a redirect led to straight into flight, if it is new.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, its group in seen, fingerprint, band, packed entry;
--          findings (seen.lua)
-- Returns  its ticket; '' if it was seen before; the reference to a block if it is undecided

local host, epoch, lease, group, fp = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local band, entry = ARGV[6], ARGV[7]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'ticket')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local now = now_ms()
redis.call('ZADD', OPEN, now + lease, host)
if not see(group, fp) then return undecided[2] or '' end
local ticket = name_ticket(band, reserve_tickets(host, h[3], 1, now))
redis.call('HSET', FLIGHT(host), ticket, entry)
redis.call('HINCRBY', HOST(host), 'seen', 1)
count('flight', 1)
count('seen', 1)
return ticket
