-- admit: adds URLs that were never seen to the queues of their hosts, and makes idle hosts due.
-- KEYS[1]  the shard's base
-- ARGV     for each host and band: host, band, number of URLs, and for each URL: fingerprint,
--          packed entry
-- Returns  how many URLs were new

-- enqueue appends new entries to a queue, and returns whether they are the host's first. If others
-- already wait there, the host is awake.
local function enqueue(host, band, entries)
  local waiting = redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  if waiting == #entries then return wake(host, band == BAND_URGENT, #entries) end
  return redis.call('HINCRBY', HOST(host), 'seen', #entries) == #entries
end

local total, hosts, at = 0, 0, 1
while at <= #ARGV do
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local fresh, behind = {}, at + 3 + 2 * urls
  for i = at + 3, behind - 1, 2 do
    if see(ARGV[i]) then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if #fresh > 0 and enqueue(host, band, fresh) then hosts = hosts + 1 end
  total, at = total + #fresh, behind
end
count('waiting', total)
count('hosts', hosts)
grow(total)
return total
