-- ripe: hands out blocks of tracked pages of which some may be due. A block that is not dealt with
-- is due again after a term.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most blocks
-- ARGV[2]  the term in milliseconds
-- Returns  milliseconds until the next block is due (-1: there are none), how many more are due
--          now; then block, host, names, slots for each

local most, now, answer = tonumber(ARGV[1]), now_ms(), {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', RETURNS, '-inf', now, 'LIMIT', 0, most)) do
  local block, host = string.match(member, '^(%d+) (.+)$')
  local states = block and redis.call('GET', STATES(block, host))
  if states then
    redis.call('ZADD', RETURNS, string.format('%d', now + tonumber(ARGV[2])), member)
    answer[#answer + 1], answer[#answer + 2] = block, host
    answer[#answer + 1], answer[#answer + 2] = redis.call('GET', PATHS(block, host)) or '', states
  else
    redis.call('ZREM', RETURNS, member) -- it was set aside, or was never a block
  end
end
local first = redis.call('ZRANGE', RETURNS, 0, 0, 'WITHSCORES')[2]
table.insert(answer, 1, redis.call('ZCOUNT', RETURNS, '-inf', now))
table.insert(answer, 1, first and math.max(0, tonumber(first) - now) or -1)
return answer
