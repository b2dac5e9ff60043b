-- guestdone: a rendered page has made its request to a host that its visit does not hold.
-- KEYS[1]  the turn of such requests at the host
-- ARGV     the name of the request, milliseconds since it was at the host, milliseconds to keep until
--          the next one, milliseconds for which the host is left alone
-- Returns  1; 0 if another request has the turn

local REMEMBERED = 120000 -- as in guest
local by, ago, gap, rest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local turn = redis.pcall('HMGET', KEYS[1], 'by', 'rest')
if turn.err or turn[1] ~= by then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local rests = math.max(now + rest, tonumber(turn[2] or 0) or 0)
redis.call('HSET', KEYS[1], 'by', '', 'till', 0, 'last', string.format('%d', now - ago), 'gap', gap,
  'rest', string.format('%d', rests))
redis.call('PEXPIRE', KEYS[1], math.max(gap, rests - now) + REMEMBERED)
return 1
