-- arm: gives hosts that are due a new epoch, those with urgent URLs first. Each then waits for
-- the visit that will be enqueued for it. The armed and open hosts are counted in the same call,
-- so that concurrent schedulers do not arm more together than one would. The hosts of a call have
-- the same epoch. It is greater than that of the call before, and not below the clock in
-- milliseconds. So a Redis that took over without the last moments of another does not give out an
-- epoch that a visit already has.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most hosts
-- ARGV[2]  milliseconds within which each visit must be opened
-- ARGV[3]  the most visits that may be armed or open in the shard
-- Returns  visits armed or open in the shard; then host, epoch, host, epoch, …

local now = now_ms()
local out = redis.call('ZCARD', ARMED) + redis.call('ZCARD', OPEN)
local room = math.min(tonumber(ARGV[1]), tonumber(ARGV[3]) - out)
if room <= 0 then return { out } end
local orders = { 0 }

local epoch = math.max(tonumber(redis.call('HGET', COUNT, 'epoch') or 0) + 1, now)

local function arm(host)
  redis.call('HSET', HOST(host), 'state', 'armed', 'epoch', string.format('%d', epoch)) -- first, so that a full Redis refuses it
  orders[#orders + 1] = host
  orders[#orders + 1] = epoch
  out, room = out + 1, room - 1
end

-- move enters armed hosts in ARMED, all with the same commands.
local function move(hosts)
  if #hosts == 0 then return end
  local deadlines = {}
  for _, host in ipairs(hosts) do
    deadlines[#deadlines + 1] = now + ARGV[2]
    deadlines[#deadlines + 1] = host
  end
  redis.call('ZREM', DUE, unpack(hosts))
  redis.call('ZREM', URGENT, unpack(hosts))
  redis.call('ZADD', ARMED, unpack(deadlines))
end

local urgent = {}

for _, host in ipairs(redis.call('ZRANGEBYSCORE', URGENT, '-inf', now, 'LIMIT', 0, room)) do
  local due = redis.call('ZSCORE', DUE, host)
  if not due then
    redis.call('ZREM', URGENT, host)
  elseif tonumber(due) > now then
    redis.call('ZADD', URGENT, due, host)
  else
    arm(host)
    urgent[#urgent + 1] = host
  end
end
move(urgent)
if room > 0 then
  local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, room)
  for _, host in ipairs(due) do arm(host) end
  move(due)
end
if #orders > 1 then redis.call('HSET', COUNT, 'epoch', string.format('%d', epoch)) end
orders[1] = out
return orders
