-- guest: a rendered page takes its turn to request from a host that its visit does not hold.
-- KEYS[1]  the turn of such requests at the host
-- ARGV     a name of the request, milliseconds to keep since the request before, milliseconds after
--          which the turn is over if its worker does not say so
-- Returns  0 if it has the turn; otherwise milliseconds after which to ask again

local AGAIN = 50          -- milliseconds after which to ask whether the turn of another is over
local REMEMBERED = 120000 -- milliseconds for which the last request is known, for longer gaps
local by, gap, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local turn = redis.pcall('HMGET', KEYS[1], 'by', 'till', 'last', 'gap', 'rest')
if turn.err then -- a key of another type
  redis.call('DEL', KEYS[1])
  turn = {}
end
local function number(i) return tonumber(turn[i] or 0) or 0 end
if turn[1] and turn[1] ~= by and now < number(2) then return math.min(AGAIN, number(2) - now) end
local free = math.max(number(3) + math.max(gap, number(4)), number(5))
if turn[1] ~= by and free > now then return free - now end
redis.call('HSET', KEYS[1], 'by', by, 'till', string.format('%d', now + lease), 'gap', gap,
  'last', string.format('%d', now))
redis.call('PEXPIRE', KEYS[1], lease + gap + REMEMBERED)
return 0
