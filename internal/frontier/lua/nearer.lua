-- nearer: hands out pages that were found at a smaller depth, so that their links are admitted
-- again, and removes those for which that is done. A page that is not done in time is handed out
-- again, and so is one that was found at an even smaller depth meanwhile.
-- KEYS[1]  the shard's base
-- ARGV     the most pages, milliseconds within which they must be done, then for each page that
--          is done: its group, and its member of seen with the depth at which its links were
--          admitted; FARTHEST
-- Returns  for each page: its group, its member of seen, its packed links

local most, term = tonumber(ARGV[1]), tonumber(ARGV[2])
local done = 0
for i = 3, #ARGV, 2 do
  local group, member = ARGV[i], ARGV[i + 1]
  if redis.call('SISMEMBER', bucket_of(group, member), member) == 1 then
    done = done + redis.call('ZREM', NEARER, nearer_in(group, fingerprint_of(member)))
  end
end
count('nearer', -done)

local now = now_ms()
local out = {}
for _, page in ipairs(redis.call('ZRANGEBYSCORE', NEARER, '-inf', now, 'LIMIT', 0, most)) do
  local group, fp = string.match(page, '^(%d+) (-?%d+)$')
  local any = fp and fp .. SUFFIXES[1]
  local depth = any and depth_in(bucket_of(group, any), fp)
  if depth then
    redis.call('ZADD', NEARER, now + term, page)
    out[#out + 1] = group
    out[#out + 1] = fp .. SUFFIXES[depth + 1]
    out[#out + 1] = redis.call('HGET', part_of(any), fp) or ''
  else -- Redis came back without it
    count('nearer', -redis.call('ZREM', NEARER, page))
  end
end
if #out == 0 and redis.call('ZCARD', NEARER) == 0 then redis.call('HDEL', COUNT, 'nearer') end -- NEARER may have been set aside
return out
