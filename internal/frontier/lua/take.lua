-- take: moves URLs from a host's queues into flight, band by band. Within a band, URLs whose
-- retry is due come first, then the oldest. A URL that a lost visit held is taken alone, because
-- if it is what kills workers, nothing else should be lost with it.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the most URLs, milliseconds between requests
-- Returns  the host's rules, other jobs that want it, '1' if the visit is recalled, then ticket,
--          packed entry, ticket, packed entry, …

local host, epoch, lease, most, gap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rules', 'rivals', 'recalled', 'gap', 'ticket')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local now = now_ms()
redis.call('ZADD', OPEN, now + lease, host)
local taken = { h[3] or '', h[4] or '', h[5] or '' }

local MOST_RIPE = 1000 -- that one call moves back into the queues
local ripe = redis.call('ZRANGEBYSCORE', LATER(host), '-inf', now, 'LIMIT', 0, MOST_RIPE)
if #ripe > 0 then redis.call('ZREM', LATER(host), unpack(ripe)) end
for i = #ripe, 1, -1 do
  local band, entry = unpack_later(ripe[i])
  redis.call('LPUSH', QUEUE(band, host), entry)
end

local bands, entries = {}, {}
for _, band in ipairs(BANDS) do
  if #entries < most then
    for _, entry in ipairs(redis.call('LPOP', QUEUE(band, host), most - #entries) or {}) do
      bands[#bands + 1], entries[#entries + 1] = band, entry
    end
  end
end
if #entries == 0 then
  if h[6] ~= gap then redis.call('HSET', HOST(host), 'gap', gap) end
  return taken
end

local keep = #entries
for i, entry in ipairs(entries) do
  if (string.byte(entry) or 0) > 0 then -- how often it was lost
    keep = math.max(1, i - 1)
    break
  end
end
for i = #entries, keep + 1, -1 do
  redis.call('LPUSH', QUEUE(bands[i], host), entries[i])
  entries[i] = nil
end

local first = reserve_tickets(host, h[7], #entries, now, 'gap', gap)
for i, entry in ipairs(entries) do
  taken[#taken + 1] = name_ticket(bands[i], first + i - 1)
  taken[#taken + 1] = entry
end
redis.call('HSET', FLIGHT(host), unpack(taken, 4))
count('waiting', -#entries)
count('flight', #entries)
return taken
