-- steer: one scheduler at a time computes what a continuous job may fetch. It asks for its turn,
-- and then keeps the result if no one else has in between.
-- KEYS[1]  the job
-- ARGV[1]  '' to ask; otherwise the threshold with which the turn began
-- ARGV[2]  to ask: milliseconds since the last turn; otherwise the new threshold
-- ARGV[3]  the figures of the job as JSON, to be kept with it
-- Returns  to ask: '1' if it is the caller's turn, and the threshold; otherwise '1' if it was kept

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local h = redis.call('HMGET', KEYS[1], 'threshold', 'steered')
if redis.call('EXISTS', KEYS[1]) == 0 then return { '', '' } end -- the job was removed
if not ARGV[3] then
  local last = tonumber(h[2] or '') or 0
  if now >= last and now - last < tonumber(ARGV[2]) then return { '', '' } end
  redis.call('HSET', KEYS[1], 'steered', string.format('%d', now))
  return { '1', h[1] or '' }
end
if (h[1] or '') ~= ARGV[1] then return { '', '' } end
redis.call('HSET', KEYS[1], 'threshold', ARGV[2], 'freshness', ARGV[3])
return { '1', ARGV[2] }
