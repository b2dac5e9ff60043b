-- swap: replaces the hold of a host, if it has not changed meanwhile.
-- KEYS[1]  the host's hold
-- ARGV     the old hold, the new hold, milliseconds after which it is forgotten, the job that the
--          host is reserved for ('' for none), milliseconds for which it is reserved
-- Returns  the new hold; '' if it was changed meanwhile

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '' end
local value = ARGV[2]
if ARGV[4] ~= '' then
  local t = redis.call('TIME')
  local till = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[5]
  value = value .. ',>' .. ARGV[4] .. ' ' .. string.format('%d', till)
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
return value
