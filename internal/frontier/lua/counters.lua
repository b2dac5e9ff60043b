-- counters: the counters of a shard. Records in segments whose URLs are only counted are lost once
-- their worker was not heard of in time, even if no scheduler reclaims them any more.
-- KEYS[1]  the shard's base
-- Returns  hosts due, armed, open, due by now, and of these those with urgent URLs; milliseconds
--          until the next host is due, -1 if none is or some are by now; then name, value of each
--          counter

local answer = {
  redis.call('ZCARD', DUE), redis.call('ZCARD', ARMED), redis.call('ZCARD', OPEN),
  0, 0, -1,
}
if answer[1] > 0 then
  answer[4], answer[5] = redis.call('ZCOUNT', DUE, '-inf', now_ms()), redis.call('ZCOUNT', URGENT, '-inf', now_ms())
end
if answer[1] > 0 and answer[4] == 0 then
  answer[6] = math.max(0, tonumber(redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2]) - now_ms())
end
local lost = 0
for _, segment in ipairs(redis.call('ZRANGEBYSCORE', SEGMENTS, '-inf', now_ms(), 'LIMIT', 0, 100)) do
  if redis.call('EXISTS', SEGMENT(segment)) == 0 then lost = lost + tonumber(redis.call('HGET', UNSHIPPED, segment) or 0) end
end
if lost > 0 then
  for _, v in ipairs({ 'ondisk', tostring(-lost), 'lost', tostring(lost) }) do answer[#answer + 1] = v end
end
for _, v in ipairs(redis.call('HGETALL', COUNT)) do answer[#answer + 1] = v end
return answer
