-- swap: the hold of a host changes, if nobody changed it meanwhile.
-- KEYS[1]  the host's hold
-- ARGV     what it was, what it is to be, milliseconds after which it is forgotten, the job that
--          is to have it next ('' for any), milliseconds for which it is kept for that job
-- Returns  what it is now; '' when it was changed meanwhile

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '' end
local value = ARGV[2]
if ARGV[4] ~= '' then
  local t = redis.call('TIME')
  local till = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[5]
  value = value .. ',>' .. ARGV[4] .. ' ' .. string.format('%d', till)
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
return value
