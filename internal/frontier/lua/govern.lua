-- govern: sets an operator's rules for a host, unless they have changed since the caller read them.
-- KEYS[1]  the shard's base
-- ARGV     host, its rules as crawler.HostRules packs them, 1 to forget its failures, the rules as
--          they were read
-- Returns  1; 0 if the job never met the host; -1 if its rules were changed since they were read

local host, rules, forgives, was = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local h = unfold(host, 'state', 'next', 'gap', 'rules', 'seen')
if not h[5] then return 0 end
if (h[4] or '') ~= was then return -1 end
if rules == '' then
  redis.call('HDEL', HOST(host), 'rules')
else
  redis.call('HSET', HOST(host), 'rules', rules)
end
local now, next = now_ms(), tonumber(h[2] or 0)
if forgives == '1' then next = forgive(host, h[2], h[3]) end
if h[1] == 'due' then -- the visit finds out what to take, and when
  line_up(host, paused(rules) and NEVER or math.max(now, next), is_urgent(host))
end
return 1
