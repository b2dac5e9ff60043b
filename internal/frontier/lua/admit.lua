-- admit: adds URLs that were never seen to the queues of their hosts, and makes idle hosts due.
-- KEYS[1]  the shard's base
-- ARGV     for each of several calls: the number of its groups, then for each group, which is a
--          host and band: host, band, number of URLs, and for each URL: fingerprint, packed entry
-- Returns  for each call, how many of its URLs were new

-- enqueue appends new entries to a queue, and returns whether they are the host's first. If others
-- already wait there, the host is awake.
local function enqueue(host, band, entries)
  local waiting = redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  if waiting == #entries then return wake(host, band, band == BAND_URGENT, #entries) end
  return redis.call('HINCRBY', HOST(host), 'seen', #entries) == #entries
end

local total, hosts, at = 0, 0, 1

-- admit_group admits the group that begins at ARGV[at], and returns how many of its URLs were new.
local function admit_group()
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local fresh, behind = {}, at + 3 + 2 * urls
  for i = at + 3, behind - 1, 2 do
    if see(ARGV[i]) then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if #fresh > 0 and enqueue(host, band, fresh) then hosts = hosts + 1 end
  at = behind
  return #fresh
end

local answer = {}
gather_due()
while at <= #ARGV do
  local groups, fresh = tonumber(ARGV[at]), 0
  at = at + 1
  for _ = 1, groups do fresh = fresh + admit_group() end
  answer[#answer + 1] = fresh
  total = total + fresh
end
write_due()
count('waiting', total)
count('hosts', hosts)
grow(total)
return answer
