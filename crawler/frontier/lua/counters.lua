-- counters: the state of a shard in one glance.
-- KEYS[1]  the shard's base
-- Returns  hosts due, armed, open, due by now, of these with urgent URLs; then name, value of each counter

local answer = {
  redis.call('ZCARD', DUE), redis.call('ZCARD', ARMED), redis.call('ZCARD', OPEN),
  redis.call('ZCOUNT', DUE, '-inf', now_ms()), redis.call('ZCOUNT', URGENT, '-inf', now_ms()),
}
for _, v in ipairs(redis.call('HGETALL', COUNT)) do answer[#answer + 1] = v end
return answer
