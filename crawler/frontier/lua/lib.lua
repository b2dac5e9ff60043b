-- What the scripts of a shard share. Names of keys stand before it.

local BANDS = 3 -- crawler.Bands

-- now_ms is Redis's clock in unix milliseconds.
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- count moves a counter of the shard.
local function count(name, by)
  if by ~= 0 then return redis.call('HINCRBY', COUNT, name, by) end
end

-- holds tells whether the visit with this epoch holds the host.
local function holds(host, epoch)
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch')
  return h[1] == 'open' and h[2] == epoch
end

-- extend moves the deadline of an open visit. A Redis that is full refuses what
-- may need memory as a script's first write, and only as that: by removing before
-- it adds, a visit lives on in it.
local function extend(host, lease)
  redis.call('ZREM', OPEN, host)
  redis.call('ZADD', OPEN, now_ms() + lease, host)
end

local STALE = redis.error_reply('STALE the visit no longer holds its host')

-- requeue puts what is in flight at a host back to the front of its queues, in
-- the order in which it was taken. lost is added to each entry's first byte.
local function requeue(host, lost)
  local flight = redis.call('HGETALL', FLIGHT(host))
  if #flight == 0 then return 0 end
  local tickets, entries = {}, {}
  for i = 1, #flight, 2 do
    local band, number = string.match(flight[i], '^(%d):(%d+)$')
    tickets[#tickets + 1] = { tonumber(number), band }
    entries[tonumber(number)] = flight[i + 1]
  end
  table.sort(tickets, function(a, b) return a[1] > b[1] end)
  for _, ticket in ipairs(tickets) do
    local entry = entries[ticket[1]]
    if lost > 0 then
      entry = string.char(math.min(255, string.byte(entry) + lost)) .. string.sub(entry, 2)
    end
    redis.call('LPUSH', QUEUE(ticket[2], host), entry)
  end
  redis.call('DEL', FLIGHT(host))
  count('flight', -#tickets)
  count('waiting', #tickets)
  return #tickets
end

-- NEVER is when a paused host is due: in the year 2286. So it counts as one that
-- waits for a visit, and the job with it.
local NEVER = 9999999999999

-- paused tells whether the rules of a host, as crawler.HostRules packs them, let no
-- request be made to it.
local function paused(rules) return rules and string.byte(rules) == 49 end

-- depart lets the next host have the address that a visited one held. No request
-- may be made to the address for wait milliseconds.
local function depart(host, wait)
  local ip = redis.call('HGET', HOST(host), 'address')
  if not ip then return end
  redis.call('HDEL', HOST(host), 'address')
  local key = ADDRESS(ip)
  local a = redis.call('HMGET', key, 'host', 'next')
  if a[1] ~= host then return end
  -- A visit that made no request leaves the time as it was.
  local next = math.max(now_ms() + wait + 1, tonumber(a[2] or 0))
  wait = next - now_ms()
  redis.call('HSET', key, 'next', next)
  redis.call('HDEL', key, 'host', 'epoch')
  redis.call('PEXPIRE', key, wait + 60000)
  for _ = 1, 100 do -- those that are gone are passed over; who is missed asks again by itself
    local parked = redis.call('LPOP', PARKED(ip))
    if not parked then return end
    redis.call('HDEL', HOST(parked), 'parked')
    local h = redis.call('HMGET', HOST(parked), 'state', 'rules', 'next')
    if h[1] == 'due' and not paused(h[2]) then
      redis.call('ZADD', DUE, math.max(next, tonumber(h[3] or 0)), parked)
      return
    end
  end
end

-- rest makes a host that is not visited any more due, or idle when nothing
-- waits there. No request may be made to it for wait milliseconds, and no visit
-- is due within those of parked.
local function rest(host, wait, parked)
  local h, due = HOST(host), now_ms()
  if wait > 0 then due = due + wait + 1 end -- the clock is rounded down
  redis.call('HSET', h, 'next', due)
  local waits = false
  for band = 0, BANDS - 1 do
    waits = waits or redis.call('EXISTS', QUEUE(band, host)) == 1
  end
  if not waits then
    local first = redis.call('ZRANGE', LATER(host), 0, 0, 'WITHSCORES')
    if #first == 0 then
      redis.call('HDEL', h, 'state', 'worker')
      return
    end
    due = math.max(due, tonumber(first[2]))
  end
  due = math.max(due, now_ms() + (parked or 0))
  if paused(redis.call('HGET', h, 'rules')) then due = NEVER end
  redis.call('HSET', h, 'state', 'due')
  redis.call('HDEL', h, 'worker')
  redis.call('ZADD', DUE, due, host)
end
