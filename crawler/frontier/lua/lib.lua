-- What the scripts of a shard share. Names of keys stand before it.

-- Bands in the order in which they are taken: crawler.BandOrder.
local BAND_URGENT, BAND_NORMAL = '3', '1'
local BANDS = { BAND_URGENT, '0', BAND_NORMAL, '2' }

-- Garbage. Somebody else may write to this Redis, or restore a part of it. A key of a
-- host that is of another type than it should be is set aside (renamed, for a week),
-- noted in the shard's list of garbage and counted, and the verb goes on without it.
-- One that the whole shard depends on ends the verb, with an error that names it.
local ASIDE_MS, MOST_NOTES, LONGEST_NOTE = 7 * 86400 * 1000, 100, 500
local redis_call, redis_pcall, to_number = redis.call, redis.pcall, tonumber
local aside -- sets a key aside; below

-- note_garbage notes what was found, and counts it.
local function note_garbage(text)
  redis_call('LPUSH', GARBAGE, string.sub(text, 1, LONGEST_NOTE))
  redis_call('LTRIM', GARBAGE, 0, MOST_NOTES - 1)
  redis_call('HINCRBY', COUNT, 'garbage', 1)
end

-- redis stands before the one of the server, so that no verb has to think of garbage.
local redis = { error_reply = redis.error_reply }
function redis.call(command, key, ...)
  local answer = redis_pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then
    aside(key)
  elseif string.find(answer.err, 'not an integer', 1, true) and command == 'HINCRBY' then
    redis_call('HDEL', key, (...))
    if (...) == 'epoch' then redis_call('HSET', key, 'epoch', redis_call('TIME')[1] * 1000) end -- no visit had it
    note_garbage(key .. ' had a field ' .. (...) .. ' that is no number')
  end
  return redis_call(command, key, ...) -- what else was wrong, it says again
end

-- tonumber reads what is no number as 0.
local function tonumber(v) return to_number(v) or 0 end

-- now_ms is Redis's clock in unix milliseconds.
local function now_ms()
  local t = redis_call('TIME')
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
    if number and flight[i + 1] ~= '' then
      tickets[#tickets + 1] = { tonumber(number), band }
      entries[tonumber(number)] = flight[i + 1]
    else
      note_garbage('in flight at ' .. host .. ' under ' .. flight[i] .. ': ' .. flight[i + 1])
    end
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

-- pack_later writes an entry that is to be tried again, and unpack_later reads it: behind
-- its band, unless that is the normal one. An entry begins with how often it was lost,
-- which is never as much as the code of a digit.
local function pack_later(band, entry) return (band == BAND_NORMAL and '' or band) .. entry end

local function unpack_later(text)
  local band = string.match(text, '^%d')
  if band then return band, string.sub(text, 2) end
  return BAND_NORMAL, text
end

-- line_up lets a host be due, and with urgent URLs before others.
local function line_up(host, due)
  redis.call('ZADD', DUE, due, host)
  local urgent = redis.call('EXISTS', QUEUE(BAND_URGENT, host)) == 1
  if not urgent then
    local first = redis.call('ZRANGE', LATER(host), 0, 0)[1]
    urgent = first and unpack_later(first) == BAND_URGENT
  end
  if urgent then redis.call('ZADD', URGENT, due, host) end
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
      line_up(parked, math.max(next, tonumber(h[3] or 0)))
      return
    end
  end
end

-- rest makes a host that is not visited any more due, or idle when nothing
-- waits there. No request may be made to it for wait milliseconds, and no visit
-- is due within those of parked. What other jobs noted of the visit goes with it.
local function rest(host, wait, parked)
  local h, due = HOST(host), now_ms()
  if wait > 0 then due = due + wait + 1 end -- the clock is rounded down
  redis.call('HSET', h, 'next', due)
  local waits = false
  for _, band in ipairs(BANDS) do
    waits = waits or redis.call('EXISTS', QUEUE(band, host)) == 1
  end
  if not waits then
    local first = redis.call('ZRANGE', LATER(host), 0, 0, 'WITHSCORES')
    if #first == 0 then
      redis.call('HDEL', h, 'state', 'worker', 'rivals', 'lined', 'woken', 'recalled')
      return
    end
    due = math.max(due, tonumber(first[2]))
  end
  due = math.max(due, now_ms() + (parked or 0))
  if paused(redis.call('HGET', h, 'rules')) then due = NEVER end
  redis.call('HSET', h, 'state', 'due')
  redis.call('HDEL', h, 'worker', 'rivals', 'lined', 'woken', 'recalled')
  line_up(host, due)
end

-- keys_of_hosts are the keys that a shard can do without, by the beginnings of their
-- names. Without a bucket of seen, URLs that were in it are fetched again if a page
-- links to them.
-- It is a function because every script runs this file, and only garbage needs the names.
local function keys_of_hosts()
  return { HOST(''), SEEN(''), URGENT, QUEUES, LATER(''), FLIGHT(''), CONTENT(''), ADDRESS(''), PARKED(''), FAILURES, GARBAGE,
    SEGMENTS, UNSHIPPED, RECLAIMED, SEGMENT('') }
end

-- reset starts a host over whose record was garbage. Its epoch is one that no
-- visit ever had, so that no earlier task is taken for the next one, and a visit that
-- is open has time to find that it holds nothing.
local function reset(host)
  local now = now_ms()
  redis_call('HSET', HOST(host), 'epoch', now, 'seen', 1)
  local was_out = redis_call('ZREM', OPEN, host) + redis_call('ZREM', ARMED, host) > 0
  requeue(host, 0)
  if was_out then
    redis_call('HSET', HOST(host), 'state', 'due')
    redis_call('ZADD', DUE, now + 10000, host)
  elseif redis_call('ZSCORE', DUE, host) then
    redis_call('HSET', HOST(host), 'state', 'due')
  end
end

aside = function(key)
  for _, beginning in ipairs(keys_of_hosts()) do
    if string.sub(key, 1, #beginning) == beginning then
      local kind, name = redis_call('TYPE', key).ok, string.sub(key, #base + 1)
      redis_call('RENAME', key, ASIDE(name))
      redis_call('PEXPIRE', ASIDE(name), ASIDE_MS)
      note_garbage(key .. ' was a ' .. kind .. ' and is set aside')
      if beginning == HOST('') then reset(string.sub(key, #beginning + 1)) end
      return
    end
  end
  error('GARBAGE ' .. key .. ' is a ' .. redis_call('TYPE', key).ok .. ', which it should not be', 0)
end

-- wake makes a host due that has something to take now, unless it is visited.
local function wake(host)
  local h = redis.call('HMGET', HOST(host), 'state', 'next', 'rules')
  local due = math.max(now_ms(), tonumber(h[2] or 0))
  if paused(h[3]) then due = NEVER end
  if h[1] == 'due' then
    line_up(host, math.min(due, tonumber(redis.call('ZSCORE', DUE, host) or due)))
  elseif h[1] ~= 'armed' and h[1] ~= 'open' and h[1] ~= 'broken' then -- idle, or garbage
    redis.call('HSET', HOST(host), 'state', 'due')
    line_up(host, due)
  end
end

-- unpack_settled reads what settle remembers of a URL: outcome, bytes, flags, band,
-- host, packed entry.
local function unpack_settled(item)
  local _, last, outcome, size, flags, band, host = string.find(item, '^(%S+) (%d+) (%S+) (%d) (%S+) ')
  if last then return outcome, tonumber(size), flags, band, host, string.sub(item, last + 1) end
end
