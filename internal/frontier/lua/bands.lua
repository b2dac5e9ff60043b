-- bands: finds the first pages with these bands in their sketches, and remembers pages whose bands
-- are new.
-- KEYS[1]  the shard's base
-- ARGV     the most bands of a bucket, and for each band: its bucket, its key, its page ('': do
--          not remember it)
-- Returns  for each band the page that it was first found in; '' if it is new

local most, first = tonumber(ARGV[1]), {}
for i = 2, #ARGV, 3 do
  local bucket, key, page = BAND(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local owner = redis.call('HGET', bucket, key)
  if not owner and page ~= '' and redis.call('HLEN', bucket) < most then
    redis.call('HSET', bucket, key, page)
  end
  first[#first + 1] = owner or ''
end
return first
