-- sketched: finds pages by the positions of their sketches.
-- KEYS[1]  the shard's base
-- ARGV     bytes of a sketch, and for each page: its host, its position
-- Returns  for each page its sketch and its text: when it was remembered, host, packed entry; both
--          '' if there is none at the position

local size, found = tonumber(ARGV[1]), {}
for i = 2, #ARGV, 2 do
  local host, at = ARGV[i], tonumber(ARGV[i + 1])
  local text = redis.call('LINDEX', SKETCHED(host), at) or ''
  found[#found + 1] = text ~= '' and redis.call('GETRANGE', SKETCHES(host), at * size, (at + 1) * size - 1) or ''
  found[#found + 1] = text
end
return found
