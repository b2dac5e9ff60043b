-- admit: adds URLs that were never seen to the queues of their hosts, and makes idle hosts due.
-- KEYS[1]  the shard's base
-- ARGV     for each host and band: host, band, number of URLs, and for each URL: fingerprint,
--          packed entry
-- Returns  how many URLs were new

-- enqueue appends new entries to a queue. If others already wait there, the host is awake.
local function enqueue(host, band, entries)
  if redis.call('HINCRBY', HOST(host), 'seen', #entries) == #entries then count('hosts', 1) end
  local waiting = redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  if waiting == #entries then wake(host, band == BAND_URGENT) end
end

local total, at = 0, 1
while at <= #ARGV do
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local fresh, behind = {}, at + 3 + 2 * urls
  for i = at + 3, behind - 1, 2 do
    if see(ARGV[i]) then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if #fresh > 0 then enqueue(host, band, fresh) end
  total, at = total + #fresh, behind
end
count('waiting', total)
grow(total)
return total
